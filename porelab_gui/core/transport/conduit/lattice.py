"""Numbers the void voxels of a box in red-black order and coarsens them by 2 x 2 x 2 cells: the grids of multigrid.

A level is a graph whose nodes sit on a lattice: at most six neighbours, all of the other colour. Reds (even
z + y + x) come first, blacks after them, each in C order. ``links[k, i]`` is the neighbour of node i in direction
k = -z, +z, -y, +y, -x, +x, or n where there is none: vectors have n + 1 entries and end in a zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

U32 = NDArray[np.uint32]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Compiled = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**Compiled)
def number(member: NDArray[np.uint8]) -> tuple[U32, U32, int]:
    """Index grid (padded by one, n outside), flat padded cell of every node, and the number of reds."""
    nz, ny, nx = member.shape
    reds = 0
    n = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if member[z, y, x]:
                    n += 1
                    reds += 1 - ((z + y + x) & 1)
    index = np.full((nz + 2, ny + 2, nx + 2), n, np.uint32)
    cells = np.empty(n, np.uint32)
    row = nx + 2
    plane = (ny + 2) * row
    red = 0
    black = reds
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if member[z, y, x]:
                    if (z + y + x) & 1:
                        i = black
                        black += 1
                    else:
                        i = red
                        red += 1
                    index[z + 1, y + 1, x + 1] = i
                    cells[i] = (z + 1) * plane + (y + 1) * row + x + 1
    return index, cells, reds


@njit(**Compiled)
def link(index: U32, cells: U32) -> U32:
    """Neighbours (6, n) of every node."""
    flat = index.reshape(-1)
    row = np.int64(index.shape[2])
    plane = row * index.shape[1]
    links = np.empty((6, len(cells)), np.uint32)
    for i in range(len(cells)):
        c = np.int64(cells[i])
        links[0, i] = flat[c - plane]
        links[1, i] = flat[c + plane]
        links[2, i] = flat[c - row]
        links[3, i] = flat[c + row]
        links[4, i] = flat[c - 1]
        links[5, i] = flat[c + 1]
    return links


@njit(**Compiled)
def total_weight(links: U32, weights: F32) -> F64:
    """Sum of the weights of every node's links; ``weights`` is (3,) per axis or (6, n) per link.

    In double precision: a diagonal that is rounded off the sum of its row would leak at every node.
    """
    n = links.shape[1]
    total = np.zeros(n, np.float64)
    for k in range(6):
        for i in range(n):
            if links[k, i] != n:
                total[i] += np.float64(weights[k // 2] if weights.ndim == 1 else weights[k, i])
    return total


@njit(**Compiled)
def phase_weights(
    phase: NDArray[np.uint8], conductivity: NDArray[np.float64], bonds: NDArray[np.float64], cells: U32, links: U32
) -> F32:
    """Weights (6, n) between voxels of different conductivity: harmonic means times the bond of the axis."""
    n = len(cells)
    own = np.empty(n, np.float64)
    row, plane = phase.shape[2] + 2, (phase.shape[1] + 2) * (phase.shape[2] + 2)
    for i in range(n):
        c = np.int64(cells[i])
        z = c // plane
        y = (c - z * plane) // row
        own[i] = conductivity[phase[z - 1, y - 1, c - z * plane - y * row - 1]]
    weights = np.zeros((6, n), np.float32)
    for k in range(6):
        for i in range(n):
            j = links[k, i]
            if j != n:
                weights[k, i] = bonds[k // 2] * 2 * own[i] * own[j] / (own[i] + own[j])
    return weights


@njit(**Compiled)
def halves(n: int, ring: bool) -> NDArray[np.int64]:
    """The coarse place of each of ``n`` in a row: two by two, but an even number of places (or one) in a ring."""
    coarse = (n + 1) // 2
    if ring and coarse % 2 and coarse > 1:
        return np.arange(n) * (coarse + 1) // n
    return np.arange(n) // 2


@njit(**Compiled)
def parents_of(
    cells: U32, shape: tuple[int, int, int], rings: tuple[bool, bool, bool]
) -> tuple[NDArray[np.uint8], U32]:
    """Which 2 x 2 x 2 cells hold nodes, and the flat padded cell that each node falls into; ``shape`` is padded.

    ``rings`` per axis: whether the last layer is linked with the first, which takes an even number to be two-coloured.
    """
    row = np.int64(shape[2])
    plane = row * shape[1]
    onto_z, onto_y, onto_x = (
        halves(shape[0] - 2, rings[0]),
        halves(shape[1] - 2, rings[1]),
        halves(shape[2] - 2, rings[2]),
    )
    cz, cy, cx = onto_z[-1] + 1, onto_y[-1] + 1, onto_x[-1] + 1
    member = np.zeros((cz, cy, cx), np.uint8)
    into = np.empty(len(cells), np.uint32)
    for i in range(len(cells)):
        c = np.int64(cells[i])
        z = c // plane
        rest = c - z * plane
        y = rest // row
        z, y, x = onto_z[z - 1], onto_y[y - 1], onto_x[rest - y * row - 1]
        member[z, y, x] = 1
        into[i] = ((z + 1) * (cy + 2) + y + 1) * (cx + 2) + x + 1
    return member, into


@njit(**Compiled)
def coarse_bonds(links: U32, weights: F32, excess: F32, parent: U32, coarse: int) -> tuple[U32, F32, F32, F32]:
    """Links, weights (6, n), diagonal and excess of the coarse level.

    The bonds between two cells are summed and halved, which is what the coarse lattice has where the void is
    open (a quarter of the bonds, twice the area per length); ``excess`` is the part of the diagonal that leaves
    the graph (fixed values, walls) and is halved alike. ``weights`` is (3,) per axis or (6, n) per link.
    """
    n = links.shape[1]
    onto = np.full((6, coarse), coarse, np.uint32)
    total = np.zeros((6, coarse), np.float32)
    diagonal = np.zeros(coarse, np.float32)
    left = np.zeros(coarse, np.float32)
    for i in range(n):
        p = parent[i]
        left[p] += 0.5 * excess[i]
        for k in range(6):
            j = links[k, i]
            if j != n and parent[j] != p:
                bond = 0.5 * (weights[k // 2] if weights.ndim == 1 else weights[k, i])
                onto[k, p] = parent[j]
                total[k, p] += bond
                diagonal[p] += bond
    return onto, total, diagonal + left, left


@njit(**Compiled)
def red_children(parent: U32, reds: int, coarse: int) -> U32:
    """Up to four red nodes of every coarse cell, (4, coarse), n where there are fewer."""
    n = len(parent)
    children = np.full((4, coarse), n, np.uint32)
    count = np.zeros(coarse, np.uint8)
    for i in range(reds):
        p = parent[i]
        children[count[p], p] = i
        count[p] += 1
    return children


def as_member(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """A boolean box as the bytes that ``number`` reads."""
    return np.ascontiguousarray(mask).view(np.uint8) if mask.dtype == np.bool_ else mask.astype(np.uint8)
