"""The compiled loop behind local Otsu."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def _add(column: NDArray[np.int32], value: int, bins: int) -> None:
    """A voxel more in a column: its first half counts voxels up to each bin, its second sums their bins."""
    for b in range(value, bins):
        column[b] += np.int32(1)
        column[bins + b] += np.int32(value)


@njit(cache=True, nogil=True)
def _take(column: NDArray[np.int32], value: int, bins: int) -> None:
    """A voxel less in a column."""
    for b in range(value, bins):
        column[b] -= np.int32(1)
        column[bins + b] -= np.int32(value)


@njit(cache=True, nogil=True)
def _slide(window: NDArray[np.int32], columns: NDArray[np.int32], x: int, half: int) -> None:
    """Move the window from column x - 1 to column x; outside the image there are no columns."""
    right, left = x + half < len(columns), x - half - 1 >= 0
    if right and left:
        come, go = columns[x + half], columns[x - half - 1]
        for b in range(len(window)):
            window[b] += come[b] - go[b]
    elif right:
        window += columns[x + half]
    elif left:
        window -= columns[x - half - 1]


@njit(cache=True, nogil=True, error_model="numpy")
def _best(window: NDArray[np.int32], score: NDArray[np.float64], bins: int) -> tuple[int, float]:
    """The last bin of the lower class and the distance of the two class means, in bins."""
    count, moment = float(window[bins - 1]), float(window[2 * bins - 1])
    # the between-class variance times count^2 is d^2 / (below above), 0 where a class is empty; without a branch the
    # loop takes several bins at once
    for b in range(bins - 1):
        below = float(window[b])
        d = moment * below - window[bins + b] * count
        product = below * (count - below)
        score[b] = d * d / (product + (product == 0.0))
    best, where = 0.0, 0
    for b in range(bins - 1):
        if score[b] > best:
            best, where = score[b], b
    below = float(window[where])
    product = below * (count - below)
    return where, (moment * below - window[bins + where] * count) / product if product > 0 else 0.0


@njit(cache=True, nogil=True)
def _rows(
    page: NDArray[np.uint8],
    half: int,
    bins: int,
    start: int,
    stop: int,
    level: NDArray[np.float32],
    contrast: NDArray[np.float32],
) -> None:
    """Rows ``start`` to ``stop``; all sums are cumulative over the bins, so a window needs no pass to make them."""
    rows, cols = page.shape
    columns = np.zeros((cols, 2 * bins), np.int32)
    window, score = np.zeros(2 * bins, np.int32), np.empty(bins, np.float64)
    for y in range(max(0, start - half), min(rows, start + half)):
        for x in range(cols):
            _add(columns[x], page[y, x], bins)
    for y in range(start, stop):
        for x in range(cols):
            if y + half < rows:
                _add(columns[x], page[y + half, x], bins)
            if y > start and y - half - 1 >= 0:
                _take(columns[x], page[y - half - 1, x], bins)
        window[:] = 0
        for x in range(min(half, cols)):
            window += columns[x]
        for x in range(cols):
            _slide(window, columns, x, half)
            level[y, x], contrast[y, x] = _best(window, score, bins)


def local_threshold(
    page: NDArray[np.uint8], half: int, bins: int, threads: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Otsu's bin and class distance in the window of half width ``half`` about every voxel; clipped at the edges.

    ``page`` (rows, cols) holds bins below ``bins``; ``threads`` share the rows.
    """
    level, contrast = np.empty(page.shape, np.float32), np.empty(page.shape, np.float32)
    edges = np.linspace(0, len(page), threads + 1).astype(int)
    parts = [(page, half, bins, int(a), int(b), level, contrast) for a, b in pairwise(edges)]
    if threads == 1:
        _rows(*parts[0])
        return level, contrast
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: _rows(*part), parts))
    return level, contrast
