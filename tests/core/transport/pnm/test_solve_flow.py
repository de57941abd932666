"""What a solve promises: conservation, shares that sum to 1, closed forms, and refusals in place of wrong numbers."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from pnm_cases import chain, cubic_network, faces_of, with_conductance

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Network
from porelab_gui.core.registry import get
from porelab_gui.core.transport.pnm.refuse import RefusedNetwork


def flow(network, **params):
    return get("solve_flow")({"network": network}, params)


@pytest.mark.parametrize("boundary", ["reservoirs", "centres"])
def test_flows_balance_and_shares_sum_to_one(boundary):
    out = flow(cubic_network(keep=0.6, seed=5), boundary=boundary, pressure_drop=2e5)
    network, table = out["network"], out["table"]
    assert table["flow_in"] == pytest.approx(table["flow_out"], rel=1e-10)
    assert (table["residual"] < 1e-10).all()
    for row, axis in enumerate("zyx"):
        shares = network.throat(f"dissipation_share.{axis}")
        assert (shares >= 0).all()
        assert shares.sum() + table["face_share"][row] == pytest.approx(1, abs=1e-10)
        pressure = network.pore(f"pressure.{axis}")
        known = np.isfinite(pressure)
        assert pressure[known].min() >= -1e-6 and pressure[known].max() <= 2e5 * (1 + 1e-12)
        q = network.throat(f"flow.{axis}")
        gone, come = (np.bincount(network.conns[:, k], q, network.n_pores) for k in (0, 1))
        inner = ~(network.pore(f"face_{axis}0") | network.pore(f"face_{axis}1"))
        assert np.abs((gone - come)[inner]).max() <= 1e-10 * table["flow_in"][row]
    if boundary == "centres":
        assert (table["face_share"] == 0).all()


def test_a_chain_is_a_sum_of_resistances():
    """K of pores in a row: mu L / A over the sum of 1/g, the half conduits to the faces included."""
    g = np.array([1e-13, 3e-13, 2e-14])
    network = chain(g)
    spacing = 1e-4
    half = np.pi * (spacing / 2) ** 4 / (128 * 1e-3 * spacing / 2)
    length, area = 4 * spacing, spacing**2
    for boundary, ends in (("reservoirs", 2 / half), ("centres", 0.0)):
        table = flow(network, boundary=boundary, axes=["z"])["table"]
        assert table["K_m2"][0] == pytest.approx(1e-3 * length / area / ((1 / g).sum() + ends), rel=1e-10)
        assert table["tau"][0] == pytest.approx(1.0, rel=1e-9)


def test_the_drop_scales_fields_but_not_the_permeability():
    network = cubic_network()
    one, many = flow(network), flow(network, pressure_drop=7e3)
    assert many["table"]["K_m2"] == pytest.approx(one["table"]["K_m2"], rel=1e-12)
    assert many["table"]["flow_in"] == pytest.approx(7e3 * one["table"]["flow_in"], rel=1e-12)
    assert many["network"].pore("pressure.y") == pytest.approx(7e3 * one["network"].pore("pressure.y"), rel=1e-9)


def test_boundary_pores_are_the_reservoirs():
    """A network with its own boundary pores is held there; with pore centres at the faces they are left out."""
    inner = chain([2e-13, 2e-13])
    spacing = 1e-4
    coords = np.r_[inner.coords, [[0, spacing / 2, spacing / 2], [3 * spacing, spacing / 2, spacing / 2]]]
    conns = np.r_[inner.conns, [[3, 0], [2, 4]]]
    pores = {k: np.r_[c.values, c.values[[0, -1]]] for k, c in inner.pores.items()}
    pores["boundary"] = np.array([False, False, False, True, True])
    for key, near in faces_of(coords, inner.size, 6e-5).items():
        pores[key] = np.where(pores["boundary"], near, pores[key])
    column = Column([2e-13, 2e-13, 4e-13, 4e-13], meta={"viscosity": 1e-3})
    network = Network(coords, conns, pores=pores, throats={"g_hydraulic.test": column}, size=inner.size)
    area, length = spacing**2, 3 * spacing
    held = flow(network, axes=["z"])["table"]
    assert held["K_m2"][0] == pytest.approx(1e-3 * length / area / (2 / 2e-13 + 2 / 4e-13), rel=1e-10)
    centres = flow(network, axes=["z"], boundary="centres")["table"]
    assert centres["K_m2"][0] == pytest.approx(1e-3 * length / area / (2 / 2e-13), rel=1e-10)
    assert any("boundary pores are left out" in n for n in centres.notes)


def test_an_axis_that_is_not_spanned_has_no_permeability_and_says_so():
    network = chain([1e-13, 0.0, 1e-13])
    out = flow(network, axes=["z"])
    assert np.isnan(out["table"]["K_m2"][0])
    assert any("no path of throats joins inlet and outlet" in n for n in out["table"].notes)
    assert any("zero conductance" in n for n in out["table"].notes)
    missing = network.with_pores(face_z0=Column(np.zeros(4, bool)))
    table = flow(missing, axes=["z"])["table"]
    assert np.isnan(table["K_m2"][0]) and any("no pore touches the face z0" in n for n in table.notes)


def test_one_axis_without_path_leaves_the_others():
    network = cubic_network()
    cut = network.throat("g_hydraulic.test").copy()
    z = network.coords[:, 0]
    middle = (z[network.conns].min(axis=1) < 3e-4) & (z[network.conns].max(axis=1) > 3e-4)
    cut[middle] = 0
    table = flow(with_conductance(network, cut))["table"]
    assert np.isnan(table["K_m2"][0]) and np.isfinite(table["K_m2"][1:]).all()


def test_isolated_clusters_are_left_out_with_a_note():
    network = cubic_network()
    alone = Network(
        np.r_[network.coords, network.coords[:3] + 1e-6],
        np.r_[network.conns, [[336, 337], [337, 338]]],
        pores={k: np.r_[c.values, c.values[:3] * 0] for k, c in network.pores.items()},
        throats={k: Column(np.r_[c.values, 1e-13, 1e-13], meta=c.meta) for k, c in network.throats.items()},
        size=network.size,
    )
    a, b = flow(network), flow(alone)
    assert b["table"]["K_m2"] == pytest.approx(a["table"]["K_m2"], rel=1e-10)
    assert np.isnan(b["network"].pore("pressure.z")[336:]).all()
    assert any("3 pores are joined to neither face" in n for n in b["table"].notes)


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinite"), (-1e-13, "negative")])
def test_impossible_conductances_are_refused_naming_throats_and_pores(value, word):
    network = cubic_network()
    g = network.throat("g_hydraulic.test").copy()
    g[[4, 9]] = value
    with pytest.raises(RefusedNetwork, match=rf"{word}.*throats 4, 9") as caught:
        flow(with_conductance(network, g))
    assert set(caught.value.pores) == set(network.conns[[4, 9]].ravel())
    assert copy.copy(caught.value).pores == caught.value.pores


def test_self_loops_and_double_throats():
    """A loop carries nothing; two throats between the same pores conduct together; both are said."""
    plain = chain([1e-13, 3e-13, 2e-13])
    conns = np.r_[plain.conns, [[1, 1], [2, 1]]]
    column = Column([1e-13, 1e-13, 2e-13, 5.0, 2e-13], meta={"viscosity": 1e-3})
    odd = replace(plain, conns=conns, throats={"g_hydraulic.test": column})
    a, b = flow(plain, axes=["z"])["table"], flow(odd, axes=["z"])
    assert b["table"]["K_m2"][0] == pytest.approx(a["K_m2"][0], rel=1e-10)
    assert b["network"].throat("flow.z")[3] == 0
    notes = " ".join(b["table"].notes)
    assert "join a pore to itself" in notes and "more than one throat (1-2)" in notes


def test_a_pore_at_both_faces_short_circuits_only_by_its_centre():
    network = chain([1e-13])
    both = network.with_pores(face_z1=Column(np.array([True, True])))
    assert np.isfinite(flow(both, axes=["z"])["table"]["K_m2"][0])
    table = flow(both, axes=["z"], boundary="centres")["table"]
    assert np.isnan(table["K_m2"][0]) and any("touch both faces" in n and "pores 0" in n for n in table.notes)


def test_missing_size_fluid_or_law_are_refused():
    network = cubic_network()
    with pytest.raises(InputError, match="size of the sample"):
        flow(replace(network, size=(0.0, 0.0, 0.0)))
    with pytest.raises(InputError, match="viscosity"):
        flow(network.with_throats({"g_hydraulic.test": Column(np.ones(network.n_throats))}))
    with pytest.raises(InputError, match=r"no flow conductance 'cnn' \(it has g_hydraulic\.test\)"):
        flow(network, law="cnn")


def dense_total(network, g, axis="z"):
    """Total conductance in 80-digit arithmetic, pore centres held."""
    from mpmath import lu_solve, matrix, mp, mpf

    mp.dps = 80
    low, high = network.pore(f"face_{axis}0"), network.pore(f"face_{axis}1")
    free = np.flatnonzero(~(low | high))
    row = {int(p): i for i, p in enumerate(free)}
    a, b = matrix(len(free), len(free)), matrix(len(free), 1)
    for (i, j), value in zip(network.conns, g, strict=True):
        for p, q in ((int(i), int(j)), (int(j), int(i))):
            if p in row:
                a[row[p], row[p]] += mpf(float(value))
                if q in row:
                    a[row[p], row[q]] -= mpf(float(value))
                elif low[q]:
                    b[row[p]] += mpf(float(value))
    x = lu_solve(a, b)
    level = {int(p): mpf(int(low[p])) for p in np.flatnonzero(low | high)} | {p: x[i] for p, i in row.items()}
    return sum(mpf(float(v)) * (level[int(i)] - level[int(j)]) ** 2 for (i, j), v in zip(network.conns, g, strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_twenty_decades_are_right(seed):
    """Against 80-digit arithmetic: rigid joints keep K right where double precision alone would not."""
    network = cubic_network(seed=seed, shape=(4, 4, 4), keep=0.9)
    rng = np.random.default_rng(seed)
    g = 10 ** rng.uniform(-24, -4, network.n_throats)
    if seed % 2:  # a slope: neighbours differ little, the ends by twenty decades
        g = 10 ** (-20 * network.coords[network.conns].mean(axis=1)[:, 1] / 4e-4 + rng.normal(size=len(g)) - 4)
    table = flow(with_conductance(network, g), axes=["z"], boundary="centres")["table"]
    exact = float(dense_total(network, g))
    assert table["flow_in"][0] == pytest.approx(exact, rel=2e-8)
    assert table["flow_out"][0] == pytest.approx(exact, rel=2e-8)
    assert table["K_m2"][0] == pytest.approx(exact * 1.3e-3 / 4e-4, rel=1e-8)


def test_a_rigid_pair_between_weak_throats():
    """1e20 between two throats of 1: the matrix is singular in double precision, the answer is 1/2."""
    table = flow(chain([1e-20, 1.0, 1e-20]), axes=["z"], boundary="centres")["table"]
    assert any("no resistance" in n for n in table.notes)
    assert table["flow_out"][0] == pytest.approx(5e-21, rel=1e-9)


def test_a_descent_over_twenty_decades():
    """No throat dwarfs its neighbours, yet the first drop is 1e-20 of the whole."""
    g = 10.0 ** -np.arange(0, 21, 2)
    table = flow(chain(g), axes=["z"], boundary="centres")["table"]
    for key in ("flow_in", "flow_out"):
        assert table[key][0] == pytest.approx(1 / (1 / g).sum(), rel=1e-8)
