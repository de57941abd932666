"""Pressures held on the two open faces of the lattice: the flow goes on unchanged beyond them.

The voxel outside a face is a copy of the one inside, populations and all, with its pressure mirrored about the pressure
held on the face. A flow that does not change along the axis is kept exactly, so that a duct needs no entrance length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.stokes.lattice import OPPOSITE, VELOCITIES, WEIGHTS, place


@dataclass(frozen=True)
class Ends:
    """The open faces of one image.

    ``before`` (n, 19) places of the end voxels' outgoing populations before the odd step, ``after`` the same after it;
    ``density`` (n,) held at each one's face. Gates: ``goal`` (m,) place to fill, ``voxel`` (m,) row of the end voxel
    that is copied, ``direction`` (m,) of the population.
    """

    before: NDArray[np.int32]
    after: NDArray[np.int32]
    density: NDArray[np.float32]
    goal: NDArray[np.int32]
    voxel: NDArray[np.int32]
    direction: NDArray[np.int32]

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(a.nbytes for a in (self.before, self.after, self.density, self.goal, self.voxel, self.direction))


def find_ends(void: NDArray[np.bool_], axis: int) -> Ends:
    """The open faces of ``axis``; densities for a unit pressure gradient that falls along the axis."""
    index = np.cumsum(void.reshape(-1), dtype=np.int64).reshape(void.shape) - 1
    length = void.shape[axis]
    parts = [_one_end(void, index, axis, end, sign) for end, sign in ((0, -1), (length - 1, 1))]
    shift = len(parts[0][0])
    parts[1][3][:] += shift
    before, after, goal, voxel, direction = (np.concatenate(p).astype(np.int32) for p in zip(*parts, strict=True))
    density = np.repeat(np.array([1.5, -1.5]) * length, [shift, len(before) - shift]).astype(np.float32)
    return Ends(before, after, density, goal, voxel, direction)


def _one_end(
    void: NDArray[np.bool_], index: NDArray[np.int64], axis: int, end: int, sign: int
) -> tuple[NDArray[np.int64], ...]:
    where = np.argwhere(np.take(void, [end], axis=axis))
    where[:, axis] = end
    cells = index[tuple(where.T)]
    before = np.stack([place(int(OPPOSITE[q]), cells) for q in range(19)], axis=1)
    after = np.stack([_after(void, index, where, q) for q in range(19)], axis=1)
    row = np.full(void.shape, -1, dtype=np.int64)
    row[tuple(where.T)] = np.arange(len(where))
    goal, voxel, direction = [], [], []
    for q in np.flatnonzero(VELOCITIES[:, axis] == sign):
        beside = where + VELOCITIES[q]
        beside[:, axis] = end
        source = _look(row, beside, -1)
        inward = int(OPPOSITE[q])
        goal.append(place(inward, cells[source >= 0]))
        voxel.append(source[source >= 0])
        direction.append(np.full(len(goal[-1]), inward))
    return before, after, np.concatenate(goal), np.concatenate(voxel), np.concatenate(direction)


def _look(array: NDArray[np.int64], where: NDArray[np.int64], outside: int) -> NDArray[np.int64]:
    """Values at coordinates, ``outside`` beyond the image."""
    inside = ((where >= 0) & (where < array.shape)).all(axis=1)
    out = np.full(len(where), outside, dtype=np.int64)
    out[inside] = array[tuple(where[inside].T)]
    return out


def _after(void: NDArray[np.bool_], index: NDArray[np.int64], where: NDArray[np.int64], q: int) -> NDArray[np.int64]:
    """Where the odd step leaves what end voxels send along q: at the neighbour, or at home turned around."""
    home = place(int(OPPOSITE[q]), index[tuple(where.T)])
    if q == 0:
        return home
    marked = np.where(void, index, -1)
    target = _look(marked, where + VELOCITIES[q], -1)
    moved = np.flatnonzero(VELOCITIES[q])
    open_ = target >= 0
    if len(moved) > 1:
        steps = np.eye(3, dtype=np.int64)[moved] * VELOCITIES[q][moved][:, None]
        open_ &= np.any([_look(marked, where + step, -1) >= 0 for step in steps], axis=0)
    return np.where(open_, place(q, target), home)


@njit(cache=True, nogil=True, error_model="numpy")
def hold_ends(f, cells, density, goal, voxel, direction, weights):  # type: ignore[no-untyped-def]
    """Fill the gates from the end voxels, whose populations lie at ``cells`` (n, 19)."""
    excess = np.empty(len(cells), f.dtype)
    for i in range(len(cells)):
        total = f[cells[i, 0]]
        for q in range(1, 19):
            total += f[cells[i, q]]
        excess[i] = 2 * (density[i] - total)
    values = np.empty(len(goal), f.dtype)
    for i in range(len(goal)):
        q = direction[i]
        values[i] = f[cells[voxel[i], q]] + weights[q] * excess[voxel[i]]
    for i in range(len(goal)):
        f[goal[i]] = values[i]


WEIGHT_TABLE = WEIGHTS.astype(np.float32)
