"""A generator without walls, and a critic that sees voxels, textures and sums.

The generator has no padding anywhere: each voxel comes from the latent cells around it by the same rule, so that one
training gives rocks of any size, and a large rock made in tiles is the large rock made whole. The latent has two
parts on a lattice of one cell per eight voxels: ``noise``, drawn in every cell, and ``style``, which is the same in
all cells of a rock (or drifts slowly through it) and carries what differs from rock to rock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from porelab_methods.rock_gan.paper import EDGE, LATENT, SLOPE, PaperCritic, PaperGenerator

CELL = 8  # voxels per latent cell and axis
BORDER = 4  # latent cells that the two convolutions on the lattice use up, both sides together
SHED = 28  # voxels that all later layers use up, both sides together
LIMITS = {"noise": 128, "style": 64, "width": 512}


@dataclass(frozen=True)
class Sizes:
    """Channels of the fully convolutional generator: latent ones, and those of its four levels."""

    noise: int = 16
    style: int = 8
    widths: tuple[int, int, int, int] = (48, 32, 16, 8)
    critic: tuple[int, ...] = (16, 32, 64, 96)


def cells_for(edge: int) -> int:
    """Latent cells per axis that a rock of ``edge`` voxels needs."""
    return -(-(edge + SHED) // CELL) + BORDER


def _same_size(channels_in: int, channels_out: int) -> list[nn.Module]:
    """A 3^3 convolution that loses one voxel on each side."""
    return [
        nn.Conv3d(channels_in, channels_out, 3, bias=False),
        nn.BatchNorm3d(channels_out),
        nn.LeakyReLU(SLOPE, inplace=True),
    ]


def _twice(channels_in: int, channels_out: int) -> list[nn.Module]:
    """n to 2 n - 2 voxels: what would need a neighbour beyond the border is left out."""
    return [
        nn.ConvTranspose3d(channels_in, channels_out, 4, stride=2, padding=2, bias=False),
        nn.BatchNorm3d(channels_out),
        nn.LeakyReLU(SLOPE, inplace=True),
    ]


class Generator(nn.Module):
    """Grey rocks (B, 1, 8 (n - 4) - 28, ...) in -1..1 from latents (B, style + noise, n, n', n'')."""

    def __init__(self, sizes: Sizes = Sizes()) -> None:
        super().__init__()
        self.sizes = sizes
        a, b, c, d = sizes.widths
        self.body = nn.Sequential(
            *_same_size(sizes.style + sizes.noise, a),
            *_same_size(a, a),
            *_twice(a, b),
            *_same_size(b, b),
            *_twice(b, c),
            *_same_size(c, c),
            *_twice(c, d),
        )
        self.head = nn.Conv3d(d, 1, 3)
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Rocks of latents."""
        x = latent.contiguous(memory_format=torch.channels_last_3d)
        return torch.tanh(self.head(self.body(x)))


class Critic(nn.Module):
    """Scores (B,) of rocks (B, 1, D, H, W) of any size from 32 voxels on.

    The sum of two opinions: the mean over patches of the last level (texture), and a small net on the mean and
    deviation of every level over the whole rock, the rock itself among them (porosity, surface and what goes with
    them, rock by rock). No normalisation, as the gradient penalty is one rock's own (Gulrajani et al. 2017).
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 96)) -> None:
        super().__init__()
        inputs = (1, *widths[:-1])
        self.levels = nn.ModuleList(
            nn.Conv3d(a, b, 4, stride=2, padding=1) for a, b in zip(inputs, widths, strict=True)
        )
        self.patch = nn.Conv3d(widths[-1], 1, 1)
        self.whole = nn.Sequential(nn.Linear(2 * (1 + sum(widths)), 64), nn.LeakyReLU(SLOPE), nn.Linear(64, 1))
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, rock: torch.Tensor) -> torch.Tensor:
        """One score per rock."""
        x = rock.contiguous(memory_format=torch.channels_last_3d)
        sums = [_moments(x)]
        for level in self.levels:
            x = nn.functional.leaky_relu(level(x), SLOPE)
            sums.append(_moments(x))
        return self.patch(x).mean((1, 2, 3, 4)) + self.whole(torch.cat(sums, dim=1))[:, 0]


def _moments(x: torch.Tensor) -> torch.Tensor:
    """Mean and standard deviation of each channel, (B, 2 C)."""
    mean = x.mean((2, 3, 4))
    variance = (x - mean[:, :, None, None, None]).square().mean((2, 3, 4))
    return torch.cat([mean, (variance + 1e-6).sqrt()], dim=1)


def make_generator(kind: str, sizes: Sizes) -> nn.Module:
    """The generator called "convolutional" or "paper"."""
    return PaperGenerator() if kind == "paper" else Generator(sizes)


def make_critic(kind: str, sizes: Sizes) -> nn.Module:
    """The critic that belongs to a generator."""
    return PaperCritic() if kind == "paper" else Critic(sizes.critic)


def draw_latents(
    generator: nn.Module, count: int, edge: int, source: torch.Generator, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Random latents for ``count`` rocks of ``edge`` voxels; the style is the same all over a rock."""
    if isinstance(generator, PaperGenerator):
        return torch.randn((count, LATENT), generator=source).to(device)
    sizes: Sizes = generator.sizes  # type: ignore[assignment]
    n = cells_for(edge)
    style = torch.randn((count, sizes.style, 1, 1, 1), generator=source).expand(-1, -1, n, n, n)
    noise = torch.randn((count, sizes.noise, n, n, n), generator=source)
    return torch.cat([style, noise], dim=1).to(device)


def rocks_of(generator: nn.Module, latents: torch.Tensor, edge: int) -> torch.Tensor:
    """Grey rocks (B, 1, edge, edge, edge) of latents that ``draw_latents`` gave."""
    return generator(latents)[:, :, :edge, :edge, :edge]


def config_of(kind: str, sizes: Sizes) -> dict[str, Any]:
    """What ``build`` needs."""
    return {"system": "rock_gan", "kind": kind, "sizes": asdict(sizes)}


def build(config: dict[str, Any]) -> nn.Module:
    """The generator of a configuration; sizes are bounded before anything is allocated."""
    if config.get("system") != "rock_gan" or config.get("kind") not in ("paper", "convolutional"):
        raise ValueError("these are not the weights of a rock generator")
    return make_generator(str(config["kind"]), sizes_of(config))


def sizes_of(config: dict[str, Any]) -> Sizes:
    """The channel numbers in a configuration; ValueError outside their bounds."""
    given = dict(config.get("sizes", {}))
    sizes = Sizes(
        noise=int(given.get("noise", 16)),
        style=int(given.get("style", 8)),
        widths=tuple(int(w) for w in given.get("widths", Sizes.widths)),  # type: ignore[arg-type]
        critic=tuple(int(w) for w in given.get("critic", Sizes.critic)),
    )
    values = {"noise": (sizes.noise,), "style": (sizes.style,), "width": (*sizes.widths, *sizes.critic)}
    for key, numbers in values.items():
        if len(sizes.widths) != 4 or not all(1 <= n <= LIMITS[key] for n in numbers):
            raise ValueError(f"the channels {numbers} ({key}) are outside 1..{LIMITS[key]}")
    return sizes


def training_edge(kind: str, edge: int) -> int:
    """The edge of the crops: the paper's nets know one size only."""
    return EDGE if kind == "paper" else edge
