"""Stokes equations on a staggered grid of void voxels: velocities on voxel faces, pressures at voxel centres.

The symmetric system [[A, G], [G^T, 0]] of unit viscosity: A the vector Laplacian with no slip, G the pressure gradient.
Walls beside a face lie half a voxel away; their coupling is chosen so that a slit of any width in voxels carries its
exact flow, w^3 / 12. Source: Harlow and Welch 1965 for the grid; the wall coefficient is derived in docs/stokes.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.transport.stokes.faces import Faces

Spacing = tuple[float, float, float]
EDGE = 1.0  # coupling where one voxel beside is solid and the other void: no slip one voxel away, on that one's face


@dataclass(frozen=True)
class Mac:
    """The assembled system.

    ``laplacians`` A per component, ``gradients`` G per component (faces x voxels), ``force`` right-hand side per
    component, ``open_faces`` masks of the unknown faces: face i lies before voxel i along its axis (one more at the end
    unless periodic). ``weights`` (faces of the driven axis,) that sum a velocity to its mean over the image.
    """

    void: NDArray[np.bool_]
    faces: Faces
    laplacians: tuple[Any, Any, Any]
    gradients: tuple[Any, Any, Any]
    force: tuple[NDArray[np.float64], ...]
    open_faces: tuple[NDArray[np.bool_], ...]
    weights: tuple[NDArray[np.float64], ...]


def assemble(void: NDArray[np.bool_], faces: Faces, spacing: Spacing) -> Mac:
    """The system of one image for a unit pressure gradient along ``faces.axis``; ``spacing`` z, y, x of the voxels."""
    number = np.cumsum(void.reshape(-1), dtype=np.int64).reshape(void.shape) - 1
    laplacians, gradients, force, masks, weights = [], [], [], [], []
    for axis in range(3):
        mask = open_faces(void, axis, faces)
        share = _share(mask, axis, faces)
        laplacians.append(_laplacian(void, mask, share, axis, faces, spacing))
        gradients.append(_gradient(void, number, mask, axis, faces, spacing))
        force.append(_force(mask, share, axis, faces, void.shape, spacing))
        masks.append(mask)
        weights.append(share[mask] / void.size)
    return Mac(void, faces, tuple(laplacians), tuple(gradients), tuple(force), tuple(masks), tuple(weights))  # type: ignore[arg-type]


def open_faces(void: NDArray[np.bool_], axis: int, faces: Faces) -> NDArray[np.bool_]:
    """Faces between two void voxels, and the open end faces."""
    if faces.periodic:
        joined: NDArray[np.bool_] = void & np.roll(void, 1, axis=axis)
        return joined
    pad = [(1, 1) if a == axis else (0, 0) for a in range(3)]
    wide = np.pad(void, pad, mode="edge" if axis == faces.axis else "constant")
    between: NDArray[np.bool_] = _cut(wide, axis, 0, -1) & _cut(wide, axis, 1, None)
    return between


def _cut(array: NDArray[Any], axis: int, start: int | None, stop: int | None) -> NDArray[Any]:
    return array[tuple(slice(start, stop) if a == axis else slice(None) for a in range(3))]


def _share(mask: NDArray[np.bool_], axis: int, faces: Faces) -> NDArray[np.float64]:
    """Fraction of a whole cell around each face: a half at the open ends."""
    share = np.ones(mask.shape)
    if axis == faces.axis and not faces.periodic:
        _cut(share, axis, 0, 1)[:] = 0.5
        _cut(share, axis, -1, None)[:] = 0.5
    return share


def _neighbour(array: NDArray[Any], axis: int, step: int, periodic: bool, outside: Any) -> NDArray[Any]:
    """``out[i] = array[i + step]`` along an axis."""
    out = np.roll(array, -step, axis=axis)
    if not periodic:
        edge = _cut(out, axis, -1, None) if step > 0 else _cut(out, axis, 0, 1)
        edge[:] = outside
    return out


def _laplacian(
    void: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    share: NDArray[np.float64],
    axis: int,
    faces: Faces,
    spacing: Spacing,
) -> Any:
    from scipy.sparse import coo_array

    n = int(np.count_nonzero(mask))
    index = np.cumsum(mask.reshape(-1), dtype=np.int64).reshape(mask.shape) - 1
    diagonal = np.zeros(n)
    rows, columns, values = [np.arange(n)], [np.arange(n)], [diagonal]
    for side in range(3):
        strength = share if side != axis else np.ones(mask.shape)
        wall = wall_coupling(void, mask, axis, side, faces) if side != axis else None
        for step in (-1, 1):
            there = _neighbour(mask, side, step, faces.periodic, False)[mask]
            goal = _neighbour(index, side, step, faces.periodic, -1)[mask]
            beyond = _neighbour(np.ones(mask.shape, dtype=bool), side, step, faces.periodic, False)[mask]
            free = ~beyond & (side == faces.axis)  # nothing changes beyond an open end
            here = strength[mask] / spacing[side] ** 2
            closed = here if wall is None else here * wall[step][mask]
            diagonal += np.where(there, here, np.where(free, 0.0, closed))
            rows.append(np.flatnonzero(there))
            columns.append(goal[there])
            values.append(-here[there])
    data = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return coo_array(data, shape=(n, n)).tocsr()


def wall_coupling(
    void: NDArray[np.bool_], mask: NDArray[np.bool_], axis: int, side: int, faces: Faces
) -> dict[int, NDArray[np.float64]]:
    """Coupling to a wall beside each face, per step along ``side``: 2 / (1 - 2 / 3w) in a chord of w faces."""
    chord = _chords(mask, side, faces.periodic)
    flat = 2.0 / (1.0 - 2.0 / (3.0 * np.maximum(chord, 1)))
    beside = _voxels_beside(void, axis, faces)
    out = {}
    for step in (-1, 1):
        void_there = _neighbour(beside, side, step, faces.periodic, 0)
        out[step] = np.where(void_there > 0, EDGE, flat)
    return out


def _voxels_beside(void: NDArray[np.bool_], axis: int, faces: Faces) -> NDArray[np.int8]:
    """How many of the two voxels that share a face are void."""
    if faces.periodic:
        return void.astype(np.int8) + np.roll(void, 1, axis=axis)
    pad = [(1, 1) if a == axis else (0, 0) for a in range(3)]
    wide = np.pad(void, pad, mode="edge" if axis == faces.axis else "constant").astype(np.int8)
    both: NDArray[np.int8] = _cut(wide, axis, 0, -1) + _cut(wide, axis, 1, None)
    return both


def _chords(mask: NDArray[np.bool_], side: int, periodic: bool) -> NDArray[np.int64]:
    """Length in faces of the open chord along ``side`` that each face lies in."""
    line = np.moveaxis(mask, side, -1)
    n = line.shape[-1]
    if periodic:
        line = np.concatenate([line] * 3, axis=-1)
    position = np.arange(line.shape[-1])
    before = np.maximum.accumulate(np.where(line, -1, position), axis=-1)
    after = np.minimum.accumulate(np.where(line, line.shape[-1], position)[..., ::-1], axis=-1)[..., ::-1]
    length = after - before - 1
    if periodic:
        length = length[..., n : 2 * n]
    return np.moveaxis(length, -1, side)


def _gradient(
    void: NDArray[np.bool_],
    number: NDArray[np.int64],
    mask: NDArray[np.bool_],
    axis: int,
    faces: Faces,
    spacing: Spacing,
) -> Any:
    """Pressure after a face minus pressure before it; the pressures held at open ends are in the force."""
    from scipy.sparse import coo_array

    if faces.periodic:
        before, after = np.roll(number, 1, axis=axis), number
    else:
        pad = [(1, 1) if a == axis else (0, 0) for a in range(3)]
        wide = np.pad(number, pad, constant_values=-1)
        before, after = _cut(wide, axis, 0, -1), _cut(wide, axis, 1, None)
    b, a = before[mask], after[mask]
    every = np.arange(len(b))
    has_b, has_a = b >= 0, a >= 0
    rows = np.concatenate([every[has_a], every[has_b]])
    columns = np.concatenate([a[has_a], b[has_b]])
    values = np.concatenate([np.full(has_a.sum(), 1.0), np.full(has_b.sum(), -1.0)]) / spacing[axis]
    return coo_array((values, (rows, columns)), shape=(len(b), int(np.count_nonzero(void)))).tocsr()


def _force(
    mask: NDArray[np.bool_],
    share: NDArray[np.float64],
    axis: int,
    faces: Faces,
    shape: tuple[int, ...],
    spacing: Spacing,
) -> NDArray[np.float64]:
    """Unit body force along the driven axis, or the pressures of its two open ends, a unit gradient apart."""
    if axis != faces.axis:
        return np.zeros(int(np.count_nonzero(mask)))
    if faces.periodic:
        return share[mask]
    push = np.zeros(mask.shape)
    # half the pressure drop at either end, over one voxel: +L/2 before the first voxel, -L/2 after the last
    _cut(push, axis, 0, 1)[:] = shape[axis] / 2
    _cut(push, axis, -1, None)[:] = shape[axis] / 2
    return push[mask]
