"""Diffusive conductance of one pair of regions, compiled: from the label image to the number.

The definition is that of ``porespy.networks.diffusive_size_factor_DNS`` (METHODS in docs/conduits.md). It sets
two concentrations at two voxels; here a unit rate is injected at one and drawn at the other, which by linearity
gives the same ratio of rate to mean-concentration difference and leaves one symmetric singular system.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.ladder import Fast, build, correct, cycle, inflow
from porelab_gui.core.transport.conduit.lattice import F32, U32, Compiled, link, number, total_weight

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
OK, APART, COINCIDE, STALLED, ASTRAY = 0, 1, 2, 3, 4


@njit(**Compiled)
def marked(box: NDArray[np.int32], a: int, b: int) -> NDArray[np.int32]:
    """The box padded by one and flattened: -1 in region a, -2 in region b, 0 elsewhere."""
    nz, ny, nx = box.shape
    row, plane = nx + 2, (nx + 2) * (ny + 2)
    mark = np.zeros((nz + 2) * plane, np.int32)
    for z in range(nz):
        for y in range(ny):
            c = (z + 1) * plane + (y + 1) * row + 1
            for x in range(nx):
                if box[z, y, x] == a:
                    mark[c + x] = -1
                elif box[z, y, x] == b:
                    mark[c + x] = -2
    return mark


@njit(**Compiled)
def flood(mark: NDArray[np.int32], seed: int, number: int, steps: I64, stack: I64) -> tuple[int, int]:
    """Write ``number`` over the cluster of ``seed``; its size, and 1 for region a + 2 for region b seen in it."""
    size, top, seen = 0, 1, 0
    stack[0] = seed
    seen |= -mark[seed]
    mark[seed] = number
    while top:
        top -= 1
        here = stack[top]
        size += 1
        for step in steps:
            there = here + step
            if mark[there] < 0:
                seen |= -mark[there]
                mark[there] = number
                stack[top] = there
                top += 1
    return size, seen


@njit(**Compiled)
def piece(box: NDArray[np.int32], a: int, b: int, largest: bool) -> tuple[NDArray[np.uint8], int, int]:
    """The 6-connected piece of regions a and b to solve in, as a box; its size; OK, APART or ASTRAY.

    It is the largest that holds both, or, when ``largest``, simply the largest (ASTRAY if that lacks a region).
    """
    nz, ny, nx = box.shape
    row, plane = nx + 2, (nx + 2) * (ny + 2)
    mark = marked(box, a, b)
    steps = np.array([-plane, plane, -row, row, -1, 1])
    stack = np.empty(np.count_nonzero(mark) + 1, np.int64)
    joint, joint_size, big, big_size, pieces = 0, 0, 0, 0, 0
    for c in range(len(mark)):
        if mark[c] < 0:
            pieces += 1
            size, seen = flood(mark, c, pieces, steps, stack)
            if size > big_size:
                big, big_size = pieces, size
            if seen == 3 and size > joint_size:
                joint, joint_size = pieces, size
    member = np.zeros((nz, ny, nx), np.uint8)
    if joint_size == 0:
        return member, 0, APART
    astray = largest and big_size > joint_size
    chosen = big if astray else joint
    for z in range(nz):
        for y in range(ny):
            c = (z + 1) * plane + (y + 1) * row + 1
            for x in range(nx):
                member[z, y, x] = mark[c + x] == chosen
    return member, big_size if astray else joint_size, ASTRAY if astray else OK


@njit(**Compiled)
def nearest(member: NDArray[np.uint8], centre: F64, edges: F64) -> tuple[int, int, int]:
    """The voxel of the box nearest to a point given in units of the mean voxel edge; the first in C order of equals."""
    best = np.inf
    found = (0, 0, 0)
    nz, ny, nx = member.shape
    for z in range(nz):
        dz = ((z + 0.5) * edges[0] - centre[0]) ** 2
        if dz > best:
            continue
        for y in range(ny):
            dy = dz + ((y + 0.5) * edges[1] - centre[1]) ** 2
            if dy > best:
                continue
            for x in range(nx):
                if member[z, y, x]:
                    d = dy + ((x + 0.5) * edges[2] - centre[2]) ** 2
                    if d < best:
                        best = d
                        found = (z, y, x)
    return found


@njit(**Compiled)
def nodes_near(
    index: U32, box: NDArray[np.int32], label: int, at: tuple[int, int, int], radius: float, edges: F64
) -> U32:
    """The nodes within ``radius`` of a voxel; those of the whole region where the radius rounds to nothing."""
    nz, ny, nx = box.shape
    outside = index[0, 0, 0]
    found = np.empty(outside, np.uint32)
    count = 0
    for z in range(nz):
        dz = ((z - at[0]) * edges[0]) ** 2
        for y in range(ny):
            dy = dz + ((y - at[1]) * edges[1]) ** 2
            if radius > 0 and dy > radius * radius:
                continue
            for x in range(nx):
                i = index[z + 1, y + 1, x + 1]
                if i == outside:
                    continue
                if radius > 0:
                    inside = dy + ((x - at[2]) * edges[2]) ** 2 <= radius * radius * (1 + 1e-12)
                else:
                    inside = box[z, y, x] == label
                if inside:
                    found[count] = i
                    count += 1
    return found[:count].copy()


@njit(**Compiled)
def mean_at(value: F64, nodes: U32) -> float:
    """Mean over nodes, NaN over none."""
    total = 0.0
    for i in nodes:
        total += value[i]
    return total / len(nodes) if len(nodes) else np.nan


@njit(**Fast)
def schur(p: F64, links: U32, bonds: F32, diagonal: F64, reds: int, q: F64) -> float:
    """q = (blacks' operator with the reds eliminated) p, filling in p's reds; returns p . q over the blacks."""
    n = links.shape[1]
    for i in range(reds):
        p[i] = inflow(p, links, bonds, i) / diagonal[i]
    dot = 0.0
    for i in range(reds, n):
        q[i] = diagonal[i] * p[i] - inflow(p, links, bonds, i)
        dot += p[i] * q[i]
    return dot


@njit(**Fast)
def gather_residual(z: F32, links: U32, bonds: F32, parent: U32, reds: int, coarse: F32) -> None:
    """Restrict what a black relaxation leaves on the reds."""
    coarse[:] = 0
    for i in range(reds):
        coarse[parent[i]] += inflow(z, links, bonds, i)


@njit(**Fast)
def black_step(z: F32, r: F64, links: U32, bonds: F32, inverse: F32, reds: int) -> float:
    """Relax the blacks from corrected reds; returns r . z over the blacks."""
    dot = 0.0
    for i in range(reds, links.shape[1]):
        z[i] = (np.float32(r[i]) + inflow(z, links, bonds, i)) * inverse[i]
        dot += r[i] * z[i]
    return dot


@njit(**Fast)
def advance(x: F64, r: F64, p: F64, q: F64, step: float, reds: int) -> float:
    """x += step p, r -= step q over the blacks; returns r . r."""
    total = 0.0
    for i in range(reds, len(q)):
        x[i] += step * p[i]
        r[i] -= step * q[i]
        total += r[i] * r[i]
    return total


@njit(**Compiled)
def potential(
    index: U32, cells: U32, reds: int, bonds: F32, source: int, sink: int, tolerance: float, limit: int
) -> tuple[F64, float, int]:
    """Potential of a unit rate from source to sink on an insulated lattice (up to a constant), residual, iterations.

    Conjugate gradients on the blacks, W-cycle in single precision as preconditioner, double precision outside.
    """
    links = link(index, cells)
    n = len(cells)
    diagonal = total_weight(links, bonds)
    inverse = np.zeros(n, np.float32)
    for i in range(n):
        inverse[i] = 1 / diagonal[i]
    parent, ladder = build(cells, index.shape, links, bonds, np.zeros(n, np.float32), 64)
    top = ladder.start[1]
    x, p = np.zeros(n + 1), np.zeros(n + 1)
    r, q = np.zeros(n), np.zeros(n)
    z = np.zeros(n + 1, np.float32)
    r[source] += 1
    r[sink] -= 1
    x[:n] = r
    for i in range(reds):  # eliminate the reds: their share of the source goes to their neighbours
        for k in range(6):
            if x[i] != 0 and links[k, i] != n:
                r[links[k, i]] += bonds[k // 2] * x[i] / diagonal[i]
    fixed = x[:reds].copy()
    x[:] = 0
    start = 0.0
    for i in range(reds, n):
        start += r[i] * r[i]
    left, rho, it = start, 0.0, 0
    while it < limit and left > tolerance * tolerance * start:
        it += 1
        for i in range(reds, n):
            z[i] = r[i] * inverse[i]
        gather_residual(z, links, bonds, parent, reds, ladder.b[: top - 1])
        cycle(ladder, 0)
        z[:reds] = 0
        correct(z, parent, ladder.x, 0, reds)
        rho_new = black_step(z, r, links, bonds, inverse, reds)
        beta = rho_new / rho if it > 1 else 0.0
        rho = rho_new
        for i in range(reds, n):
            p[i] = z[i] + beta * p[i]
        left = advance(x, r, p, q, rho / schur(p, links, bonds, diagonal, reds, q), reds)
    for i in range(reds):
        x[i] = (fixed[i] + inflow(x, links, bonds, i)) / diagonal[i]
    return x, np.sqrt(left / start) if start > 0 else 0.0, it


@njit(**Compiled)
def diffusive_pair(
    box: NDArray[np.int32],
    labels: I64,
    centres: F64,
    radii: F64,
    edges: F64,
    largest: bool,
    tolerance: float,
    limit: int,
) -> tuple[float, float, int, int, int]:
    """Size factor of labels[0]-labels[1] in mean voxel edges, residual, iterations, nodes, status.

    ``box`` is the common bounding box; ``centres`` (2, 3) are measured from its corner and ``edges`` (3,) are the
    voxel edges, both over the geometric mean edge.
    """
    member, size, status = piece(box, labels[0], labels[1], largest)
    if status == APART:
        return 0.0, 0.0, 0, 0, APART
    index, cells, reds = number(member)
    at_a, at_b = nearest(member, centres[0], edges), nearest(member, centres[1], edges)
    source = index[at_a[0] + 1, at_a[1] + 1, at_a[2] + 1]
    sink = index[at_b[0] + 1, at_b[1] + 1, at_b[2] + 1]
    if source == sink:
        return np.nan, 0.0, 0, size, COINCIDE
    bonds = np.empty(3, np.float32)
    for k in range(3):
        bonds[k] = 1 / (edges[k] * edges[k])
    x, residual, its = potential(index, cells, reds, bonds, source, sink, tolerance, limit)
    one = mean_at(x, nodes_near(index, box, labels[0], at_a, radii[0], edges))
    drop = one - mean_at(x, nodes_near(index, box, labels[1], at_b, radii[1], edges))
    if not residual <= tolerance:
        return np.nan, residual, its, size, STALLED
    return abs(1 / drop) if drop != 0 else np.nan, residual, its, size, status


@njit(**Compiled)
def diffusive_pairs(
    regions: NDArray[np.int32],
    low: I64,
    high: I64,
    labels: I64,
    centres: F64,
    radii: F64,
    edges: F64,
    largest: bool,
    tolerance: float,
    limit: int,
    which: I64,
    found: F64,
) -> None:
    """``diffusive_pair`` for the rows ``which``; the five results go into their rows of ``found``."""
    for row in which:
        lo, hi = low[row], high[row]
        box = regions[lo[0] : hi[0], lo[1] : hi[1], lo[2] : hi[2]]
        g, residual, its, size, status = diffusive_pair(
            box, labels[row], centres[row], radii[row], edges, largest, tolerance, limit
        )
        found[row, 0], found[row, 1], found[row, 2], found[row, 3], found[row, 4] = g, residual, its, size, status
