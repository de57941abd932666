"""The passes over all throats that every solve makes, compiled: matrix values, drops and flows."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.pnm.circuit import Floats, Ints


@njit(cache=True, nogil=True)
def fill_matrix(g: Floats, inner: Ints, outer: Ints, slots: Ints, count: int) -> Floats:
    """Values (count,) of the upper triangle; ``slots`` as in Pattern: off-diagonal, both diagonals, outer diagonal."""
    values = np.zeros(count)
    m = len(inner)
    for e in range(m):
        ge = g[inner[e]]
        values[slots[e]] -= ge
        values[slots[m + e]] += ge
        values[slots[2 * m + e]] += ge
    for e in range(len(outer)):
        values[slots[3 * m + e]] += g[outer[e]]
    return values


@njit(cache=True, nogil=True)
def edge_flows(first: Ints, second: Ints, g: Floats, potential: Floats) -> tuple[Floats, Floats, Floats]:
    """(drop along every edge, its flow, what leaves every node); an undefined potential drives nothing."""
    drop, flow, source = np.empty(len(g)), np.empty(len(g)), np.zeros(len(potential))
    for e in range(len(g)):
        a, b = first[e], second[e]
        d = potential[a] - potential[b]
        if np.isnan(d):
            d = 0.0
        f = g[e] * d
        drop[e], flow[e] = d, f
        source[a] += f
        source[b] -= f
    return drop, flow, source


Shorts = NDArray[np.uint32]


@njit(cache=True, nogil=True)
def factor_plan(begin: Ints, where: Shorts) -> Shorts:
    """Where in L each product of two entries of a column goes, column by column (right-looking factorisation)."""
    n = len(begin) - 1
    count = 0
    for j in range(n):
        long = begin[j + 1] - begin[j]
        count += long * (long - 1) // 2
    goal = np.empty(count, np.uint32)
    place = np.empty(n, np.int64)
    t = 0
    for j in range(n):
        for p in range(begin[j], begin[j + 1]):
            column = where[p]
            for q in range(begin[column], begin[column + 1]):
                place[where[q]] = q
            for q in range(p + 1, begin[j + 1]):
                goal[t] = place[where[q]]
                t += 1
    return goal


@njit(cache=True, nogil=True, error_model="numpy")
def factorise(
    low: int,
    high: int,
    values: Floats,
    entries: tuple[Ints, Ints, Ints],
    begin: Shorts,
    where: Shorts,
    goal: Shorts,
    first_goal: Ints,
    lower: Floats,
    d: Floats,
) -> None:
    """Fill the columns ``low`` .. ``high`` of L and D, which no other column touches.

    ``entries``: diagonal of the matrix, and the places in L and in ``values`` of its other entries. Indices are
    unsigned: the check of negative ones doubles the time. D has an entry <= 0 when the matrix is not definite.
    """
    diagonal, slots, source = entries
    one = np.uint64(1)
    for p in range(begin[low], begin[high]):
        lower[p] = 0.0
    for j in range(low, high):
        d[j] = values[diagonal[j]]
    for p in range(slots[low], slots[high]):
        lower[source[p, 0]] = values[source[p, 1]]
    t = np.uint64(first_goal[low])
    for j in range(np.uint64(low), np.uint64(high)):
        b, e = np.uint64(begin[j]), np.uint64(begin[j + one])
        inverse = 1.0 / d[j]
        for p in range(b, e):
            entry = lower[p]
            scaled = entry * inverse
            d[where[p]] -= scaled * entry
            shift = t - p - one
            for q in range(p + one, e):
                lower[goal[shift + q]] -= scaled * lower[q]
            t = shift + e
            lower[p] = scaled


@njit(cache=True, nogil=True)
def substitute(
    low: int, high: int, order: Ints, begin: Shorts, where: Shorts, lower: Floats, d: Floats, b: Floats, found: Floats
) -> None:
    """Solve for the unknowns ``low`` .. ``high`` of the order, from ``b`` into ``found``."""
    one, start = np.uint64(1), np.uint64(low)
    x = np.empty(high - low)
    for j in range(low, high):
        x[j - low] = b[order[j]]
    for j in range(np.uint64(low), np.uint64(high)):
        xj = x[j - start]
        for p in range(np.uint64(begin[j]), np.uint64(begin[j + one])):
            x[where[p] - start] -= lower[p] * xj
    for j in range(low, high):
        x[j - low] /= d[j]
    for k in range(np.uint64(high - low)):
        i = np.uint64(high) - one - k
        xi = x[i - start]
        for p in range(np.uint64(begin[i]), np.uint64(begin[i + one])):
            xi -= lower[p] * x[where[p] - start]
        x[i - start] = xi
        found[order[i]] = xi
