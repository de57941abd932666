"""The two nets of Ren and Srinivasan (2024), layer by layer as in their Tables 1 and 2."""

from __future__ import annotations

import torch
from torch import nn

LATENT, EDGE = 20, 128
SLOPE = 0.2  # of the leaky rectifier; the paper does not give it


def _up(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose3d(channels_in, channels_out, 4, stride=2, padding=1),
        nn.BatchNorm3d(channels_out),
        nn.LeakyReLU(SLOPE),
    )


class PaperGenerator(nn.Module):
    """Grey rocks (B, 1, 128, 128, 128) in -1..1 from Gaussian vectors (B, 20); Table 1, 5,769,889 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(LATENT, 256 * 8**3)
        self.norm = nn.BatchNorm1d(256 * 8**3)
        self.up = nn.Sequential(_up(256, 128), _up(128, 64), _up(64, 32))
        self.last = nn.ConvTranspose3d(32, 1, 4, stride=2, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Rocks of latent vectors."""
        x = nn.functional.leaky_relu(self.norm(self.linear(z)), SLOPE).view(-1, 256, 8, 8, 8)
        return torch.tanh(self.last(self.up(x)))


def _down(channels_in: int, channels_out: int, halve: bool) -> nn.Sequential:
    """A block of the critic: 3^3 convolution and pooling, or (``halve``) a 4^3 convolution with stride 2."""
    size, stride = (4, 2) if halve else (3, 1)
    layers: list[nn.Module] = [
        nn.Conv3d(channels_in, channels_out, size, stride=stride, padding=1),
        nn.InstanceNorm3d(channels_out, affine=True),
        nn.LeakyReLU(SLOPE),
    ]
    return nn.Sequential(*layers, *([] if halve else [nn.MaxPool3d(2)]))


class PaperCritic(nn.Module):
    """Scores (B,) of rocks (B, 1, 128, 128, 128), without a sigmoid; Table 2, 820,841 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(_down(1, 4, False), _down(4, 16, False), _down(16, 64, False))
        self.then = nn.Sequential(*[_down(64, 64, True) for _ in range(3)])
        self.last = nn.Conv3d(64, 1, 4, stride=2, padding=1)

    def forward(self, rock: torch.Tensor) -> torch.Tensor:
        """One score per rock."""
        return self.last(self.then(self.first(rock))).flatten()
