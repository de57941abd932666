"""Binary media of several families, each made from a seed; True is void."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.phantoms.shapes import (
    Rng,
    Shape,
    box_of,
    grain_distance,
    offsets,
    pack_grains,
    random_field,
)

Void = NDArray[np.bool_]
Role = Literal["train", "validation", "test", "unseen_family", "unseen_rock", "growth"]
ROCKS = {
    "sandstone300": "sandstone300/sandstone_300_pore.npz",
    "leopard": "leopard/leopard_100_pore.npz",
    "berea": "berea/berea_z000-256_pore.npz",
}


@dataclass(frozen=True)
class Spec:
    """One medium: its ``family``, edge in voxels, seed, the part of the data that it belongs to.

    ``corner`` of the crop for rocks (``family`` is then the rock's name); ``axes`` along which K is labelled.
    """

    family: str
    size: int
    seed: int
    role: Role
    axes: tuple[int, ...]
    corner: tuple[int, int, int] = (0, 0, 0)

    @property
    def key(self) -> str:
        """The name of its file."""
        place = "-".join(map(str, self.corner)) if self.family in ROCKS else str(self.seed)
        return f"{self.family}-{self.size}-{place}"


def make(spec: Spec, data: Path | None = None) -> Void:
    """The void of a medium; ``data`` is the folder that rocks are read from (InputError without it)."""
    if spec.family in ROCKS:
        return crop(spec, data)
    rng = np.random.default_rng((spec.seed, spec.size, list(MAKERS).index(spec.family)))
    return MAKERS[spec.family](rng, (spec.size,) * 3)


def crop(spec: Spec, data: Path | None) -> Void:
    """A cube of a real rock."""
    path = None if data is None else data / ROCKS[spec.family]
    if path is None or not path.exists():
        raise InputError(
            f"the rock {spec.family} is not there",
            where=ROCKS[spec.family],
            remedy="Set PORELAB_DATA to the folder of the public images, or leave the family out.",
        )
    with np.load(path, allow_pickle=False) as stored:
        whole = stored["pore"]
    z, y, x = spec.corner
    n = spec.size
    return np.ascontiguousarray(whole[z : z + n, y : y + n, x : x + n].astype(bool))


def _upper(values: NDArray[np.floating], porosity: float) -> Void:
    """The voxels of the highest values, so that the porosity is met to one voxel."""
    count = max(1, round(porosity * values.size))
    void = np.zeros(values.size, bool)
    void[np.argpartition(values.ravel(), values.size - count)[values.size - count :]] = True
    return void.reshape(values.shape)


def spheres(rng: Rng, shape: Shape) -> Void:
    """A packing of polydisperse grains, cemented until the porosity is met."""
    diameter, spread = rng.uniform(10, 22), rng.uniform(0.05, 0.35)
    distance, _ = grain_distance(shape, *pack_grains(rng, shape, diameter, spread))
    return _upper(distance, rng.uniform(0.13, 0.40))


def overlapping(rng: Rng, shape: Shape) -> Void:
    """Solid spheres at random places, free to overlap (Boolean model)."""
    return ~_balls(rng, shape, rng.uniform(4, 10), rng.uniform(0.0, 0.4), 1 - rng.uniform(0.20, 0.60))


def bubbles(rng: Rng, shape: Shape) -> Void:
    """Void spheres at random places that overlap: chambers joined by constrictions."""
    return _balls(rng, shape, rng.uniform(5, 10), rng.uniform(0.0, 0.4), rng.uniform(0.38, 0.70))


def _balls(rng: Rng, shape: Shape, radius: float, spread: float, fraction: float) -> Void:
    """Overlapping balls until they fill the fraction."""
    filled = np.zeros(shape, bool)
    while filled.mean() < fraction:
        r = radius * np.exp(spread * rng.standard_normal())
        centre = rng.uniform(-r, np.asarray(shape) + r)
        box = box_of(centre, r, shape)
        if box is not None:
            z, y, x = offsets(centre, box)
            filled[box] |= z**2 + y**2 + x**2 <= r * r
    return filled


def blobs(rng: Rng, shape: Shape) -> Void:
    """Smoothed noise above a level, alike in all directions."""
    return _upper(random_field(rng, shape, rng.uniform(1.8, 4.2)), rng.uniform(0.22, 0.65))


def gaussian(rng: Rng, shape: Shape) -> Void:
    """Two smoothed noises of different correlation lengths, stretched along the axes, above a level."""
    fine = rng.uniform(1.8, 3.5) * np.exp(rng.uniform(-0.35, 0.35, 3))
    coarse = fine * rng.uniform(1.5, 3.0)
    share = rng.uniform(0.2, 0.8)
    field = share * random_field(rng, shape, tuple(fine)) + (1 - share) * random_field(rng, shape, tuple(coarse))
    return _upper(field, rng.uniform(0.22, 0.60))


def fibres(rng: Rng, shape: Shape) -> Void:
    """Straight solid fibres, mostly lying in the y-x plane."""
    radius, flat = rng.uniform(2.0, 4.5), rng.uniform(0.05, 0.8)
    target = 1 - rng.uniform(0.40, 0.85)
    solid = np.zeros(shape, bool)
    while solid.mean() < target:
        direction = rng.standard_normal(3) * (flat, 1, 1)
        direction /= np.linalg.norm(direction)
        _draw_line(solid, rng.uniform(0, shape), direction, radius)
    return ~solid


def _draw_line(solid: Void, point: NDArray[np.float64], direction: NDArray[np.float64], radius: float) -> None:
    """Set the voxels within ``radius`` of a line, layer by layer along the axis that it follows most."""
    axis = int(np.argmax(np.abs(direction)))
    layers = np.moveaxis(solid, axis, 0)
    p, d = np.roll(point, -axis), np.roll(direction, -axis)
    layers = layers if axis != 1 else layers.swapaxes(1, 2)  # the other two axes in the cyclic order of p and d
    reach = int(np.ceil(radius / abs(d[0]))) + 1
    for k in range(layers.shape[0]):
        centre = p + d * (k - p[0]) / d[0]
        rows, columns = (slice(max(0, int(c) - reach), max(0, int(c) + reach + 2)) for c in centre[1:])
        part = layers[k, rows, columns]
        if not part.size:
            continue
        y = np.arange(rows.start, rows.start + part.shape[0])[:, None] - p[1]
        x = np.arange(columns.start, columns.start + part.shape[1])[None] - p[2]
        z = k - p[0]
        part |= z * z + y * y + x * x - (z * d[0] + y * d[1] + x * d[2]) ** 2 <= radius**2


MAKERS: dict[str, Callable[[Rng, Shape], Void]] = {
    "spheres": spheres,
    "overlapping": overlapping,
    "blobs": blobs,
    "gaussian": gaussian,
    "fibres": fibres,
    "bubbles": bubbles,
}
