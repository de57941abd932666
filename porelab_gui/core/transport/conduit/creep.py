"""Hydraulic conductance of one pair of regions, compiled: Stokes flow between pressures on its two pores.

Pressure 1 holds in the first region behind the plane through its centroid across the line of centroids, pressure 0
in the second behind its plane. Solid and the sides of the image do not let the fluid slip; the cuts towards other
pores are impermeable and free of shear. Staggered finite volumes, solved by MINRES with one multigrid cycle per
velocity component as preconditioner. The conductance is taken from a functional whose error is of second order.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.faces import I64, INNER, Block, cell_kinds, component
from porelab_gui.core.transport.conduit.ladder import Fast, correct, cycle, inflow, relax, restrict
from porelab_gui.core.transport.conduit.lattice import F32, F64, U32, Compiled
from porelab_gui.core.transport.conduit.pair import APART, COINCIDE, OK, STALLED, piece

Blocks = tuple[Block, Block, Block]


@njit(**Compiled)
def number_inner(kinds: NDArray[np.int8]) -> tuple[U32, int]:
    """Numbers of the cells whose pressure is unknown."""
    numbers = np.zeros(kinds.shape, np.uint32)
    flat, kind = numbers.reshape(-1), kinds.reshape(-1)
    count = 0
    for c in range(len(flat)):
        if kind[c] == INNER:
            flat[c] = count
            count += 1
    return numbers, count


@njit(**Fast)
def operate(blocks: Blocks, start: I64, v: F64, out: F64) -> None:
    """out = (viscous force + pressure force, - net outflow) of velocities and pressures v; v[-1] is 0."""
    pressure, balance = v[start[3] :], out[start[3] :]
    balance[:] = 0
    for k in range(3):
        block = blocks[k]
        n = len(block.force)
        u, push = v[start[k] : start[k + 1]], out[start[k] : start[k + 1]]
        for i in range(n):
            one, two = block.minus[i], block.plus[i]
            flow = block.diagonal[i] * u[i] - inflow(u, block.links, block.weights, i)
            push[i] = flow + pressure[two] - pressure[one]
            balance[one] -= u[i]
            balance[two] += u[i]
    balance[len(balance) - 1] = 0


@njit(**Fast)
def relieve(block: Block, z: F32, b: F32) -> None:
    """z = one symmetric multigrid cycle on the residual b of one velocity component."""
    n, reds = len(block.force), block.reds
    z[:] = 0
    relax(z, b, block.links, block.weights, block.inverse, 0, reds)
    relax(z, b, block.links, block.weights, block.inverse, reds, n)
    size = block.ladder.start[1] - 1
    restrict(z, b, block.links, block.weights, block.single, block.parent, block.ladder.b[:size], reds)
    cycle(block.ladder, 0)
    correct(z, block.parent, block.ladder.x, 0, reds)
    relax(z, b, block.links, block.weights, block.inverse, reds, n)
    relax(z, b, block.links, block.weights, block.inverse, 0, reds)


@njit(**Fast)
def precondition(blocks: Blocks, start: I64, r: F64, out: F64, z: F32, b: F32) -> float:
    """out = preconditioner times r; returns r . out."""
    scale = 1e-300
    for i in range(len(r)):
        scale = max(scale, abs(r[i]))
    product = 0.0
    for k in range(3):
        s, n = start[k], start[k + 1] - start[k] - 1
        for i in range(n):
            # what is below single precision of the largest only makes slow denormal numbers
            b[i] = r[s + i] / scale if abs(r[s + i]) > 1e-12 * scale else 0.0
        relieve(blocks[k], z[: n + 1], b)
        for i in range(n):
            out[s + i] = z[i] * scale
            product += r[s + i] * out[s + i]
        out[s + n] = 0
    for i in range(start[3], len(r)):
        out[i] = r[i]
        product += r[i] * r[i]
    return product


@njit(**Fast)
def dot(a: F64, b: F64) -> float:
    """a . b, without the library's own threads."""
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@njit(**Compiled)
def functional(blocks: Blocks, start: I64, v: F64, force: F64, work: F64) -> float:
    """Flow rate for a unit pressure: 2 f.u - u.A u - 2 p.B u, stationary at the solution."""
    operate(blocks, start, v, work)
    return 2 * dot(force, v) - dot(v, work)


