"""From a pair of regions to what the net reads, compiled: channels on the coarse grid, numbers, and two priors."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.lattice import Compiled
from porelab_methods.conduit_cnn import coarsen, solve

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
CHANNELS = 7  # filled by region 1, by region 2, potential, dissipation; wall distance, pressure, its dissipation
NUMBERS = 23
TOLERANCE, LIMIT = 1e-4, 300
OK, UNREACHED = 0, 1


@njit(**Compiled)
def turned_point(centre: F64, size: I64, order: I64, sign: I64) -> F64:
    """A point of the box (voxel indices) in the turned box."""
    out = np.empty(3)
    for k in range(3):
        at = centre[order[k]]
        out[k] = at if sign[k] > 0 else size[order[k]] - 1 - at
    return out


@njit(**Compiled)
def nearest(mark: U8, centre: F64, edges: F64) -> tuple[int, int, int]:
    """The voxel of the pair nearest to a point."""
    best, found = np.inf, (0, 0, 0)
    nz, ny, nx = mark.shape
    for z in range(nz):
        dz = ((z - centre[0]) * edges[0]) ** 2
        if dz > best:
            continue
        for y in range(ny):
            dy = dz + ((y - centre[1]) * edges[1]) ** 2
            if dy > best:
                continue
            for x in range(nx):
                if mark[z, y, x]:
                    d = dy + ((x - centre[2]) * edges[2]) ** 2
                    if d < best:
                        best, found = d, (z, y, x)
    return found


@njit(**Compiled)
def ball(
    mark: U8, number: I32, bz: I64, by: I64, bx: I64, label: int, at: tuple[int, int, int], radius: float, edges: F64,
    share: F64,
) -> None:  # fmt: skip
    """Shares of the nodes in the mean over the ball of the direct simulation's definition."""
    share[:] = 0
    lo, hi = np.zeros(3, np.int64), np.array(mark.shape)
    if radius > 0:
        for k in range(3):
            reach = int(np.ceil(radius / edges[k]))
            lo[k], hi[k] = max(at[k] - reach, 0), min(at[k] + reach + 1, mark.shape[k])
    square = radius * radius * (1 + 1e-12)
    total = 0.0
    for z in range(lo[0], hi[0]):
        dz = ((z - at[0]) * edges[0]) ** 2
        for y in range(lo[1], hi[1]):
            dy = dz + ((y - at[1]) * edges[1]) ** 2
            for x in range(lo[2], hi[2]):
                if radius > 0:
                    inside = mark[z, y, x] > 0 and dy + ((x - at[2]) * edges[2]) ** 2 <= square
                else:
                    inside = mark[z, y, x] == label
                i = number[bz[z], by[y], bx[x]]
                if inside and i >= 0:
                    share[i] += 1
                    total += 1
    if total > 0:
        share /= total


@njit(**Compiled)
def dissipation(links: I32, weights: F32, excess: F64, ends: F64, x: F64) -> F64:
    """Share of every node in the dissipated energy; ``ends`` is the value behind a node's ``excess``."""
    n = len(links)
    out = np.zeros(n)
    total = 0.0
    for i in range(n):
        for k in range(6):
            if links[i, k] < n:
                out[i] += 0.5 * weights[i, k] * (x[i] - x[links[i, k]]) ** 2
        out[i] += excess[i] * (x[i] - ends[i]) ** 2
        total += out[i]
    return out / total if total > 0 else out


@njit(**Compiled)
def spread_nodes(number: I32, values: F64, out: F32, low: float, high: float) -> None:
    """Values of the nodes into a channel, kept between ``low`` and ``high``."""
    flat, to = number.reshape(-1), out.reshape(-1)
    for c in range(len(flat)):
        if flat[c] >= 0:
            to[c] = min(max(values[flat[c]], low), high)


