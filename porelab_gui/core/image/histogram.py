"""Grey-level histograms and the thresholds that follow from them; block by block, so lazy stacks stay lazy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Stack
from porelab_gui.core.progress import Progress, silent

FLOAT_BINS = 4096
BLOCK_BYTES = 1 << 26


@dataclass(frozen=True)
class Histogram:
    """Counts and the grey level that each bin stands for (ascending)."""

    counts: NDArray[np.int64]
    levels: NDArray[np.float64]


def blocks(data: Any) -> Iterator[tuple[int, NDArray[Any]]]:
    """Slabs along z of about ``BLOCK_BYTES``, with where each starts."""
    page = int(np.prod(data.shape[1:])) * np.dtype(data.dtype).itemsize
    step = max(1, BLOCK_BYTES // max(page, 1))
    for start in range(0, data.shape[0], step):
        yield start, np.asarray(data[start : start + step])


def check_finite(block: NDArray[Any], start: int, where: str) -> None:
    """InputError naming the first voxel that is NaN or infinite."""
    if block.dtype.kind != "f":
        return
    bad = ~np.isfinite(block)
    if bad.any():
        z, y, x = (int(n) for n in np.argwhere(bad)[0])
        raise InputError(
            f"{int(bad.sum()):,} voxels are not a number, the first at z, y, x = ({start + z}, {y}, {x})",
            where=where,
            remedy="Load with nan=zero to set them to 0, or mask them first.",
        )


def grey_range(stack: Stack) -> tuple[float, float]:
    """Lowest and highest grey level; InputError for NaN and for an empty range."""
    low, high = np.inf, -np.inf
    for start, block in blocks(stack.data):
        check_finite(block, start, stack.name)
        low, high = min(low, float(block.min())), max(high, float(block.max()))
    if low == high:
        raise InputError(
            f"every voxel has the grey level {low:g}",
            where=stack.name,
            remedy="There is nothing to segment; check that the right file and data set were opened.",
        )
    return low, high


def histogram(stack: Stack, progress: Progress = silent) -> Histogram:
    """Histogram of a stack: every level for 8 and 16 bits, ``FLOAT_BINS`` bins otherwise."""
    dtype = np.dtype(stack.data.dtype)
    low, high = grey_range(stack)
    exact = dtype.kind in "iub" and high - low < 1 << 16
    bins = int(high - low) + 1 if exact else FLOAT_BINS
    counts = np.zeros(bins, np.int64)
    for start, block in blocks(stack.data):
        if exact:
            counts += np.bincount((block.ravel().astype(np.int64) - int(low)), minlength=bins)
        else:
            counts += np.histogram(block, bins, (low, high))[0]
        progress(start, stack.shape[0], "histogram")
    width = 1.0 if exact else (high - low) / bins
    return Histogram(counts, low + width * (np.arange(bins, dtype=np.float64) + (0.0 if exact else 0.5)))


def otsu_of(hist: Histogram) -> float:
    """The level t that maximises the between-class variance w0 w1 (mu0 - mu1)^2 of {g <= t} and {g > t}.

    Otsu (1979), IEEE Trans. Syst. Man Cybern. 9, 62.
    """
    counts = hist.counts.astype(float)
    below = np.cumsum(counts)
    first = np.cumsum(counts * hist.levels)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (first * below[-1] - first[-1] * below) ** 2 / (below * above)
    return float(hist.levels[int(np.nanargmax(between[:-1]))])


def otsu(stack: Stack, progress: Progress = silent) -> float:
    """Otsu's threshold of a stack: void or solid is what is above it."""
    return otsu_of(histogram(stack, progress))


def multi_otsu(stack: Stack, classes: int, progress: Progress = silent) -> tuple[float, ...]:
    """The ``classes`` - 1 ascending thresholds that maximise the between-class variance.

    Exact over at most 256 bins by dynamic programming; Liao, Chen and Chung (2001), J. Inf. Sci. Eng. 17, 713.
    """
    hist = _coarse(histogram(stack, progress), 256)
    bins = len(hist.counts)
    if bins < classes or np.count_nonzero(hist.counts) < classes:
        raise InputError(
            f"{np.count_nonzero(hist.counts)} grey levels cannot make {classes} classes",
            where=stack.name,
            remedy="Choose fewer classes.",
        )
    weight = np.concatenate([[0.0], np.cumsum(hist.counts)])
    moment = np.concatenate([[0.0], np.cumsum(hist.counts * hist.levels)])
    w = weight[None, :] - weight[:, None]
    m = moment[None, :] - moment[:, None]
    gain = np.where(w > 0, m**2 / np.where(w > 0, w, 1.0), -np.inf)  # of the class of bins i..j-1
    best, cuts = gain[0].copy(), []
    for _ in range(classes - 1):
        total = best[:, None] + np.where(np.tri(bins + 1, k=0).T > 0, gain, -np.inf)
        cuts.append(np.argmax(total, axis=0))
        best = total.max(axis=0)
    edges, at = [], bins
    for cut in reversed(cuts):
        at = int(cut[at])
        edges.append(float(hist.levels[at - 1]))
    return tuple(reversed(edges))


def _coarse(hist: Histogram, bins: int) -> Histogram:
    """The histogram in at most ``bins`` bins, each with its mean level."""
    if len(hist.counts) <= bins:
        return hist
    starts = np.linspace(0, len(hist.counts), bins, endpoint=False).astype(int)
    counts = np.add.reduceat(hist.counts, starts)
    tops = hist.levels[np.append(starts[1:], len(hist.levels)) - 1]
    return Histogram(counts, tops)
