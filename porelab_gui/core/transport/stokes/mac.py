"""Stokes equations on a staggered grid of void voxels: velocities on voxel faces, pressures at voxel centres.

The symmetric system [[A, G], [G^T, 0]] of unit viscosity: A the vector Laplacian with no slip, G the pressure gradient.
Walls beside a face lie half a voxel away; their coupling is chosen so that a slit of any width in voxels carries its
exact flow, w^3 / 12. Source: Harlow and Welch 1965 for the grid; the wall coefficient is derived in docs/stokes.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.lattice import F32, F64, U32, link, number, total_weight
from porelab_gui.core.transport.stokes.faces import Faces

Spacing = tuple[float, float, float]
Rings = tuple[bool, bool, bool]
Mask = NDArray[np.bool_]
EDGE = 1.0  # coupling where one voxel beside is solid and the other void: no slip one voxel away, on that one's face


@dataclass(frozen=True)
class Nodes:
    """A numbered mask: ``index`` padded by one (n outside, wrapped along rings), ``at`` flat place in the mask."""

    index: U32
    cells: U32
    at: NDArray[np.int64]
    links: U32
    reds: int

    @classmethod
    def of(cls, mask: Mask, rings: Rings) -> Nodes:
        """Red nodes first, as multigrid wants them."""
        index, cells, reds = number(mask.view(np.uint8))
        _wrap(index, rings)
        z, y, x = (i - 1 for i in np.unravel_index(cells, index.shape))
        return cls(index, cells, np.ravel_multi_index((z, y, x), mask.shape), link(index, cells), reds)

    @property
    def n(self) -> int:
        """Number of nodes."""
        return len(self.cells)

    def spread(self, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Values of the nodes as an image, zero elsewhere."""
        image = np.zeros(shape, dtype=np.float32)
        image.reshape(-1)[self.at] = values[: self.n]
        return image


def _wrap(index: U32, rings: Rings) -> None:
    for axis in np.flatnonzero(rings):
        lines = np.moveaxis(index, axis, 0)
        lines[0], lines[-1] = lines[-2].copy(), lines[1].copy()


@dataclass(frozen=True)
class Component:
    """One velocity: ``weights`` (6, n) of the links, ``excess`` to walls, ``force`` pushing it.

    ``minus`` and ``plus`` number the pressures before and after each face, ``inverse_edge`` turns their difference into
    a gradient. ``mean`` sums the velocity to its mean over the image.
    """

    shape: tuple[int, ...]
    nodes: Nodes
    weights: F32
    excess: F32
    diagonal: F64
    minus: U32
    plus: U32
    inverse_edge: float
    force: F64
    mean: F64


@dataclass(frozen=True)
class Mac:
    """The equations of one image: three components, the numbered voxels, and the faces of every voxel.

    ``around`` (6, n) numbers the faces before and after each voxel along z, y, x.
    """

    void: Mask
    faces: Faces
    spacing: Spacing
    components: tuple[Component, Component, Component]
    voxels: Nodes
    around: U32


def assemble(void: Mask, faces: Faces, spacing: Spacing) -> Mac:
    """The equations for a unit pressure gradient along ``faces.axis``; ``spacing`` z, y, x of the voxels."""
    voxels = Nodes.of(void, faces.rings)
    parts = tuple(_component(void, voxels, axis, faces, spacing) for axis in range(3))
    around = np.concatenate([_faces_of(voxels, part, axis) for axis, part in enumerate(parts)])
    return Mac(void, faces, spacing, parts, voxels, around)  # type: ignore[arg-type]


def _component(void: Mask, voxels: Nodes, axis: int, faces: Faces, spacing: Spacing) -> Component:
    mask = open_faces(void, axis, faces)
    nodes = Nodes.of(mask, faces.rings)
    share = _share(nodes, mask.shape, axis, faces)
    weights, excess = _viscous(void, mask, nodes, share, axis, faces, spacing)
    minus, plus = _pressures(voxels, nodes, axis)
    force = share if faces.periodic else _push(nodes, mask.shape, faces)
    return Component(
        shape=mask.shape,
        nodes=nodes,
        weights=weights,
        excess=excess,
        diagonal=total_weight(nodes.links, weights) + excess,
        minus=minus,
        plus=plus,
        inverse_edge=1 / spacing[axis],
        force=force if axis == faces.axis else np.zeros(nodes.n),
        mean=share / void.size,
    )


def open_faces(void: Mask, axis: int, faces: Faces) -> Mask:
    """Faces between two void voxels, and the open end faces."""
    if faces.rings[axis]:
        return np.ascontiguousarray(void & np.roll(void, 1, axis=axis))
    pad = [(1, 1) if a == axis else (0, 0) for a in range(3)]
    wide = np.pad(void, pad, mode="edge" if axis == faces.axis else "constant")
    return np.ascontiguousarray(_cut(wide, axis, 0, -1) & _cut(wide, axis, 1, None))


def _cut(array: NDArray[Any], axis: int, start: int | None, stop: int | None) -> NDArray[Any]:
    return array[tuple(slice(start, stop) if a == axis else slice(None) for a in range(3))]


