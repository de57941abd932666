"""What the user looks at: the slice in view and the part of it that is on the canvas."""

from __future__ import annotations

from typing import Any

import numpy as np

from porelab_gui.core.method import View
from porelab_gui.core.nouns import Stack
from porelab_gui.gui.context import Context

LEAST = 8


def slice_in_view(context: Context, stack: Stack) -> int:
    """The z slice of an image that is in view (the nearest one it has)."""
    dims = context.viewer.dims
    world = float(dims.point[dims.ndim - 3])
    return int(np.clip(round(world * 1e-6 / stack.voxel_size[0]), 0, stack.shape[0] - 1))


def looks_along_z(context: Context) -> bool:
    """Whether z slices are shown, and not 3D or slices across another axis."""
    dims = context.viewer.dims
    return bool(dims.ndisplay == 2 and dims.not_displayed and dims.not_displayed[-1] == dims.ndim - 3)


def view_of(context: Context, name: str, stack: Stack) -> View:
    """The slice and the rows and columns of an item that are on the canvas; all of them when that is not known."""
    layer = context.layers.layer(name)
    sides = [_side(layer, axis, stack.shape[axis]) for axis in (1, 2)]
    return View(slice_in_view(context, stack), sides[0], sides[1])


def _side(layer: Any, axis: int, count: int) -> slice:
    if layer is None:
        return slice(0, count)
    scale = float(layer.downsample_factors[layer.data_level][axis]) if layer.multiscale else 1.0
    low, high = (float(c) * scale for c in layer.corner_pixels[:, axis])
    first, last = max(0, int(low)), min(count, int(np.ceil(high + scale)))
    return slice(first, last) if last - first >= LEAST else slice(0, count)
