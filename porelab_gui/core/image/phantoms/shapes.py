"""What phantoms are built of: random fields, spheres, slits, packed grains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, int, int]
Rng = np.random.Generator


def random_field(rng: Rng, shape: Shape, sigma: float | tuple[float, float, float]) -> NDArray[np.float32]:
    """A Gaussian random field with mean 0 and sd 1, smooth over ``sigma`` voxels (per axis if three)."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
    made: NDArray[np.float32] = (field - field.mean()) / max(float(field.std()), 1e-12)
    return made


def box_of(centre: NDArray[np.float64], reach: float, shape: Shape) -> tuple[slice, slice, slice] | None:
    """The part of the image within ``reach`` of a centre; None when it lies outside."""
    low = np.maximum(np.floor(centre - reach).astype(int), 0)
    high = np.minimum(np.ceil(centre + reach).astype(int) + 1, shape)
    if (high <= low).any():
        return None
    return (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))


def offsets(centre: NDArray[np.float64], box: tuple[slice, slice, slice]) -> tuple[NDArray[np.float64], ...]:
    """Distances along z, y, x from the centre, shaped to broadcast over the box."""
    grids = [np.arange(s.start, s.stop) - c for s, c in zip(box, centre, strict=True)]
    return (grids[0][:, None, None], grids[1][None, :, None], grids[2][None, None, :])


def draw_ellipsoid(
    mask: NDArray[np.bool_], centre: NDArray[np.float64], axes: NDArray[np.float64], turn: NDArray[np.float64]
) -> None:
    """Set the voxels of an ellipsoid with semi-axes ``axes`` turned by the rotation matrix ``turn``."""
    box = box_of(centre, float(axes.max()), mask.shape)  # type: ignore[arg-type]
    if box is None:
        return
    dz, dy, dx = offsets(centre, box)
    inside = np.zeros(1)
    for k in range(3):
        inside = inside + ((turn[k, 0] * dz + turn[k, 1] * dy + turn[k, 2] * dx) / axes[k]) ** 2
    mask[box] |= inside <= 1.0


def random_turn(rng: Rng) -> NDArray[np.float64]:
    """A rotation matrix, uniform over all rotations (QR of a Gaussian matrix)."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(q * np.sign(np.diag(r)))


def pack_grains(
    rng: Rng, shape: Shape, diameter: float, spread: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres and radii (voxels) of grains that fill the box and a margin around it; overlaps are pushed apart.

    Radii are log-normal about ``diameter``/2 with relative width ``spread``.
    """
    from scipy.spatial import cKDTree

    margin = diameter
    extent = np.asarray(shape, float) + 2 * margin
    mean = np.pi / 6 * diameter**3 * np.exp(4.5 * spread**2)
    count = max(8, int(0.64 * extent.prod() / mean))
    radii = 0.5 * diameter * np.exp(spread * rng.standard_normal(count))
    centres = rng.random((count, 3)) * extent
    for _ in range(30):
        pairs = cKDTree(centres).query_pairs(2 * float(radii.max()), output_type="ndarray")
        delta = centres[pairs[:, 0]] - centres[pairs[:, 1]]
        gap = np.linalg.norm(delta, axis=1)
        push = np.clip(radii[pairs].sum(axis=1) - gap, 0, None)
        step = 0.5 * push[:, None] * delta / np.maximum(gap, 1e-9)[:, None] * 0.7
        for k in range(3):
            centres[:, k] += np.bincount(pairs[:, 0], step[:, k], count) - np.bincount(pairs[:, 1], step[:, k], count)
        centres = np.clip(centres, 0, extent)
    return centres - margin, radii


def grain_distance(
    shape: Shape, centres: NDArray[np.float64], radii: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Signed distance to the nearest grain surface (negative inside), and which grain that is."""
    distance = np.full(shape, np.inf, np.float32)
    owner = np.zeros(shape, np.int32)
    for k, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        box = box_of(centre, 2.0 * radius, shape)
        if box is None:
            continue
        dz, dy, dx = offsets(centre, box)
        here = (np.sqrt(dz**2 + dy**2 + dx**2) - radius).astype(np.float32)
        closer = here < distance[box]
        distance[box][closer] = here[closer]
        owner[box][closer] = k
    distance[~np.isfinite(distance)] = 2.0 * float(radii.max())
    return distance, owner
