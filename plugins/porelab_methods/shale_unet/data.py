"""Patches of corrected slices, with the distortions that a microscope makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from porelab_gui.core.nouns import Stack

Grey = NDArray[np.float32]


def normalised(plane: NDArray[np.generic]) -> Grey:
    """One slice with mean 0 and standard deviation 1."""
    grey = np.asarray(plane, dtype=np.float32)
    spread = float(grey.std())
    return (grey - grey.mean()) / (spread if spread > 0 else 1.0)


def with_context(stack: Stack, z: int, context: int) -> Grey:
    """Slice z with its neighbours as channels (context, H, W); the first and last slice repeat at the ends."""
    half = context // 2
    rows = [min(max(i, 0), stack.shape[0] - 1) for i in range(z - half, z + half + 1)]
    return np.stack([normalised(stack.data[i]) for i in rows])


@dataclass
class Slices:
    """Corrected slices ready to be cut: images (n, context, H, W) and class numbers (n, H, W)."""

    images: torch.Tensor
    classes: torch.Tensor

    @staticmethod
    def of(stack: Stack, classes: NDArray[np.integer], chosen: tuple[int, ...], context: int) -> Slices:
        """From a stack and its class image."""
        images = np.stack([with_context(stack, z, context) for z in chosen])
        truth = np.stack([np.asarray(classes[z]) for z in chosen]).astype(np.int64)
        return Slices(torch.from_numpy(images), torch.from_numpy(truth))


class Patches:
    """``len`` random augmented patches per epoch; the same for the same seed and epoch, whatever was drawn before."""

    def __init__(self, slices: Slices, count: int, size: int, seed: int) -> None:
        height, width = slices.classes.shape[1:]
        self.slices, self.count, self.seed = slices, count, seed
        self.size = min(size, height, width) // 16 * 16
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw other patches."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        which = int(rng.integers(len(self.slices.images)))
        image, truth = self._crop(which, rng)
        image, truth = _flip(image, truth, rng)
        if rng.random() < 0.5:
            image, truth = _warp(image, truth, rng)
        return _tint(image, rng), truth

    def _crop(self, which: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = self.slices.classes.shape[1:]
        y, x = int(rng.integers(height - self.size + 1)), int(rng.integers(width - self.size + 1))
        window = (slice(y, y + self.size), slice(x, x + self.size))
        return self.slices.images[which][(slice(None), *window)], self.slices.classes[which][window]


def _flip(image: torch.Tensor, truth: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    turns = int(rng.integers(4))
    image, truth = torch.rot90(image, turns, (1, 2)), torch.rot90(truth, turns, (0, 1))
    if rng.random() < 0.5:
        image, truth = image.flip(2), truth.flip(1)
    if rng.random() < 0.5:
        image = image.flip(0)  # the stack seen from the other end
    return image, truth


def _warp(image: torch.Tensor, truth: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A smooth random displacement of a few pixels (Simard et al. 2003)."""
    size = image.shape[-1]
    coarse = torch.from_numpy(rng.normal(scale=4.0 / size, size=(1, 2, 5, 5)).astype(np.float32))
    shift = functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)[0]
    axis = torch.linspace(-1, 1, size)
    grid = torch.stack([axis[None, :] + shift[0], axis[:, None] + shift[1]], dim=-1)[None]
    moved = functional.grid_sample(image[None], grid, mode="bilinear", padding_mode="reflection", align_corners=True)
    labels = functional.grid_sample(
        truth[None, None].float(), grid, mode="nearest", padding_mode="reflection", align_corners=True
    )
    return moved[0], labels[0, 0].long()


def _tint(image: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Brightness, contrast, gamma-like bend, vertical stripes (curtaining) and noise."""
    gain, offset = float(rng.uniform(0.8, 1.25)), float(rng.uniform(-0.25, 0.25))
    image = image * gain + offset
    if rng.random() < 0.3:
        stripes = torch.from_numpy(rng.normal(scale=0.15, size=(1, 1, image.shape[-1])).astype(np.float32))
        image = image + functional.avg_pool1d(stripes, 5, stride=1, padding=2)
    if rng.random() < 0.5:
        noise = rng.standard_normal(tuple(image.shape), dtype=np.float32) * float(rng.uniform(0, 0.2))
        image = image + torch.from_numpy(noise)
    return image
