"""A plain sparse L D L^T for batches of small networks, compiled with numba.

Below about a thousand unknowns per network the blocks of PARDISO's supernodes are too small to pay for themselves.
The factor is built row by row (up-looking); its pattern, from the elimination tree, is kept between updates.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from porelab_gui.core.errors import NotConverged
from porelab_gui.core.transport.pnm.circuit import Floats, Ints
from porelab_gui.core.transport.pnm.pattern import Pattern


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
def _factorise(
    indptr: Ints, indices: Ints, values: Floats, diagonal: Floats, rows: Ints, row_columns: Ints, begin: Ints
) -> tuple[Ints, Floats, Floats]:
    """(row of each entry of L, its value, D), L by columns; D has an entry <= 0 when the matrix is not definite."""
    n = len(diagonal)
    where = np.empty(len(row_columns), np.int64)
    lower = np.empty(len(row_columns))
    d = diagonal.copy()
    end = begin[:n].copy()
    y = np.zeros(n)
    for k in range(n):
        for p in range(indptr[k], indptr[k + 1]):
            y[indices[p]] = values[p]
        for q in range(rows[k], rows[k + 1]):
            j = row_columns[q]
            yj = y[j]
            y[j] = 0.0
            for p in range(begin[j], end[j]):
                y[where[p]] -= lower[p] * yj
            entry = yj / d[j]
            d[k] -= entry * yj
            where[end[j]] = k
            lower[end[j]] = entry
            end[j] += 1
        y[k] = 0.0
    return where, lower, d


@njit(cache=True, nogil=True)
def _substitute(begin: Ints, where: Ints, lower: Floats, d: Floats, x: Floats) -> None:
    """x becomes the solution for the right-hand side that it holds."""
    n = len(d)
    for j in range(n):
        for p in range(begin[j], begin[j + 1]):
            x[where[p]] -= lower[p] * x[j]
    for j in range(n):
        x[j] /= d[j]
    for j in range(n - 1, -1, -1):
        for p in range(begin[j], begin[j + 1]):
            x[j] -= lower[p] * x[where[p]]


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


class SimplicialLDL:
    """L D L^T in a minimum-degree order."""

    name = "ldl"
    direct = True

    def __init__(self, pattern: Pattern) -> None:
        n = pattern.n
        self._order = _minimum_degree(pattern)
        place = np.empty(n, np.int64)
        place[self._order] = np.arange(n)
        row = np.repeat(np.arange(n), np.diff(pattern.indptr))
        off = np.flatnonzero(row != pattern.indices)
        a, b = place[row[off]], place[pattern.indices[off]]
        low, high = np.minimum(a, b), np.maximum(a, b)
        by_row = np.argsort(high * n + low, kind="stable")
        self._indices = low[by_row]
        self._indptr = np.searchsorted(high[by_row], np.arange(n + 1))
        self._source, self._diagonal = off[by_row], pattern.diagonal[self._order]
        self._rows, self._columns = _row_patterns(n, self._indptr, self._indices)
        self._begin = np.concatenate([[0], np.cumsum(np.bincount(self._columns, minlength=n))])

    @property
    def factor_entries(self) -> int:
        """Off-diagonal entries of L."""
        return len(self._columns)

    def update(self, values: Floats) -> None:
        self._factor = _factorise(
            self._indptr,
            self._indices,
            values[self._source],
            values[self._diagonal],
            self._rows,
            self._columns,
            self._begin,
        )
        if not self._factor[2].min() > 0:
            raise NotConverged(
                "the matrix is not positive definite", remedy="Check the conductances for extreme values."
            )

    def solve(self, b: Floats, tolerance: float) -> Floats:
        if b.ndim > 1:
            return np.stack([self.solve(column, tolerance) for column in b.T], axis=1)
        x = b[self._order]
        _substitute(self._begin, *self._factor, x)
        found = np.empty_like(x)
        found[self._order] = x
        return found
