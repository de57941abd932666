"""The peaks of the distance map that become pores: found, then freed of saddles and of near neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.network.snow import kernels
from porelab_gui.core.network.snow.slabs import each, ranges
from porelab_gui.core.progress import Progress, within

MAXITER = 20  # rounds of plateau growth, PoreSpy's default
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Peaks:
    """Groups of peak voxels in raster order: ``members`` (flat indices with shell), ``starts`` of each group,
    ``centres`` (n, 3) whole voxel indices in the image."""

    members: Indices
    starts: Indices
    centres: Indices

    def __len__(self) -> int:
        return len(self.centres)


def gaussian_half(sigma: float) -> NDArray[np.float64]:
    """Weights of SciPy's Gaussian filter for the centre and the voxels at distance 1, 2 ... (cut at four sigma)."""
    if sigma <= 0:
        return np.ones(1)
    x = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * x**2)
    return np.ascontiguousarray((weights / weights.sum())[len(x) // 2 :])


def ball_offsets(radius: int) -> Indices:
    """Offsets (k, 3) of the ball of that radius without its centre and without the six tips, nearest first."""
    line = np.arange(-radius, radius + 1)
    grid = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    far = (grid**2).sum(axis=1)
    inside = (far < radius**2) & (far > 0)
    return np.ascontiguousarray(grid[inside][np.argsort(far[inside], kind="stable")])


def neighbours(shape: tuple[int, ...], connectivity: int) -> Indices:
    """Flat offsets of the 6 or 26 neighbours in an image of that shape, in raster order."""
    line = np.arange(-1, 2)
    grid = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    far = np.abs(grid).sum(axis=1)
    grid = grid[(far == 1) if connectivity == 6 else (far > 0)]
    return np.asarray((grid[:, 0] * shape[1] + grid[:, 1]) * shape[2] + grid[:, 2], dtype=np.int64)


def find(d2: NDArray[Any], sigma: float, r_max: int, threads: int, progress: Progress) -> Peaks:
    """Peaks of the squared distance ``d2`` (with shell) as PoreSpy's SNOW finds them."""
    found, mark = candidates(d2, sigma, r_max, threads, within(progress, 0, 0.7))
    groups = true_groups(mark, d2, found, within(progress, 0.7, 0.95))
    progress(0.95, 1, "peaks too near")
    return select(groups, nearby_dropped(groups, distance_at(d2, groups)))


def candidates(
    d2: NDArray[Any], sigma: float, r_max: int, threads: int, progress: Progress
) -> tuple[Indices, NDArray[np.uint8]]:
    """Flat indices of all local maxima of the smoothed distance, rising, and the image that marks them."""
    shape = d2.shape
    slabs = ranges(0, shape[0] - 2, shape[1] * shape[2], threads)
    smooth = np.full(shape, -1, dtype=np.float32)
    half = gaussian_half(sigma)

    def blur(a: int, b: int) -> None:
        kernels.smooth_slab(d2, half, smooth, a, b)

    each(blur, slabs, threads, within(progress, 0, 0.5), "smoothing")
    mark = np.zeros(shape, dtype=np.uint8)
    ball = ball_offsets(r_max)

    def work(a: int, b: int) -> Indices:
        kernels.find_peaks_slab(smooth, d2, ball, mark, a, b)
        return np.flatnonzero(mark[a + 1 : b + 1]) + (a + 1) * shape[1] * shape[2]

    pieces = each(work, slabs, threads, within(progress, 0.5, 1), "peaks")
    return np.concatenate(pieces), mark


def true_groups(mark: NDArray[np.uint8], d2: NDArray[Any], found: Indices, progress: Progress) -> Peaks:
    """The groups that are true peaks, after PoreSpy's ``trim_saddle_points``."""
    flat, level = mark.reshape(-1), d2.reshape(-1)
    six, near = neighbours(d2.shape, 6), neighbours(d2.shape, 26)
    for begin in range(0, len(found), 20_000):
        progress(begin, len(found), "saddle points")
        end = min(begin + 20_000, len(found))
        kernels.keep_true_peaks(flat, level, found, six, near, MAXITER, begin, end)
    flat[found] &= 255 - kernels.SEEN
    members, starts, centres = kernels.peak_groups(flat, found, near, kernels.KEPT, d2.shape[1], d2.shape[2])
    return Peaks(members, starts, centres.astype(np.int64))


def distance_at(d2: NDArray[Any], groups: Peaks) -> NDArray[np.float32]:
    """Distance to the solid at the centre of each group."""
    z, y, x = (groups.centres + 1).T
    return np.sqrt(d2[z, y, x].astype(np.float32))


def nearby_dropped(groups: Peaks, distance: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which groups lie nearer to another group than to the solid and are the lower of the two.

    PoreSpy's ``trim_nearby_peaks``: each group is compared with its nearest neighbour, all at once; equal heights
    are told apart by 1e-6 per place in raster order.
    """
    drop = np.zeros(len(groups), dtype=bool)
    if len(groups) < 2:
        return drop
    from scipy.spatial import KDTree

    level = distance + np.arange(len(groups)) * 1e-6
    gaps, index = KDTree(groups.centres).query(groups.centres, k=2)
    nearest = index[:, 1]
    hits = np.flatnonzero(gaps[:, 1] <= level)
    other = nearest[hits]
    drop[np.where(level[hits] < level[other], hits, other)] = True
    return drop


def select(groups: Peaks, drop: NDArray[np.bool_]) -> Peaks:
    """The groups that are not dropped, still in raster order."""
    sizes = np.diff(groups.starts)
    keep = np.repeat(~drop, sizes)
    starts = np.concatenate([[0], np.cumsum(sizes[~drop])])
    return Peaks(groups.members[keep], starts, groups.centres[~drop])
