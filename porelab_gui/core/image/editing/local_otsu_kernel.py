"""The compiled loop behind local Otsu."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def _best(hist: NDArray[np.int64], bins: int) -> tuple[int, float]:
    """The last bin of the lower class and the distance of the two class means, in bins."""
    count, moment = 0, 0
    for b in range(bins):
        count += hist[b]
        moment += b * hist[b]
    # the between-class variance times count^2 is d^2 / (below above): one division a bin
    below, first, best, where, apart = 0, 0, -1.0, 0, 0.0
    for b in range(bins - 1):
        below += hist[b]
        first += b * hist[b]
        above = count - below
        if below == 0:
            continue
        if above == 0:
            break
        d = float(moment * below - first * count)
        between = d * d / (float(below) * float(above))
        if between > best:
            best, where = between, b
            apart = d / (float(below) * float(above))
    return where, apart


@njit(cache=True, nogil=True)
def local_threshold(page: NDArray[np.uint8], half: int, bins: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Otsu's bin and class distance in the window of half width ``half`` about every voxel; clipped at the edges."""
    rows, cols = page.shape
    level = np.empty((rows, cols), np.float32)
    contrast = np.empty((rows, cols), np.float32)
    column = np.zeros((cols, bins), np.int64)
    for y in range(min(half, rows)):
        for x in range(cols):
            column[x, page[y, x]] += 1
    hist = np.zeros(bins, np.int64)
    for y in range(rows):
        if y + half < rows:
            for x in range(cols):
                column[x, page[y + half, x]] += 1
        if y - half - 1 >= 0:
            for x in range(cols):
                column[x, page[y - half - 1, x]] -= 1
        hist[:] = 0
        for x in range(min(half, cols)):
            hist += column[x]
        for x in range(cols):
            if x + half < cols:
                hist += column[x + half]
            if x - half - 1 >= 0:
                hist -= column[x - half - 1]
            where, apart = _best(hist, bins)
            level[y, x] = where
            contrast[y, x] = apart
    return level, contrast
