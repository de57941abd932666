"""Drainage and relative permeability against closed forms, OpenPNM's own drainage, and their limits."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Labels, Network
from porelab_gui.core.registry import get
from porelab_gui.core.transport.multiphase.invasion import face_pores, invade
from porelab_gui.core.transport.representative import RepresentativeParams, edges


def network(n=6, seed=0):
    """A cubic network of n^3 pores with random sizes, in SI."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3)
    index = np.arange(n**3).reshape(n, n, n)
    conns = np.concatenate(
        [np.column_stack([a.ravel(), b.ravel()]) for a, b in
         ((index[:-1], index[1:]), (index[:, :-1], index[:, 1:]), (index[:, :, :-1], index[:, :, 1:]))]
    )  # fmt: skip
    d = rng.uniform(8e-6, 16e-6, len(grid))
    throat = rng.uniform(2e-6, 8e-6, len(conns))
    faces = {f"face_{a}{e}": Column(grid[:, k] == e * (n - 1)) for k, a in enumerate("zyx") for e in (0, 1)}
    g = Column(np.pi * throat**4 / (128 * 1e-3 * 20e-6), "m3/(Pa s)", "", {"law": "cylinder", "viscosity": 1e-3})
    pores = {
        "inscribed_diameter": Column(d, "m"),
        "equivalent_diameter": Column(d, "m"),
        "volume": Column(d**3, "m3"),
        **faces,
    }
    throats = {"inscribed_diameter": Column(throat, "m"), "g_hydraulic.cylinder": g}
    size = (n * 20e-6,) * 3
    return Network((grid + 0.5) * 20e-6, conns, pores, throats, size=size, voxel_size=1e-6, porosity=0.3)


def test_a_chain_is_drained_at_the_pressure_of_its_narrowest_throat_so_far():
    d = np.array([6e-6, 3e-6, 5e-6])
    ends = np.arange(4)
    faces = {f"face_{a}{e}": Column((ends == 3 * e) & (a == "z")) for a in "zyx" for e in (0, 1)}
    pores = {"inscribed_diameter": Column(np.full(4, 1e-5)), "volume": Column(np.ones(4)), **faces}
    coords = np.column_stack([ends * 1e-5, np.zeros(4), np.zeros(4)])
    chain = Network(coords, np.column_stack([ends[:-1], ends[1:]]), pores, {"inscribed_diameter": Column(d)},
                    size=(5e-5, 1e-5, 1e-5))  # fmt: skip
    table = get("drainage")({"network": chain}, {"inlet": "z0", "fluids": "mercury_air"})["drainage"]
    washburn = -4 * 0.48 * np.cos(np.deg2rad(140)) / np.array([1e-5, 6e-6, 3e-6])
    assert np.allclose(table["capillary_pressure"], washburn, rtol=1e-12)
    assert np.allclose(table["saturation"], [0.25, 0.5, 1.0])
    oil = get("drainage")({"network": chain}, {"inlet": "z0", "fluids": "oil_brine"})["drainage"]
    ratio = 0.03 * np.cos(np.deg2rad(150)) / (0.48 * np.cos(np.deg2rad(140)))
    assert np.allclose(oil["capillary_pressure"], ratio * washburn)


def test_the_curve_is_that_of_openpnm_drainage():
    import openpnm

    made = network()
    found = invade(made, 0.48, 140.0, "z0")
    inlets = np.flatnonzero(face_pores(made, "z0"))
    conns = np.vstack([made.conns, np.column_stack([inlets, np.full(len(inlets), made.n_pores)])])
    net = openpnm.network.Network(coords=np.vstack([made.coords, -np.ones((1, 3))]), conns=conns)
    d = np.concatenate([made.throat("inscribed_diameter"), made.pore("inscribed_diameter")[inlets]])
    phase = openpnm.phase.Phase(network=net)
    phase["throat.entry_pressure"] = -4 * 0.48 * np.cos(np.deg2rad(140)) / d
    theirs = openpnm.algorithms.Drainage(network=net, phase=phase)
    theirs.set_inlet_BC(pores=[made.n_pores])
    pressures = np.unique(phase["throat.entry_pressure"]) * (1 + 1e-9)
    theirs.run(pressures)
    assert np.allclose(found.pore_pressure, theirs["pore.invasion_pressure"][:-1], rtol=1e-6)


def test_what_is_cut_off_stays_and_needs_one_inlet():
    free, trapped = (invade(network(), 0.48, 140.0, "z0", t) for t in (False, True))
    assert np.isfinite(free.pore_sequence).all() and not np.isfinite(trapped.pore_sequence).all()
    with pytest.raises(InputError, match="one inlet face"):
        invade(network(), 0.48, 140.0, "all", True)


def test_relative_permeability_keeps_its_limits():
    trapped = get("relative_permeability")({"network": network()}, {"points": 5})["relative_permeability"]
    assert trapped["wetting_saturation"][-1] > 0 and 0 < trapped["kr_nonwetting"][-1] < 1, "oil breaks through"
    table = get("relative_permeability")({"network": network()}, {"points": 8, "trapping": False})
    table = table["relative_permeability"]
    oil, brine, water = table["kr_nonwetting"], table["kr_wetting"], table["wetting_saturation"]
    assert water[0] == 1 and brine[0] == pytest.approx(1, rel=1e-9) and oil[0] == 0
    assert water[-1] == pytest.approx(0, abs=1e-9) and oil[-1] == pytest.approx(1, rel=1e-9) and brine[-1] == 0
    assert (np.diff(oil) >= -1e-12).all() and (np.diff(brine) <= 1e-12).all()
    assert (oil + brine <= 1 + 1e-9).all() and np.all(np.diff(table["capillary_pressure"]) >= 0)


def test_samples_grow_to_the_whole_image_and_repeat_exactly():
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(0).random((32, 32, 32)), 2)
    labels = Labels(np.uint8(noise > np.quantile(noise, 0.5)), (2e-6,) * 3)
    params = {"smallest": 0.6, "sizes": 2, "samples": 2}
    first, again = (get("representative_volume")({"labels": labels}, params)["representative_volume"] for _ in "ab")
    assert first.content_hash == again.content_hash
    assert list(first["samples"]) == [2, 1] and first["edge"][-1] == pytest.approx(64e-6)
    assert first["porosity_mean"][-1] == pytest.approx(labels.porosity()) and first["K_m2_mean"][-1] > 0
    with pytest.raises(InputError, match="fewer than 10"):
        edges((32, 32, 32), RepresentativeParams(smallest=0.1))
    net = get("conductance_analytic")({"network": get("extract_network")({"labels": labels}, {})["network"]}, {})
    inputs = {"network": net["network"], "labels": labels}
    table = get("effective_properties")(inputs, {"axes": ("z",)})["effective_properties"]
    assert table["tau_voxel"][0] == pytest.approx(labels.porosity() * table["F_voxel"][0])
    assert 0.2 < table["F_ratio"][0] < 5
