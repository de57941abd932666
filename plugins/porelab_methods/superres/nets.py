"""The three nets: super-resolver, surrogate of the permeability, and the direct one that sees low resolution only."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.learning.weights import load_weights, read_config
from porelab_gui.core.nouns import VoxelSize, Weights
from porelab_methods.superres.flow_net import FlowSurrogate
from porelab_methods.superres.residual import Residual

FACTORS = (2, 4, 8)
SAME_VOXEL = 0.15  # voxel sizes that differ by no more than this count as those of the training


def shuffled(x: torch.Tensor) -> torch.Tensor:
    """Sub-voxel upsampling: (B, 8 C, D, H, W) to (B, C, 2D, 2H, 2W), eight channels become the parts of a voxel."""
    b, c, d, h, w = x.shape
    x = x.reshape(b, c // 8, 2, 2, 2, d, h, w)
    return x.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(b, c // 8, 2 * d, 2 * h, 2 * w)


class SuperResolver(nn.Module):
    """Probability of void (B, 1, fD, fH, fW) from shares of void (B, 1, D, H, W); f is 2, 4 or 8.

    The net corrects the logit of the trilinear interpolation, at which it begins.
    """

    def __init__(self, factor: int, width: int = 24, blocks: int = 4) -> None:
        super().__init__()
        if factor not in FACTORS:
            raise InputError(f"the factor {factor} is not one of {FACTORS}", where="factor")
        self.factor = factor
        self.head = nn.Conv3d(1, width, 3, padding=1)
        self.body = nn.Sequential(*[Residual(width) for _ in range(blocks)])
        stages, inside = [], width
        for _ in range(round(math.log2(factor))):
            outside = max(8, inside // 2)
            stages.append(nn.Conv3d(inside, 8 * outside, 3, padding=1))
            inside = outside
        self.stages = nn.ModuleList(stages)
        self.tail = nn.Conv3d(inside, 1, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    @property
    def reach(self) -> int:
        """Low-resolution voxels beyond which the input has no influence."""
        return 1 + 2 * len(self.body) + len(self.stages) + 2

    def logits(self, low: torch.Tensor) -> torch.Tensor:
        """Before the sigmoid."""
        x = self.head(low)
        x = x + self.body(x)
        for stage in self.stages:
            x = functional.relu(shuffled(stage(x)))
        coarse = functional.interpolate(low, scale_factor=float(self.factor), mode="trilinear", align_corners=False)
        out: torch.Tensor = self.tail(x) + torch.logit(coarse.clamp(0.02, 0.98))
        return out

    def forward(self, low: torch.Tensor) -> torch.Tensor:
        """Probability of void."""
        return torch.sigmoid(self.logits(low))


def _branch(slab: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    before = slab
    for k in range(4):
        after = width * (1, 2, 2, 4)[k]
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.LeakyReLU(0.1)]
        before = after
    return nn.Sequential(*layers)


class Surrogate(nn.Module):
    """log10 K [px2] along z (B,) from probability of void (B, 1, D, H, W): 2D branches over three views, summed.

    A view (xy, xz or yz) is cut into slabs of ``slab`` slices, which are the channels of the 2D convolutions; the
    features of the slabs are averaged. ``slab`` equal to the edge takes all slices as channels at once.
    """

    def __init__(self, slab: int = 8, width: int = 16) -> None:
        super().__init__()
        self.slab = slab
        self.branches = nn.ModuleList([_branch(slab, width) for _ in range(3)])
        self.regress = nn.Sequential(nn.Linear(4 * width + 1, 64), nn.LeakyReLU(0.1), nn.Linear(64, 1))
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    def forward(self, void: torch.Tensor) -> torch.Tensor:
        """log10 of K in squared voxels of the image given."""
        volume = void[:, 0]
        porosity = volume.mean((1, 2, 3))[:, None]
        views = (volume, volume.permute(0, 2, 1, 3), volume.permute(0, 3, 1, 2))
        features = sum(self._features(b, v) for b, v in zip(self.branches, views, strict=True))
        out = self.regress(torch.cat([features, porosity], 1))[:, 0]  # type: ignore[list-item]
        return self.centre + self.spread * out

    def standardise(self, mean: float, deviation: float) -> None:
        """Begin at the mean and spread of log10 K of the training blocks."""
        self.centre.fill_(mean)  # type: ignore[operator]
        self.spread.fill_(max(deviation, 1e-3))  # type: ignore[operator]

    def _features(self, branch: nn.Module, view: torch.Tensor) -> torch.Tensor:
        batch, depth = view.shape[:2]
        if depth % self.slab:
            raise InputError(f"the edge {depth} is no multiple of the {self.slab} slices of a slab", where="surrogate")
        slabs = view.reshape(batch * depth // self.slab, self.slab, *view.shape[2:])
        out: torch.Tensor = branch(2.0 * slabs - 1.0).mean((2, 3)).reshape(batch, depth // self.slab, -1).mean(1)
        return out


Form = Literal["flow", "views"]


class Ensemble(nn.Module):
    """Several surrogates of one form begun from different numbers; gives (members, B)."""

    def __init__(self, members: int, slab: int = 8, width: int = 16, form: Form = "views", cell: int = 4) -> None:
        super().__init__()
        self.members = nn.ModuleList(
            [FlowSurrogate(cell, width) if form == "flow" else Surrogate(slab, width) for _ in range(members)]
        )

    def forward(self, void: torch.Tensor) -> torch.Tensor:
        """log10 K [px2] by each member."""
        return torch.stack([m(void) for m in self.members])

    def standardise(self, mean: float, deviation: float) -> None:
        """Let the members begin at the mean and spread of log10 K of the training blocks."""
        for member in self.members:
            member.standardise(mean, deviation)  # type: ignore[operator]


@torch.inference_mode()
def predicted_k(net: Ensemble, image: NDArray[Any]) -> float:
    """K along z [px2] of one image (mean of the members' log10 K)."""
    device = next(net.parameters()).device
    cube = torch.from_numpy(np.ascontiguousarray(image, np.float32))[None, None].to(device)
    return 10.0 ** float(net(cube).mean())


KINDS = {"superres": "super-resolver", "surrogate": "surrogate of the permeability", "direct": "direct net"}


def build(config: dict[str, Any]) -> nn.Module:
    """The net that a configuration describes; FormatError when it is none of ours."""
    try:
        if config.get("system") == "superres":
            return SuperResolver(int(config["factor"]), int(config["width"]), int(config["depth"]))
        if config.get("system") in ("surrogate", "direct"):
            form: Form = "flow" if config.get("form") == "flow" else "views"
            shape = (int(config["members"]), int(config["slab"]), int(config["width"]), form)
            return Ensemble(*shape, int(config.get("cell", 4)))
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"the configuration lacks or garbles {error}", where="config.json") from error
    raise FormatError("these weights are of another system", where="config.json", remedy="Choose other weights.")


def opened(weights: Weights, system: str) -> tuple[Any, dict[str, Any]]:
    """The net and its configuration; FormatError when the weights are not of ``system``."""
    config = read_config(weights)
    if config.get("system") != system:
        raise FormatError(
            f"these weights are no {KINDS[system]}", where=weights.folder, remedy=f"Choose those of a {KINDS[system]}."
        )
    return load_weights(weights, build), config


def check_voxel(config: dict[str, Any], voxel: VoxelSize, what: str) -> None:
    """InputError when a voxel size is not one that the net was trained at."""
    low, high = (float(v) for v in config["voxel_sizes"])
    if not all(low * (1 - SAME_VOXEL) <= v <= high * (1 + SAME_VOXEL) for v in voxel):
        edges = f"{low * 1e6:.4g}" if low == high else f"{low * 1e6:.4g} to {high * 1e6:.4g}"
        raise InputError(
            f"the {what} was trained at {edges} um voxels and this image has {voxel[0] * 1e6:.4g} um: pores as "
            "wide in voxels are another rock's, so its permeability would be of no worth",
            where="voxel size",
            remedy="Train one on blocks of this voxel size, or resample the image.",
        )
