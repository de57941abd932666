"""From a latent to a rock: what the searches and the Methods share, for any generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.learning.device import best_device, fast_bfloat16
from porelab_gui.core.learning.weights import load_weights, read_config
from porelab_gui.core.nouns import Labels, Weights
from porelab_methods.rock_gan.model import BORDER, CELL, SHED, Generator, build, cells_for
from porelab_methods.rock_gan.paper import EDGE, LATENT, PaperGenerator

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Shape = tuple[int, int, int]
Threshold = Literal["zero", "otsu", "multi_otsu"]
TILE = 18  # latent cells per tile and axis of a large rock, without the border
STYLE_REACH = 8  # latent cells over which a drifting style becomes another one: the edge of a crop of 64 voxels


@dataclass(frozen=True)
class Latent:
    """What a rock is made of: ``style`` (k,) or, where it drifts, (k, n, n', n''); ``noise`` of any shape.

    Both are standard normal. Arithmetic of gradual deformation works on both together.
    """

    style: Floats
    noise: Floats

    def mixed(self, other: Latent, angle: float) -> Latent:
        """self cos(angle) + other sin(angle): standard normal again for a fixed angle (Hu 2000)."""
        c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return Latent(c * self.style + s * other.style, c * self.noise + s * other.noise)

    def with_style(self, style: NDArray[Any]) -> Latent:
        """The same noise under another style."""
        return replace(self, style=np.asarray(style, np.float32).reshape(self.style.shape))

    @property
    def square(self) -> float:
        """Mean square of all numbers; near 1 for a likely latent."""
        total = float(np.square(self.style).sum() + np.square(self.noise).sum())
        return total / (self.style.size + self.noise.size)


class Maker(Protocol):
    """Latents and their rocks."""

    @property
    def key(self) -> str:
        """Names everything that the rock of a latent depends on."""
        ...

    def draw(self, rng: np.random.Generator) -> Latent:
        """A random latent."""
        ...

    def rock(self, latent: Latent) -> Labels:
        """The rock of a latent."""
        ...


@dataclass(frozen=True)
class Finish:
    """Grey to pores. The paper takes a median filter and multi-Otsu and gives neither window nor classes.

    ``zero``: pore where the generator says more likely pore than not; ``otsu``: threshold from the rock's own
    histogram; ``multi_otsu``: three classes, pore above the upper threshold. ``median`` is the window's edge, 0 none.
    """

    median: int = 0
    threshold: Threshold = "zero"

    def pores(self, grey: Floats) -> Mask:
        """Void of a grey rock in -1..1."""
        if self.median > 1:
            from scipy.ndimage import median_filter

            grey = median_filter(grey, size=self.median)
        return np.asarray(grey > self._level(grey))

    def _level(self, grey: Floats) -> float:
        if self.threshold == "zero" or float(np.ptp(grey)) == 0.0:
            return 0.0
        from skimage.filters import threshold_multiotsu

        classes = 2 if self.threshold == "otsu" else 3
        return float(threshold_multiotsu(grey[::2, ::2, ::2], classes=classes)[-1])


class NetMaker:
    """Rocks of trained weights.

    ``truncation`` < 1 scales the latents towards the mean rock. ``drift``: the style changes through the rock as it
    changes from crop to crop in the stack, else a rock has one style. ``precise``: in single precision, whatever the
    processor; in bfloat16 the voxels that rounding turns are as many as those of a step of a hundredth in style.
    """

    def __init__(
        self,
        net: torch.nn.Module,
        shape: Shape,
        voxel: float,
        finish: Finish = Finish(),
        truncation: float = 1.0,
        drift: bool = False,
        key: str = "",
        precise: bool = False,
    ) -> None:
        self.device = best_device()
        self.half = not precise and fast_bfloat16() and self.device.type in ("cpu", "cuda")
        self.net = net.to(self.device).eval()
        self.shape, self.voxel, self.finish = shape, voxel, finish
        self.truncation, self.drift, self._key = truncation, drift, key
        if isinstance(net, PaperGenerator) and shape != (EDGE,) * 3:
            raise InputError(
                f"the paper's generator makes rocks of {EDGE}^3 voxels only, not {' x '.join(map(str, shape))}",
                remedy=f"Ask for {EDGE}, or train the convolutional generator.",
            )

    @property
    def key(self) -> str:
        finish = f"{self.finish.median},{self.finish.threshold}"
        rounding = "bfloat16" if self.half else "float32"
        return f"{self._key};{self.shape};{finish};{self.truncation};{self.drift};{rounding}"

    def draw(self, rng: np.random.Generator) -> Latent:
        scale = np.float32(self.truncation)
        if isinstance(self.net, PaperGenerator):
            return Latent(scale * rng.standard_normal(LATENT, np.float32), np.zeros(0, np.float32))
        assert isinstance(self.net, Generator)
        cells = tuple(cells_for(n) for n in self.shape)
        sizes = self.net.sizes
        style = drifting(rng, sizes.style, cells) if self.drift else rng.standard_normal(sizes.style, np.float32)
        return Latent(scale * style, scale * rng.standard_normal((sizes.noise, *cells), np.float32))

    def rock(self, latent: Latent) -> Labels:
        pores = self.finish.pores(self.grey(latent))
        return Labels(pores.astype(np.uint8), (self.voxel,) * 3, name="rock")

    def grey(self, latent: Latent) -> Floats:
        """The generator's own output in -1..1."""
        if isinstance(self.net, PaperGenerator):
            return self._through(torch.from_numpy(latent.style)[None])
        cells = latent.noise.shape[1:]
        style = latent.style if latent.style.ndim == 4 else latent.style[:, None, None, None]
        whole = np.concatenate([np.broadcast_to(style, (len(style), *cells)), latent.noise])
        if all(n <= TILE + cells_for(1) for n in cells):
            return self._cut(self._through(torch.from_numpy(whole)[None]))
        return self._cut(self._tiled(whole))

    def _cut(self, grey: Floats) -> Floats:
        z, y, x = self.shape
        return grey[:z, :y, :x]

    def _tiled(self, latent: Floats) -> Floats:
        """A large rock tile by tile, equal to the whole at once; neighbouring tiles share half a cell."""
        border = cells_for(1)
        counts = [n - border for n in latent.shape[1:]]
        out = np.empty([CELL * (n + border) - CELL * BORDER - SHED for n in counts], np.float32)
        for place in product(*(range(0, n, TILE) for n in counts)):
            seen = tuple(slice(a, min(a + TILE, n) + border) for a, n in zip(place, counts, strict=True))
            made = self._through(torch.from_numpy(latent[(slice(None), *seen)].copy())[None])
            target = tuple(slice(CELL * a, CELL * a + n) for a, n in zip(place, made.shape, strict=True))
            out[target] = made
        return out

    @torch.no_grad()
    def _through(self, latent: torch.Tensor) -> Floats:
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.half):
            grey = self.net(latent.to(self.device))
        return grey[0, 0].float().cpu().numpy()


