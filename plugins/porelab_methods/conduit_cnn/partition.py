"""Cells that are small where the energy is dissipated, compiled.

With one flux through all slices across the way from centre to centre, a voxel of a slice of A voxels dissipates 1 / A^2
of it. The sums of that over the planes along each axis say how finely the axis is cut: the neck gets cells of one
voxel, the bulges, which hardly resist, get large ones.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.lattice import Compiled

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
EVEN = 0.3  # share of an even cut that every plane gets, in units of the mean of the dissipation
ROUNDS = 30


@njit(**Compiled)
def dissipated(mark: U8, first: int, last: int) -> tuple[F64, F64, F64]:
    """Estimated dissipation in the planes along z, y and x; ``first``, ``last``: the slices of the two centres."""
    nz, ny, nx = mark.shape
    along_z, along_y, along_x = np.zeros(nz), np.zeros(ny), np.zeros(nx)
    rows, columns = np.zeros(ny), np.zeros(nx)
    for z in range(max(first - 1, 0), min(last + 2, nz)):
        columns[:] = 0
        area = 0
        for y in range(ny):
            inside = 0
            for x in range(nx):
                here = 1 if mark[z, y, x] else 0
                inside += here
                columns[x] += here
            rows[y] = inside
            area += inside
        if area > 0:
            each = 1.0 / (float(area) * area)
            along_z[z] = 1.0 / area
            along_y += each * rows
            along_x += each * columns
    return along_z, along_y, along_x


@njit(**Compiled)
def cut(density: F64, count: int) -> I64:
    """The part of every plane when an axis is cut into at most ``count`` parts, about equal in ``density``."""
    n = len(density)
    of = np.arange(n)
    if n <= count:
        return of
    mean = density.mean()
    want = density + EVEN * mean if mean > 0 else np.ones(n)
    share = np.empty(n)  # parts per plane, never above one
    scale = count / want.sum()
    for _ in range(ROUNDS):
        total, free = 0.0, 0.0
        for i in range(n):
            share[i] = min(1.0, want[i] * scale)
            total += share[i]
            free += want[i] if share[i] < 1.0 else 0.0
        if total >= count - 1e-6 or free <= 0:
            break
        scale += (count - total) / free
    sofar, before, part = 0.0, -1, -1
    for i in range(n):
        here = int(np.floor(sofar + 0.5 * share[i] + 1e-9))
        sofar += share[i]
        if here != before:
            part += 1
            before = here
        of[i] = min(part, count - 1)
    return of


@njit(**Compiled)
def partition(mark: U8, points: F64, cells: int, scale: float) -> tuple[I64, I64, I64]:
    """The cell of every plane along z, y and x; the box lies in the middle of the grid of ``cells`` an edge.

    ``points`` (2, 3): the two centres in the turned box, the first one lower along z. ``scale``: mean edge of a cell.
    """
    along = dissipated(mark, np.int64(np.rint(points[0, 0])), np.int64(np.rint(points[1, 0])))
    z = cut(along[0], min(cells, np.int64(np.ceil(mark.shape[0] / scale))))
    y = cut(along[1], min(cells, np.int64(np.ceil(mark.shape[1] / scale))))
    x = cut(along[2], min(cells, np.int64(np.ceil(mark.shape[2] / scale))))
    return z + (cells - 1 - z[-1]) // 2, y + (cells - 1 - y[-1]) // 2, x + (cells - 1 - x[-1]) // 2


@njit(**Compiled)
def widths(of: I64, cells: int) -> F64:
    """Planes in every part of an axis."""
    out = np.zeros(cells)
    for i in of:
        out[i] += 1
    return out
