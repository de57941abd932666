"""Layers that belong to no item: what is selected, marked or faulty, previews; each under a title."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Layer, Points
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray

from porelab_gui.gui.images import UNITS
from porelab_gui.gui.network.tube_layer import TubeLayer

MARK = "#ffd91a"
PROBLEM = "#ed2938"


class Marks:
    """Made with what lays a layer on the viewer and what removes layers."""

    def __init__(self, lay: Callable[[Layer], Layer], remove: Callable[[list[Layer]], None]) -> None:
        self._lay, self._remove = lay, remove
        self._layers: dict[str, Layer] = {}

    def get(self, title: str) -> Layer | None:
        """The layer of that title."""
        return self._layers.get(title)

    def put(self, title: str, layer: Layer) -> Layer:
        """Add a layer under a title; the layer that the user works with stays the active one."""
        self._layers[title] = self._lay(layer)
        return layer

    def drop(self, title: str) -> None:
        """Take a layer away, if it is there."""
        layer = self._layers.get(title)
        if layer is not None:
            self._remove([layer])

    def forget(self, layer: Layer) -> None:
        """A layer has gone."""
        self._layers = {k: v for k, v in self._layers.items() if v is not layer}

    def hide(self, but: str) -> None:
        """Hide all but one."""
        for title, layer in self._layers.items():
            layer.visible = layer.visible and title == but

    def clear(self, but: str = "") -> None:
        """Take all away but one."""
        self._remove([layer for title, layer in self._layers.items() if title != but])

    def balls(self, title: str, centres: NDArray[Any], radii: NDArray[Any], colour: str) -> None:
        """Balls of one colour; none hides them."""
        layer = self._layers.get(title)
        if layer is not None and len(centres):
            layer.data = centres
            layer.size = 2 * radii
        elif len(centres):
            shown = {"face_color": colour, "border_width": 0, "size": 2 * radii, "projection_mode": "rescale_spherical"}
            layer = self.put(title, Points(centres, name=title, shading="spherical", **shown, **UNITS))
        if layer is not None:
            layer.visible = bool(len(centres))

    def tubes(self, title: str, ends: NDArray[Any], radii: NDArray[Any], colour: str) -> None:
        """Tubes of one colour, in front of all that would hide them; none hides them."""
        layer = self._layers.get(title)
        if layer is not None and len(ends):
            layer.set_tubes(ends[:, 0], ends[:, 1], radii, np.ones(len(ends)))
        elif len(ends):
            scale = {"colormap": _one_colour(colour), "contrast_limits": (0, 2), "blending": "translucent_no_depth"}
            layer = self.put(
                title, TubeLayer(ends[:, 0], ends[:, 1], radii, name=title, shading="none", **scale, **UNITS)
            )
        if layer is not None:
            layer.visible = bool(len(ends))


def _one_colour(colour: str) -> Colormap:
    return Colormap([colour, colour], name="mark", display_name="mark")
