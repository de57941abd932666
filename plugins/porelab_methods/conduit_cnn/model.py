"""The networks: a small residual net on coarse conduits, and the 3D ResNet-50 of Misaghian et al. as reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

DIFFUSIVE, HYDRAULIC = "diffusive", "hydraulic"
# channels and numbers of kernel.represent that each net reads
CHANNELS = {DIFFUSIVE: (0, 1, 2, 3, 7), HYDRAULIC: (0, 1, 2, 4, 5, 6, 7)}
NUMBERS = {DIFFUSIVE: tuple(range(17)), HYDRAULIC: tuple(range(23))}
SPAN = 0.05  # unit of the net's output: natural logarithm of the conductance over its coarse value


def conv(one: int, two: int, stride: int = 1) -> nn.Sequential:
    """3x3x3 convolution and batch normalisation, which is folded into it for use."""
    return nn.Sequential(nn.Conv3d(one, two, 3, stride, 1, bias=False), nn.BatchNorm3d(two))


class Block(nn.Module):
    """Two convolutions around which the input is carried."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = conv(width, width), conv(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.two(torch.relu(self.one(x))))


class ConduitNet(nn.Module):
    """Residual net on (B, C, n, n, n) and numbers (B, k): centre, and how far below and above the truth may lie.

    The first level has ``blocks`` - 1 residual blocks, the second one ``blocks``.
    Outputs (B, 3) in units of SPAN; the last two are positive. ``mean``, ``deviation`` standardise the numbers and
    ``precision`` (k, k) measures how far a conduit is from those of the training set.
    """

    mean: torch.Tensor
    deviation: torch.Tensor
    precision: torch.Tensor

    def __init__(self, channels: int, numbers: int, width: int = 16, blocks: int = 1) -> None:
        super().__init__()
        self.seen = 4 * width
        self.stem = conv(channels, width, 2)
        self.fine = nn.Sequential(*(Block(width) for _ in range(blocks - 1)))
        self.down = conv(width, 2 * width, 2)
        self.coarse = nn.Sequential(*(Block(2 * width) for _ in range(blocks)))
        self.last = conv(2 * width, 4 * width, 2)
        self.head = nn.Sequential(
            nn.Linear(self.seen + numbers, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 3)
        )
        self.register_buffer("mean", torch.zeros(numbers))
        self.register_buffer("deviation", torch.ones(numbers))
        self.register_buffer("precision", torch.eye(numbers))

    def forward(self, image: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        x = self.fine(torch.relu(self.stem(image)))
        x = self.coarse(torch.relu(self.down(x)))
        return self.conclude(torch.relu(self.last(x)).mean(dim=(2, 3, 4)), numbers)

    def from_numbers(self, numbers: torch.Tensor) -> torch.Tensor:
        """What the head makes of the numbers alone, blind to the image."""
        return self.conclude(numbers.new_zeros(len(numbers), self.seen), numbers)

    def conclude(self, x: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """The head on what was seen (B, 4 width) and on the numbers."""
        plain = ((numbers - self.mean) / self.deviation).clamp(-6, 6)
        out = self.head(torch.cat([x, plain], dim=1))
        return torch.cat([out[:, :1], nn.functional.softplus(out[:, 1:])], dim=1)

    def strangeness(self, numbers: torch.Tensor) -> torch.Tensor:
        """Mahalanobis distance of the numbers from the training set's, over the root of their count."""
        plain = (numbers - self.mean) / self.deviation
        square = torch.einsum("bi,ij,bj->b", plain, self.precision, plain)
        return (square.clamp_min(0) / plain.shape[1]).sqrt()


class Nets(nn.Module):
    """The net of each physics that a Weights folder holds."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.nets = nn.ModuleDict(
            {
                physics: ConduitNet(len(CHANNELS[physics]), len(NUMBERS[physics]), int(c["width"]), int(c["blocks"]))
                for physics, c in config["networks"].items()
            }
        )


def folded(net: ConduitNet) -> ConduitNet:
    """The same function in evaluation mode with every batch normalisation inside its convolution."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    net.eval()
    for module in net.modules():
        if isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[1], nn.BatchNorm3d):
            convolution, norm = module[0], module[1]
            assert isinstance(convolution, nn.Conv3d)
            module[0] = fuse_conv_bn_eval(convolution, norm)
            module[1] = nn.Identity()
    return net


class Bottleneck(nn.Module):
    """1-3-1 bottleneck of the 3D ResNet-50, the first of a stage with a projection."""

    def __init__(self, one: int, middle: int, two: int, stride: int, project: bool) -> None:
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv3d(one, middle, 1, stride), nn.BatchNorm3d(middle), nn.ReLU(),
            nn.Conv3d(middle, middle, 3, 1, 1), nn.BatchNorm3d(middle), nn.ReLU(),
            nn.Conv3d(middle, two, 1), nn.BatchNorm3d(two),
        )  # fmt: skip
        self.side = nn.Sequential(nn.Conv3d(one, two, 1, stride), nn.BatchNorm3d(two)) if project else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.way(x) + self.side(x))


class ResNet50(nn.Module):
    """3D ResNet-50 of Misaghian et al. (2022) on (B, 1, 64, 64, 64) label images: (B, 1) scaled conductances."""

    STAGES = ((64, 256, 3, 1), (128, 512, 4, 2), (256, 1024, 6, 2), (512, 2048, 3, 2))

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(1, 64, 7, 2, padding=3), nn.BatchNorm3d(64), nn.ReLU(), nn.MaxPool3d(3, 2))
        layers: list[nn.Module] = []
        one = 64
        for middle, two, count, stride in self.STAGES:
            for k in range(count):
                layers.append(Bottleneck(one, middle, two, stride if k == 0 else 1, k == 0))
                one = two
        self.stages = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2048, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 1)
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.stages(self.stem(image)))
        return out


def size_of(net: nn.Module) -> int:
    """Parameters including the statistics of batch normalisation, as Keras counts them."""
    statistics = [b for name, b in net.named_buffers() if name.endswith(("running_mean", "running_var"))]
    return sum(p.numel() for p in net.parameters()) + sum(b.numel() for b in statistics)
