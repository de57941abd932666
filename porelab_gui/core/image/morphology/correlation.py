"""Two-point correlation and chord lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
VoxelSize = tuple[float, float, float]


@dataclass(frozen=True)
class TwoPoint:
    """Probability that both ends of a segment lie in the phase.

    ``axes`` (3, L): along z, y, x at 0, 1, ... voxels; ``radial`` (R,) over ``distance`` (R,) in metres.
    """

    axes: NDArray[np.float64]
    distance: NDArray[np.float64]
    radial: NDArray[np.float64]


def two_point(mask: Mask, voxel: VoxelSize, reach: int) -> TwoPoint:
    """S2 for all lags up to ``reach`` voxels, by a Fourier transform padded so that nothing wraps round."""
    from scipy.fft import irfftn, next_fast_len, rfftn

    lags = [min(reach, n - 1) for n in mask.shape]
    shape = [next_fast_len(n + lag, real=True) for n, lag in zip(mask.shape, lags, strict=True)]
    spectrum = rfftn(mask.astype(np.float32), shape, workers=-1)
    power = irfftn(np.abs(spectrum) ** 2, shape, workers=-1)
    del spectrum
    # lags -L..L along each axis; those of opposite sign are equal, so z runs over 0..L only
    index = np.ix_(*[np.arange(0 if k == 0 else -lag, lag + 1) for k, lag in enumerate(lags)])
    pairs = np.rint(power[index].astype(np.float64))
    offsets = [np.arange(0 if k == 0 else -lag, lag + 1) for k, lag in enumerate(lags)]
    room = [n - np.abs(o) for n, o in zip(mask.shape, offsets, strict=True)]
    share = pairs / (room[0][:, None, None] * room[1][None, :, None] * room[2][None, None, :])
    _, ly, lx = lags
    length = min(lags) + 1
    axes = np.stack([share[:length, ly, lx], share[0, ly : ly + length, lx], share[0, ly, lx : lx + length]])
    distance, radial = _radial(share, offsets, voxel, lags)
    return TwoPoint(axes, distance, radial)


def _radial(
    share: NDArray[np.float64], offsets: list[NDArray[np.int64]], voxel: VoxelSize, lags: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over shells one (smallest) voxel thick, as far as all directions reach."""
    squares = [(o * v) ** 2 for o, v in zip(offsets, voxel, strict=True)]
    length = np.sqrt(squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :])
    step = min(voxel)
    shell = np.rint(length / step).astype(np.int64).ravel()
    last = int(min(lag * v for lag, v in zip(lags, voxel, strict=True)) / step)
    kept = shell <= last
    count = np.bincount(shell[kept], minlength=last + 1)
    total = np.bincount(shell[kept], share.ravel()[kept], last + 1)
    mean = np.bincount(shell[kept], length.ravel()[kept], last + 1)
    there = count > 0
    return mean[there] / count[there], total[there] / count[there]


def chords(mask: Mask, axis: int) -> NDArray[np.int64]:
    """Lengths in voxels of the phase's chords along an axis; those cut off by the image's faces are left out."""
    lines = np.moveaxis(mask, axis, -1).reshape(-1, mask.shape[axis])
    edge = np.diff(lines.astype(np.int8), axis=1)
    row, at = np.nonzero(edge)
    sign = edge[row, at]
    # a chord is an entry (+1) directly followed by an exit (-1) on the same line
    follows = (sign[:-1] == 1) & (sign[1:] == -1) & (row[:-1] == row[1:])
    return np.asarray((at[1:] - at[:-1])[follows])


def mean_chord(lengths: NDArray[np.int64], side: int) -> float:
    """Mean of the chords, each weighted by how rarely one of its length fits whole into ``side`` voxels.

    Miles and Lantuejoul: a chord of L voxels is seen with both its ends at side - L - 1 places. NaN without chords.
    """
    if not len(lengths):
        return float("nan")
    weight = 1.0 / np.maximum(side - lengths - 1, 1)
    return float((lengths * weight).sum() / weight.sum())
