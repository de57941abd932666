"""The concentration in one conduit: the field behind its diffusive conductance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import NotConverged, ParameterError
from porelab_gui.core.nouns import Network, Regions
from porelab_gui.core.transport.conduit.dns import Conduits, Solver
from porelab_gui.core.transport.conduit.lattice import F64, number
from porelab_gui.core.transport.conduit.pair import (
    APART,
    COINCIDE,
    STALLED,
    mean_at,
    nearest,
    nodes_near,
    piece,
    potential,
)

I64 = NDArray[np.int64]
REFUSALS = {
    APART: "its two regions share no face",
    COINCIDE: "the centres of its two regions fall into one voxel",
    STALLED: "the solve did not converge",
}


@dataclass(frozen=True)
class ConduitField:
    """Concentration (z, y, x) in the box of one conduit, NaN outside it, mean 1 in the first pore and 0 in the second.

    ``corner`` is the box's first voxel in the image; ``size_factor`` [mean voxel edges] as in ``solve_diffusive``.
    """

    values: NDArray[np.float32]
    corner: tuple[int, int, int]
    size_factor: float


def conduit_field(regions: Regions, network: Network, throat: int, solver: Solver | None = None) -> ConduitField:
    """Solve one throat and keep its field; PorelabError where it has none."""
    how = solver or Solver()
    if not 0 <= throat < network.n_throats:
        raise ParameterError(
            f"there is no throat {throat}", where="throat", remedy=f"Throats count from 0 to {network.n_throats - 1}."
        )
    conduits = Conduits.of(regions, network, how.threads)
    pair = conduits.labels[network.conns[[throat]]]
    geometry = conduits.geometry
    low, high = geometry.pair_boxes(pair)
    centres = (geometry.centres(pair, low) * conduits.edges)[0]
    radii = (np.round(geometry.radius[pair]) + 0.0)[0]
    (z, y, x), (zz, yy, xx) = low[0], high[0]
    box = conduits.image[z:zz, y:yy, x:xx]
    values, drop, status = _solve(
        box, pair[0], centres, radii, conduits.edges, how.largest, how.tolerance, how.iterations
    )
    if status in REFUSALS:
        kind = NotConverged if status == STALLED else ParameterError
        raise kind(f"throat {throat} has no concentration field: {REFUSALS[status]}", where="throat")
    corner = tuple(int(v) - conduits.pad for v in (z, y, x))
    return ConduitField(values.astype(np.float32), corner, abs(1 / drop))  # type: ignore[arg-type]


def _solve(
    box: NDArray[np.int32],
    labels: I64,
    centres: F64,
    radii: F64,
    edges: F64,
    largest: bool,
    tolerance: float,
    limit: int,
) -> tuple[F64, float, int]:
    """Scaled concentration on the box, difference of the means for a unit rate, status."""
    values = np.full(box.shape, np.nan)
    member, _, status = piece(box, labels[0], labels[1], largest)
    if status == APART:
        return values, 0.0, APART
    index, cells, reds = number(member)
    at_a, at_b = nearest(member, centres[0], edges), nearest(member, centres[1], edges)
    source = index[at_a[0] + 1, at_a[1] + 1, at_a[2] + 1]
    sink = index[at_b[0] + 1, at_b[1] + 1, at_b[2] + 1]
    if source == sink:
        return values, 0.0, COINCIDE
    bonds = (1 / (edges * edges)).astype(np.float32)
    x, residual, _ = potential(index, cells, reds, bonds, source, sink, tolerance, limit)
    if not residual <= tolerance:
        return values, 0.0, STALLED
    one = mean_at(x, nodes_near(index, box, labels[0], at_a, radii[0], edges))
    two = mean_at(x, nodes_near(index, box, labels[1], at_b, radii[1], edges))
    inside = index[1:-1, 1:-1, 1:-1]
    solved = inside < len(cells)
    values[solved] = (x[inside[solved]] - two) / (one - two)
    return values, one - two, status
