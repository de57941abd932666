"""Void images to learn from: overlapping spheres of several sizes, blobs, fibres, and crops of real rock."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import norm

from porelab_gui.core.errors import InputError
from porelab_gui.core.validation.case import data_file

Bools = NDArray[np.bool_]
Kind = Literal["spheres", "blobs", "fibres", "rock"]
BINS = 5
# MIT: ArashRabbani/DeePore and the PoreSpy fixtures
ROCKS = {"sandstone300": "sandstone300/sandstone_300_pore.npz", "leopard": "leopard/leopard_100_pore.npz"}


@dataclass(frozen=True)
class Medium:
    """One parent image. ``scale`` [voxel]: mean sphere radius, blob size or fibre radius; ``spread``: deviation of the
    radii; ``corner`` and ``rock``: where a crop of edge ``size`` begins; ``pads``: width of virtual pores on the faces.
    """

    kind: Kind
    seed: int = 0
    size: int = 100
    porosity: float = 0.6
    scale: float = 8.0
    spread: float = 3.0
    rock: str = ""
    corner: tuple[int, int, int] = (0, 0, 0)
    pads: int = 0

    def describe(self) -> dict[str, Any]:
        """Its parameters as plain values."""
        return asdict(self)

    def image(self, data: Path | None = None) -> Bools:
        """True where void; InputError when a rock is asked for and ``data`` (None: the reference data)
        lacks its file."""
        if self.kind == "rock":
            return _crop(self, data)
        rng = np.random.default_rng(self.seed)
        make = {"spheres": _spheres, "blobs": _blobs, "fibres": _fibres}[self.kind]
        return make(rng, self)


def _spheres(rng: np.random.Generator, m: Medium) -> Bools:
    """Overlapping spheres: every quantile of a normal distribution of radii covers the same share of what is left."""
    radii = np.maximum(norm(m.scale, m.spread).ppf(np.linspace(0.1, 0.9, BINS)), 2.0)
    void = np.ones((m.size,) * 3, bool)
    for k, radius in enumerate(np.sort(radii)[::-1]):
        target = m.porosity ** ((k + 1) / BINS)
        void = _cover(rng, void, float(radius), target)
    return void


def _cover(rng: np.random.Generator, void: Bools, radius: float, target: float) -> Bools:
    """Put spheres of one radius at random until the porosity is ``target``."""
    import edt

    reach = int(np.ceil(radius))
    seeds = np.ones(tuple(n + 2 * reach for n in void.shape), bool)
    inner = tuple(slice(reach, reach + n) for n in void.shape)
    volume = 4 / 3 * np.pi * radius**3
    covered = void
    for _ in range(12):
        now = float(covered.mean())
        if now <= target:
            break
        count = max(1, int(0.9 * seeds.size * np.log(now / target) / volume))
        seeds.reshape(-1)[rng.integers(0, seeds.size, count)] = False
        covered = void & (edt.edt(seeds, parallel=1)[inner] > radius)
    return covered


def _blobs(rng: np.random.Generator, m: Medium) -> Bools:
    """A smoothed random field cut at the quantile of the porosity."""
    field = ndimage.gaussian_filter(rng.standard_normal((m.size,) * 3), m.scale / 2, mode="wrap")
    return np.asarray(field < np.quantile(field, m.porosity))


def _fibres(rng: np.random.Generator, m: Medium) -> Bools:
    """Straight fibres of one radius at random places and directions."""
    import edt

    axis = np.ones((m.size,) * 3, bool)
    length = np.arange(-2.0 * m.size, 2.0 * m.size, 0.5)
    for _ in range(4000):
        way = rng.standard_normal(3)
        points = rng.uniform(0, m.size, 3) + length[:, None] * way / np.linalg.norm(way)
        at = np.round(points).astype(int)
        at = at[((at >= 0) & (at < m.size)).all(axis=1)]
        axis[tuple(at.T)] = False
        if _ % 8 == 7 and (far := edt.edt(axis, parallel=1) > m.scale).mean() <= m.porosity:
            return np.asarray(far)
    raise InputError("the fibres do not reach the porosity", where=str(m), remedy="Choose thicker fibres.")


def _crop(m: Medium, data: Path | None) -> Bools:
    path = data / ROCKS[m.rock] if data else data_file(ROCKS[m.rock])
    if path is None or not path.is_file():
        raise InputError(
            f"the image of {m.rock} is not there",
            where=path or ROCKS[m.rock],
            remedy="Set PORELAB_DATA to the folder of the images, or leave the rocks out.",
        )
    with np.load(path, allow_pickle=False) as stored:
        whole = np.asarray(stored[stored.files[0]]).astype(bool)
    z, y, x = m.corner
    return whole[z : z + m.size, y : y + m.size, x : x + m.size]


def _spheres_of(count: int, seed: int) -> list[Medium]:
    rng = np.random.default_rng(seed)
    made = []
    for k in range(count):
        large = k % 5 == 4
        scale = float(rng.uniform(10, 20) if large else rng.uniform(4.5, 12))
        made.append(
            Medium(
                "spheres",
                seed=seed * 10_000 + k,
                size=120 if large else 100,
                porosity=float(rng.uniform(0.35, 0.8)),
                scale=scale,
                spread=float(scale * rng.uniform(0.15, 0.5)),
                pads=3 * (k % 2),
            )
        )
    return made


def _blobs_of(count: int, seed: int) -> list[Medium]:
    rng = np.random.default_rng(seed + 1)
    return [
        Medium("blobs", seed * 10_000 + 2000 + k, 100, float(rng.uniform(0.3, 0.7)), float(rng.uniform(5, 16)),
               pads=3 * (k % 2))
        for k in range(count)
    ]  # fmt: skip


def _fibres_of(count: int, seed: int) -> list[Medium]:
    rng = np.random.default_rng(seed + 2)
    return [
        Medium("fibres", seed * 10_000 + 4000 + k, 100, float(rng.uniform(0.55, 0.85)), float(rng.uniform(2, 5)),
               pads=3 * (k % 2))
        for k in range(count)
    ]  # fmt: skip


def _rocks() -> list[Medium]:
    """Crops of the two rocks that share no voxel."""
    corners = [(z, y, x) for z in (0, 100, 200) for y in (0, 150) for x in (0, 150)]
    crops = [Medium("rock", size=100, rock="sandstone300", corner=c, pads=3 * (k % 2)) for k, c in enumerate(corners)]
    return [*crops[:6], Medium("rock", size=100, rock="leopard"), *crops[6:]]


def _shuffled(media: list[Medium], seed: int) -> list[Medium]:
    order = np.random.default_rng(seed).permutation(len(media))
    return [media[k] for k in order]


def training_media(with_rock: bool = True) -> list[Medium]:
    """The parent images of the training set, in an order of which every beginning is a fair mixture."""
    rocks = _rocks()[:-2] if with_rock else []
    return _shuffled([*_spheres_of(70, 1), *_blobs_of(20, 1), *_fibres_of(14, 1), *rocks], 1)


def validation_media(with_rock: bool = True) -> list[Medium]:
    """Parent images to stop the training by; none of them is a training image."""
    rocks = _rocks()[-2:] if with_rock else []
    return _shuffled([*_spheres_of(6, 2), *_blobs_of(2, 2), *_fibres_of(2, 2), *rocks], 2)


def smaller(media: list[Medium], size: int) -> list[Medium]:
    """The same media cut to an edge of ``size`` voxels."""
    return [replace(m, size=min(size, m.size)) for m in media]
