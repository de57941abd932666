"""Multigrid-preconditioned conjugate gradients on all threads for one large lattice with fixed values."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.conduit import wide
from porelab_gui.core.transport.conduit.ladder import Ladder, build, cycle, reciprocal
from porelab_gui.core.transport.conduit.lattice import F32, U32, red_children

F64 = NDArray[np.float64]
LARGE = 200_000  # nodes above which a coarse level is worth all threads


@dataclass
class Lattice:
    """A numbered lattice: links (6, n), weights (3,) per axis or (6, n), diagonal, and ``excess`` to fixed values.

    ``rings`` per axis: whether links join the last layer with the first.
    """

    cells: U32
    shape: tuple[int, int, int]
    links: U32
    weights: F32
    diagonal: F64
    excess: F32
    reds: int
    rings: tuple[bool, bool, bool] = (False, False, False)
    inverse: F32 = field(init=False)
    parent: U32 = field(init=False)
    ladder: Ladder = field(init=False)
    children: list[U32] = field(init=False)

    def __post_init__(self) -> None:
        self.inverse = reciprocal(self.diagonal.astype(np.float32))
        self.parent, self.ladder = build(self.cells, self.shape, self.links, self.weights, self.excess, 64, self.rings)
        sizes = np.diff(self.ladder.start) - 1
        start = self.ladder.start[:-1]
        parents = [self.parent, *(self.ladder.parent[s : s + n] for s, n in zip(start, sizes, strict=True))]
        reds = [self.reds, *self.ladder.reds]
        large = int(np.count_nonzero(sizes > LARGE))
        self.children = [red_children(parents[k], int(reds[k]), int(sizes[k])) for k in range(large + 1)]

    @property
    def n(self) -> int:
        """Number of unknowns."""
        return len(self.cells)


def coarse_cycle(lattice: Lattice, level: int) -> None:
    """W-cycle (two passes on every level): large levels on all threads, the rest in one compiled call."""
    ladder = lattice.ladder
    if level + 1 >= len(lattice.children) or level + 1 >= len(ladder.reds):
        cycle(ladder, level)
        return
    s, e, f = (int(v) for v in ladder.start[level : level + 3])
    n, reds = e - s - 1, int(ladder.reds[level])
    x, b, below = ladder.x[s:e], ladder.b[s:e], ladder.b[e : f - 1]
    links, weights, diagonal = ladder.links[:, s : s + n], ladder.weights[:, s : s + n], ladder.diagonal[s:e]
    parent, inverse = ladder.parent[s:e], ladder.inverse[s:e]
    x[:] = 0
    for _ in range(2):
        wide.relax_wide(x, b, links, weights, inverse, 0, reds)
        wide.relax_wide(x, b, links, weights, inverse, reds, n)
        wide.restrict_wide(x, b, links, weights, diagonal, lattice.children[level + 1], below)
        coarse_cycle(lattice, level + 1)
        wide.correct_wide(x, parent, ladder.x[e:f], 0, reds)
        wide.relax_wide(x, b, links, weights, inverse, reds, n)
        wide.relax_wide(x, b, links, weights, inverse, 0, reds)


def precondition(lattice: Lattice, r: F64, z: F32) -> float:
    """z = one symmetric cycle on the blacks' residual r, whose first relaxation z holds already; returns r . z."""
    size = int(lattice.ladder.start[1]) - 1
    nothing = np.zeros(0, np.float32)
    wide.restrict_wide(
        z, nothing, lattice.links, lattice.weights, lattice.inverse, lattice.children[0], lattice.ladder.b[:size]
    )
    coarse_cycle(lattice, 0)
    z[: lattice.reds] = 0
    wide.correct_wide(z, lattice.parent, lattice.ladder.x[: size + 1], 0, lattice.reds)
    return wide.black_step_wide(z, r, lattice.links, lattice.weights, lattice.inverse, lattice.reds)


@dataclass(frozen=True)
class Outcome:
    """How a solve ended: relative residual, iterations, rate from inlet to outlet, its estimated relative error."""

    residual: float
    iterations: int
    rate: float
    error: float


def solve(lattice: Lattice, into: F32, x: F64, tolerance: float, limit: int, progress: Progress) -> Outcome:
    """Improve x (n + 1, last entry 0) until the rate is known to ``tolerance``; ``into`` are the bonds to the value 1.

    The rate is the dissipated energy, which conjugate gradients lower step by step towards its least value; what the
    last three steps took off it estimates its error (Strakos and Tichy, ETNA 13 (2002) 56).
    """
    n, reds = lattice.n, lattice.reds
    links, weights, diagonal = lattice.links, lattice.weights, lattice.diagonal
    b = into.astype(np.float64)
    r, q, p = np.zeros(n), np.zeros(n), np.zeros(n + 1)
    z = np.zeros(n + 1, np.float32)
    scale = wide.eliminate_wide(np.zeros(n + 1), b, links, weights, diagonal, reds, r)
    left = wide.eliminate_wide(x, b, links, weights, diagonal, reds, r)
    wide.first_step_wide(z, r, lattice.inverse, reds)

    def energy() -> float:
        return float(b.sum() - b @ x[:n] - x[reds:n] @ r[reds:])

    rate, rho, it, error = energy(), 0.0, 0, np.inf if left > 0 else 0.0
    drops = [np.inf] * 3
    while it < limit and error > tolerance and left > 1e-28 * scale:
        it += 1
        rho_new = precondition(lattice, r, z)
        wide.direct_wide(p, z, rho_new / rho if it > 1 else 0.0, reds, n)
        rho = rho_new
        step = rho / wide.schur_wide(p, links, weights, diagonal, reds, q)
        left = wide.advance_wide(x, r, p, q, step, reds, z, lattice.inverse)
        rate -= step * rho
        drops = [*drops[1:], step * rho]
        error = sum(drops) / rate
        far = np.log(max(min(error, 1.0), tolerance)) / np.log(tolerance)
        progress(far, 1, f"iteration {it}", residual=float(np.sqrt(left / scale)))
    left = wide.eliminate_wide(x, b, links, weights, diagonal, reds, r)  # the residual itself, not the recurrence
    if left <= 1e-28 * scale:
        error = 0.0
    return Outcome(float(np.sqrt(left / scale)) if scale > 0 else 0.0, it, energy(), float(error))