@njit(**Compiled)
def minres(blocks: Blocks, start: I64, force: F64, tolerance: float, limit: int) -> tuple[F64, float, int]:
    """Velocities and pressures, relative residual in the preconditioner's norm, iterations (Paige and Saunders)."""
    size = len(force)
    x, z = np.zeros(size), np.zeros(size)
    most = max(start[1], start[2] - start[1], start[3] - start[2])
    z32, b32 = np.zeros(most, np.float32), np.zeros(most, np.float32)
    older, old, new = np.zeros(size), force.copy(), np.zeros(size)
    first = np.sqrt(precondition(blocks, start, old, z, z32, b32))
    beta, beta_old, phi = first, 0.0, first
    cosine, sine, delta_next, epsilon = -1.0, 0.0, 0.0, 0.0
    w, w_old, w_older = np.zeros(size), np.zeros(size), np.zeros(size)
    v = np.zeros(size)
    its = 0
    while its < limit and abs(phi) > tolerance * first and beta > 0:
        its += 1
        for i in range(size):
            v[i] = z[i] / beta
        operate(blocks, start, v, new)
        alpha = dot(v, new)
        for i in range(size):
            new[i] -= alpha / beta * old[i]
            if its > 1:
                new[i] -= beta / beta_old * older[i]
        older, old, new = old, new, older
        beta_old = beta
        beta = np.sqrt(max(precondition(blocks, start, old, z, z32, b32), 0.0))
        epsilon_old = epsilon
        delta = cosine * delta_next + sine * alpha
        gamma_bar = sine * delta_next - cosine * alpha
        epsilon = sine * beta
        delta_next = -cosine * beta
        gamma = max(np.sqrt(gamma_bar * gamma_bar + beta * beta), 1e-300)
        cosine, sine = gamma_bar / gamma, beta / gamma
        step = cosine * phi
        phi = sine * phi
        w_older, w_old, w = w_old, w, w_older
        for i in range(size):
            w[i] = (v[i] - epsilon_old * w_older[i] - delta * w_old[i]) / gamma
            x[i] += step * w[i]
    return x, abs(phi) / first if first > 0 else 0.0, its


@njit(**Compiled)
def hydraulic_pair(
    box: NDArray[np.int32], labels: I64, centres: F64, virtual: NDArray[np.bool_], tolerance: float, limit: int
) -> tuple[float, float, int, int, int]:
    """Flow rate per pressure difference [edge^3 / viscosity], residual, iterations, voxels, status.

    ``box`` is the common bounding box with one voxel more on each side (0 outside the image); ``centres`` (2, 3) are
    voxel indices in it; ``virtual`` (2,) tells which region stands for a face of the image.
    """
    member, size, status = piece(box, labels[0], labels[1], False)
    if status == APART:
        return 0.0, 0.0, 0, 0, APART
    if np.abs(centres[1] - centres[0]).sum() < 1e-9:
        return np.nan, 0.0, 0, size, COINCIDE
    kinds, place = cell_kinds(box, member, labels, centres, virtual)
    numbers, count = number_inner(kinds)
    blocks = (
        component(kinds, place, numbers, count, 0),
        component(kinds, place, numbers, count, 1),
        component(kinds, place, numbers, count, 2),
    )
    start = np.zeros(4, np.int64)
    for k in range(3):
        start[k + 1] = start[k] + len(blocks[k].force) + 1
    force = np.zeros(start[3] + count + 1)
    for k in range(3):
        force[start[k] : start[k + 1] - 1] = blocks[k].force
    if not np.any(force != 0):
        return np.nan, 0.0, 0, size, COINCIDE
    x, residual, its = minres(blocks, start, force, tolerance, limit)
    if not residual <= tolerance:
        return np.nan, residual, its, size, STALLED
    return functional(blocks, start, x, force, np.zeros(len(x))), residual, its, size, OK


@njit(**Compiled)
def surroundings(regions: NDArray[np.int32], low: I64, high: I64) -> NDArray[np.int32]:
    """The box low .. high with one voxel more on each side, 0 outside the image."""
    nz, ny, nx = high - low
    box = np.zeros((nz + 2, ny + 2, nx + 2), np.int32)
    lo, hi = np.empty(3, np.int64), np.empty(3, np.int64)
    for k in range(3):
        lo[k], hi[k] = max(low[k] - 1, 0), min(high[k] + 1, regions.shape[k])
    for z in range(lo[0], hi[0]):
        for y in range(lo[1], hi[1]):
            for x in range(lo[2], hi[2]):
                box[z - low[0] + 1, y - low[1] + 1, x - low[2] + 1] = regions[z, y, x]
    return box


@njit(**Compiled)
def hydraulic_pairs(
    regions: NDArray[np.int32], low: I64, high: I64, labels: I64, centres: F64,
    virtual: NDArray[np.bool_], tolerance: float, limit: int, which: I64, found: F64,
) -> None:  # fmt: skip
    """``hydraulic_pair`` for the rows ``which``; the five results go into their rows of ``found``."""
    for row in which:
        box = surroundings(regions, low[row], high[row])
        g, residual, its, size, status = hydraulic_pair(
            box, labels[row], centres[row] + 1, virtual[row], tolerance, limit
        )
        found[row, 0], found[row, 1], found[row, 2], found[row, 3], found[row, 4] = g, residual, its, size, status
