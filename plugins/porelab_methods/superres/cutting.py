"""From probabilities of void to void: cut at one half, or so that every low-resolution voxel keeps its share."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

Rule = Literal["measured", "half"]


def rule_of(how: str) -> Rule:
    """Shares that a mean measured are kept; other down-samplings do not measure them."""
    return "measured" if how == "mean" else "half"


def measured(made: torch.Tensor, low: torch.Tensor) -> torch.Tensor:
    """Void (B, 1, fD, fH, fW): of the f^3 voxels in a low-resolution voxel the likeliest, as many as its share says.

    ``made`` probabilities, ``low`` (B, 1, D, H, W) shares of void.
    """
    factor = made.shape[-1] // low.shape[-1]
    batch, _, z, y, x = low.shape
    parts = made.reshape(batch, z, factor, y, factor, x, factor).permute(0, 1, 3, 5, 2, 4, 6)
    inside = parts.reshape(batch, z, y, x, factor**3)
    rank = inside.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    void = rank < (low[:, 0] * factor**3).round()[..., None]
    back = void.reshape(batch, z, y, x, factor, factor, factor).permute(0, 1, 4, 2, 5, 3, 6)
    return back.reshape(made.shape)


def passed_on(made: torch.Tensor, low: torch.Tensor, rule: Rule) -> torch.Tensor:
    """The cut image as numbers; the gradient passes as if it were not cut (straight-through)."""
    void = measured(made.detach(), low) if rule == "measured" else made.detach() > 0.5
    return made + (void.to(made.dtype) - made).detach()


def binarised(made: NDArray[Any], low: NDArray[Any], rule: Rule) -> NDArray[np.bool_]:
    """Void of one image of probabilities, whose edges are the factor times those of ``low``."""
    if rule == "half":
        return np.asarray(made > 0.5)
    image, shares = (torch.from_numpy(np.ascontiguousarray(a, np.float32))[None, None] for a in (made, low))
    void: NDArray[np.bool_] = measured(image, shares)[0, 0].numpy()
    return void