def _places(nodes: Nodes, shape: tuple[int, ...], axis: int) -> NDArray[np.int64]:
    return np.asarray(np.unravel_index(nodes.at, shape)[axis])


def _share(nodes: Nodes, shape: tuple[int, ...], axis: int, faces: Faces) -> F64:
    """Fraction of a whole cell around each face: a half at the open ends."""
    share = np.ones(nodes.n)
    if axis == faces.axis and not faces.periodic:
        place = _places(nodes, shape, axis)
        share[(place == 0) | (place == shape[axis] - 1)] = 0.5
    return share


def _push(nodes: Nodes, shape: tuple[int, ...], faces: Faces) -> F64:
    """Half the pressure drop at either open end, over one voxel: +L/2 before the first voxel, -L/2 after the last."""
    place = _places(nodes, shape, faces.axis)
    return np.where((place == 0) | (place == shape[faces.axis] - 1), (shape[faces.axis] - 1) / 2, 0.0)


def _viscous(
    void: Mask, mask: Mask, nodes: Nodes, share: F64, axis: int, faces: Faces, spacing: Spacing
) -> tuple[F32, F32]:
    """Weights of the six links, and what every face loses to walls."""
    weights = np.zeros((6, nodes.n), dtype=np.float32)
    excess = np.zeros(nodes.n)
    for side in range(3):
        strength = (np.ones(nodes.n) if side == axis else share) / spacing[side] ** 2
        walls = [1.0, 1.0] if side == axis else list(wall_coupling(void, mask, axis, side, faces))
        place = _places(nodes, mask.shape, side)
        for k, end in ((0, 0), (1, mask.shape[side] - 1)):
            there = nodes.links[2 * side + k] != nodes.n
            weights[2 * side + k, there] = strength[there]
            # nothing changes beyond an open end
            closed = ~there & ~((place == end) & (side == faces.axis) & (not faces.periodic))
            wall = walls[k] if side == axis else walls[k].reshape(-1)[nodes.at[closed]]  # type: ignore[union-attr]
            excess[closed] += strength[closed] * wall
    return weights, excess.astype(np.float32)


def wall_coupling(void: Mask, mask: Mask, axis: int, side: int, faces: Faces) -> Iterator[NDArray[np.float64]]:
    """Coupling to a wall beside each face, before and after it: 2 / (1 - 2 / 3w), chords of w faces along ``side``."""
    flat = 2.0 / (1.0 - 2.0 / (3.0 * np.maximum(_chords(mask, side, faces.rings[side]), 1)))
    beside = _voxels_beside(void, axis, faces)
    for step in (-1, 1):
        yield np.where(_neighbour(beside, side, step, faces.rings[side]) > 0, EDGE, flat)


def _neighbour(array: NDArray[Any], axis: int, step: int, periodic: bool) -> NDArray[Any]:
    """``out[i] = array[i + step]`` along an axis, zero outside."""
    out = np.roll(array, -step, axis=axis)
    if not periodic:
        edge = _cut(out, axis, -1, None) if step > 0 else _cut(out, axis, 0, 1)
        edge[:] = 0
    return out


def _voxels_beside(void: Mask, axis: int, faces: Faces) -> NDArray[np.int8]:
    """How many of the two voxels that share a face are void."""
    if faces.rings[axis]:
        return void.astype(np.int8) + np.roll(void, 1, axis=axis)
    pad = [(1, 1) if a == axis else (0, 0) for a in range(3)]
    wide = np.pad(void, pad, mode="edge" if axis == faces.axis else "constant").astype(np.int8)
    both: NDArray[np.int8] = _cut(wide, axis, 0, -1) + _cut(wide, axis, 1, None)
    return both


def _chords(mask: Mask, side: int, periodic: bool) -> NDArray[np.int32]:
    """Length in faces of the open chord along ``side`` that each face lies in."""
    line = np.moveaxis(mask, side, -1)
    n = line.shape[-1]
    if periodic:
        line = np.concatenate([line] * 3, axis=-1)
    position = np.arange(line.shape[-1], dtype=np.int32)
    before = np.maximum.accumulate(np.where(line, np.int32(-1), position), axis=-1)
    beyond = np.int32(line.shape[-1])
    after = np.minimum.accumulate(np.where(line, beyond, position)[..., ::-1], axis=-1)[..., ::-1]
    length = after - before - 1
    if periodic:
        length = length[..., n : 2 * n]
    return np.moveaxis(length, -1, side)


def _pressures(voxels: Nodes, nodes: Nodes, axis: int) -> tuple[U32, U32]:
    """Numbers of the voxels before and after each face (face i lies before voxel i); n outside."""
    z, y, x = np.unravel_index(nodes.cells, nodes.index.shape)
    after = voxels.index[z, y, x]
    back = [z, y, x]
    back[axis] = back[axis] - 1
    return voxels.index[tuple(back)], after


def _faces_of(voxels: Nodes, part: Component, axis: int) -> U32:
    """Numbers of the faces before and after each voxel along an axis."""
    here = list(np.unravel_index(voxels.cells, voxels.index.shape))
    before = part.nodes.index[tuple(here)]
    here[axis] = here[axis] + 1
    return np.stack([before, part.nodes.index[tuple(here)]])
