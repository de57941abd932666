"""Tubes as one triangle mesh, and which tube or ball a ray meets. Pure numpy, all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int32]

# sides of a tube by how many there are: fewer triangles where a tube is a few pixels wide
DETAIL = ((12_000, 8), (25_000, 6), (50_000, 4))
RIBBON = 2  # a flat band that is turned towards the viewer


def sides_for(count: int) -> int:
    """How many sides a tube gets in a network of ``count`` throats."""
    return next((sides for limit, sides in DETAIL if count <= limit), RIBBON)


def faces_per_tube(sides: int) -> int:
    """Triangles of one tube."""
    return 2 if sides == RIBBON else 2 * sides


def build_tubes(
    starts: ArrayLike, ends: ArrayLike, radii: ArrayLike, sides: int, facing: ArrayLike = (1, 0, 0)
) -> tuple[Floats, Ints]:
    """Open prisms from ``starts`` to ``ends`` (n, 3), ``radii`` (n,): vertices and faces, both (2 n sides, 3).

    Tube i owns the vertices ``2 sides i ...`` and the faces ``2 sides i ...`` in one run each. With two sides it is
    a band of two triangles, broadside on to the direction ``facing``.
    """
    a, b = np.asarray(starts, dtype=np.float32), np.asarray(ends, dtype=np.float32)
    vertices: Floats = np.empty((len(a), 2, sides, 3), dtype=np.float32)
    r = np.asarray(radii, dtype=np.float32)
    ring = _bands(b - a, r, np.asarray(facing, dtype=np.float32)) if sides == RIBBON else _rings(b - a, r, sides)
    np.add(a[:, None], ring, out=vertices[:, 0])
    np.add(b[:, None], ring, out=vertices[:, 1])
    first = np.arange(len(a), dtype=np.int32) * (2 * sides)
    faces = first[:, None, None] + _prism(sides)
    return vertices.reshape(-1, 3), faces.reshape(-1, 3)


def _rings(axis: Floats, radii: Floats, sides: int) -> Floats:
    """Points of a circle of each radius around each axis, (n, sides, 3)."""
    length = np.sqrt(np.einsum("ij,ij->i", axis, axis))
    axis = axis / np.where(length > 0, length, 1)[:, None]
    helper = np.zeros_like(axis)
    helper[np.arange(len(axis)), np.abs(axis).argmin(axis=1)] = 1
    u = np.cross(axis, helper)
    u /= np.maximum(np.sqrt(np.einsum("ij,ij->i", u, u)), 1e-12)[:, None]
    v = np.cross(axis, u)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False, dtype=np.float32)
    u *= radii[:, None]
    v *= radii[:, None]
    ring: Floats = np.cos(angle)[None, :, None] * u[:, None] + np.sin(angle)[None, :, None] * v[:, None]
    return ring


def _bands(axis: Floats, radii: Floats, facing: Floats) -> Floats:
    """Both edges of a band along each axis, across the view, (n, 2, 3)."""
    across = np.cross(axis, facing)
    length = np.sqrt(np.einsum("ij,ij->i", across, across))
    across *= (radii / np.maximum(length, 1e-12))[:, None]
    return np.stack([across, -across], axis=1)


def _prism(sides: int) -> Ints:
    """Triangles of one open prism whose two rings are numbered one after the other, seen from outside."""
    if sides == RIBBON:
        return np.array([[0, 1, 2], [1, 3, 2]], dtype=np.int32)
    k = np.arange(sides)
    following = (k + 1) % sides
    lower = np.stack([k, following, k + sides], axis=1)
    upper = np.stack([following, following + sides, k + sides], axis=1)
    return np.concatenate([lower, upper]).astype(np.int32)


def pick_tube(
    origin: ArrayLike, direction: ArrayLike, starts: Floats, ends: Floats, radii: Floats, slack: float = 0.0
) -> tuple[int, float] | None:
    """The first tube that a ray meets, and how far along the ray; None when it misses all.

    A ray within ``slack`` of a tube counts as meeting it, after all that it meets outright.
    """
    if not len(starts):
        return None
    gap, along = _ray_to_segments(np.asarray(origin, float), _unit(direction), starts, ends)
    return _first(gap, along, radii, slack)


def pick_ball(
    origin: ArrayLike, direction: ArrayLike, centres: Floats, radii: Floats, slack: float = 0.0
) -> tuple[int, float] | None:
    """The first ball that a ray meets, and how far along the ray the ball's surface is; None when it misses all."""
    if not len(centres):
        return None
    d = _unit(direction)
    away = np.asarray(centres, dtype=np.float64) - np.asarray(origin, float)
    along = away @ d
    gap = np.sqrt(np.maximum(np.einsum("ij,ij->i", away, away) - along**2, 0))
    return _first(gap, along, radii, slack)


def _first(
    gap: NDArray[np.float64], along: NDArray[np.float64], radii: Floats, slack: float
) -> tuple[int, float] | None:
    front = along - np.sqrt(np.maximum(np.asarray(radii, float) ** 2 - gap**2, 0))
    for reach in (0.0, slack):
        hit = np.flatnonzero(gap <= radii + reach)
        if len(hit):
            best = hit[np.argmin(front[hit])] if reach == 0.0 else hit[np.argmin(gap[hit] - radii[hit])]
            return int(best), float(front[best])
    return None


def _unit(direction: ArrayLike) -> NDArray[np.float64]:
    d = np.asarray(direction, float)
    return d / np.linalg.norm(d)


def _ray_to_segments(
    origin: NDArray[np.float64], d: NDArray[np.float64], starts: Floats, ends: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest distance of a line to each segment, and where along the line it is.

    Seen along the line a segment is a segment in a plane, and the line a point in it.
    """
    a, b = starts - origin, ends - origin
    a_along, b_along = a @ d, b @ d
    a_flat, b_flat = a - a_along[:, None] * d, b - b_along[:, None] * d
    side = b_flat - a_flat
    squared = np.einsum("ij,ij->i", side, side)
    share = -np.einsum("ij,ij->i", a_flat, side) / np.where(squared > 0, squared, 1)
    share = np.clip(share, 0, 1)
    nearest = a_flat + share[:, None] * side
    gap = np.sqrt(np.einsum("ij,ij->i", nearest, nearest))
    return gap, a_along + share * (b_along - a_along)
