"""The two regions that a throat joins, cut out of the watershed and turned into surfaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.nouns import Field, Network, Noun, Regions

MOST_VOXELS = 44  # along the longest edge of what is meshed; more is thinned out first


@dataclass(frozen=True)
class Surface:
    """A triangle mesh in micrometres relative to the throat's middle; ``values`` per vertex where it is coloured."""

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    values: NDArray[np.float32] | None = None


def regions_of(items: Mapping[str, Noun], network: Network) -> Regions | None:
    """The newest regions with the extent of the network."""
    fitting = [v for v in items.values() if isinstance(v, Regions) and _fits(v, network)]
    return fitting[-1] if fitting else None


def pair_surfaces(regions: Regions, network: Network, throat: int) -> list[Surface]:
    """Surfaces of both regions of a throat; an empty list where the regions hold neither."""
    voxel = np.asarray(regions.voxel_size)
    ends = network.conns[throat]
    middle = network.coords[ends].mean(axis=0)
    window = _window(regions, network, ends)
    crop = np.asarray(regions.data[window])
    step = max(1, -(-max(crop.shape) // MOST_VOXELS))
    crop = crop[::step, ::step, ::step]
    origin = np.array([w.start for w in window]) * voxel
    made = []
    for pore in ends:
        surface = _surface(crop == region_label(network, int(pore)))
        if surface is not None:
            corners = ((surface[0] - 1) * step * voxel + origin - middle) * 1e6
            made.append(Surface(corners.astype(np.float32), surface[1].astype(np.int32)))
    return made


def coloured(
    surfaces: list[Surface], network: Network, throat: int, field: Field, corner: NDArray[np.int64]
) -> list[Surface]:
    """The surfaces with what ``field`` says beside each vertex; ``corner`` is the field's first voxel in the image."""
    from scipy.ndimage import distance_transform_edt

    voxel, middle = np.asarray(field.voxel_size), network.coords[network.conns[throat]].mean(axis=0)
    data = field.array()
    nearest = distance_transform_edt(np.isnan(data), return_distances=False, return_indices=True)
    filled = data[tuple(nearest)]
    made = []
    for surface in surfaces:
        place = np.rint((surface.vertices * 1e-6 + middle) / voxel - corner).astype(int)
        z, y, x = np.clip(place, 0, np.array(data.shape) - 1).T
        made.append(Surface(surface.vertices, surface.faces, filled[z, y, x].astype(np.float32)))
    return made


def region_label(network: Network, pore: int) -> int:
    """The label of a pore's region."""
    return int(network.pores["region"].values[pore]) if "region" in network.pores else pore + 1


def _fits(regions: Regions, network: Network) -> bool:
    extent = np.asarray(regions.shape) * np.asarray(regions.voxel_size)
    return bool(np.allclose(extent, network.size, rtol=1e-3))


def _window(regions: Regions, network: Network, ends: NDArray[np.int64]) -> tuple[slice, ...]:
    """A box around both pores, large enough for regions of usual shape."""
    voxel = np.asarray(regions.voxel_size)
    key = next((k for k in ("equivalent_diameter", "inscribed_diameter") if k in network.pores), None)
    size = network.pores[key].values[ends].max() if key else 20 * voxel.max()
    low = ((network.coords[ends].min(axis=0) - 1.1 * size) / voxel).astype(int)
    high = ((network.coords[ends].max(axis=0) + 1.1 * size) / voxel).astype(int) + 2
    return tuple(
        slice(max(0, int(a)), max(1, min(int(b), n))) for a, b, n in zip(low, high, regions.shape, strict=True)
    )


def _surface(mask: NDArray[np.bool_]) -> tuple[Any, Any] | None:
    """Marching cubes on a region with a border of nothing around it."""
    if not mask.any():
        return None
    from skimage.measure import marching_cubes

    vertices, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5, allow_degenerate=False)
    return vertices, faces
