"""Patches of corrected slices, with the distortions that a microscope makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from porelab_gui.core.nouns import Stack

Grey = NDArray[np.float32]
Pair = tuple[torch.Tensor, torch.Tensor]


class Pages(Protocol):
    """Class numbers, slice by slice: an array (Z, H, W), or what makes one when it is asked."""

    def __getitem__(self, z: int, /) -> NDArray[np.integer]: ...


def normalised(plane: NDArray[np.generic]) -> Grey:
    """One slice with mean 0 and standard deviation 1."""
    grey = np.asarray(plane, dtype=np.float32)
    spread = float(grey.std())
    return (grey - grey.mean()) / (spread if spread > 0 else 1.0)


def without_curtains(plane: NDArray[np.generic], smooth: float = 8.0) -> Grey:
    """One slice less its vertical stripes: column medians, less what of them is smooth over ``smooth`` columns."""
    from scipy.ndimage import gaussian_filter1d

    grey = np.asarray(plane, dtype=np.float32)
    profile = np.median(grey, axis=0).astype(np.float32)
    return grey - (profile - gaussian_filter1d(profile, smooth, mode="nearest"))


def prepared(plane: NDArray[np.generic], destripe: bool) -> Grey:
    """A slice as the net sees it."""
    return normalised(without_curtains(plane) if destripe else plane)


def neighbours(z: int, depth: int, context: int) -> list[int]:
    """The slices that the net sees at slice ``z``; the first and the last stand in beyond the ends."""
    half = context // 2
    return [min(max(i, 0), depth - 1) for i in range(z - half, z + half + 1)]


def with_context(stack: Stack, z: int, context: int, destripe: bool = False) -> Grey:
    """Slice z with its neighbours as channels (context, H, W)."""
    rows = neighbours(z, stack.shape[0], context)
    pages = {i: prepared(np.asarray(stack.data[i]), destripe) for i in set(rows)}
    return np.stack([pages[i] for i in rows])


@dataclass
class Slices:
    """Corrected slices ready to be cut: images (n, context, H, W) and class numbers (n, H, W)."""

    images: torch.Tensor
    classes: torch.Tensor

    @staticmethod
    def of(stack: Stack, classes: Pages, chosen: tuple[int, ...], context: int, destripe: bool = False) -> Slices:
        """From a stack and its class image, which need hold nothing outside the chosen slices."""
        images = np.stack([with_context(stack, z, context, destripe) for z in chosen])
        truth = np.stack([np.asarray(classes[z]) for z in chosen]).astype(np.int64)
        return Slices(torch.from_numpy(images), torch.from_numpy(truth))


@dataclass(frozen=True)
class Distortions:
    """How often (shares of the patches) and how strongly patches are changed; grey in standard deviations.

    A microscope does not see a stack from its other end: walls shine through pores from deeper
    slices only, so the order of slices is kept.
    """

    turn: float = 0.5
    warp: float = 0.3
    contrast: float = 0.1
    stripes: float = 0.2
    noise: float = 0.1


class Patches:
    """``len`` random augmented patches per epoch; the same for the same seed and epoch, whatever was drawn before."""

    def __init__(
        self, slices: Slices, count: int, size: int, seed: int, distortions: Distortions | None = None
    ) -> None:
        height, width = slices.classes.shape[1:]
        self.slices, self.count, self.seed = slices, count, seed
        self.size = min(size, height, width) // 16 * 16
        self.distortions = distortions or Distortions()
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw other patches."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        how = self.distortions
        which = int(rng.integers(len(self.slices.images)))
        image, truth = _mirror(*self._crop(which, rng), rng)
        if rng.random() < how.turn:
            turns = int(rng.integers(1, 4))
            image, truth = torch.rot90(image, turns, (1, 2)), torch.rot90(truth, turns, (0, 1))
        if rng.random() < how.warp:
            image, truth = warped(image, truth, rng)
        return _tint(image, how, rng), truth

    def _crop(self, which: int, rng: np.random.Generator) -> Pair:
        height, width = self.slices.classes.shape[1:]
        y, x = int(rng.integers(height - self.size + 1)), int(rng.integers(width - self.size + 1))
        window = (slice(y, y + self.size), slice(x, x + self.size))
        return self.slices.images[which][(slice(None), *window)], self.slices.classes[which][window]


def _mirror(image: torch.Tensor, truth: torch.Tensor, rng: np.random.Generator) -> Pair:
    if rng.random() < 0.5:
        image, truth = image.flip(2), truth.flip(1)
    if rng.random() < 0.5:
        image, truth = image.flip(1), truth.flip(0)
    return image, truth


def warped(image: torch.Tensor, truth: torch.Tensor, rng: np.random.Generator) -> Pair:
    """A small turn, a change of size and a smooth random displacement of a few pixels (Simard et al. 2003).

    The classes are sampled linearly, one by one, and the largest wins: the nearest class would tear thin pores.
    """
    size = image.shape[-1]
    coarse = torch.from_numpy(rng.normal(scale=3.0 / size, size=(1, 2, 5, 5)).astype(np.float32))
    shift = functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)[0]
    angle, scale = float(rng.uniform(-0.4, 0.4)), float(rng.uniform(0.8, 1.25))
    cos, sin = scale * float(np.cos(angle)), scale * float(np.sin(angle))
    axis = torch.linspace(-1, 1, size)
    x, y = axis[None, :], axis[:, None]
    grid = torch.stack([cos * x - sin * y + shift[0], sin * x + cos * y + shift[1]], dim=-1)[None]
    hot = functional.one_hot(truth).movedim(-1, 0)[None].float()
    how: dict[str, Any] = {"mode": "bilinear", "padding_mode": "reflection", "align_corners": True}
    moved = functional.grid_sample(image[None], grid, **how)[0]
    return moved, functional.grid_sample(hot, grid, **how)[0].argmax(0)


def _tint(image: torch.Tensor, how: Distortions, rng: np.random.Generator) -> torch.Tensor:
    """Brightness, contrast, vertical stripes (curtaining) and noise."""
    gain, offset = (float(v) for v in rng.uniform(-how.contrast, how.contrast, 2))
    image = image * (1.0 + gain) + offset
    if rng.random() < how.stripes:
        stripes = torch.from_numpy(rng.normal(scale=0.15, size=(1, 1, image.shape[-1])).astype(np.float32))
        image = image + functional.avg_pool1d(stripes, 5, stride=1, padding=2)
    if rng.random() < 0.5:
        noise = rng.standard_normal(tuple(image.shape), dtype=np.float32) * float(rng.uniform(0, how.noise))
        image = image + torch.from_numpy(noise)
    return image
