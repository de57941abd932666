"""Blocks of known permeability: cut from a stack, made from random media, or read from DeePore's HDF5 file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.nouns import Labels, VoxelSize
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.stokes.methods import StokesParams
from porelab_gui.core.transport.stokes.run import solve_axis

Family = Literal["both", "fields", "grains"]
TOLERANCE = 1e-2  # on 20 blocks of 64^3 log10 K is within 0.0024 (mean 0.0011) of that at 1e-4
PARTS = ("train", "validation", "test")
LAW = "voxel Stokes flow (staggered finite volumes, pressures on two faces, sealed sides)"
DEEPORE_LAW = "pore network with image-based throat permeability (DeePore)"
DEEPORE_VALUES = 1515


@dataclass(frozen=True)
class Block:
    """A cube of void, the part it belongs to, and K along z, y, x in px2 where the source tells it (NaN: unknown)."""

    name: str
    part: str
    void: NDArray[np.bool_]
    known: tuple[float, float, float] | None = None


def part_bounds(planes: int, shares: tuple[float, float]) -> dict[str, tuple[int, int]]:
    """Planes of each part along z: training first, then validation, then test; no plane belongs to two."""
    stop = planes - round(planes * shares[1])
    start = stop - round(planes * shares[0])
    return {"train": (0, start), "validation": (start, stop), "test": (stop, planes)}


def corners(shape: tuple[int, ...], edge: int, stride: int) -> list[tuple[int, int, int]]:
    """Corners of cubes ``stride`` apart that lie inside."""
    z, y, x = (range(0, max(0, n - edge + 1), stride) for n in shape)
    return [(a, b, c) for a in z for b in y for c in x]


def from_stack(labels: Labels, edge: int, stride: int, shares: tuple[float, float]) -> Iterator[Block]:
    """Cubes of a stack, part by slab of planes; InputError when the training slab cannot hold one."""
    void = labels.void_mask()
    bounds = part_bounds(void.shape[0], shares)
    first = bounds["train"]
    if min(first[1] - first[0] if shares != (0.0, 1.0) else edge, *void.shape[1:]) < edge:
        raise InputError(
            f"the stack of {void.shape} voxels holds no training block of {edge}^3",
            where=labels.name or "labels",
            remedy="Take smaller blocks, a smaller hold-out, or a larger stack.",
        )
    for part, (start, stop) in bounds.items():
        slab = void[start:stop]
        for z, y, x in corners(slab.shape, edge, edge if part != "train" else stride):
            yield Block(f"{start + z}_{y}_{x}", part, slab[z : z + edge, y : y + edge, x : x + edge])


def medium(edge: int, seed: int) -> NDArray[np.bool_]:
    """A random medium: even seeds a smooth Gaussian field cut at a quantile, odd ones overlapping grains."""
    rng = np.random.default_rng((seed, 71))
    porosity = rng.uniform(0.14, 0.38)
    if seed % 2 == 0:
        field = ndimage.gaussian_filter(rng.standard_normal((edge,) * 3), rng.uniform(2.0, 5.0), mode="wrap")
        return np.asarray(field > np.quantile(field, 1.0 - porosity))
    seeds = np.ones((edge,) * 3, bool)
    radius = rng.uniform(5.0, 11.0)
    count = max(1, round(-np.log(porosity) * edge**3 / (4 / 3 * np.pi * radius**3)))
    seeds[tuple(rng.integers(0, edge, (3, count)))] = False
    reach = min(edge // 2, 2 * round(radius))  # farther seeds leave the cut unchanged: all of that is void
    distance = ndimage.distance_transform_edt(np.pad(seeds, reach, mode="wrap"))
    inner = slice(reach, reach + edge)
    distance = distance[inner, inner, inner]
    return np.asarray(distance > np.quantile(distance, 1.0 - porosity))


def from_media(
    count: int, edge: int, seed: int, shares: tuple[float, float], family: Family = "both"
) -> Iterator[Block]:
    """``count`` random media, each its own parent image; of one family, or in turns of both."""
    bounds = part_bounds(count, shares)
    for k in range(seed, seed + count):
        number = k if family == "both" else 2 * k + (family == "grains")
        part = next(p for p, (a, b) in bounds.items() if a <= k - seed < b)
        yield Block(f"medium_{number}", part, medium(edge, number))


def from_deepore(path: Path, edge: int, shares: tuple[float, float]) -> Iterator[Block]:
    """Volumes of an HDF5 file with DeePore's layout: X (n, 256, 256, 256[, 1]) uint8 with 1 = solid, Y (n, 1515[, 1]).

    K [px2] is the first value of Y and holds for the whole volume, so the volume must have ``edge`` voxels.
    FormatError for another layout; volumes whose K is no positive number are left out.
    """
    import h5py

    with h5py.File(path, "r") as file:
        images, values = _deepore_sets(file, path)
        if images.shape[1:4] != (edge,) * 3:
            raise FormatError(
                f"its volumes have {images.shape[1:4]} voxels", where=path, remedy="Set the edge of the blocks to that."
            )
        bounds = part_bounds(len(images), shares)
        for k in range(len(images)):
            value = float(np.ravel(values[k])[0])
            if np.isfinite(value) and value > 0:
                part = next(p for p, (a, b) in bounds.items() if a <= k < b)
                void = np.asarray(images[k]).reshape((edge,) * 3) == 0
                yield Block(f"volume_{k}", part, void, (value, np.nan, np.nan))


def _deepore_sets(file: Any, path: Path) -> tuple[Any, Any]:
    images, values = file.get("X"), file.get("Y")
    good = images is not None and values is not None and images.ndim in (4, 5) and len(images) == len(values)
    if not good or images.dtype != np.uint8 or int(np.prod(values.shape[1:])) != DEEPORE_VALUES:
        raise FormatError(
            "this is no file of DeePore: it needs X (n, 256, 256, 256) uint8 and Y (n, 1515)",
            where=path,
            remedy="Choose the complete data set (DeePore_Dataset.h5).",
        )
    return images, values


def permeabilities(
    void: NDArray[np.bool_], progress: Progress, axes: tuple[int, ...] = (0, 1, 2)
) -> NDArray[np.float64]:
    """K (3,) along z, y, x in px2 by our voxel Stokes solver on one thread; 0 without a path, NaN on axes not asked."""
    found = np.full(3, np.nan)
    params = StokesParams(solver="fv", cache=False, threads=1, tolerance=TOLERANCE)
    voxel: VoxelSize = (1.0, 1.0, 1.0)
    for axis in axes:
        found[axis] = solve_axis(void, voxel, axis, params, progress)[0].required() if void.any() else 0.0
    return found
