"""The U-Net of Ronneberger et al. 2015, with batch normalisation and a few neighbouring slices as channels."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

LIMITS = {"classes": 64, "context": 9, "width": 128, "depth": 6}


def block(channels_in: int, channels_out: int) -> nn.Sequential:
    """Two 3x3 convolutions, each normalised over the batch and rectified."""
    layers: list[nn.Module] = []
    for first in (channels_in, channels_out):
        layers += [
            nn.Conv2d(first, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Class scores (B, classes, H, W) of grey slices (B, context, H, W); H and W multiples of 2**depth.

    In evaluation the normalisation is a fixed scale, so that a tile with a margin gives what the whole slice gives.
    ``hosts`` says what surrounds the pores of each kind (`kinds.surroundings`).
    """

    hosts: torch.Tensor

    def __init__(self, classes: int, context: int = 5, width: int = 16, depth: int = 3) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(depth + 1)]
        self.depth, self.context = depth, context
        self.down = nn.ModuleList(block(a, b) for a, b in zip([context, *widths[:-1]], widths, strict=True))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.merge = nn.ModuleList(block(2 * a, a) for a in widths[-2::-1])
        self.head = nn.Conv2d(width, classes, 1)
        self.register_buffer("hosts", torch.zeros(classes, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores before softmax."""
        kept: list[torch.Tensor] = []
        for i, step in enumerate(self.down):
            x = step(x if i == 0 else nn.functional.max_pool2d(x, 2))
            kept.append(x)
        for up, merge, skip in zip(self.up, self.merge, kept[-2::-1], strict=True):
            x = merge(torch.cat([up(x), skip], dim=1))
        return self.head(x)

    @property
    def reach(self) -> int:
        """Pixels around a pixel that its score may depend on: a tile needs this margin, in multiples of 2**depth."""
        reach = sum(2 * 2 * 2**i for i in range(self.depth)) + 2 * 2**self.depth + sum(2**i for i in range(self.depth))
        step = 2**self.depth
        return -(-reach // step) * step


def build(config: dict[str, Any]) -> UNet:
    """The net of a configuration; sizes are bounded before anything is allocated."""
    sizes = {k: int(config[k]) for k in ("classes", "context", "width", "depth")}
    for key, value in sizes.items():
        if not 1 <= value <= LIMITS[key]:
            raise ValueError(f"{key} {value} is outside 1..{LIMITS[key]}")
    return UNet(**sizes)


def folded(model: UNet) -> UNet:
    """The net for inference: each normalisation folded into the convolution before it, channels last."""
    import copy

    from torch.nn.utils.fusion import fuse_conv_bn_eval

    made = copy.deepcopy(model).eval()
    for module in list(made.modules()):
        if not isinstance(module, nn.Sequential):
            continue
        for i in range(len(module) - 1):
            conv, norm = module[i], module[i + 1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[i], module[i + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