@njit(**Compiled)
def diffusive_prior(
    mark: U8, bonds: tuple[F32, F32, F32], of: tuple[I64, I64, I64], ends: tuple[tuple[int, int, int], tuple[int, int, int]],
    radii: F64, edges: F64, out: F32, numbers: F64, count: F32,
) -> tuple[float, int]:  # fmt: skip
    """Coarse size factor [mean edges] and status; fills the channels potential and dissipation and some numbers."""
    number, links, weights = solve.graph(bonds[0], bonds[1], bonds[2])
    n = len(links)
    bz, by, bx = of
    (z1, y1, x1), (z2, y2, x2) = ends
    source, sink = number[bz[z1], by[y1], bx[x1]], number[bz[z2], by[y2], bx[x2]]
    if n == 0 or source < 0 or sink < 0 or source == sink:
        return np.nan, UNREACHED
    seen = solve.reached(links, weights, source)
    if not seen[sink]:
        return np.nan, UNREACHED
    b = np.zeros(n)
    b[source], b[sink] = 1.0, -1.0
    none = np.zeros(n)
    x, its = solve.conjugate_gradients(links, weights, none, b, TOLERANCE, LIMIT)
    one, two = np.empty(n), np.empty(n)
    ball(mark, number, bz, by, bx, 1, ends[0], radii[0], edges, one)
    ball(mark, number, bz, by, bx, 2, ends[1], radii[1], edges, two)
    high, low = 0.0, 0.0
    for i in range(n):
        high += one[i] * x[i]
        low += two[i] * x[i]
    drop = high - low
    if not drop > 0:
        return np.nan, UNREACHED
    heat = dissipation(links, weights, none, none, x)
    level = np.empty(n)
    joined = 0
    for i in range(n):
        level[i] = (2 * x[i] - high - low) / drop if seen[i] else 0.0
        joined += seen[i]
    spread_nodes(number, level, out[2], -1.5, 1.5)
    spread_nodes(number, np.sqrt(heat * joined), out[3], 0.0, 6.0)
    describe(number, heat, level, count, numbers, 0)
    numbers[6] = np.log(joined)
    return 1 / drop, OK


@njit(**Compiled)
def describe(number: I32, heat: F64, level: F64, count: F32, numbers: F64, start: int) -> None:
    """Where the energy is dissipated: concentration, in which region, in how full cells, at which potential."""
    flat = number.reshape(-1)
    first, second = count[0].reshape(-1), count[1].reshape(-1)
    square, share, full, where, spot = 0.0, 0.0, 0.0, 0.0, 0.0
    most = 1e-9
    for c in range(len(flat)):
        most = max(most, first[c] + second[c])
    for c in range(len(flat)):
        i = flat[c]
        if i >= 0:
            square += heat[i] ** 2
            voxels = max(first[c] + second[c], 1e-9)
            share += heat[i] * first[c] / voxels
            full += heat[i] * voxels / most
            where += heat[i] * level[i]
            spot += heat[i] * level[i] ** 2
    numbers[start] = np.log(max(square, 1e-12))
    numbers[start + 1], numbers[start + 2], numbers[start + 3], numbers[start + 4] = share, full, where, spot


@njit(**Compiled)
def reservoirs(count: F32, centres: F64, virtual: NDArray[np.bool_], cell: F64) -> tuple[NDArray[np.int8], F64]:
    """Kind of every cell (1: upper reservoir, 2: lower, 0: inside) and its place between the planes of the centres.

    ``centres`` (2, 3) and ``cell`` (cells, 3), the middle of every cell along each axis, in turned voxel indices.
    """
    c = count.shape[1]
    kind, place = np.zeros((c, c, c), np.int8), np.zeros((c, c, c))
    way = centres[1] - centres[0]
    square = max((way * way).sum(), 1e-300)
    for z in range(c):
        for y in range(c):
            for x in range(c):
                t = (cell[z, 0] - centres[0, 0]) * way[0] + (cell[y, 1] - centres[0, 1]) * way[1]
                t = (t + (cell[x, 2] - centres[0, 2]) * way[2]) / square
                first = count[0, z, y, x] > count[1, z, y, x]
                if first and (virtual[0] or t <= 0):
                    kind[z, y, x] = 1
                elif not first and (virtual[1] or t >= 1):
                    kind[z, y, x] = 2
                place[z, y, x] = np.nan if (virtual[0] if first else virtual[1]) else t
    return kind, place


@njit(**Compiled)
def inside_share(kind: int, inner: float, outer: float) -> float:
    """The part of the way from an inner cell to a reservoir cell that lies inside."""
    if kind == 2:
        inner, outer = 1 - inner, 1 - outer
    if np.isnan(outer) or np.isnan(inner) or inner <= 0:
        return 0.5
    return max(inner / (inner - outer), 0.05)


