"""Was a rock copied from the training slab? The most alike place, by normalised cross-correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.morphology.phases import summed

Mask = NDArray[np.bool_]
COARSE = 2  # voxels of the search per voxel of the image and axis


def coarsened(mask: Mask, by: int = COARSE) -> NDArray[np.float32]:
    """Means over blocks; planes that do not fill a block are left out."""
    n = [s // by for s in mask.shape]
    cut = mask[: n[0] * by, : n[1] * by, : n[2] * by].astype(np.float32)
    return np.asarray(cut.reshape(n[0], by, n[1], by, n[2], by).mean((1, 3, 5)), np.float32)


def closest_match(rock: Mask, slab: Mask, by: int = COARSE) -> tuple[float, tuple[int, int, int]]:
    """Largest correlation coefficient of ``rock`` with any crop of ``slab`` of its size, and where that crop begins.

    All places are tried (by a Fourier transform of means over ``by``^3 voxels), the rock as it lies. 1: a copy.
    """
    from scipy.fft import irfftn, next_fast_len, rfftn

    small, large = coarsened(rock, by), coarsened(slab, by)
    small = small - small.mean()
    shape = [next_fast_len(a + b - 1, real=True) for a, b in zip(small.shape, large.shape, strict=True)]
    product = rfftn(large, shape, workers=1) * np.conj(rfftn(small, shape, workers=1))
    room = tuple(slice(0, b - a + 1) for a, b in zip(small.shape, large.shape, strict=True))
    alike = irfftn(product, shape, workers=1)[room]
    mean, square = (_window_means(x, small.shape) for x in (large, large * large))
    spread = np.sqrt(np.maximum(square - mean**2, 1e-12) * float((small**2).mean())) * small.size
    score = alike / spread
    place = np.unravel_index(int(np.argmax(score)), score.shape)
    z, y, x = (int(p) * by for p in place)
    return float(score[place]), (z, y, x)


def _window_means(values: NDArray[np.float32], window: tuple[int, ...]) -> NDArray[np.float64]:
    """Means over every place of a window."""
    scaled = np.rint(values.astype(np.float64) * 2**20).astype(np.int64)  # whole numbers do not lose digits in sums
    table = summed(scaled)
    for axis, n in enumerate(window):
        table = np.take(table, np.arange(n, table.shape[axis]), axis) - np.take(
            table, np.arange(0, table.shape[axis] - n), axis
        )
    return np.asarray(table / 2**20 / float(np.prod(window)))
