"""The Method ``relative_permeability``: both fluids' share of the permeability during slow drainage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Inputs, Method, Outputs, Port, param
from porelab_gui.core.network.clean import drop_isolated
from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.methods import Axis, Boundary
from porelab_gui.core.transport.multiphase.drainage import SOURCES
from porelab_gui.core.transport.multiphase.fluids import FluidParams, Pair, tension_and_angle
from porelab_gui.core.transport.multiphase.invasion import Invasion, invade
from porelab_gui.core.transport.pnm.solve import solve_flow


class RelativeParams(FluidParams):
    """Fluids, axis, and how finely the saturation is stepped."""

    fluids: Pair = param(
        "oil_brine",
        "Oil into brine (30 mN/m, 150° through the oil), mercury_air (480 mN/m, 140°), or custom.",
    )
    axis: Axis = param("z", "Axis of invasion and of both flows.")
    points: int = param(21, "How many saturations, from none to all.", unit="1", ge=3, le=200)
    trapping: bool = param(True, "What is cut off from the outlet stays.")
    law: str = param("", "Hydraulic conductance; empty for the network's first.", choices_from="throat")
    boundary: Boundary = param("reservoirs", "Where the faces are held.")


def part_of(network: Network, pores: NDArray[np.bool_], throats: NDArray[np.bool_]) -> Network:
    """The network of some pores and, of the throats between them, those marked."""
    columns = {k: replace(c, values=c.values[throats]) for k, c in network.throats.items()}
    return replace(network, conns=network.conns[throats], throats=columns).keep(pores)


def permeability(network: Network, params: RelativeParams) -> float:
    """K [m2] along the axis; 0 where the faces are not joined."""
    if not network.n_throats:
        return 0.0
    try:
        joined = drop_isolated(network, params.axis)
    except InputError:
        return 0.0
    _, table = solve_flow(joined, params.law, axes=(params.axis,), boundary=params.boundary)
    return float(table["K_m2"][0])


def run(inputs: Inputs, params: RelativeParams, progress: Progress) -> Outputs:
    """kr of both fluids at stops of the invasion."""
    network: Network = inputs["network"]
    tension, angle = tension_and_angle(params)
    found = invade(network, tension, angle, f"{params.axis}0", params.trapping)
    whole = permeability(network, params)
    if not whole > 0:
        raise InputError(
            f"the network does not join the faces along {params.axis}", where=network.name or None,
            remedy="Choose another axis.",
        )  # fmt: skip
    volume = np.asarray(network.pore("volume"), float)
    rows = []
    for k, stop in enumerate(_stops(found, volume, params.points)):
        progress(k, params.points, "saturation")
        taken, passed = found.pore_sequence <= stop, found.throat_sequence <= stop
        oil = permeability(part_of(network, taken, passed), params) / whole
        brine = permeability(part_of(network, ~taken, ~passed), params) / whole
        pressure = found.pore_pressure[taken].max() if taken.any() else 0.0
        rows.append((1.0 - volume[taken].sum() / volume.sum(), oil, brine, pressure))
    values = np.array(rows)
    meta = {"law": params.law, "boundary": params.boundary, "axis": params.axis, "trapping": params.trapping}
    table = Table(
        {
            "wetting_saturation": Column(values[:, 0], "1", "saturation of the wetting fluid", meta),
            "kr_nonwetting": Column(values[:, 1], "1", "relative permeability of the invading fluid", meta),
            "kr_wetting": Column(values[:, 2], "1", "relative permeability of the wetting fluid", meta),
            "capillary_pressure": Column(values[:, 3], "Pa", "capillary pressure", meta),
        },
        (
            f"K along {params.axis} is {whole:.4g} m2; faces held at {params.boundary}; {params.fluids}.",
            "A pore or throat holds one fluid; without films in corners the wetting fluid is cut off early.",
        ),
    )
    return {"relative_permeability": table}


def _stops(found: Invasion, volume: NDArray[np.float64], points: int) -> list[float]:
    """Numbers in the sequence at which about equal shares of the volume have been invaded, from none to all."""
    order = np.argsort(found.pore_sequence, kind="stable")
    order = order[np.isfinite(found.pore_sequence[order])]
    share = np.cumsum(volume[order])
    targets = np.linspace(0.0, share[-1], points)[1:-1]
    picked = found.pore_sequence[order][np.searchsorted(share, targets)]
    last = max(s[np.isfinite(s)].max(initial=0.0) for s in (found.pore_sequence, found.throat_sequence))
    return [-1.0, *picked.tolist(), float(last)]


relative_permeability = Method(
    name="relative_permeability",
    title="Relative permeability",
    summary="Relative permeability of both fluids over saturation, at stops of a slow drainage along one axis.",
    step="Transport",
    citation=SOURCES,
    params=RelativeParams,
    inputs={"network": Port(Network, "Extract a pore network and compute its conductances first.")},
    outputs={"relative_permeability": Table},
    function=run,
)
