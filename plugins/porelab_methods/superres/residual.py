"""The block that the super-resolver and the flow surrogate share."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """x + 0.2 conv(leaky relu(conv(x))), no normalisation (EDSR, where the slope is 0)."""

    def __init__(self, width: int, slope: float = 0.0) -> None:
        super().__init__()
        self.slope = slope
        self.first, self.second = (nn.Conv3d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Same shape."""
        out: torch.Tensor = x + 0.2 * self.second(functional.leaky_relu(self.first(x), self.slope))
        return out
