"""Voxel images of the shapes that have known answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
CENTRES = {
    "SC": ((0.5, 0.5, 0.5),),
    "BCC": ((0.25, 0.25, 0.25), (0.75, 0.75, 0.75)),
    "FCC": ((0.25, 0.25, 0.25), (0.25, 0.75, 0.75), (0.75, 0.25, 0.75), (0.75, 0.75, 0.25)),
}


def channel(kind: str, size: int) -> tuple[Mask, float]:
    """A straight channel along z with a wall voxel around, two voxels long, and its true area in voxels.

    ``size`` is the width of the slit, the edge of the duct, the diameter of the tube, the side of the triangle.
    """
    if kind == "slit":
        void = np.zeros((2, size + 2, 2), bool)
        void[:, 1:-1] = True
        return void, 2.0 * size
    if kind == "duct":
        void = np.zeros((2, size + 2, size + 2), bool)
        void[:, 1:-1, 1:-1] = True
        return void, float(size**2)
    y, x = np.indices((size + 4, size + 4)) - (size + 3) / 2
    if kind == "tube":
        flat, area = y**2 + x**2 < (size / 2) ** 2, np.pi * size**2 / 4
    else:
        height = size * np.sqrt(3) / 2
        up = y + height / 2
        flat = (up > 0) & (np.abs(x) < (height - up) / np.sqrt(3))
        area = size * height / 2
    return np.stack([flat, flat]), float(area)


def sphere_cell(lattice: str, fraction: float, voxels: int) -> tuple[Mask, int]:
    """Void of a periodic cell of equal spheres, and spheres a cell.

    Voxels are taken solid in order of their distance from the nearest centre until the solid fraction is met.
    """
    return _solid_first(_square_distance(lattice, voxels), fraction), len(CENTRES[lattice])


def sphere_cell_by_radius(lattice: str, fraction: float, voxels: int) -> Mask:
    """Void of a periodic cell of equal spheres: voxels whose centres lie beyond the radius of that solid fraction."""
    radius = (3 * fraction / (4 * np.pi * len(CENTRES[lattice]))) ** (1 / 3)
    void: Mask = _square_distance(lattice, voxels) > radius**2
    return void


def _square_distance(lattice: str, voxels: int) -> NDArray[np.float64]:
    """From every voxel's centre to the nearest centre of a sphere [cell edge^2]."""
    distance = np.full((voxels,) * 3, np.inf)
    grid = (np.indices((voxels,) * 3) + 0.5) / voxels
    for centre in CENTRES[lattice]:
        offset = grid - np.reshape(centre, (3, 1, 1, 1))
        offset -= np.round(offset)
        distance = np.minimum(distance, (offset**2).sum(axis=0))
    return distance


def cylinder_cell(fraction: float, voxels: int) -> Mask:
    """Void of a periodic square cell around a cylinder along z, one voxel thick."""
    grid = (np.indices((voxels, voxels)) + 0.5) / voxels - 0.5
    return _solid_first((grid**2).sum(axis=0), fraction)[None]


def _solid_first(distance: NDArray[np.float64], fraction: float) -> Mask:
    """Void where the distance is beyond the shell whose solid fraction comes nearest to the one asked for."""
    levels, counts = np.unique(np.round(distance, 9), return_counts=True)
    solid = np.cumsum(counts) / distance.size
    limit = levels[np.argmin(np.abs(solid - fraction))]
    void: Mask = np.round(distance, 9) > limit
    return void
