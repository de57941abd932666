"""A conduit on a coarse grid, compiled: filled shares of the cells, and bonds that keep the narrow places.

The box of the pair is turned so that the larger region comes first and the way to the other one points along +z most,
+y next: all 48 symmetries of the cube and the swap of the labels lead to the same grid. The axes are cut as `partition`
says. The bond between two cells is the series of what the voxel layers between their centres conduct, so that a thin
layer in a cell is not averaged away.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.lattice import Compiled

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
SLIT = 0.8  # permeability over squared wall distance: 1 is exact for a slit, 0.75 for a tube


@njit(**Compiled)
def turn(way: F64) -> tuple[I64, I64]:
    """Order of the axes by falling |way|, and the sign that makes each component positive."""
    size = np.abs(way)
    order = np.array([0, 1, 2])
    for i in range(2):
        for j in range(2 - i):
            if size[order[j]] < size[order[j + 1]]:
                order[j], order[j + 1] = order[j + 1], order[j]
    sign = np.ones(3, np.int64)
    for k in range(3):
        if way[order[k]] < 0:
            sign[k] = -1
    return order, sign


@njit(**Compiled)
def turned_mark(image: NDArray[np.int32], low: I64, high: I64, one: int, two: int, order: I64, sign: I64) -> U8:
    """1 in region ``one``, 2 in region ``two``, 0 elsewhere, in the turned box."""
    size = high - low
    shape = (size[order[0]], size[order[1]], size[order[2]])
    mark = np.zeros(shape, np.uint8)
    flat = mark.reshape(-1)
    pace = np.zeros(3, np.int64)
    pace[order[0]], pace[order[1]], pace[order[2]] = shape[1] * shape[2] * sign[0], shape[2] * sign[1], sign[2]
    base = 0
    for k in range(3):
        if pace[k] < 0:
            base -= pace[k] * (size[k] - 1)
    for z in range(size[0]):
        for y in range(size[1]):
            at = base + z * pace[0] + y * pace[1]
            row = image[low[0] + z, low[1] + y]
            for x in range(size[2]):
                k = row[low[2] + x]
                if k == one:
                    flat[at + x * pace[2]] = 1
                elif k == two:
                    flat[at + x * pace[2]] = 2
    return mark


@njit(**Compiled)
def turned_flow(square: F32, mark: U8, low: I64, high: I64, order: I64, sign: I64) -> F32:
    """Permeability of the voxels [edge^2] from their squared wall distance, in the turned box, 0 outside the pair."""
    size = high - low
    shape = mark.shape
    flow = np.zeros(shape, np.float32)
    flat, marked = flow.reshape(-1), mark.reshape(-1)
    pace = np.zeros(3, np.int64)
    pace[order[0]], pace[order[1]], pace[order[2]] = shape[1] * shape[2] * sign[0], shape[2] * sign[1], sign[2]
    base = 0
    for k in range(3):
        if pace[k] < 0:
            base -= pace[k] * (size[k] - 1)
    for z in range(size[0]):
        for y in range(size[1]):
            at = base + z * pace[0] + y * pace[1]
            row = square[low[0] + z, low[1] + y]
            for x in range(size[2]):
                if marked[at + x * pace[2]]:
                    near = np.sqrt(row[low[2] + x]) - np.float32(0.5)
                    flat[at + x * pace[2]] = np.float32(SLIT) * near * near
    return flow


@njit(**Compiled)
def fill(mark: U8, bz: I64, by: I64, bx: I64, cells: int) -> F32:
    """Voxels of either region in every cell, (2, cells, cells, cells)."""
    count = np.zeros((2, cells, cells, cells), np.float32)
    nz, ny, nx = mark.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                k = mark[z, y, x]
                if k:
                    count[k - 1, bz[z], by[y], bx[x]] += 1
    return count


@njit(**Compiled)
def layers(mark: U8, flow: F32, bz: I64, by: I64, bx: I64, cells: int) -> tuple[F32, F32, F32]:
    """Conductance of every layer of voxel faces within every column of cells, along z, y and x.

    ``flow`` empty: faces are counted (diffusion). Otherwise a face conducts the mean of its two voxels.
    """
    nz, ny, nx = mark.shape
    over_z = np.zeros((nz, cells, cells), np.float32)
    over_y = np.zeros((ny, cells, cells), np.float32)
    over_x = np.zeros((nx, cells, cells), np.float32)
    weighted = flow.size > 0
    half = np.float32(0.5)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if mark[z, y, x] == 0:
                    continue
                here = flow[z, y, x] if weighted else np.float32(1)
                if z + 1 < nz and mark[z + 1, y, x]:
                    over_z[z, by[y], bx[x]] += half * (here + flow[z + 1, y, x]) if weighted else here
                if y + 1 < ny and mark[z, y + 1, x]:
                    over_y[y, bz[z], bx[x]] += half * (here + flow[z, y + 1, x]) if weighted else here
                if x + 1 < nx and mark[z, y, x + 1]:
                    over_x[x, bz[z], by[y]] += half * (here + flow[z, y, x + 1]) if weighted else here
    return over_z, over_y, over_x


@njit(**Compiled)
def series(over: F32, of: I64, cells: int, factor: float) -> F32:
    """Bonds (cells, cells, cells) from every cell to the next one along the first axis.

    From the face between two cells outwards to their centres the resistances of the layers add up; the sum ends at a
    layer without faces, since the void of a cell need not reach its centre.
    """
    first, last = np.full(cells, -1, np.int64), np.full(cells, -1, np.int64)
    for i in range(len(of)):
        if first[of[i]] < 0:
            first[of[i]] = i
        last[of[i]] = i
    bonds = np.zeros((cells, cells, cells), np.float32)
    for c in range(cells - 1):
        e = last[c]
        if e < 0 or first[c + 1] < 0:
            continue
        middle, end = 0.5 * (first[c] + e), 0.5 * (first[c + 1] + last[c + 1])
        for p in range(cells):
            for q in range(cells):
                if over[e, p, q] <= 0:
                    continue
                total = 0.0
                i = e
                while i >= 0 and i + 1 > middle and over[i, p, q] > 0:
                    total += (min(i + 1.0, end) - max(float(i), middle)) / over[i, p, q]
                    i -= 1
                i = e + 1
                while i < end and over[i, p, q] > 0:
                    total += (min(i + 1.0, end) - max(float(i), middle)) / over[i, p, q]
                    i += 1
                bonds[c, p, q] = factor / total
    return bonds
