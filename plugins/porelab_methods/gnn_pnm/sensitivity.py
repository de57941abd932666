"""Where K is decided: d ln K / d ln g of every throat, of its width, and of every size of the network together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import AXES, Column, Network, Table
from porelab_gui.core.transport.pnm.kinds import FLOW
from porelab_gui.core.transport.pnm.refuse import RefusedNetwork
from porelab_gui.core.transport.pnm.system import PnmSystem
from porelab_methods.gnn_pnm.apply import Model
from porelab_methods.gnn_pnm.features import Graph, graph_of, unit_of
from porelab_methods.gnn_pnm.systems import system_of

Floats = NDArray[np.float64]
STEP = 0.02  # of ln size, for the central difference
# what is scaled together: a throat that widens keeps its shape
SIZES: dict[str, dict[str, tuple[str, ...]]] = {
    "throat width": {"throat": ("inscribed_diameter", "equivalent_diameter", "perimeter")},
    "throat inscribed diameter alone": {"throat": ("inscribed_diameter",)},
    "throat perimeter alone": {"throat": ("perimeter",)},
    "length through throats": {"throat": ("total_length",)},
    "pore inscribed diameter": {"pore": ("inscribed_diameter",)},
    "pore equivalent diameter": {"pore": ("equivalent_diameter",)},
    "pore extended diameter": {"pore": ("extended_diameter",)},
    "pore surface area": {"pore": ("surface_area",)},
}


@dataclass(frozen=True)
class AxisSensitivity:
    """One axis: ``k`` [m2], ``share`` (Nt,) d ln K / d ln g, ``width`` (Nt,) d ln K / d ln width of one throat,
    ``sizes`` d ln K / d ln of a size of all pores or throats."""

    axis: str
    k: float
    share: Floats
    width: Floats
    sizes: dict[str, float]


def sensitivities(network: Network, model: Model, axes: Sequence[str]) -> list[AxisSensitivity]:
    """Along every axis that the network spans; InputError when it spans none."""
    unit = unit_of(network)
    graph = graph_of(network, model.variant, unit)
    steepness = _steepness(network, model, unit)
    found = []
    for axis in axes:
        try:
            system = system_of(network, axis, FLOW, unit)
        except RefusedNetwork:
            continue
        found.append(_one(network, model, graph, system, axis, steepness))
    if not found:
        raise InputError(
            "the network spans along none of the axes, so nothing flows and nothing decides the flow",
            where=network.name or None,
            remedy="Take a larger image, or check the segmentation.",
        )
    return found


def _one(
    network: Network, model: Model, graph: Graph, system: PnmSystem, axis: str, steepness: Floats
) -> AxisSensitivity:
    g = model.factors(graph)[0][:, 0] / graph.unit**3
    solution = system.solve(g)
    share = solution.shares[: network.n_throats]
    sizes = {name: _elasticity(network, model, graph.unit, system, name) for name in SIZES if _has(network, name)}
    return AxisSensitivity(axis, solution.value * graph.unit**2, share, share * steepness, sizes)


def _has(network: Network, name: str) -> bool:
    columns = {"pore": network.pores, "throat": network.throats}
    return all(key in columns[kind] for kind, keys in SIZES[name].items() for key in keys)


def scaled(network: Network, name: str, factor: float) -> Network:
    """The network with one size of all its pores or throats multiplied."""

    def grown(columns: dict[str, Column], keys: tuple[str, ...]) -> dict[str, Column]:
        return {k: replace(c, values=c.values * factor) if k in keys else c for k, c in columns.items()}

    change = SIZES[name]
    return replace(
        network,
        pores=grown(dict(network.pores), change.get("pore", ())),
        throats=grown(dict(network.throats), change.get("throat", ())),
    )


def _log_g(network: Network, model: Model, unit: float) -> Floats:
    return np.log(model.factors(graph_of(network, model.variant, unit))[0][:, 0])


def _steepness(network: Network, model: Model, unit: float) -> Floats:
    """d ln g / d ln width of every throat: each depends on its own width only, so that all can be widened at once."""
    name = "throat width" if _has(network, "throat width") else "throat inscribed diameter alone"
    up, down = (_log_g(scaled(network, name, np.exp(s)), model, unit) for s in (STEP, -STEP))
    return (up - down) / (2 * STEP)


def _elasticity(network: Network, model: Model, unit: float, system: PnmSystem, name: str) -> float:
    """d ln K / d ln of one size of all pores or throats, the unit of length held."""
    values = []
    for step in (STEP, -STEP):
        g = np.exp(_log_g(scaled(network, name, np.exp(step)), model, unit)) / unit**3
        values.append(np.log(system.solve(g).value))
    return float(values[0] - values[1]) / (2 * STEP)


def with_columns(network: Network, found: Sequence[AxisSensitivity]) -> Network:
    """Throat columns ``dissipation_share.<axis>`` and ``width_sensitivity.<axis>``."""
    made = {}
    for one in found:
        made[f"dissipation_share.{one.axis}"] = Column(
            one.share, "1", f"share of the dissipation along {one.axis}, d ln K / d ln g", {"law": "gnn"}
        )
        made[f"width_sensitivity.{one.axis}"] = Column(
            one.width, "1", f"d ln K / d ln width of the throat, along {one.axis}", {"law": "gnn"}
        )
    return network.with_throats(made)


def table(network: Network, found: Sequence[AxisSensitivity]) -> Table:
    """One row per size: what one per cent more of it does to K along each axis."""
    names = ["conductance of all throats", *found[0].sizes]
    columns = {"size": Column(np.array(names))}
    for one in found:
        values = [float(one.share.sum()), *(one.sizes[n] for n in names[1:])]
        columns[f"dlnK_dln.{one.axis}"] = Column(np.array(values), "1", f"d ln K / d ln size along {one.axis}")
    notes = [
        f"Along {one.axis} half of the dissipation is in {_half(one.share)} of {network.n_throats} throats."
        for one in found
    ]
    shut = [a for a in AXES if a not in {one.axis for one in found}]
    notes += [f"The network does not span {a}." for a in shut]
    return Table(columns, tuple(notes), name="sensitivity of K", source=network.name)


def _half(share: Floats) -> int:
    """How many throats hold half of the dissipation."""
    order = np.sort(share)[::-1]
    return int(np.searchsorted(np.cumsum(order), 0.5 * order.sum()) + 1)
