"""A slice of labels laid over an image: what a threshold would give, before it is run."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels as LabelsLayer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from porelab_gui.core.nouns import Stack
from porelab_gui.gui.palette import OTHERS

TITLE = "threshold preview"
PORE = "#29b6f6"
COLOURS: dict[int | None, str] = {None: "transparent", 0: "transparent", 1: PORE, **dict(enumerate(OTHERS, 2))}


def preview_layer(page: NDArray[np.uint8], stack: Stack, axis: int, index: int, **common: Any) -> LabelsLayer:
    """A labels layer one voxel thick, lying at slice ``index`` of ``axis`` (micrometres)."""
    layer = LabelsLayer(
        np.expand_dims(page, axis), name=TITLE, opacity=0.55, colormap=DirectLabelColormap(color_dict=COLOURS), **common
    )
    layer.editable = False
    place(layer, page, stack, axis, index)
    return layer


def place(layer: LabelsLayer, page: NDArray[np.uint8], stack: Stack, axis: int, index: int) -> None:
    """Put another slice into the layer that is there."""
    scale = [v * 1e6 for v in stack.voxel_size]
    layer.data = np.expand_dims(page, axis)
    layer.scale = scale
    layer.translate = [index * s if i == axis else 0.0 for i, s in enumerate(scale)]
    layer.visible = True
