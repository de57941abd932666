"""The coarse solve of a conduit: conjugate gradients on a few thousand cells, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.ladder import Fast
from porelab_gui.core.transport.conduit.lattice import Compiled

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@njit(**Compiled)
def graph(along_z: F32, along_y: F32, along_x: F32) -> tuple[I32, I32, F32]:
    """Numbers (cells, cells, cells) of the cells that have a bond (-1 elsewhere), neighbours and weights (n, 6).

    A missing neighbour is n, so that vectors have n + 1 entries.
    """
    c = along_z.shape[0]
    number = np.full((c, c, c), -1, np.int32)
    n = 0
    for z in range(c):
        for y in range(c):
            for x in range(c):
                bound = along_z[z, y, x] > 0 or along_y[y, z, x] > 0 or along_x[x, z, y] > 0
                bound = bound or (z > 0 and along_z[z - 1, y, x] > 0) or (y > 0 and along_y[y - 1, z, x] > 0)
                if bound or (x > 0 and along_x[x - 1, z, y] > 0):
                    number[z, y, x] = n
                    n += 1
    links, weights = np.full((n, 6), n, np.int32), np.zeros((n, 6), np.float32)
    for z in range(c):
        for y in range(c):
            for x in range(c):
                i = number[z, y, x]
                if i < 0:
                    continue
                if along_z[z, y, x] > 0:
                    join(links, weights, i, number[z + 1, y, x], 0, along_z[z, y, x])
                if along_y[y, z, x] > 0:
                    join(links, weights, i, number[z, y + 1, x], 2, along_y[y, z, x])
                if along_x[x, z, y] > 0:
                    join(links, weights, i, number[z, y, x + 1], 4, along_x[x, z, y])
    return number, links, weights


@njit(**Compiled)
def join(links: I32, weights: F32, i: int, j: int, k: int, weight: float) -> None:
    """One bond, told to both ends."""
    links[i, k], links[j, k + 1] = j, i
    weights[i, k] = weight
    weights[j, k + 1] = weight


@njit(**Fast)
def pull(v: F64, links: I32, weights: F32, i: int) -> float:
    """Weighted sum of the neighbours' values."""
    total = 0.0
    for k in range(6):
        total += weights[i, k] * v[links[i, k]]
    return total


@njit(**Fast)
def smooth(r: F64, z: F64, links: I32, weights: F32, diagonal: F64) -> float:
    """z = one symmetric Gauss-Seidel sweep on r; returns r . z."""
    n = len(diagonal)
    z[:] = 0
    for i in range(n):
        if diagonal[i] > 0:
            z[i] = (r[i] + pull(z, links, weights, i)) / diagonal[i]
    dot = 0.0
    for i in range(n - 1, -1, -1):
        if diagonal[i] > 0:
            z[i] = (r[i] + pull(z, links, weights, i)) / diagonal[i]
            dot += r[i] * z[i]
    return dot


@njit(**Fast)
def apply(p: F64, q: F64, links: I32, weights: F32, diagonal: F64) -> float:
    """q = operator times p; returns p . q."""
    dot = 0.0
    for i in range(len(diagonal)):
        q[i] = diagonal[i] * p[i] - pull(p, links, weights, i)
        dot += p[i] * q[i]
    return dot


@njit(**Fast)
def conjugate_gradients(links: I32, weights: F32, excess: F64, b: F64, tolerance: float, limit: int) -> tuple[F64, int]:
    """x (n + 1, last 0) of the bonds with ``excess`` to 0 and sources ``b``; iterations. Relative residual in b."""
    n = len(links)
    diagonal = np.empty(n, np.float64)
    for i in range(n):
        total = excess[i]
        for k in range(6):
            total += weights[i, k]
        diagonal[i] = total
    x, p, z = np.zeros(n + 1), np.zeros(n + 1), np.zeros(n + 1)
    q, r = np.zeros(n), b.copy()
    start = (r * r).sum()
    left, rho, its = start, 0.0, 0
    while its < limit and left > tolerance * tolerance * start:
        its += 1
        rho_new = smooth(r, z, links, weights, diagonal)
        beta = rho_new / rho if its > 1 else 0.0
        rho = rho_new
        for i in range(n):
            p[i] = z[i] + beta * p[i]
        step = rho / apply(p, q, links, weights, diagonal)
        left = 0.0
        for i in range(n):
            x[i] += step * p[i]
            r[i] -= step * q[i]
            left += r[i] * r[i]
    return x, its


@njit(**Compiled)
def reached(links: I32, weights: F32, seed: int) -> NDArray[np.uint8]:
    """Which nodes bonds join to ``seed``."""
    n = len(links)
    seen = np.zeros(n + 1, np.uint8)
    stack = np.empty(n + 1, np.int32)
    stack[0], top = seed, 1
    seen[seed] = 1
    while top:
        top -= 1
        i = stack[top]
        for k in range(6):
            j = links[i, k]
            if j < n and weights[i, k] > 0 and not seen[j]:
                seen[j] = 1
                stack[top] = j
                top += 1
    return seen[:n]
