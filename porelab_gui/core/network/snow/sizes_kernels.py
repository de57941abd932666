"""Compiled kernels that measure regions and the throats between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

COUNT, Z, Y, X, SKIN, Z0, Z1, Y0, Y1, X0, X1 = range(11)  # fields of a region's sums: last are the bounding box
AREA, RIM, TOP, PLACE = range(4)  # fields of a throat's sums


@njit(cache=True, nogil=True)
def slot_of(keys: NDArray[np.int64], key: int) -> int:
    """Where the key is or would be put in an open-addressing table of a power of two slots (-1 is free)."""
    mask = keys.size - 1
    slot = ((key * 0x9E3779B97F4A7C1) >> 20) & mask
    while keys[slot] != key and keys[slot] != -1:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True, nogil=True)
def enlarged(keys: NDArray[np.int64], values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The table with four times the slots."""
    more = np.full(keys.size * 4, -1, dtype=np.int64)
    kept = np.zeros((keys.size * 4, values.shape[1]), dtype=np.int64)
    for i in range(keys.size):
        if keys[i] != -1:
            slot = slot_of(more, keys[i])
            more[slot] = keys[i]
            kept[slot] = values[i]
    return more, kept


@njit(cache=True, nogil=True)
def empty_sums(count: int) -> NDArray[np.int64]:
    """Sums of regions 0..count before the first voxel."""
    sums = np.zeros((count + 1, 11), dtype=np.int64)
    for i in range(count + 1):
        sums[i, Z0] = sums[i, Y0] = sums[i, X0] = 1 << 40
        sums[i, Z1] = sums[i, Y1] = sums[i, X1] = -1
    return sums


@njit(cache=True, nogil=True)
def measure_slab(
    regions: NDArray[np.int32],
    d2: NDArray[Any],
    sums: NDArray[np.int64],
    start: int,
    stop: int,
    rows: tuple[int, int],
    columns: tuple[int, int],
    keys: NDArray[np.int64],
    values: NDArray[np.int64],
    used: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Add the layers start..stop to the sums of regions and to the table of throats (key: lower << 32 | higher).

    A throat's voxels are those of the region with the higher label that touch the other by a face. Only voxels in
    ``rows`` and ``columns`` are counted; the others are there as neighbours.
    """
    nz, ny, nx = regions.shape
    around = np.zeros(6, dtype=np.int64)
    for z in range(start, stop):
        for y in range(rows[0], rows[1]):
            row = regions[z, y]
            below = regions[z - 1, y] if z > 0 else row
            above = regions[z + 1, y] if z + 1 < nz else row
            before = regions[z, y - 1] if y > 0 else row
            behind = regions[z, y + 1] if y + 1 < ny else row
            edge = z == 0 or y == 0 or z + 1 == nz or y + 1 == ny
            x = columns[0]
            while x < columns[1]:
                own = row[x]
                if own == 0:
                    x += 1
                    continue
                begin = x
                while x < columns[1] and row[x] == own:
                    x += 1
                add_run(sums[own], z, y, begin, x)
                for u in range(begin, x):
                    inner = u > begin and u + 1 < x
                    if inner and below[u] == own and above[u] == own and before[u] == own and behind[u] == own:
                        if edge:
                            sums[own, SKIN] += 1
                        continue
                    around[0], around[1], around[2], around[3] = below[u], above[u], before[u], behind[u]
                    around[4] = row[u - 1] if u > 0 else 0
                    around[5] = row[u + 1] if u + 1 < nx else 0
                    same = True
                    for k in range(6):
                        same = same and around[k] == own
                    if edge or not same:
                        sums[own, SKIN] += 1
                    for k in range(6):
                        other = around[k]
                        if other == 0 or other >= own:
                            continue
                        again = False
                        for j in range(k):
                            again = again or around[j] == other
                        if again:
                            continue
                        key = (other << 32) | np.int64(own)
                        slot = slot_of(keys, key)
                        if keys[slot] == -1:
                            keys[slot] = key
                            values[slot, TOP] = -1
                            used += 1
                        add_throat(values[slot], np.int64(d2[z, y, u]), (z * ny + y) * nx + u)
                        if 2 * used > keys.size:
                            keys, values = enlarged(keys, values)
    return keys, values, used


@njit(cache=True, nogil=True)
def add_run(sums: NDArray[np.int64], z: int, y: int, begin: int, end: int) -> None:
    """Add the voxels begin..end of a row to the sums of their region."""
    n = end - begin
    sums[COUNT] += n
    sums[Z] += n * z
    sums[Y] += n * y
    sums[X] += (begin + end - 1) * n // 2
    sums[Z0], sums[Z1] = min(sums[Z0], z), max(sums[Z1], z)
    sums[Y0], sums[Y1] = min(sums[Y0], y), max(sums[Y1], y)
    sums[X0], sums[X1] = min(sums[X0], begin), max(sums[X1], end - 1)


@njit(cache=True, nogil=True)
def add_throat(values: NDArray[np.int64], square: int, place: int) -> None:
    """Add one voxel to a throat: voxels come in raster order, so the first of the highest stays."""
    values[AREA] += 1
    values[RIM] += 1 if square < 4 else 0
    if square > values[TOP]:
        values[TOP] = square
        values[PLACE] = place


@njit(cache=True, nogil=True)
def highest_slab(
    regions: NDArray[np.int32],
    squares: NDArray[Any],
    top: NDArray[np.int64],
    place: NDArray[np.int64],
    start: int,
    stop: int,
) -> None:
    """The greatest square in each region and its first place in raster order, over the layers start..stop."""
    _, ny, nx = regions.shape
    for z in range(start, stop):
        for y in range(ny):
            for x in range(nx):
                own = regions[z, y, x]
                if own != 0 and squares[z, y, x] > top[own]:
                    top[own] = squares[z, y, x]
                    place[own] = (z * ny + y) * nx + x


@njit(cache=True, nogil=True)
def highest_in_boxes(
    d2: NDArray[Any], sums: NDArray[np.int64], top: NDArray[np.int64], place: NDArray[np.int64], start: int, stop: int
) -> None:
    """The greatest square in the bounding box, one voxel wider, of the regions start..stop, and its first place."""
    nz, ny, nx = d2.shape
    for r in range(start, stop):
        if sums[r, COUNT] == 0:
            continue
        z0, z1 = max(sums[r, Z0] - 1, 0), min(sums[r, Z1] + 2, nz)
        y0, y1 = max(sums[r, Y0] - 1, 0), min(sums[r, Y1] + 2, ny)
        x0, x1 = max(sums[r, X0] - 1, 0), min(sums[r, X1] + 2, nx)
        best, where = np.int64(-1), np.int64(0)
        for z in range(z0, z1):
            for y in range(y0, y1):
                row = d2[z, y]
                high = row[x0]
                for x in range(x0 + 1, x1):
                    high = max(high, row[x])
                if high > best:
                    best = high
                    where = (z * ny + y) * nx
        y, z = where // nx % ny, where // nx // ny
        for x in range(x0, x1):
            if d2[z, y, x] == best:
                where += x
                break
        top[r], place[r] = best, where
