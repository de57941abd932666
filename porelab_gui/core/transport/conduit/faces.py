"""Velocity unknowns of Stokes flow in one conduit: the voxel faces of a staggered grid, their bonds and walls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.ladder import Ladder, build, reciprocal
from porelab_gui.core.transport.conduit.lattice import F32, F64, U32, Compiled, link, number, total_weight

I64 = NDArray[np.int64]
Kinds = NDArray[np.int8]
WALL, INNER, UPPER, LOWER, SLIP = 0, 1, 2, 3, 4


class Block(NamedTuple):
    """One velocity component: faces named by their lower cell, ``plus`` and ``minus`` the pressures on either side.

    ``force`` is the push of the upper reservoir (pressure 1); the lower one has pressure 0. Pressures are numbered,
    and n_pressures stands for a reservoir.
    """

    links: U32
    weights: F32
    diagonal: F64
    single: F32
    inverse: F32
    parent: U32
    ladder: Ladder
    reds: int
    minus: U32
    plus: U32
    force: F64


@njit(**Compiled)
def cell_kinds(
    box: NDArray[np.int32], member: NDArray[np.uint8], labels: I64, centres: F64, virtual: NDArray[np.bool_]
) -> tuple[Kinds, F64]:
    """What every voxel of the padded box is, and its place along the line of centres in units of their distance.

    The first region behind the plane through its centroid is the upper reservoir, the second behind its plane the
    lower one. A virtual region is a reservoir altogether (place NaN): it stands for a face of the image.
    """
    a, b = labels[0], labels[1]
    nz, ny, nx = box.shape
    kinds = np.zeros((nz + 2, ny + 2, nx + 2), np.int8)
    place = np.zeros((nz + 2, ny + 2, nx + 2), np.float64)
    way = centres[1] - centres[0]
    square = max((way * way).sum(), 1e-300)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if not member[z, y, x]:
                    kinds[z + 1, y + 1, x + 1] = SLIP if box[z, y, x] > 0 else WALL
                    continue
                t = (z - centres[0, 0]) * way[0] + (y - centres[0, 1]) * way[1] + (x - centres[0, 2]) * way[2]
                t /= square
                kind = INNER
                if box[z, y, x] == a and (virtual[0] or t <= 1e-9):
                    kind = UPPER
                    t = np.nan if virtual[0] else t
                elif box[z, y, x] == b and (virtual[1] or t >= 1 - 1e-9):
                    kind = LOWER
                    t = np.nan if virtual[1] else t
                kinds[z + 1, y + 1, x + 1] = kind
                place[z + 1, y + 1, x + 1] = t
    return kinds, place


@njit(**Compiled)
def is_void(kind: int) -> bool:
    """Whether a voxel belongs to the conduit."""
    return kind in (INNER, UPPER, LOWER)


@njit(**Compiled)
def share(one: int, two: int, t_one: float, t_two: float) -> float:
    """Width over which the pressure falls at a face: 1 inside, the part inside the planes at a reservoir."""
    if one == INNER and two == INNER:
        return 1.0
    if one == INNER or two == INNER:
        inner, outer = (t_one, t_two) if one == INNER else (t_two, t_one)
        reservoir = two if one == INNER else one
        if reservoir == LOWER:
            inner, outer = 1 - inner, 1 - outer
        if inner <= 0 or np.isnan(outer):  # a corner of the other region behind the plane; a face of the image
            return 0.5
        return max(inner / (inner - outer), 0.05)
    gap = abs(t_two - t_one)
    return 0.5 if np.isnan(gap) else max(1 / max(gap, 1.0), 0.05)  # reservoir against reservoir


@njit(**Compiled)
def drag(near: int, far: int) -> float:
    """Bond to rest of a face whose neighbour across is no unknown, between voxels of the kinds ``near`` and ``far``."""
    open_near, open_far = is_void(near), is_void(far)
    if open_near and open_far:
        return 0.0  # inside a reservoir
    if open_near or open_far:
        return 1.0 if (far if open_near else near) == WALL else 0.0
    return 1.0 * (near == WALL) + 1.0 * (far == WALL)


@njit(**Compiled)
def face_mask(flat: Kinds, shape: tuple[int, int, int], ahead: int) -> NDArray[np.uint8]:
    """Where a face of unknown velocity lies between a voxel and the next one, without the padding."""
    member = np.zeros(shape, np.uint8)
    marked = member.reshape(-1)
    for c in range(len(flat) - ahead):
        one, two = flat[c], flat[c + ahead]
        if is_void(one) and is_void(two) and (one == INNER or two == INNER or one != two):
            marked[c] = 1
    return member[1:-1, 1:-1, 1:-1].copy()


@njit(**Compiled)
def sides(flat: Kinds, along: F64, number_of: U32, cells: U32, ahead: int, count: int) -> tuple[U32, U32, F64, F64]:
    """Pressures on the lower and on the upper side of every face, widths, and pushes of the upper reservoir."""
    n = len(cells)
    minus, plus = np.empty(n, np.uint32), np.empty(n, np.uint32)
    width, force = np.empty(n, np.float64), np.empty(n, np.float64)
    for i in range(n):
        c = np.int64(cells[i])
        one, two = flat[c], flat[c + ahead]
        width[i] = share(one, two, along[c], along[c + ahead])
        minus[i] = number_of[c] if one == INNER else count
        plus[i] = number_of[c + ahead] if two == INNER else count
        force[i] = 1.0 * (one == UPPER) - 1.0 * (two == UPPER)
    return minus, plus, width, force


@njit(**Compiled)
def viscous_bonds(flat: Kinds, links: U32, cells: U32, width: F64, steps: I64, axis: int) -> tuple[F32, F32]:
    """Weights (6, n) between neighbouring faces, and the bonds of every face to walls at rest."""
    n, ahead = len(cells), steps[axis]
    weights, excess = np.zeros((6, n), np.float32), np.zeros(n, np.float32)
    for k in range(6):
        step = steps[k // 2] * (2 * (k % 2) - 1)
        for i in range(n):
            c = np.int64(cells[i])
            j = links[k, i]
            if k // 2 == axis:
                if j != n:
                    weights[k, i] = 1
                elif flat[c if k % 2 == 0 else c + ahead] == INNER:
                    excess[i] += 1
            elif j != n:
                weights[k, i] = 0.5 * (width[i] + width[j])
            else:
                excess[i] += width[i] * drag(flat[c + step], flat[c + ahead + step])
    return weights, excess


@njit(**Compiled)
def component(kinds: Kinds, place: F64, pressures: U32, count: int, axis: int) -> Block:
    """The unknowns of the velocity along ``axis``."""
    steps = np.array([kinds.shape[1] * kinds.shape[2], kinds.shape[2], 1])
    flat = kinds.reshape(-1)
    index, cells, reds = number(face_mask(flat, kinds.shape, steps[axis]))
    links = link(index, cells)
    minus, plus, width, force = sides(flat, place.reshape(-1), pressures.reshape(-1), cells, steps[axis], count)
    weights, excess = viscous_bonds(flat, links, cells, width, steps, axis)
    diagonal = total_weight(links, weights) + excess
    single = diagonal.astype(np.float32)
    parent, ladder = build(cells, index.shape, links, weights, excess, 64)
    return Block(links, weights, diagonal, single, reciprocal(single), parent, ladder, reds, minus, plus, force)
