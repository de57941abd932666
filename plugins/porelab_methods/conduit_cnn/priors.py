"""The coarse solves of a turned conduit, compiled: diffusion between two balls, flow between two planes."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.lattice import Compiled
from porelab_methods.conduit_cnn import solve

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
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
def nearest(
    image: NDArray[np.int32], low: I64, high: I64, one: int, two: int, centre: F64, edges: F64
) -> tuple[int, int, int]:
    """The voxel of the pair in its box that the direct simulation takes for a centre, the first in C order of equals.

    It counts the middle of voxel i as i + 1/2 and the centroid as a mean of i, as PoreSpy does, so that the voxel lies
    up to one edge before the centroid: not the same in a turned image, hence looked for before turning.
    """
    best, found = np.inf, (0, 0, 0)
    nz, ny, nx = high - low
    for z in range(nz):
        dz = ((z + 0.5 - centre[0]) * edges[0]) ** 2
        if dz > best:
            continue
        for y in range(ny):
            dy = dz + ((y + 0.5 - centre[1]) * edges[1]) ** 2
            if dy > best:
                continue
            row = image[low[0] + z, low[1] + y]
            for x in range(nx):
                d = dy + ((x + 0.5 - centre[2]) * edges[2]) ** 2
                if d < best and (row[low[2] + x] == one or row[low[2] + x] == two):
                    best, found = d, (z, y, x)
    return found


@njit(**Compiled)
def turned_voxel(at: tuple[int, int, int], size: I64, order: I64, sign: I64) -> tuple[int, int, int]:
    """A voxel of the box in the turned box."""
    plain = np.array([at[0], at[1], at[2]])
    out = np.empty(3, np.int64)
    for k in range(3):
        out[k] = plain[order[k]] if sign[k] > 0 else size[order[k]] - 1 - plain[order[k]]
    return out[0], out[1], out[2]


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
    mark: U8, bonds: tuple[F32, F32, F32], of: tuple[I64, I64, I64],
    ends: tuple[tuple[int, int, int], tuple[int, int, int]],
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
    x, _ = solve.conjugate_gradients(links, weights, none, b, TOLERANCE, LIMIT)
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
