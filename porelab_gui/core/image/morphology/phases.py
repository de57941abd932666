"""How much of a phase there is, where, and how much of it is connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Connection:
    """``through``: volume fraction that joins opposite faces along z, y, x; ``largest``: largest cluster / phase."""

    through: tuple[float, float, float]
    largest: float
    clusters: int


def connection(mask: Mask) -> Connection:
    """Clusters joined through voxel faces (6-connectivity)."""
    from scipy.ndimage import label

    bodies, count = label(mask)
    if not count:
        return Connection((0.0, 0.0, 0.0), 0.0, 0)
    sizes = np.bincount(bodies.ravel(), minlength=count + 1)
    through = []
    for axis in range(3):
        first, last = np.unique(bodies.take(0, axis)), np.unique(bodies.take(-1, axis))
        both = np.intersect1d(first[first > 0], last[last > 0])
        through.append(float(sizes[both].sum()) / mask.size)
    z, y, x = through
    return Connection((z, y, x), float(sizes[1:].max()) / float(sizes[1:].sum()), count)


def profiles(mask: Mask) -> tuple[NDArray[np.float64], ...]:
    """Fraction of the phase in each plane along z, y and x."""
    return tuple(mask.mean(axis=tuple(k for k in range(3) if k != axis)) for axis in range(3))


def summed(mask: NDArray[Any]) -> NDArray[np.int64]:
    """Summed-volume (or summed-area) table with a zero plane before each axis."""
    table = np.zeros(tuple(n + 1 for n in mask.shape), np.int64)
    table[(slice(1, None),) * mask.ndim] = mask
    for axis in range(mask.ndim):
        np.cumsum(table, axis=axis, out=table)
    return table


def box_sums(table: NDArray[np.int64], corner: NDArray[np.int64], edges: tuple[int, int, int]) -> NDArray[np.int64]:
    """Counts in boxes of the given edges whose first voxels are the rows of ``corner``."""
    total = np.zeros(len(corner), np.int64)
    for bits in range(8):
        shift = np.array([edges[k] if bits >> k & 1 else 0 for k in range(3)])
        sign = -1 if (3 - bits.bit_count()) % 2 else 1
        z, y, x = (corner + shift).T
        total += sign * table[z, y, x]
    return total


def representative(
    mask: Mask, voxel: tuple[float, float, float], samples: int, seed: int
) -> list[tuple[float, float, float, int]]:
    """Porosity of random cubes: (edge in metres, mean, standard deviation, number) for growing edges.

    Cubes overlap where the image cannot hold as many apart, so the deviation of the largest is too small.
    """
    rng = np.random.default_rng(seed)
    table = summed(mask)
    longest = min(n * v for n, v in zip(mask.shape, voxel, strict=True))
    rows = []
    for edge in np.geomspace(4 * max(voxel), longest, 16):
        size = tuple(max(1, min(n, round(edge / v))) for n, v in zip(mask.shape, voxel, strict=True))
        room = [n - s + 1 for n, s in zip(mask.shape, size, strict=True)]
        count = min(samples, int(np.prod(room)))
        corner = np.stack([rng.integers(0, r, count) for r in room], axis=1)
        share = box_sums(table, corner, size) / np.prod(size)  # type: ignore[arg-type]
        rows.append((float(edge), float(share.mean()), float(share.std()), count))
    return rows
