"""What a calibration turns of a generator: few numbers that change all of its rocks a little."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_methods.rock_gan.model import Generator

GAIN = 3.0  # how much more a latent number is turned than a channel: it does less


class Knobs:
    """Scale and offset of every normalised channel and, of a convolutional generator, the gain of every latent number.

    All are relative to the generator as it was given: turned by zeros, it is that one again.
    """

    def __init__(self, net: torch.nn.Module) -> None:
        self.norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm3d)]
        self.channels = [(n.weight.detach().clone(), n.bias.detach().clone()) for n in self.norms]
        self.first: torch.Tensor | None = net.body[0].weight if isinstance(net, Generator) else None  # type: ignore[assignment]
        self.latents = None if self.first is None else self.first.detach().clone()

    @property
    def size(self) -> int:
        """How many numbers there are to turn."""
        return 2 * sum(len(scale) for scale, _ in self.channels) + (0 if self.first is None else self.first.shape[1])

    @torch.no_grad()
    def turn(self, by: NDArray[np.floating]) -> None:
        """Set all of them, ``by`` (size,): shares of the channel's scale, and of the latent's weights over ``GAIN``."""
        rest = torch.from_numpy(np.asarray(by, np.float32))
        for norm, (scale, offset) in zip(self.norms, self.channels, strict=True):
            n = len(scale)
            one, two, rest = rest[:n], rest[n : 2 * n], rest[2 * n :]
            norm.weight.copy_(scale * (1.0 + one.to(scale)))
            norm.bias.copy_(offset + scale.abs() * two.to(scale))
        if self.first is not None and self.latents is not None:
            self.first.copy_(self.latents * (1.0 + GAIN * rest.to(self.latents))[None, :, None, None, None])
