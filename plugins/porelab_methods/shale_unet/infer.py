"""Slices through the net: whole where they fit, in overlapping tiles where they do not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from porelab_gui.core.nouns import Stack
from porelab_gui.core.progress import Progress
from porelab_methods.shale_unet.data import with_context

TILE, MARGIN, MULTIPLE = 1024, 64, 16


@torch.no_grad()
def predict_slices(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Class probabilities (n, classes, H, W) of slices (n, context, H, W), one slice at a time."""
    device = next(model.parameters()).device
    return torch.stack([predict_slice(model, image.to(device)).cpu() for image in images])


def predict_slice(model: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    """Class probabilities (classes, H, W) of one slice (context, H, W)."""
    height, width = image.shape[1:]
    if max(height, width) <= TILE + 2 * MARGIN:
        return _padded(model, image)
    whole: torch.Tensor | None = None
    for inner, outer in _tiles(height, width):
        part = _padded(model, image[(slice(None), *outer)])
        if whole is None:
            whole = torch.empty((part.shape[0], height, width), dtype=part.dtype)
        cut = tuple(slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))
        whole[(slice(None), *inner)] = part[(slice(None), *cut)].cpu()
    assert whole is not None
    return whole


def _padded(model: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    """Through the net with sides padded to a multiple of its strides and cut back."""
    height, width = image.shape[1:]
    extra = (-width % MULTIPLE, -height % MULTIPLE)
    if any(extra):
        image = functional.pad(image, (0, extra[0], 0, extra[1]), mode="reflect")
    with torch.autocast(image.device.type, dtype=torch.bfloat16, enabled=_bfloat16(image.device)):
        scores = model(image[None])
    return scores[0, :, :height, :width].float().softmax(dim=0)


def _bfloat16(device: torch.device) -> bool:
    from porelab_gui.core.learning.device import fast_bfloat16

    return fast_bfloat16() and device.type in ("cpu", "cuda")


def _tiles(height: int, width: int) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Inner tiles that cover the slice once, and outer ones with a margin for the net to look at."""
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            inner = (slice(y, min(y + TILE, height)), slice(x, min(x + TILE, width)))
            outer = tuple(
                slice(max(s.start - MARGIN, 0), min(s.stop + MARGIN, n))
                for s, n in zip(inner, (height, width), strict=True)
            )
            yield inner, (outer[0], outer[1])


def entropy(shares: torch.Tensor) -> torch.Tensor:
    """How undecided the net is, 0 sure to 1 no idea: entropy over the logarithm of the number of classes."""
    logs = torch.log(shares.clamp_min(1e-12))
    return -(shares * logs).sum(0) / np.log(shares.shape[0])


@torch.no_grad()
def segment(
    model: torch.nn.Module, stack: Stack, context: int, progress: Progress
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Class numbers and uncertainty (0..255) of a whole stack, slice by slice; a lazy stack is read as it goes."""
    classes = np.empty(stack.shape, dtype=np.uint8)
    unsure = np.empty(stack.shape, dtype=np.uint8)
    device = next(model.parameters()).device
    for z in range(stack.shape[0]):
        progress(z, stack.shape[0], f"slice {z + 1} of {stack.shape[0]}")
        image = torch.from_numpy(with_context(stack, z, context)).to(device)
        shares = predict_slice(model, image)
        classes[z] = shares.argmax(0).to(torch.uint8).cpu().numpy()
        unsure[z] = (255 * entropy(shares)).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return classes, unsure
