"""Single pores: cut at their necks, each measured as the ellipsoid with the same second moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
VoxelSize = tuple[float, float, float]
FEWEST = 20  # bodies of fewer voxels have no shape to speak of


@dataclass(frozen=True)
class Bodies:
    """Rows are bodies: ``centre`` (n, 3) and ``semi_axes`` (n, 3, longest first) in metres, ``volume`` in m3."""

    label: NDArray[np.int64]
    centre: NDArray[np.float64]
    volume: NDArray[np.float64]
    semi_axes: NDArray[np.float64]

    @property
    def aspect_ratio(self) -> NDArray[np.float64]:
        """Shortest over longest semi-axis: 1 for a ball, near 0 for a crack."""
        return np.asarray(self.semi_axes[:, 2] / self.semi_axes[:, 0])


def measure(regions: NDArray[np.integer], voxel: VoxelSize) -> Bodies:
    """Moments of all regions at once: semi-axes sqrt(5 l) of the covariance's eigenvalues l.

    The spread of a voxel about its own centre (edge^2/12) is part of the covariance.
    """
    z, y, x = np.nonzero(regions)
    label = regions[z, y, x].astype(np.int64)
    count = np.bincount(label)
    points = [(k + 0.5) * v for k, v in zip((z, y, x), voxel, strict=True)]
    kept = np.flatnonzero(count >= FEWEST)
    size = count[kept].astype(float)
    mean = np.stack([np.bincount(label, p)[kept] / size for p in points], axis=1)
    spread = np.zeros((len(kept), 3, 3))
    origin = [float(p.mean()) if len(p) else 0.0 for p in points]
    shifted = [p - o for p, o in zip(points, origin, strict=True)]
    local = mean - np.array(origin)
    for a in range(3):
        for b in range(a, 3):
            moment = np.bincount(label, shifted[a] * shifted[b])[kept] / size - local[:, a] * local[:, b]
            spread[:, a, b] = spread[:, b, a] = moment + (voxel[a] ** 2 / 12 if a == b else 0.0)
    values = np.linalg.eigvalsh(spread)[:, ::-1] if len(kept) else np.zeros((0, 3))
    axes = np.sqrt(5.0 * np.clip(values, 0, None))
    return Bodies(kept, mean, size * float(np.prod(voxel)), axes)