@njit(**Compiled)
def hydraulic_prior(
    bonds: tuple[F32, F32, F32], count: F32, centres: F64, virtual: NDArray[np.bool_], cell: F64, out: F32,
    numbers: F64,
) -> tuple[float, int]:  # fmt: skip
    """Coarse flow rate [edge^3] of a medium whose permeability is that of the wall distance, and status."""
    number, links, weights = solve.graph(bonds[0], bonds[1], bonds[2])
    n = len(links)
    kind, place = reservoirs(count, centres, virtual, cell)
    flat_kind, flat_place, flat = kind.reshape(-1), place.reshape(-1), number.reshape(-1)
    kinds, places = np.zeros(n + 1, np.int8), np.zeros(n + 1)
    for c in range(len(flat)):
        if flat[c] >= 0:
            kinds[flat[c]], places[flat[c]] = flat_kind[c], flat_place[c]
    excess, b, ends, direct = np.zeros(n), np.zeros(n), np.zeros(n), 0.0
    for i in range(n):
        for k in range(6):
            j = links[i, k]
            if j == n or weights[i, k] == 0 or (kinds[i] == 0 and kinds[j] == 0):
                continue
            if kinds[i] == 0:
                bond = weights[i, k] / inside_share(kinds[j], places[i], places[j])
                excess[i] += bond
                b[i] += bond if kinds[j] == 1 else 0.0
            elif kinds[i] == 1 and kinds[j] == 2:
                gap = abs(places[j] - places[i])
                direct += weights[i, k] / (0.5 if np.isnan(gap) else max(1 / max(gap, 1.0), 0.05))
            weights[i, k] = 0  # every bond to a reservoir is an excess now, the rest inside a reservoir is idle
    for i in range(n):
        ends[i] = b[i] / excess[i] if excess[i] > 0 else 0.0
        b[i] = b[i] if kinds[i] == 0 else 0.0
    if not b.any() and direct == 0:
        return np.nan, UNREACHED
    x, _ = solve.conjugate_gradients(links, weights, excess, b, TOLERANCE, LIMIT)
    flow = direct
    for i in range(n):
        flow += ends[i] * excess[i] * (1 - x[i])
    if not flow > 0:
        return np.nan, UNREACHED
    heat = dissipation(links, weights, excess, ends, x)
    level = np.empty(n)
    for i in range(n):
        level[i] = 2 * x[i] - 1 if kinds[i] == 0 else (1.0 if kinds[i] == 1 else -1.0)
    spread_nodes(number, level, out[5], -1.0, 1.0)
    spread_nodes(number, np.sqrt(heat * n), out[6], 0.0, 6.0)
    describe(number, heat, level, count, numbers, 18)
    return flow, OK


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
    mark = coarsen.turned_mark(image, low, high, labels[a], labels[b], order, sign)
    edge = np.array([edges[order[0]], edges[order[1]], edges[order[2]]])
    points = np.empty((2, 3))
    points[0] = turned_point(centres[a], size, order, sign)
    points[1] = turned_point(centres[b], size, order, sign)
    scale = max(1.0, max(mark.shape) / cells)
    of = (
        coarsen.blocks(mark.shape[0], cells, scale),
        coarsen.blocks(mark.shape[1], cells, scale),
        coarsen.blocks(mark.shape[2], cells, scale),
    )
    count = coarsen.fill(mark, of[0], of[1], of[2], cells)
    out[:] = 0
    out[0] = np.minimum(count[0] / np.float32(scale**3), np.float32(1.5))
    out[1] = np.minimum(count[1] / np.float32(scale**3), np.float32(1.5))
    over = coarsen.layers(mark, np.zeros((0, 0, 0), np.float32), of[0], of[1], of[2], cells)
    bonds = (
        coarsen.series(over[0], of[0], cells, 1 / edge[0] ** 2),
        coarsen.series(over[1], of[1], cells, 1 / edge[1] ** 2),
        coarsen.series(over[2], of[2], cells, 1 / edge[2] ** 2),
    )
    ends = (nearest(mark, points[0], edge), nearest(mark, points[1], edge))
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
    for i in range(int(round(points[0, 0])), int(round(points[1, 0]))):
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
