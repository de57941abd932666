"""Boxes, centroids and inscribed radii of all regions in one pass over the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.lattice import Compiled

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class RegionGeometry:
    """Per label 0..n: voxel bounds ``low`` and ``high`` (exclusive), voxel ``count``, index ``sums``, inscribed radius.

    ``radius`` is PoreSpy's: half of twice the greatest distance to the outside less the body diagonal of a voxel,
    in mean voxel edges.
    """

    low: I64
    high: I64
    count: I64
    sums: I64
    radius: F64

    def pair_boxes(self, labels: I64) -> tuple[I64, I64]:
        """Common bounding boxes (n, 3), (n, 3) of label pairs (n, 2)."""
        return self.low[labels].min(axis=1), self.high[labels].max(axis=1)

    def centres(self, labels: I64, corner: I64) -> F64:
        """Centroids (n, 2, 3) of label pairs, in voxels from the corner of their box.

        The sum is taken from one voxel before the region, as PoreSpy takes it, so that equal distances round alike.
        """
        start = np.maximum(self.low[labels] - 1, corner[:, None, :])
        count = np.maximum(self.count[labels], 1)[..., None]
        return (self.sums[labels] - count * start) / count + (start - corner[:, None, :])


@njit(**Compiled)
def _measure(regions: NDArray[np.int32], low: I64, high: I64, count: I64, sums: I64) -> None:
    nz, ny, nx = regions.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                k = regions[z, y, x]
                if k <= 0:
                    continue
                count[k] += 1
                at = (z, y, x)
                for axis in range(3):
                    sums[k, axis] += at[axis]
                    low[k, axis] = min(low[k, axis], at[axis])
                    high[k, axis] = max(high[k, axis], at[axis] + 1)


@njit(**Compiled)
def _greatest(regions: NDArray[np.int32], distance: NDArray[np.float32], greatest: NDArray[np.float32]) -> None:
    flat, far = regions.reshape(-1), distance.reshape(-1)
    for i in range(len(flat)):
        if flat[i] > 0 and far[i] > greatest[flat[i]]:
            greatest[flat[i]] = far[i]


def measure(regions: NDArray[np.int32], edges: F64, threads: int) -> RegionGeometry:
    """Geometry of all labels; ``edges`` are the voxel edges over their geometric mean."""
    import edt

    n = int(regions.max(initial=0)) + 1
    low = np.full((n, 3), np.iinfo(np.int64).max // 4)
    high = np.zeros((n, 3), dtype=np.int64)
    count, sums = np.zeros(n, dtype=np.int64), np.zeros((n, 3), dtype=np.int64)
    _measure(regions, low, high, count, sums)
    squared = edt.edtsq(regions, anisotropy=tuple(edges), black_border=True, parallel=threads)
    greatest = np.zeros(n, dtype=np.float32)
    _greatest(regions, squared, greatest)
    radius = (2 * np.sqrt(greatest.astype(np.float64)) - np.sqrt(3)) / 2
    return RegionGeometry(low, high, count, sums, radius)
