"""A plain sparse L D L^T for batches of small networks, compiled with numba.

Below about a thousand unknowns per network the blocks of PARDISO's supernodes are too small to pay for themselves.
Its pattern, from the elimination tree, and the goal of every product in it are kept between updates.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numba import njit

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.network.snow.slabs import each, thread_count
from porelab_gui.core.progress import silent
from porelab_gui.core.transport.pnm import kernels
from porelab_gui.core.transport.pnm.circuit import Floats, Ints
from porelab_gui.core.transport.pnm.kernels import Shorts
from porelab_gui.core.transport.pnm.pattern import Pattern

MOST_PRODUCTS = 1 << 28  # four bytes each
FEW_PRODUCTS = 1 << 19  # starting threads takes longer than these


@njit(cache=True, nogil=True)
def _row_patterns(n: int, indptr: Ints, indices: Ints) -> tuple[Ints, Ints]:
    """(start, columns): the columns j < k of every row k of L, ascending; input rows hold columns below the row."""
    parent = np.full(n, -1, np.int64)
    mark = np.full(n, -1, np.int64)
    start = np.zeros(n + 1, np.int64)
    for k in range(n):
        mark[k] = k
        for p in range(indptr[k], indptr[k + 1]):
            j = indices[p]
            while mark[j] != k:
                if parent[j] < 0:
                    parent[j] = k
                mark[j] = k
                start[k + 1] += 1
                j = parent[j]
    start = np.cumsum(start)
    columns = np.empty(start[n], np.int64)
    mark[:] = -1
    for k in range(n):
        mark[k] = k
        put = start[k]
        for p in range(indptr[k], indptr[k + 1]):
            j = indices[p]
            while mark[j] != k:
                mark[j] = k
                columns[put] = j
                put += 1
                j = parent[j]
        columns[start[k] : put].sort()
    return start, columns


@njit(cache=True, nogil=True)
def _columns_of(rows: Ints, columns: Ints) -> tuple[Ints, Shorts]:
    """(begin, row of each entry) of L by columns, from its rows."""
    n = len(rows) - 1
    begin = np.zeros(n + 1, np.int64)
    for j in columns:
        begin[j + 1] += 1
    begin = np.cumsum(begin)
    where = np.empty(len(columns), np.uint32)
    end = begin[:n].copy()
    for k in range(n):
        for q in range(rows[k], rows[k + 1]):
            j = columns[q]
            where[end[j]] = k
            end[j] += 1
    return begin, where


def _minimum_degree(pattern: Pattern) -> Ints:
    """(n,) the unknown to eliminate first, second, ...: SuperLU's ordering of a matrix with this pattern."""
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    indptr, indices, source = pattern.full
    values = np.full(len(pattern.indices), -1.0)
    values[pattern.diagonal] = 1.0 + np.diff(indptr)  # dominant, so that no pivoting disturbs the order
    matrix = csc_array((values[source], indices, indptr), shape=(pattern.n, pattern.n))
    place = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}).perm_c
    return np.argsort(place)


def _parts(pattern: Pattern, order: Ints) -> tuple[Ints, Ints]:
    """(order with connected parts one after another, bounds of the parts in it).

    Minimum degree goes to and fro between the networks of a batch; one after another each factor stays in the cache.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pattern.indices), np.int8)
    graph = csr_array((ones, pattern.indices, pattern.indptr), shape=(pattern.n, pattern.n))
    count, part = connected_components(graph, directed=False)
    order = order[np.argsort(part[order], kind="stable")]
    return order, np.concatenate([[0], np.cumsum(np.bincount(part, minlength=count))]).astype(np.int64)


def _shares(bounds: Ints, weight: Ints, count: int) -> list[tuple[int, int]]:
    """About ``count`` runs of whole parts with equal sums of ``weight`` (n + 1, cumulative)."""
    wanted = weight[-1] * np.arange(1, count) / count
    cuts = np.unique(np.concatenate([[0], np.searchsorted(weight[bounds], wanted), [len(bounds) - 1]]))
    return [(int(bounds[a]), int(bounds[b])) for a, b in pairwise(cuts)]


class SimplicialLDL:
    """L D L^T in a minimum-degree order, connected parts by several threads where there is enough to do."""

    name = "ldl"
    direct = True

    def __init__(self, pattern: Pattern, threads: int = 0) -> None:
        n = pattern.n
        self._order, bounds = _parts(pattern, _minimum_degree(pattern))
        place = np.empty(n, np.int64)
        place[self._order] = np.arange(n)
        row = np.repeat(np.arange(n), np.diff(pattern.indptr))
        off = np.flatnonzero(row != pattern.indices)
        a, b = place[row[off]], place[pattern.indices[off]]
        low, high = np.minimum(a, b), np.maximum(a, b)
        by_row = np.argsort(high * n + low, kind="stable")
        rows, columns = _row_patterns(n, np.searchsorted(high[by_row], np.arange(n + 1)), low[by_row])
        begin, self._where = _columns_of(rows, columns)
        by_column = np.argsort(low * n + high, kind="stable")
        names = np.repeat(np.arange(n), np.diff(begin)) * n + self._where
        places = np.searchsorted(names, (low * n + high)[by_column])
        starts = np.searchsorted(low[by_column], np.arange(n + 1))
        self._entries = pattern.diagonal[self._order], starts, np.c_[places, off[by_column]]
        long = np.diff(begin)
        work = np.concatenate([[0], np.cumsum(long * (long - 1) // 2)])
        if work[-1] > MOST_PRODUCTS:
            raise InputError(
                f"the plain L D L^T is for small networks, and this factor takes {work[-1]:.1e} products",
                remedy="Choose the back end auto, pardiso or amg.",
            )
        self._goal, self._first_goal = kernels.factor_plan(begin, self._where), work
        self._begin = begin.astype(np.uint32)
        self._lower, self._d = np.empty(len(columns)), np.empty(n)
        count = 1 if not threads and work[-1] < FEW_PRODUCTS else thread_count(threads)
        self._shares = _shares(bounds, work + begin, count)

    @property
    def factor_entries(self) -> int:
        """Off-diagonal entries of L."""
        return len(self._lower)

    def update(self, values: Floats) -> None:
        """Take new values; the first ``solve`` factorises, and substitutes while a part's factor is in the cache."""
        self._values: Floats | None = np.ascontiguousarray(values)

    def solve(self, b: Floats, tolerance: float) -> Floats:
        if b.ndim > 1:
            return np.stack([self.solve(np.ascontiguousarray(column), tolerance) for column in b.T], axis=1)
        found, values = np.empty(len(b)), self._values

        def work(low: int, high: int) -> None:
            if values is not None:
                goal = self._goal, self._first_goal
                args = self._begin, self._where, *goal, self._lower, self._d
                kernels.factorise(low, high, values, self._entries, *args)
            factor = self._begin, self._where, self._lower, self._d
            kernels.substitute(low, high, self._order, *factor, b, found)

        each(work, self._shares, len(self._shares), silent, "")
        self._values = None
        if not self._d.min() > 0:
            raise NotConverged(
                "the matrix is not positive definite", remedy="Check the conductances for extreme values."
            )
        return found
