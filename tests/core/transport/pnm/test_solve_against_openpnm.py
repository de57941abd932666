"""K and F equal OpenPNM's own solver on the same conductances, under both boundary treatments."""

import numpy as np
import pytest
from pnm_cases import cubic_network

from porelab_gui.core.nouns import AXES
from porelab_gui.core.registry import get


def openpnm_total(coords, conns, g, inlet, outlet):
    """Flow per unit drop through a network whose inlet and outlet nodes are held."""
    import openpnm as op

    pn = op.network.Network(coords=coords, conns=conns)
    phase = op.phase.Phase(network=pn)
    phase["throat.hydraulic_conductance"] = g
    flow = op.algorithms.StokesFlow(network=pn, phase=phase)
    flow.set_value_BC(pores=np.flatnonzero(inlet), values=1.0)
    flow.set_value_BC(pores=np.flatnonzero(outlet), values=0.0)
    flow.run(solver=op.solvers.ScipySpsolve(), verbose=False)
    return abs(float(flow.rate(pores=np.flatnonzero(inlet))[0]))


def oracle(network, column, fluid, axis, boundary):
    """K [m2] or D_eff [m2/s] by OpenPNM; reservoirs become two more pores and the half conduits more throats."""
    k = AXES.index(axis)
    low, high = network.pore(f"face_{axis}0"), network.pore(f"face_{axis}1")
    coords, conns, g, n = network.coords, network.conns, network.throat(column), network.n_pores
    if boundary == "reservoirs":
        d = network.pore("inscribed_diameter")
        first, last = np.flatnonzero(low), np.flatnonzero(high)
        away = np.r_[coords[first, k], network.size[k] - coords[last, k]]
        wide = np.r_[d[first], d[last]]
        half = np.pi * wide**4 / (128 * fluid * away) if "hydraulic" in column else fluid * np.pi * wide**2 / (4 * away)
        conns = np.r_[conns, np.c_[first, np.full(len(first), n)], np.c_[last, np.full(len(last), n + 1)]]
        coords = np.r_[coords, -np.ones((1, 3)), 2 * np.ones((1, 3))]
        g = np.r_[g, half]
        low, high = np.arange(n + 2) == n, np.arange(n + 2) == n + 1
    length, volume = network.size[k], np.prod(network.size)
    total = openpnm_total(coords, conns, g, low, high)
    return total * length**2 / volume * (fluid if "hydraulic" in column else 1.0)


@pytest.mark.parametrize("boundary", ["reservoirs", "centres"])
def test_permeability(boundary):
    network = cubic_network()
    table = get("solve_flow")({"network": network}, {"law": "test", "boundary": boundary})["table"]
    for row, axis in enumerate("zyx"):
        assert table["axis"][row] == axis
        expected = oracle(network, "g_hydraulic.test", 1.3e-3, axis, boundary)
        assert table["K_m2"][row] == pytest.approx(expected, rel=1e-8)
        assert table["K_mD"][row] == pytest.approx(expected / 9.869233e-16, rel=1e-8)
        assert table["boundary"][row] == boundary and table["law"][row] == "test"


@pytest.mark.parametrize("boundary", ["reservoirs", "centres"])
def test_formation_factor(boundary):
    network = cubic_network(seed=2)
    table = get("solve_diffusion")({"network": network}, {"boundary": boundary})["table"]
    for row, axis in enumerate("zyx"):
        effective = oracle(network, "g_diffusive.test", 2e-9, axis, boundary)
        assert table["F"][row] == pytest.approx(2e-9 / effective, rel=1e-8)
        assert table["tau"][row] == pytest.approx(0.2 * 2e-9 / effective, rel=1e-8)


def test_compare_is_the_same_numbers_side_by_side():
    network = cubic_network(seed=3)
    table = get("compare_transport")({"network": network}, {})["table"]
    assert list(table["law"]) == ["test"] * 3 and list(table["axis"]) == ["z", "y", "x"]
    for way in ("reservoirs", "centres"):
        flow = get("solve_flow")({"network": network}, {"boundary": way})["table"]
        diffusion = get("solve_diffusion")({"network": network}, {"boundary": way})["table"]
        assert table[f"K_m2.{way}"] == pytest.approx(flow["K_m2"], rel=1e-12)
        assert table[f"F.{way}"] == pytest.approx(diffusion["F"], rel=1e-12)
    assert table["K_m2.difference"] == pytest.approx(table["K_m2.centres"] / table["K_m2.reservoirs"] - 1)
