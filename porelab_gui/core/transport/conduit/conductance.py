"""The Method ``conductance_dns``: choose throats, look up what is known, solve the rest, write columns and a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.cache import default_cache, key_of
from porelab_gui.core.method import Outputs
from porelab_gui.core.nouns import Column, Network, Regions, Table
from porelab_gui.core.progress import Progress, within
from porelab_gui.core.transport.conduit.device import pick_device
from porelab_gui.core.transport.conduit.dns import Conduits, Solver, solve_diffusive, solve_hydraulic
from porelab_gui.core.transport.conduit.selection import chosen_throats

if TYPE_CHECKING:
    from porelab_gui.core.transport.conduit.methods import ConductanceDnsParams

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
VERSION = "1"
STATUS = (
    "solved",
    "apart: the regions share no face, conductance 0",
    "centres coincide: no conductance",
    "not converged: no conductance",
    "solved in the largest piece, which does not hold both regions",
)


@dataclass(frozen=True)
class Physics:
    """One kind of conductance: its column, its solver, and the factor from voxel units to SI."""

    key: str
    column: str
    unit: str
    title: str
    solve: Callable[[Conduits, I64, Solver, Progress], F64]
    meta: dict[str, float]
    scale: Callable[[float], float]


def physics_of(params: ConductanceDnsParams) -> list[Physics]:
    """The kinds of conductance asked for."""
    # rates come in voxel units: diffusion scales with the edge, Stokes flow with its cube
    diffusive = Physics(
        "diffusive", "g_diffusive.dns", "m3/s", "diffusive conductance by direct simulation", solve_diffusive,
        {"diffusivity": params.diffusivity}, lambda edge: params.diffusivity * edge,
    )  # fmt: skip
    hydraulic = Physics(
        "hydraulic", "g_hydraulic.dns", "m3/(Pa s)", "hydraulic conductance by direct simulation", solve_hydraulic,
        {"viscosity": params.viscosity}, lambda edge: edge**3 / params.viscosity,
    )  # fmt: skip
    return {"diffusive": [diffusive], "hydraulic": [hydraulic], "both": [diffusive, hydraulic]}[params.physics]


def run(regions: Regions, network: Network, params: ConductanceDnsParams, progress: Progress) -> Outputs:
    """The network with ``g_diffusive.dns`` and ``g_hydraulic.dns`` as asked, NaN where not simulated, and a table."""
    chosen = chosen_throats(network.n_throats, params.throats, params.count, params.seed)
    progress(0, 1, "measuring regions")
    conduits = Conduits.of(regions, network, params.threads)
    pairs = conduits.labels[network.conns[chosen]]
    device = pick_device(params.device) if params.physics != "hydraulic" else "cpu"
    solver = Solver(params.tolerance, params.iterations, params.threads, params.pieces == "largest", device)
    kinds = physics_of(params)
    found = []
    for k, kind in enumerate(kinds):
        step = within(progress, 0.02 + 0.98 * k / len(kinds), 0.02 + 0.98 * (k + 1) / len(kinds))
        found.append(_solve_or_recall(kind, conduits, pairs, solver, regions, params.cache, step))
    columns = {
        kind.column: _column(kind, rows, chosen, network.n_throats, conduits.edge)
        for kind, rows in zip(kinds, found, strict=True)
    }
    progress(1, 1, "done")
    return {"network": network.with_throats(columns), "table": _table(network, chosen, kinds, found, conduits.edge)}


def _solve_or_recall(
    kind: Physics, conduits: Conduits, pairs: I64, solver: Solver, regions: Regions, use_cache: bool, progress: Progress
) -> F64:
    """Solutions of the pairs, taken from the cache where it has them."""
    if not use_cache:
        return kind.solve(conduits, pairs, solver, progress)
    cache = default_cache()
    exactness = (solver.tolerance, solver.iterations, solver.largest)
    key = key_of("conductance_dns", VERSION, kind.key, regions.content_hash, _pads_key(conduits), *exactness)
    known = cache.get(key) or {"pairs": np.zeros((0, 2), dtype=np.int64), "found": np.zeros((0, 5))}
    row = {(int(a), int(b)): k for k, (a, b) in enumerate(known["pairs"])}
    at = np.array([row.get((int(a), int(b)), -1) for a, b in pairs], dtype=np.int64)
    found = np.full((len(pairs), 5), np.nan)
    found[at >= 0] = known["found"][at[at >= 0]]
    fresh = np.flatnonzero(at < 0)
    if len(fresh):
        found[fresh] = kind.solve(conduits, pairs[fresh], solver, progress)
        kept = {
            "pairs": np.concatenate([known["pairs"], pairs[fresh]]),
            "found": np.concatenate([known["found"], found[fresh]]),
        }
        cache.put(key, kept)
    return found


def _pads_key(conduits: Conduits) -> tuple[int, ...]:
    """What tells a padded image (virtual pores on the faces) from the bare one."""
    return (*conduits.image.shape, int(conduits.image.max(initial=0)))


def _column(kind: Physics, found: F64, chosen: I64, n_throats: int, edge: float) -> Column:
    values = np.full(n_throats, np.nan)
    values[chosen] = found[:, 0] * kind.scale(edge)
    meta = {**kind.meta, "law": "dns", "simulated": len(chosen)}
    return Column(values, kind.unit, kind.title, meta)


def _table(network: Network, chosen: I64, kinds: Sequence[Physics], found: Sequence[F64], edge: float) -> Table:
    columns = {
        "throat": Column(chosen, "1"),
        "pore_1": Column(network.conns[chosen, 0], "1"),
        "pore_2": Column(network.conns[chosen, 1], "1"),
    }
    notes: list[str] = []
    for kind, rows in zip(kinds, found, strict=True):
        status = rows[:, 4].astype(np.int64)
        columns |= {
            f"g_{kind.key}": Column(rows[:, 0] * kind.scale(edge), kind.unit, kind.title),
            f"voxels_{kind.key}": Column(rows[:, 3].astype(np.int64), "1", "void voxels simulated"),
            f"residual_{kind.key}": Column(rows[:, 1], "1", "relative residual at the stop"),
            f"iterations_{kind.key}": Column(rows[:, 2].astype(np.int64), "1"),
            f"outcome_{kind.key}": Column(np.array([STATUS[s] for s in status], dtype=str)),
        }
        counts = np.bincount(status, minlength=len(STATUS))
        notes += [f"{kind.key}: {n} x {STATUS[s]}" for s, n in enumerate(counts) if n and s]
    return Table(columns, notes=tuple(notes), name="conduits by direct simulation")
