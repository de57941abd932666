"""Slices through the net: whole where they fit, in overlapping tiles where they do not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

TILE, MULTIPLE = 1024, 16
MARGIN = 64  # at least; more where the net reaches further
MIRRORS = ((), (1,), (2,), (1, 2))
Window = tuple[slice, slice]


def predict_slices(model: torch.nn.Module, images: torch.Tensor, mirrors: bool = False) -> torch.Tensor:
    """Class probabilities (n, classes, H, W) of slices (n, context, H, W), one slice at a time."""
    return torch.stack([predict_slice(model, image, mirrors) for image in images])


@torch.inference_mode()
def predict_slice(model: torch.nn.Module, image: torch.Tensor, mirrors: bool = False) -> torch.Tensor:
    """Class probabilities (classes, H, W) of one slice (context, H, W), on the processor.

    ``mirrors`` averages over the slice and its mirror images, which takes four times as long.
    """
    parts = list(tiles(image.shape[1], image.shape[2], max(MARGIN, getattr(model, "reach", MARGIN))))
    if len(parts) == 1:
        return _tile(model, image, mirrors).cpu()
    whole: torch.Tensor | None = None
    for inner, outer in parts:
        part = _tile(model, image[(slice(None), *outer)], mirrors)
        if whole is None:
            whole = torch.empty((part.shape[0], *image.shape[1:]), dtype=part.dtype)
        cut = tuple(slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))
        whole[(slice(None), *inner)] = part[(slice(None), *cut)].cpu()
    assert whole is not None
    return whole


def _tile(model: torch.nn.Module, image: torch.Tensor, mirrors: bool) -> torch.Tensor:
    image = image.to(next(model.parameters()).device)
    if not mirrors:
        return _padded(model, image).softmax(0)
    views = [(_padded(model, image.flip(m)) if m else _padded(model, image), m) for m in MIRRORS]
    return torch.stack([s.softmax(0).flip(m) if m else s.softmax(0) for s, m in views]).mean(0)


def _padded(model: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    """Through the net with sides padded to a multiple of its strides and cut back."""
    height, width = image.shape[1:]
    extra = (-width % MULTIPLE, -height % MULTIPLE)
    if any(extra):
        how = "reflect" if extra[0] < width and extra[1] < height else "replicate"
        image = functional.pad(image[None], (0, extra[0], 0, extra[1]), mode=how)[0]
    with torch.autocast(image.device.type, dtype=torch.bfloat16, enabled=_bfloat16(image.device)):
        scores = model(image[None].contiguous(memory_format=torch.channels_last))
    return scores[0, :, :height, :width].float()


def _bfloat16(device: torch.device) -> bool:
    from porelab_gui.core.learning.device import fast_bfloat16

    return device.type in ("cpu", "cuda") and fast_bfloat16()


def tiles(height: int, width: int, margin: int) -> Iterator[tuple[Window, Window]]:
    """Inner tiles that cover the slice once, and outer ones with a margin for the net to look at."""
    if max(height, width) <= TILE + 2 * margin:
        whole = (slice(0, height), slice(0, width))
        yield whole, whole
        return
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            inner = (slice(y, min(y + TILE, height)), slice(x, min(x + TILE, width)))
            outer = tuple(
                slice(max(s.start - margin, 0), min(s.stop + margin, n))
                for s, n in zip(inner, (height, width), strict=True)
            )
            yield inner, (outer[0], outer[1])


def entropy(shares: torch.Tensor) -> torch.Tensor:
    """How undecided the net is, 0 sure to 1 no idea: entropy over the logarithm of the number of classes."""
    return torch.special.entr(shares).sum(0) / float(np.log(shares.shape[0]))


def as_bytes(shares: torch.Tensor) -> NDArray[np.uint8]:
    """Shares 0..1 as 0..255."""
    return (shares * 255.0).round_().clamp_(0, 255).to(torch.uint8).numpy()
