"""Compiled kernels for distances, smoothing and peaks.

Images "with a shell" are one voxel wider on each side than the image, with 0 there, so that the six neighbours
of every voxel exist and no kernel tests bounds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

PEAK, SEEN, KEPT, PLATEAU = 1, 2, 4, 8
SOLID_LEVEL = 2.0  # PoreSpy's value of solid in the peak search: no peak lower than this touches the solid


@njit(cache=True, nogil=True)
def squares_to_ints(squares: NDArray[np.float32], out: NDArray[Any]) -> None:
    """Whole-number copy."""
    for i in range(squares.size):
        out[i] = squares[i]


@njit(cache=True, nogil=True)
def reflected(i: int, n: int) -> int:
    """Index inside 0..n-1 by reflection about the edges of the first and last voxel."""
    while i < 0 or i >= n:
        i = -i - 1 if i < 0 else 2 * n - 1 - i
    return i


@njit(cache=True, nogil=True)
def smooth_slab(d2: NDArray[Any], half: NDArray[np.float64], out: NDArray[np.float32], start: int, stop: int) -> None:
    """Gaussian of the distance in layers start..stop of the image, on void; solid gets 2 and the shell -1.

    ``d2`` and ``out`` have a shell; ``half[k]`` weighs the two voxels at distance k. The three passes round to
    single precision one by one and add in the order of SciPy's ``gaussian_filter``, so the values are its own.
    """
    nz, ny, nx = d2.shape[0] - 2, d2.shape[1] - 2, d2.shape[2] - 2
    reach = half.size - 1
    along_z = np.empty((ny, nx), dtype=np.float32)
    along_y = np.empty(nx, dtype=np.float32)
    total = np.empty(nx, dtype=np.float64)
    for z in range(start, stop):
        for y in range(ny):
            row = d2[z + 1, y + 1]
            for x in range(nx):
                total[x] = np.float64(math.sqrt(np.float32(row[x + 1]))) * half[0]
            for k in range(reach, 0, -1):
                low, high = d2[reflected(z - k, nz) + 1, y + 1], d2[reflected(z + k, nz) + 1, y + 1]
                weight = half[k]
                for x in range(nx):
                    one = np.float64(math.sqrt(np.float32(low[x + 1])))
                    total[x] += (one + np.float64(math.sqrt(np.float32(high[x + 1])))) * weight
            for x in range(nx):
                along_z[y, x] = total[x]
        for y in range(ny):
            for x in range(nx):
                total[x] = np.float64(along_z[y, x]) * half[0]
            for k in range(reach, 0, -1):
                lower, upper = along_z[reflected(y - k, ny)], along_z[reflected(y + k, ny)]
                weight = half[k]
                for x in range(nx):
                    total[x] += (np.float64(lower[x]) + np.float64(upper[x])) * weight
            for x in range(nx):
                along_y[x] = total[x]
            smooth_row(along_y, half, total)
            row = d2[z + 1, y + 1]
            result = out[z + 1, y + 1]
            for x in range(nx):
                result[x + 1] = np.float32(total[x]) if row[x + 1] > 0 else np.float32(SOLID_LEVEL)


@njit(cache=True, nogil=True)
def smooth_row(values: NDArray[np.float32], half: NDArray[np.float64], total: NDArray[np.float64]) -> None:
    """The pass along x of one row."""
    n, reach = values.size, half.size - 1
    for x in range(n):
        total[x] = np.float64(values[x]) * half[0]
    for k in range(reach, 0, -1):
        weight = half[k]
        for x in range(min(k, n)):
            total[x] += (np.float64(values[reflected(x - k, n)]) + np.float64(values[reflected(x + k, n)])) * weight
        for x in range(k, n - k):
            total[x] += (np.float64(values[x - k]) + np.float64(values[x + k])) * weight
        for x in range(max(k, n - k), n):
            total[x] += (np.float64(values[reflected(x - k, n)]) + np.float64(values[reflected(x + k, n)])) * weight


@njit(cache=True, nogil=True)
def find_peaks_slab(
    smooth: NDArray[np.float32],
    d2: NDArray[Any],
    ball: NDArray[np.int64],
    mark: NDArray[np.uint8],
    start: int,
    stop: int,
) -> int:
    """Mark the void voxels of layers start..stop that nothing in the ball around them exceeds; how many.

    ``ball`` (k, 3) are offsets, nearest first; all images have a shell.
    """
    nz, ny, nx = d2.shape
    reach = 0
    steps = np.empty(len(ball), dtype=np.int64)
    for k in range(len(ball)):
        reach = max(reach, abs(ball[k, 0]), abs(ball[k, 1]), abs(ball[k, 2]))
        steps[k] = (ball[k, 0] * ny + ball[k, 1]) * nx + ball[k, 2]
    flat = smooth.reshape(-1)
    found = 0
    for z in range(start + 1, stop + 1):
        for y in range(1, ny - 1):
            clear = z >= reach and z < nz - reach and y >= reach and y < ny - reach
            base = (z * ny + y) * nx
            for x in range(1, nx - 1):
                if d2[z, y, x] == 0:
                    continue
                value = flat[base + x]
                if flat[base + x - 1] > value or flat[base + x + 1] > value:
                    continue
                good = True
                if clear and x >= reach and x < nx - reach:
                    for k in range(steps.size):
                        if flat[base + x + steps[k]] > value:
                            good = False
                            break
                else:
                    for k in range(len(ball)):
                        w, v, u = z + ball[k, 0], y + ball[k, 1], x + ball[k, 2]
                        inside = w > 0 and v > 0 and u > 0 and w < nz - 1 and v < ny - 1 and u < nx - 1
                        if inside and smooth[w, v, u] > value:
                            good = False
                            break
                if good:
                    mark[z, y, x] = PEAK
                    found += 1
    return found


@njit(cache=True, nogil=True)
def component(
    mark: NDArray[np.uint8], seed: int, near: NDArray[np.int64], wanted: int, queue: NDArray[np.int64]
) -> int:
    """Collect into ``queue`` the voxels that have the bit ``wanted`` and connect to the seed; how many.

    The collected ones get the bit ``SEEN``, and those that have it already are passed over.
    """
    queue[0] = seed
    mark[seed] |= SEEN
    count, head = 1, 0
    while head < count:
        here = queue[head]
        head += 1
        for k in range(near.size):
            there = here + near[k]
            if mark[there] & (wanted | SEEN) == wanted:
                mark[there] |= SEEN
                queue[count] = there
                count += 1
    return count


@njit(cache=True, nogil=True)
def keep_true_peaks(
    mark: NDArray[np.uint8],
    d2: NDArray[Any],
    found: NDArray[np.int64],
    six: NDArray[np.int64],
    near: NDArray[np.int64],
    maxiter: int,
    begin: int,
    end: int,
) -> None:
    """Give ``KEPT`` to the peaks found[begin:end] that are no saddles or ridges (PoreSpy's ``trim_saddle_points``).

    A group of peaks grows over its plateau; it is a saddle when a neighbour lies higher, and true when it stops
    growing within ``maxiter`` rounds. All images are flat and have a shell; ``near`` are the 26 neighbours.
    """
    group = np.empty(found.size + 1, dtype=np.int64)
    plateau = np.empty(1024, dtype=np.int64)
    for p in range(begin, end):
        if mark[found[p]] & SEEN:
            continue
        size = component(mark, found[p], six, PEAK, group)
        if not _highest_stays(mark, d2, group, size, near):
            continue
        top = d2[group[0]]
        for i in range(size):
            top = max(top, d2[group[i]])
        plateau, total, grown = _grow(mark, d2, group, size, near, top, maxiter, plateau)
        for i in range(total):
            mark[plateau[i]] &= 255 - PLATEAU
            if grown and mark[plateau[i]] & PEAK:
                mark[plateau[i]] |= KEPT


@njit(cache=True, nogil=True)
def _highest_stays(
    mark: NDArray[np.uint8], d2: NDArray[Any], group: NDArray[np.int64], size: int, near: NDArray[np.int64]
) -> bool:
    """Whether no voxel around the group is higher than the highest of the group."""
    top = d2[group[0]]
    for i in range(size):
        top = max(top, d2[group[i]])
    for i in range(size):
        for k in range(near.size):
            if d2[group[i] + near[k]] > top:
                return False
    return True


@njit(cache=True, nogil=True)
def _grow(
    mark: NDArray[np.uint8],
    d2: NDArray[Any],
    group: NDArray[np.int64],
    size: int,
    near: NDArray[np.int64],
    top: int,
    maxiter: int,
    plateau: NDArray[np.int64],
) -> tuple[NDArray[np.int64], int, bool]:
    """The plateau reached from the group (bit 8 set on it), its size, and whether it is a true peak."""
    total, low = 0, 0
    for i in range(size):
        if d2[group[i]] == top:
            if total == plateau.size:
                plateau = np.concatenate((plateau, np.empty_like(plateau)))
            plateau[total] = group[i]
            mark[group[i]] |= PLATEAU
            total += 1
        else:
            low += 1
    # the first round also looks around the lower voxels of the group
    first, rounds = True, 0
    head = 0
    while rounds < maxiter:
        rounds += 1
        end, changed = total, first and low > 0
        source = size if first else end - head
        for i in range(source):
            here = group[i] if first else plateau[head + i]
            for k in range(near.size):
                there = here + near[k]
                if d2[there] > top:
                    return plateau, total, False
                if d2[there] == top and not mark[there] & PLATEAU:
                    if total == plateau.size:
                        plateau = np.concatenate((plateau, np.empty_like(plateau)))
                    plateau[total] = there
                    mark[there] |= PLATEAU
                    total += 1
        if total == end and not changed:
            return plateau, total, True
        # after the first round the plateau itself is looked around once more, then only what was added
        head = 0 if first else end
        first = False
    return plateau, total, False


@njit(cache=True, nogil=True)
def peak_groups(
    mark: NDArray[np.uint8], found: NDArray[np.int64], near: NDArray[np.int64], wanted: int, ny: int, nx: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Groups of 26-connected kept peaks in raster order: members, first member of each, and centres (image indices)."""
    members = np.empty(found.size + 1, dtype=np.int64)
    starts = np.empty(found.size + 1, dtype=np.int64)
    centres = np.empty((found.size, 3), dtype=np.float64)
    groups, total = 0, 0
    for p in range(found.size):
        if mark[found[p]] & (wanted | SEEN) != wanted:
            continue
        size = component(mark, found[p], near, wanted, members[total:])
        starts[groups] = total
        sz, sy, sx = 0, 0, 0
        for i in range(total, total + size):
            index = members[i]
            sz += index // (ny * nx) - 1
            sy += index // nx % ny - 1
            sx += index % nx - 1
        centres[groups, 0], centres[groups, 1], centres[groups, 2] = sz / size, sy / size, sx / size
        groups += 1
        total += size
    starts[groups] = total
    return members[:total], starts[: groups + 1], centres[:groups]
