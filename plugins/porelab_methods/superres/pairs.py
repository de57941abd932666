"""Low-resolution images of fine ones by a stated down-sampling, and the turns that keep the flow along z."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Labels, Stack

Down = Literal["mean", "nearest", "gaussian"]
Shares = NDArray[np.float32]
WORDS = {
    "mean": "the share of void in each block of {f}^3 voxels",
    "nearest": "the voxel in the middle of each block of {f}^3 voxels",
    "gaussian": "blur with a standard deviation of {s} voxels, mean over {f}^3 voxels, noise of {n}",
}


def padded(image: NDArray[Any], factor: int) -> NDArray[Any]:
    """Each edge made a multiple of ``factor`` by repeating the last plane."""
    extra = [(0, -n % factor) for n in image.shape]
    return np.pad(image, extra, mode="edge") if any(b for _, b in extra) else image


def pooled(image: NDArray[Any], factor: int) -> Shares:
    """Means over blocks of ``factor``^3 voxels of an image whose edges it divides."""
    z, y, x = (n // factor for n in image.shape)
    blocks = image.reshape(z, factor, y, factor, x, factor)
    return np.asarray(blocks.mean((1, 3, 5), dtype=np.float32))


def _mean(image: NDArray[Any], factor: int, noise: float, rng: np.random.Generator) -> Shares:
    return pooled(image, factor)


def _nearest(image: NDArray[Any], factor: int, noise: float, rng: np.random.Generator) -> Shares:
    middle = slice(factor // 2, None, factor)
    return image[middle, middle, middle].astype(np.float32)


def _gaussian(image: NDArray[Any], factor: int, noise: float, rng: np.random.Generator) -> Shares:
    blurred = ndimage.gaussian_filter(image.astype(np.float32), factor / 2, mode="nearest")
    low = pooled(blurred, factor)
    return low + noise * rng.standard_normal(low.shape, dtype=np.float32)


HOW: dict[str, Callable[[NDArray[Any], int, float, np.random.Generator], Shares]] = {
    "mean": _mean, "nearest": _nearest, "gaussian": _gaussian,
}  # fmt: skip


def downsampled(void: NDArray[np.bool_], factor: int, how: Down, noise: float = 0.05, seed: int = 0) -> Shares:
    """Share of void (float32, 0 solid to 1 void) at ``factor`` times the voxel size.

    Edges that ``factor`` does not divide are padded; ``noise`` (standard deviation, gaussian only) may leave 0..1.
    """
    return HOW[how](padded(void, factor), factor, noise, np.random.default_rng(seed))


def described(how: Down, factor: int, noise: float) -> str:
    """The down-sampling as a phrase for cards and tables."""
    return WORDS[how].format(f=factor, s=factor / 2, n=noise)


def shares_of(image: Stack, levels: tuple[float, ...]) -> Callable[[NDArray[Any]], Shares]:
    """What turns a cut of ``image`` into shares of void.

    Labels: 1 where a label is void. Shares stored as floats in 0..1 stay. Other grey levels are placed linearly
    between ``levels`` (void, solid), whose middle is the threshold. InputError for a grey image without levels.
    """
    if isinstance(image, Labels):
        return lambda cut: np.isin(cut, image.void).astype(np.float32)
    if np.dtype(image.data.dtype).kind == "b":
        return lambda cut: cut.astype(np.float32)
    if len(levels) == 2 and levels[0] != levels[1]:
        void, solid = levels
        return lambda cut: np.clip((cut.astype(np.float32) - solid) / (void - solid), 0.0, 1.0)
    if not levels and np.dtype(image.data.dtype).kind == "f" and _within_unit(image):
        return lambda cut: cut.astype(np.float32)
    raise InputError(
        "this is a grey image, and nothing says which grey is void and which is solid",
        where=image.name or "levels",
        remedy="Give two grey levels, that of void and that of solid (the threshold lies halfway), or segment it.",
    )


def _within_unit(image: Stack) -> bool:
    """Whether the first, middle and last plane hold shares; noise may overshoot by a quarter."""
    planes = [np.asarray(image.data[k]) for k in {0, image.shape[0] // 2, image.shape[0] - 1}]
    return all(p.min() >= -0.25 and p.max() <= 1.25 for p in planes)


def along(volume: NDArray[Any], axis: int) -> NDArray[Any]:
    """The volume with ``axis`` first, so that flow along it is flow along z."""
    return np.moveaxis(volume, axis, 0)


def turned(volume: NDArray[Any], turn: int) -> NDArray[Any]:
    """One of the 16 turns and mirrors (0..15) that keep z an axis of flow; K along z does not change."""
    if turn & 1:
        volume = volume[::-1]
    if turn & 2:
        volume = volume[:, ::-1]
    if turn & 4:
        volume = volume[:, :, ::-1]
    return volume.swapaxes(1, 2) if turn & 8 else volume
