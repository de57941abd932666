"""Tools beyond napari's, each one stroke in the layer's own history: undo takes them back like a brush stroke."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.editing.correct import between, flood_from
from porelab_gui.core.nouns import Stack
from porelab_gui.gui.correcting.target import Target


def put(target: Target, z: int, pages: NDArray[Any], where: NDArray[np.bool_] | None = None) -> int:
    """Put labels into slices ``z``... (where True) as one stroke; how many voxels changed."""
    layer = target.layer
    first = z - target.start[0]
    now = np.asarray(layer.data[first : first + len(pages)])
    differs = now != pages if where is None else (now != pages) & where
    places = np.nonzero(differs)
    if not len(places[0]):
        return 0
    values = np.asarray(pages)[places].astype(layer.data.dtype)
    layer.data_setitem((places[0] + first, places[1], places[2]), values)
    return len(values)


def smart_fill(target: Target, grey: Stack, place: tuple[int, int, int], tolerance: float, phase: int) -> int:
    """Give ``phase`` to what joins a voxel in its slice within a range of grey levels; how many voxels changed."""
    z, y, x = place
    _, top, left = target.start
    rows, cols = target.layer.data.shape[1:]
    if z not in target.slices or not (0 <= y - top < rows and 0 <= x - left < cols):
        return 0
    page = np.asarray(grey.data[z])[top : top + rows, left : left + cols]
    reached = flood_from(page, (y - top, x - left), tolerance)
    return put(target, z, np.full((1, rows, cols), phase), reached[None])


def copy_to(target: Target, source: int, goal: int) -> int:
    """The labels of a slice put into another; how many voxels changed."""
    for z in (source, goal):
        if z not in target.slices:
            raise InputError(f"there is no slice {z} to paint on", remedy="Choose slices of the image.")
    return put(target, goal, target.page(source)[None].copy())


def interpolate(target: Target, first: int, last: int) -> int:
    """The slices between two labelled ones, made from both; how many voxels changed."""
    low, high = sorted((first, last))
    if low not in target.slices or high not in target.slices or high - low < 2:
        raise InputError(
            f"slices {low} and {high} have no slice between them that can be painted on",
            remedy="Choose two labelled slices that lie further apart.",
        )
    return put(target, low + 1, between(target.page(low), target.page(high), high - low - 1))
