"""Diffusive conductances of many conduits at once on a torch device: one conjugate gradient loop over all of them.

The definition and the equations are those of ``pair.py``; the lattices of a batch lie side by side in one index,
reds of all conduits first. Every conduit has its own step lengths and stops moving when it has converged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.conduit.lattice import F32, F64, Compiled, link, number
from porelab_gui.core.transport.conduit.pair import APART, COINCIDE, STALLED, nearest, nodes_near, piece

if TYPE_CHECKING:
    from torch import Tensor

    from porelab_gui.core.transport.conduit.dns import Conduits, Solver

I64 = NDArray[np.int64]
NODES_AT_ONCE = 4_000_000
LOOK_EVERY = 10  # steps between two looks, each of which waits for the device
Prepared = tuple[Any, ...]  # what ``prepare`` gives


@njit(**Compiled)
def prepare(box: NDArray[np.int32], labels: I64, centres: F64, radii: F64, edges: F64, largest: bool) -> Prepared:
    """Links, reds, source, sink, the nodes averaged on either side, size and status of one conduit."""
    nothing = np.zeros(0, np.uint32)
    member, size, status = piece(box, labels[0], labels[1], largest)
    if status == APART:
        return np.zeros((6, 0), np.uint32), 0, 0, 0, nothing, nothing, 0, APART
    index, cells, reds = number(member)
    at_a, at_b = nearest(member, centres[0], edges), nearest(member, centres[1], edges)
    source = index[at_a[0] + 1, at_a[1] + 1, at_a[2] + 1]
    sink = index[at_b[0] + 1, at_b[1] + 1, at_b[2] + 1]
    if source == sink:
        return np.zeros((6, 0), np.uint32), 0, 0, 0, nothing, nothing, size, COINCIDE
    near_a = nodes_near(index, box, labels[0], at_a, radii[0], edges)
    near_b = nodes_near(index, box, labels[1], at_b, radii[1], edges)
    return link(index, cells), reds, source, sink, near_a, near_b, size, status


@dataclass(frozen=True)
class Batch:
    """Conduits side by side: ``links`` (6, n) into all nodes (n outside), reds first; ``blacks`` nodes per conduit.

    ``source`` and ``sink`` (m,); ``near`` per side the averaged nodes of all conduits and how many each has.
    """

    links: I64
    reds: int
    blacks: I64
    source: I64
    sink: I64
    near: tuple[tuple[I64, I64], tuple[I64, I64]]

    @classmethod
    def of(cls, made: list[Prepared]) -> Batch:
        """Side by side, in the order given."""
        sizes = np.array([m[0].shape[1] for m in made], dtype=np.int64)
        reds = np.array([m[1] for m in made], dtype=np.int64)
        total, all_reds = int(sizes.sum()), int(reds.sum())
        red_at = np.cumsum(reds) - reds
        black_at = all_reds + np.cumsum(sizes - reds) - (sizes - reds)
        places = [_Places(*four, total) for four in zip(reds, sizes, red_at, black_at, strict=True)]
        links = np.empty((6, total), dtype=np.int64)
        for m, place in zip(made, places, strict=True):
            n = m[0].shape[1]
            links[:, place(np.arange(n))] = place(m[0].astype(np.int64))
        near = tuple(
            (
                np.concatenate([place(m[side].astype(np.int64)) for m, place in zip(made, places, strict=True)]),
                np.array([len(m[side]) for m in made], dtype=np.int64),
            )
            for side in (4, 5)
        )
        source, sink = (np.array([place(m[k]) for m, place in zip(made, places, strict=True)]) for k in (2, 3))
        return cls(links, all_reds, sizes - reds, source, sink, (near[0], near[1]))


@dataclass(frozen=True)
class _Places:
    """From the numbers of one conduit to those of the batch."""

    reds: int
    size: int
    red_at: int
    black_at: int
    outside: int

    def __call__(self, i: I64 | int) -> I64:
        inside = np.where(np.asarray(i) < self.reds, self.red_at + i, self.black_at + i - self.reds)
        return np.where(np.asarray(i) < self.size, inside, self.outside)


class Solve:
    """Conjugate gradients on the blacks of a batch, each scaled by its diagonal."""

    def __init__(self, batch: Batch, bonds: F32, device: str) -> None:
        import torch

        def put(values: NDArray[np.generic]) -> Tensor:
            return torch.as_tensor(np.ascontiguousarray(values), device=device)

        self.batch, self.n, self.reds = batch, batch.links.shape[1], batch.reds
        self.links = put(batch.links)
        self.weights = put(np.repeat(bonds.astype(np.float64), 2)[:, None])
        self.diagonal = (self.weights * (self.links < self.n)).sum(dim=0)
        self.lengths = put(batch.blacks)
        self.of_black = torch.repeat_interleave(torch.arange(len(batch.blacks), device=device), self.lengths)
        self.source, self.sink = put(batch.source), put(batch.sink)
        self.near = [(put(nodes), put(count)) for nodes, count in batch.near]

    def inflow(self, x: Tensor, lo: int, hi: int) -> Tensor:
        """Weighted sum of the neighbours of nodes lo .. hi - 1; x ends in a zero."""
        return (self.weights * x[self.links[:, lo:hi]]).sum(dim=0)

    def each(self, values: Tensor) -> Tensor:
        """Sums over the blacks of every conduit."""
        import torch

        return torch.segment_reduce(values, "sum", lengths=self.lengths)

    def spread(self, per_conduit: Tensor) -> Tensor:
        """One number per conduit to its blacks."""
        return per_conduit[self.of_black]

    def run(self, tolerance: float, limit: int) -> tuple[NDArray[np.float64], NDArray[np.float64], I64]:
        """Size factors, relative residuals and iterations of every conduit."""
        import torch

        n, reds = self.n, self.reds
        x = self.diagonal.new_zeros(n + 1)
        rate = self.diagonal.new_zeros(n + 1)
        rate[self.source] += 1
        rate[self.sink] -= 1
        p = torch.zeros_like(x)
        p[:reds] = rate[:reds] / self.diagonal[:reds]
        r = rate[reds:n] + self.inflow(p, reds, n)
        p.zero_()
        start = self.each(r * r)
        left, rho, its = start.clone(), torch.ones_like(start), torch.zeros_like(start)
        for step in range(limit):
            moving = left > tolerance**2 * start
            if step % LOOK_EVERY == 0 and not bool(moving.any()):
                break
            z = r / self.diagonal[reds:]
            fresh = self.each(r * z)
            p[reds:n] = z + self.spread(torch.where(moving & (its > 0), fresh / rho, 0 * rho)) * p[reds:n]
            rho = torch.where(moving, fresh, rho)
            p[:reds] = self.inflow(p, 0, reds) / self.diagonal[:reds]
            q = self.diagonal[reds:] * p[reds:n] - self.inflow(p, reds, n)
            length = self.spread(torch.where(moving, rho / self.each(p[reds:n] * q), 0 * rho))
            x[reds:n] += length * p[reds:n]
            r = r - length * q
            left = torch.where(moving, self.each(r * r), left)
            its += moving
        x[:reds] = (rate[:reds] + self.inflow(x, 0, reds)) / self.diagonal[:reds]
        one, two = (torch.segment_reduce(x[nodes], "mean", lengths=count) for nodes, count in self.near)
        residual = torch.sqrt(left / start)
        found = (1 / (one - two)).abs()
        return found.cpu().numpy(), residual.cpu().numpy(), its.cpu().numpy().astype(np.int64)


def solve_diffusive_on_device(conduits: Conduits, pairs: I64, solver: Solver, progress: Progress, device: str) -> F64:
    """``dns.solve_diffusive`` on a torch device, batch by batch."""
    geometry = conduits.geometry
    low, high = geometry.pair_boxes(pairs)
    centres = geometry.centres(pairs, low) * conduits.edges
    radii = np.round(geometry.radius[pairs]) + 0.0
    bonds = (1 / conduits.edges**2).astype(np.float32)
    found = np.full((len(pairs), 5), np.nan)
    for rows in _batches(geometry.count[pairs].sum(axis=1)):
        progress(int(rows[0]), len(pairs), f"{len(pairs)} conduits, diffusion on {device}")
        made = []
        for row in rows:
            lo, hi = low[row], high[row]
            box = conduits.image[lo[0] : hi[0], lo[1] : hi[1], lo[2] : hi[2]]
            made.append(prepare(box, pairs[row], centres[row], radii[row], conduits.edges, solver.largest))
        _write(found, rows, made, bonds, solver, device)
    return found


def _batches(nodes: I64) -> Iterator[I64]:
    """Rows in their order, so many at a time as the device holds."""
    first, held = 0, 0
    for row, count in enumerate(nodes):
        if held + count > NODES_AT_ONCE and row > first:
            yield np.arange(first, row)
            first, held = row, 0
        held += int(count)
    if first < len(nodes):
        yield np.arange(first, len(nodes))


def _write(found: F64, rows: I64, made: list[Prepared], bonds: F32, solver: Solver, device: str) -> None:
    """Solve what can be solved of a batch, and write all its rows."""
    status = np.array([m[7] for m in made])
    found[rows, 1:3] = 0
    found[rows, 3] = [m[6] for m in made]
    found[rows, 4] = status
    found[rows[status == APART], 0] = 0
    real = np.flatnonzero((status != APART) & (status != COINCIDE))
    if not len(real):
        return
    # plain scaling takes more steps than the multigrid of the processor, whose limit is meant for that
    run = Solve(Batch.of([made[k] for k in real]), bonds, device).run(solver.tolerance, 40 * solver.iterations)
    value, residual, its = run
    stalled = ~(residual <= solver.tolerance)
    found[rows[real], 0] = np.where(stalled, np.nan, value)
    found[rows[real], 1], found[rows[real], 2] = residual, its
    found[rows[real[stalled]], 4] = STALLED
