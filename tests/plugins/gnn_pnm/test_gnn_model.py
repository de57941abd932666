"""The net: starts as the law, scales as lengths do, knows no first end, rises with every width, learns through K."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from porelab_methods.gnn_pnm.apply import Model
from porelab_methods.gnn_pnm.familiar import Familiar
from porelab_methods.gnn_pnm.features import graph_of, unit_of
from porelab_methods.gnn_pnm.model import Tensors, ThroatNet, build
from porelab_methods.gnn_pnm.sensitivity import scaled, sensitivities, table, with_columns
from porelab_methods.gnn_pnm.systems import KINDS, Batch, prepare, system_of
from porelab_methods.gnn_pnm.train import Recipe, loss_of, train_one

from porelab_gui.core.nouns import Column
from porelab_gui.core.transport.laws.assign import assign


def grown(network, factor):
    """The network with every length multiplied."""
    power = {"m": 1, "m2": 2, "m3": 3}

    def columns(given):
        return {k: replace(c, values=c.values * factor ** power[c.unit]) if c.unit in power else c
                for k, c in given.items()}  # fmt: skip

    return replace(
        network, coords=network.coords * factor, pores=columns(network.pores), throats=columns(network.throats),
        size=tuple(s * factor for s in network.size), voxel_size=network.voxel_size * factor,
    )  # fmt: skip


def model_of(net, network):
    return Model(net, Familiar.of([graph_of(network, net.variant)] * 2))


def test_doubling_all_lengths_multiplies_g_by_eight_exactly(network, wild):
    model = model_of(wild, network)
    small = model.factors(graph_of(network, wild.variant))[0]
    large = model.factors(graph_of(grown(network, 2.0), wild.variant))[0]
    assert np.array_equal(large[:, 0], 8 * small[:, 0])
    assert np.array_equal(large[:, 1], 2 * small[:, 1])


def test_a_fresh_net_is_the_analytic_law(network):
    net = ThroatNet("full")
    graph = graph_of(network, "full")
    with torch.no_grad():
        assert torch.count_nonzero(net(Tensors.of([graph]))) == 0
    law = assign(
        network, ["cones_and_cylinders"], viscosity=2e-3, diffusivity=3e-9, pore_diameter="equivalent",
        throat_diameter="inscribed", length="direct",
    )  # fmt: skip
    g = np.exp(graph.base) * [graph.unit**3 / 2e-3, graph.unit * 3e-9]
    assert np.allclose(g[:, 0], law.throat("g_hydraulic.cones_and_cylinders"), rtol=1e-12)
    assert np.allclose(g[:, 1], law.throat("g_diffusive.cones_and_cylinders"), rtol=1e-12)


def test_the_ends_of_a_throat_have_no_order(network, wild):
    turned = replace(network, conns=network.conns[:, ::-1])
    model = model_of(wild, network)
    one, two = (model.factors(graph_of(n, wild.variant))[0] for n in (network, turned))
    assert np.allclose(one, two, rtol=1e-4)


def test_a_wider_throat_never_lowers_any_g_nor_k(network, wild):
    model = model_of(wild, network)
    unit = unit_of(network)
    system = system_of(network, "z", KINDS[0], unit)
    plain = model.factors(graph_of(network, wild.variant))[0]
    before = system.solve(plain[:, 0] / unit**3).value
    rng = np.random.default_rng(0)
    for throat in rng.choice(network.n_throats, 12, replace=False):
        mask = np.arange(network.n_throats) == throat
        keys = ("inscribed_diameter", "equivalent_diameter", "perimeter")
        wide = network.with_throats(
            {k: replace(network.throats[k], values=network.throat(k) * np.where(mask, 1.3, 1)) for k in keys}
        )
        found = model.factors(graph_of(wide, wild.variant))[0]
        assert (found >= plain * (1 - 1e-6)).all()
        assert np.allclose(found[~mask], plain[~mask], rtol=1e-6)
        assert system.solve(found[:, 0] / unit**3).value >= before * (1 - 1e-9)


def test_sensitivities_are_shares_and_agree_with_finite_differences(network, wild):
    model = model_of(wild, network)
    found = sensitivities(network, model, ("z", "x"))
    assert [one.axis for one in found] == ["z", "x"]
    for one in found:
        assert one.share.sum() == pytest.approx(1, abs=1e-8)
        assert (one.share >= 0).all() and (one.width >= -1e-6).all()
        assert one.width.sum() == pytest.approx(next(iter(one.sizes.values())), rel=2e-2)
    name = "pore inscribed diameter"
    unit, step = unit_of(network), 0.02
    system = system_of(network, "z", KINDS[0], unit)
    k = [
        system.solve(
            model.factors(graph_of(scaled(network, name, np.exp(s)), wild.variant, unit))[0][:, 0] / unit**3
        ).value
        for s in (step, -step)
    ]
    assert found[0].sizes[name] == pytest.approx(np.log(k[0] / k[1]) / (2 * step), rel=1e-6)
    shown = with_columns(network, found)
    assert {"dissipation_share.z", "width_sensitivity.x"} <= set(shown.throats)
    rows = table(network, found)
    assert rows["size"][0] == "conductance of all throats" and rows["dlnK_dln.z"][0] == pytest.approx(1, abs=1e-8)


def test_the_gradient_of_the_loss_goes_through_the_solver(samples):
    torch.manual_seed(0)
    members = [prepare(s, "full") for s in samples[:2]]
    batch = Batch(members)
    net = ThroatNet("full", 8, 1, 8).double()
    loss = loss_of(Recipe())

    def value():
        ratio = net(
            Tensors(**{k: v.double() if v.is_floating_point() else v for k, v in batch.tensors.__dict__.items()})
        )
        return torch.nn.functional.huber_loss(batch.logs(ratio), batch.target)

    value().backward()
    weight = net.read[0].last.free.bias
    exact = float(weight.grad[0])
    with torch.no_grad():
        weight += 1e-4
        up = float(value())
        weight -= 2e-4
        down = float(value())
    assert exact == pytest.approx((up - down) / 2e-4, rel=1e-4)
    assert loss(ThroatNet("full"), batch).requires_grad


def test_training_on_k_alone_finds_the_conductances(samples, tmp_path):
    members = [prepare(s, "full") for s in samples]
    recipe = Recipe(width=8, rounds=1, hidden=8, epochs=12, batch=2, learning_rate=0.02, threads=1)
    net, run = train_one(members[:3], members[3:], recipe, 0, tmp_path)
    assert run.curves[-1]["median_error_K"] < 0.1 < 0.3 < run.curves[0]["median_error_K"] + 0.3
    assert run.curves[-1]["mass_residual"] < 1e-8
    with torch.no_grad():
        ratio = net(Tensors.of([members[3].graph])).exp().median(0).values
    assert float(ratio[0]) == pytest.approx(1.6, rel=0.15) and float(ratio[1]) == pytest.approx(1.2, rel=0.15)


def test_supervision_by_flows_and_by_simulated_conduits(samples):
    known = []
    for s in samples[:2]:
        graph = graph_of(s.network, "full")
        system = system_of(s.network, "z", KINDS[0], graph.unit)
        solution = system.solve(np.exp(graph.base[:, 0]))
        shares = s.shares.copy()
        shares[0] = solution.flow[: s.network.n_throats] / solution.total
        dns = Column(np.exp(graph.base[:, 0]) * graph.unit**3 / 1e-3 * 2, "m3/(Pa s)", meta={"viscosity": 1e-3})
        known.append(
            prepare(replace(s, shares=shares, network=s.network.with_throats({"g_hydraulic.dns": dns})), "full")
        )
    batch = Batch(known)
    nothing = torch.zeros(len(batch.tensors.conns), 2)
    assert float(batch.flow_gap(nothing)) < 1e-6  # the flows are those of the law itself
    assert float(batch.dns_gap(nothing)) == pytest.approx(np.log(2) ** 2, rel=1e-4)
    bent = torch.randn(nothing.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (batch.flow_gap(bent) + batch.dns_gap(bent)).backward()
    assert float(bent.grad.abs().sum()) > 0


def test_sizes_of_a_configuration_are_bounded():
    good = {"variant": "lean", "members": 1, "width": 8, "rounds": 1, "hidden": 8}
    assert build(good).variant == "lean"
    for wrong in ({"width": 10**6}, {"variant": "none"}):
        with pytest.raises(ValueError):
            build({**good, **wrong})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_training_on_a_device_gives_what_the_processor_gives(samples, tmp_path):
    members = [prepare(s, "full") for s in samples]
    net, run = train_one(members[:3], members[3:], Recipe(width=8, rounds=1, hidden=8, epochs=2), 0, tmp_path)
    assert np.isfinite(run.curves[-1]["loss"])
    tensors = Tensors.of([members[3].graph])
    with torch.no_grad():
        there = net.cuda()(tensors.to(torch.device("cuda"))).cpu()
        assert torch.allclose(there, net.cpu()(tensors), atol=1e-4)
