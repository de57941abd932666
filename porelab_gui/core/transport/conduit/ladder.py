"""The coarse levels of multigrid in one packed store, and the W-cycle over them.

Piecewise-constant transfers with halved coarse bonds; symmetric red-black Gauss-Seidel (red, black before; black,
red after), so that a cycle is a symmetric preconditioner. After a sweep the residual lives on the reds alone:
only they are restricted and only they are corrected.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.lattice import (
    F32,
    U32,
    Compiled,
    coarse_bonds,
    number,
    parents_of,
)

# sums may be reordered for vector units; nothing assumes away NaN or infinity
Fast = {**Compiled, "fastmath": {"reassoc", "contract", "nsz", "arcp"}}


class Ladder(NamedTuple):
    """Levels one after the other; level l occupies start[l] .. start[l + 1] - 1 and its last slot holds a zero."""

    links: U32
    weights: F32
    diagonal: F32
    inverse: F32
    parent: U32
    x: F32
    b: F32
    start: NDArray[np.int64]
    reds: NDArray[np.int64]


@njit(**Fast)
def inflow(x: F32, links: U32, weights: F32, i: int) -> float:
    """Weighted sum of the neighbours' values; ``weights`` is (3,) per axis or (6, n) per link."""
    if weights.ndim == 1:
        return (
            weights[0] * (x[links[0, i]] + x[links[1, i]])
            + weights[1] * (x[links[2, i]] + x[links[3, i]])
            + weights[2] * (x[links[4, i]] + x[links[5, i]])
        )
    return (
        weights[0, i] * x[links[0, i]]
        + weights[1, i] * x[links[1, i]]
        + weights[2, i] * x[links[2, i]]
        + weights[3, i] * x[links[3, i]]
        + weights[4, i] * x[links[4, i]]
        + weights[5, i] * x[links[5, i]]
    )


@njit(**Fast)
def relax(x: F32, b: F32, links: U32, weights: F32, inverse: F32, lo: int, hi: int) -> None:
    """Gauss-Seidel on nodes lo .. hi - 1, which are of one colour and so independent."""
    for i in range(lo, hi):
        x[i] = (b[i] + inflow(x, links, weights, i)) * inverse[i]


@njit(**Fast)
def restrict(x: F32, b: F32, links: U32, weights: F32, diagonal: F32, parent: U32, coarse: F32, reds: int) -> None:
    """Sum the red residuals into their coarse cells."""
    coarse[:] = 0
    for i in range(reds):
        coarse[parent[i]] += b[i] - diagonal[i] * x[i] + inflow(x, links, weights, i)


@njit(**Fast)
def correct(x: F32, parent: U32, coarse: F32, lo: int, hi: int) -> None:
    """Add the coarse correction to nodes lo .. hi - 1."""
    for i in range(lo, hi):
        x[i] += coarse[parent[i]]


@njit(**Fast)
def cycle(ladder: Ladder, first: int) -> None:
    """W-cycle (two passes on every level) from ``first`` down: right-hand side in ``b``, answer from zero in ``x``."""
    last = len(ladder.reds) - 1
    visits = np.zeros(last + 1, np.int64)
    ladder.x[ladder.start[first] : ladder.start[last + 1]] = 0
    level = first
    while True:
        s, e = ladder.start[level], ladder.start[level + 1]
        n, reds = e - s - 1, ladder.reds[level]
        x, b = ladder.x[s:e], ladder.b[s:e]
        links, weights = ladder.links[:, s:e], ladder.weights[:, s:e]
        inverse = ladder.inverse[s:e]
        relax(x, b, links, weights, inverse, 0, reds)
        relax(x, b, links, weights, inverse, reds, n)
        if level < last:
            below = ladder.b[e : ladder.start[level + 2]]
            restrict(x, b, links, weights, ladder.diagonal[s:e], ladder.parent[s:e], below, reds)
            ladder.x[e : ladder.start[level + 2]] = 0
            level += 1
            visits[level] = 0
            continue
        while True:
            s, e = ladder.start[level], ladder.start[level + 1]
            n, reds = e - s - 1, ladder.reds[level]
            x, b = ladder.x[s:e], ladder.b[s:e]
            links, weights = ladder.links[:, s:e], ladder.weights[:, s:e]
            inverse = ladder.inverse[s:e]
            if level < last:
                correct(x, ladder.parent[s:e], ladder.x[e : ladder.start[level + 2]], 0, reds)
            relax(x, b, links, weights, inverse, reds, n)
            relax(x, b, links, weights, inverse, 0, reds)
            visits[level] += 1
            if visits[level] < 2 and level < last:
                break
            if level == first:
                return
            level -= 1


@njit(**Compiled)
def reciprocal(diagonal: F32) -> F32:
    """1 / diagonal, and 0 for a node without bonds."""
    inverse = np.zeros_like(diagonal)
    for i in range(len(diagonal)):
        if diagonal[i] > 0:
            inverse[i] = 1 / diagonal[i]
    return inverse


Packed = tuple[U32, F32, F32, U32]


@njit(**Compiled)
def grown(packed: Packed, size: int) -> Packed:
    """The store with room for ``size`` slots (a thin crooked void may hardly shrink from level to level)."""
    links, weights, diagonal, parent = packed
    more = size + 64
    if size <= len(diagonal):
        return packed
    return (
        np.concatenate((links, np.empty((6, more), np.uint32)), axis=1),
        np.concatenate((weights, np.zeros((6, more), np.float32)), axis=1),
        np.concatenate((diagonal, np.zeros(more, np.float32))),
        np.concatenate((parent, np.zeros(more, np.uint32))),
    )


@njit(**Compiled)
def build(
    cells: U32,
    shape: tuple[int, int, int],
    links: U32,
    weights: F32,
    excess: F32,
    limit: int,
    rings: tuple[bool, bool, bool] = (False, False, False),
) -> tuple[U32, Ladder]:
    """Parent of every fine node and all coarse levels, down to one cell or ``limit`` levels; ``shape`` is padded.

    ``rings`` per axis: whether links join the last layer with the first.
    """
    member, into = parents_of(cells, shape, rings)
    index, fine_cells, reds = number(member)
    first = index.reshape(-1)[into]
    onto, total, diagonal, left = coarse_bonds(links, weights, excess, first, len(fine_cells))
    room = len(cells) + 64
    packed = (
        np.empty((6, room), np.uint32),
        np.zeros((6, room), np.float32),
        np.zeros(room, np.float32),
        np.zeros(room, np.uint32),
    )
    start, red_counts = [0], [reds]
    while True:
        n, s = len(fine_cells), start[-1]
        start.append(s + n + 1)
        packed = grown(packed, s + n + 1)
        packed[0][:, s : s + n] = onto
        packed[1][:, s : s + n] = total
        packed[2][s : s + n] = diagonal
        if max(index.shape) <= 3 or len(red_counts) == limit:
            break
        member, into = parents_of(fine_cells, index.shape, rings)
        index, fine_cells, reds = number(member)
        parent = index.reshape(-1)[into]
        packed[3][s : s + n] = parent
        red_counts.append(reds)
        onto, total, diagonal, left = coarse_bonds(onto, total, left, parent, len(fine_cells))
    size = start[-1]
    diagonal = packed[2][:size]
    return first, Ladder(
        packed[0][:, :size],
        packed[1][:, :size],
        diagonal,
        reciprocal(diagonal),
        packed[3][:size],
        np.zeros(size, np.float32),
        np.zeros(size, np.float32),
        np.array(start),
        np.array(red_counts),
    )
