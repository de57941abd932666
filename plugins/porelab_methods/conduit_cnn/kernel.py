"""From a pair of regions to what the net reads, compiled: channels on the coarse grid, numbers, and two priors."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.lattice import Compiled
from porelab_methods.conduit_cnn import coarsen
from porelab_methods.conduit_cnn.partition import partition, widths
from porelab_methods.conduit_cnn.priors import OK, diffusive_prior, hydraulic_prior, nearest, turned_point, turned_voxel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
# filled by region 1, by region 2, potential, dissipation; wall distance, pressure, its dissipation; size of the cell
CHANNELS = 8
NUMBERS = 23


@njit(**Compiled)
def zoomed(
    image: NDArray[np.int32], low: I64, high: I64, one: int, two: int, first: F64, second: F64, order: I64, sign: I64,
    cells: int,
) -> tuple[U8, F64, tuple[I64, I64, I64], F32, float]:  # fmt: skip
    """The pair in the turned box, its centres there, the cell of every plane, voxels in the cells, mean edge of one."""
    mark = coarsen.turned_mark(image, low, high, one, two, order, sign)
    points = np.empty((2, 3))
    points[0] = turned_point(first, high - low, order, sign)
    points[1] = turned_point(second, high - low, order, sign)
    scale = max(1.0, max(mark.shape) / cells)
    of = partition(mark, points, cells, scale)
    return mark, points, of, coarsen.fill(mark, of[0], of[1], of[2], cells), scale


@njit(**Compiled)
def represent(
    image: NDArray[np.int32], square: F32, low: I64, high: I64, labels: I64, centres: F64, radii: F64, counts: I64,
    virtual: NDArray[np.bool_], edges: F64, cells: int, out: F32, numbers: F64, priors: F64,
) -> int:  # fmt: skip
    """Fill ``out`` (CHANNELS, cells, cells, cells), ``numbers`` (NUMBERS,), ``priors`` (2,: ln g); returns a status.

    ``centres`` (2, 3) voxel indices from the corner of the box ``low`` .. ``high``; ``square``: squared wall distance
    of the image, or empty where no hydraulic prior is wanted.
    """
    swap = 1 if counts[1] > counts[0] else 0
    a, b = swap, 1 - swap
    size = high - low
    order, sign = coarsen.turn((centres[b] - centres[a]) * edges)
    mark, points, of, count, scale = zoomed(
        image, low, high, labels[a], labels[b], centres[a], centres[b], order, sign, cells
    )
    edge = np.array([edges[order[0]], edges[order[1]], edges[order[2]]])
    out[:] = 0
    sizes_channel(of, count, scale, out)
    over = coarsen.layers(mark, np.zeros((0, 0, 0), np.float32), of[0], of[1], of[2], cells)
    bonds = (
        coarsen.series(over[0], of[0], cells, 1 / edge[0] ** 2),
        coarsen.series(over[1], of[1], cells, 1 / edge[1] ** 2),
        coarsen.series(over[2], of[2], cells, 1 / edge[2] ** 2),
    )
    first = nearest(image, low, high, labels[a], labels[b], centres[a], edges)
    second = nearest(image, low, high, labels[a], labels[b], centres[b], edges)
    ends = (turned_voxel(first, size, order, sign), turned_voxel(second, size, order, sign))
    turned_radii = np.array([radii[a], radii[b]])
    g, status = diffusive_prior(mark, bonds, of, ends, turned_radii, edge, out, numbers, count)
    priors[0] = np.log(g)
    if status != OK:
        return status
    plain_numbers(mark, over[0], points, counts[a], counts[b], turned_radii, virtual[a], virtual[b], scale, numbers)
    if square.size:
        flow = coarsen.turned_flow(square, mark, low, high, order, sign)
        over = coarsen.layers(mark, flow, of[0], of[1], of[2], cells)
        bonds = (
            coarsen.series(over[0], of[0], cells, 1.0),
            coarsen.series(over[1], of[1], cells, 1.0),
            coarsen.series(over[2], of[2], cells, 1.0),
        )
        both = np.array([virtual[a], virtual[b]])
        g, status = hydraulic_prior(bonds, count, points, both, middles(of, cells), out, numbers)
        priors[1] = np.log(g)
        wall_channel(flow, mark, of, count, scale, out[4])
        numbers[17] = priors[1] - 3 * np.log(scale)
    numbers[16] = priors[0] - np.log(scale)
    return status


@njit(**Compiled)
def sizes_channel(of: tuple[I64, I64, I64], count: F32, scale: float, out: F32) -> None:
    """Filled shares of the cells, and the logarithm of their volumes over the mean one."""
    cells = count.shape[1]
    wz, wy, wx = widths(of[0], cells), widths(of[1], cells), widths(of[2], cells)
    for z in range(cells):
        for y in range(cells):
            for x in range(cells):
                volume = wz[z] * wy[y] * wx[x]
                if volume > 0:
                    out[0, z, y, x] = count[0, z, y, x] / volume
                    out[1, z, y, x] = count[1, z, y, x] / volume
                    out[7, z, y, x] = np.log(volume) - 3 * np.log(scale)


@njit(**Compiled)
def middles(of: tuple[I64, I64, I64], cells: int) -> F64:
    """The middle of every cell along each axis [voxel index]."""
    out = np.zeros((cells, 3))
    for k in range(3):
        total, number = np.zeros(cells), np.zeros(cells)
        for i in range(len(of[k])):
            total[of[k][i]] += i
            number[of[k][i]] += 1
        for c in range(cells):
            out[c, k] = total[c] / max(number[c], 1)
    return out


@njit(**Compiled)
def wall_channel(flow: F32, mark: U8, of: tuple[I64, I64, I64], count: F32, scale: float, out: F32) -> None:
    """Root of the mean permeability of every cell, in cells."""
    nz, ny, nx = mark.shape
    bz, by, bx = of
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if mark[z, y, x]:
                    out[bz[z], by[y], bx[x]] += flow[z, y, x]
    c = out.shape[0]
    for z in range(c):
        for y in range(c):
            for x in range(c):
                voxels = count[0, z, y, x] + count[1, z, y, x]
                if voxels > 0:
                    out[z, y, x] = np.sqrt(out[z, y, x] / voxels) / scale


@njit(**Compiled)
def plain_numbers(
    mark: U8, over: F32, points: F64, one: int, two: int, radii: F64, first: bool, second: bool, scale: float,
    numbers: F64,
) -> None:  # fmt: skip
    """Sizes as logarithms: volumes, radii and distance in cells and in voxels, the contact, the series of slices."""
    way = np.sqrt(((points[1] - points[0]) ** 2).sum())
    numbers[5] = np.log(scale)
    numbers[7], numbers[8] = np.log(one) - 3 * np.log(scale), np.log(max(two, 1)) - 3 * np.log(scale)
    numbers[9], numbers[10] = np.log(radii[0] + 0.5), np.log(radii[1] + 0.5)
    numbers[11] = np.log(way + 0.5) - np.log(scale)
    numbers[12], numbers[13] = 1.0 if first else 0.0, 1.0 if second else 0.0
    contact = 0
    nz, ny, nx = mark.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                k = mark[z, y, x]
                if k == 0:
                    continue
                contact += z + 1 < nz and mark[z + 1, y, x] == 3 - k
                contact += y + 1 < ny and mark[z, y + 1, x] == 3 - k
                contact += x + 1 < nx and mark[z, y, x + 1] == 3 - k
    numbers[14] = np.log(contact + 0.5) - 2 * np.log(scale)
    total = 0.0
    for i in range(np.int64(np.rint(points[0, 0])), np.int64(np.rint(points[1, 0]))):
        total += 1 / max(over[i].sum(), 0.5)
    numbers[15] = -np.log(max(total, 1e-6)) - np.log(scale)


@njit(**Compiled)
def represent_many(
    image: NDArray[np.int32], square: F32, low: I64, high: I64, labels: I64, centres: F64, radii: F64, counts: I64,
    virtual: NDArray[np.bool_], edges: F64, cells: int, which: I64, out: F32, numbers: F64, priors: F64, status: I64,
) -> None:  # fmt: skip
    """``represent`` for the rows ``which``."""
    for row in which:
        status[row] = represent(
            image, square, low[row], high[row], labels[row], centres[row], radii[row], counts[row], virtual[row],
            edges, cells, out[row], numbers[row], priors[row],
        )  # fmt: skip