def drifting(rng: np.random.Generator, channels: int, cells: tuple[int, ...]) -> Floats:
    """A standard normal field (channels, n, n', n'') that changes over ``STYLE_REACH`` cells and not faster."""
    knots = [max(2, -(-n // STYLE_REACH) + 1) for n in cells]
    coarse = torch.from_numpy(rng.standard_normal((1, channels, *knots), np.float32))
    fine = functional.interpolate(coarse, size=tuple(cells), mode="trilinear", align_corners=True)
    # between knots a mean of them has a smaller variance than each: bring it back to one
    one = torch.ones(1, 1, 1)
    for axis, (n, k) in enumerate(zip(cells, knots, strict=True)):
        place = torch.linspace(0, k - 1, n)
        share = place - place.floor()
        spread = (share.square() + (1 - share).square()).sqrt()
        one = one * spread.reshape([-1 if i == axis else 1 for i in range(3)])
    return (fine[0] / one).numpy()


def maker_of(
    weights: Weights,
    shape: Shape,
    finish: Finish,
    truncation: float = 1.0,
    drift: bool = False,
    voxel: float = 0.0,
    precise: bool = False,
) -> NetMaker:
    """The maker of a Weights folder; ``voxel`` 0 takes the edge of the voxels it was trained on."""
    config = read_config(weights)
    if config.get("system") != "rock_gan":
        raise FormatError(
            "these weights do not make rocks", where=weights.folder, remedy="Choose weights of train_rock_gan."
        )
    try:
        edge = voxel or float(config["voxel_size"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError("the configuration has no voxel size", where=weights.folder) from error
    net = load_weights(weights, build)
    return NetMaker(net, shape, edge, finish, truncation, drift, weights.content_hash, precise)
