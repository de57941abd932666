"""Flow and diffusion through a network: columns for the viewer and one row per axis for the table."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.transport.pnm.axis import AxisResult, solve_axis
from porelab_gui.core.transport.pnm.kinds import DIFFUSION, FLOW, Kind, conductance_column
from porelab_gui.core.transport.pnm.notes import throat_notes
from porelab_gui.core.units import MILLIDARCY


def solve_flow(
    network: Network,
    law: str = "",
    *,
    axes: Iterable[str] = ("z", "y", "x"),
    boundary: str = "reservoirs",
    drop: float = 1.0,
    backend: str = "auto",
    progress: Progress = silent,
) -> tuple[Network, Table]:
    """Pressure field, flow and permeability under a pressure ``drop`` [Pa]; see ``_solve``."""
    return _solve(network, law, FLOW, tuple(axes), boundary, drop, backend, progress)


def solve_diffusion(
    network: Network,
    law: str = "",
    *,
    axes: Iterable[str] = ("z", "y", "x"),
    boundary: str = "reservoirs",
    drop: float = 1.0,
    backend: str = "auto",
    progress: Progress = silent,
) -> tuple[Network, Table]:
    """Concentration field, flux and formation factor under a concentration ``drop`` [mol/m3]; see ``_solve``."""
    return _solve(network, law, DIFFUSION, tuple(axes), boundary, drop, backend, progress)


def _solve(
    network: Network,
    law: str,
    kind: Kind,
    axes: tuple[str, ...],
    boundary: str,
    drop: float,
    backend: str,
    progress: Progress,
) -> tuple[Network, Table]:
    """(network with result columns, table with one row per axis).

    Pore columns ``pressure.<axis>`` or ``concentration.<axis>`` (``drop`` at the inlet, 0 at the outlet, NaN where
    cut off), ``face_dissipation_share.<axis>``; throat columns ``flow.<axis>`` (positive from first to second pore) and
    ``dissipation_share.<axis>`` = d ln K / d ln g; for diffusion ``flux`` and ``diffusion_share``.
    Raises RefusedNetwork for NaN, infinite or negative conductances,
    NotConverged when a solve misses its residual.
    """
    key, column, fluid = conductance_column(network, law, kind)
    results = []
    for done, axis in enumerate(axes):
        progress(done, len(axes), f"{kind.verb} along {axis}")
        results.append(solve_axis(network, key, axis, boundary, kind, backend))
    progress(len(axes), len(axes), "done")
    name = str(column.meta.get("law", key.removeprefix(kind.prefix + ".")))
    notes = (*throat_notes(network, column.values), *dict.fromkeys(n for r in results for n in r.notes))
    table = _table(network, results, kind, name, boundary, drop, fluid, notes)
    return _with_columns(network, results, kind, name, boundary, drop), table


def _with_columns(
    network: Network, results: list[AxisResult], kind: Kind, law: str, boundary: str, drop: float
) -> Network:
    pores, throats = {}, {}
    meta = {"law": law, "boundary": boundary, "drop": drop}
    for r in results:
        pores[f"{kind.potential}.{r.axis}"] = Column(
            r.potential * drop, kind.potential_unit, f"{kind.potential} along {r.axis}", meta
        )
        pores[f"face_{kind.share}.{r.axis}"] = Column(r.face_shares, "1", f"dissipation at the faces, {r.axis}", meta)
        throats[f"{kind.flow}.{r.axis}"] = Column(r.flow * drop, kind.flow_unit, f"{kind.verb} along {r.axis}", meta)
        throats[f"{kind.share}.{r.axis}"] = Column(
            r.shares, "1", f"share of the dissipation along {r.axis}, d ln K / d ln g", meta
        )
    return network.with_throats(throats).with_pores(**pores)


def _table(
    network: Network,
    results: list[AxisResult],
    kind: Kind,
    law: str,
    boundary: str,
    drop: float,
    fluid: float,
    notes: tuple[str, ...],
) -> Table:
    def numbers(field: str, factor: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([getattr(r, field) for r in results], float) * factor

    columns = {"axis": Column(np.array([r.axis for r in results]))}
    columns |= _permeability(results) if kind is FLOW else _formation(network, results, fluid)
    columns |= {
        "law": Column(np.array([law] * len(results))),
        "boundary": Column(np.array([boundary] * len(results))),
        f"{kind.potential}_drop": Column(np.full(len(results), drop), kind.potential_unit),
        "flow_in": Column(numbers("flow_in", drop), kind.flow_unit, "flow into the sample"),
        "flow_out": Column(numbers("flow_out", drop), kind.flow_unit, "flow out of the sample"),
        "residual": Column(numbers("residual"), "1", "relative residual of the solve"),
        "face_share": Column(
            np.array([r.face_shares.sum() for r in results]), "1", "share of the dissipation from face to pore centre"
        ),
        "pores": Column(np.array([r.pores for r in results]), "1", "pores joined to a face"),
        "solver": Column(np.array([r.solver for r in results])),
    }
    return Table(columns, notes, name=f"{kind.verb} by {law}", source=network.name)


def _permeability(results: list[AxisResult]) -> dict[str, Column]:
    k = np.array([r.value for r in results])
    return {
        "K_m2": Column(k, "m2", "permeability"),
        "K_mD": Column(k / MILLIDARCY, "mD", "permeability"),
        "tau": Column(np.array([r.tortuosity for r in results]), "1", "flow-weighted length of paths per length"),
    }


def _formation(network: Network, results: list[AxisResult], diffusivity: float) -> dict[str, Column]:
    effective = np.array([r.value for r in results])
    factor = diffusivity / effective
    porosity = np.nan if network.porosity is None else network.porosity
    return {
        "F": Column(factor, "1", "formation factor D / D_eff"),
        "D_eff": Column(effective, "m2/s", "effective diffusivity"),
        "tau": Column(porosity * factor, "1", "tortuosity: porosity of the image times F"),
    }
