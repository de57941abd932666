"""Napari layers of images, labels and regions; made here, added in ``layers``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from napari.layers import Image, Layer
from napari.layers import Labels as LabelsLayer
from napari.utils.colormaps import Colormap, DirectLabelColormap, ensure_colormap

from porelab_gui.core.nouns import Field, Labels, Regions, Stack
from porelab_gui.gui.on_disk import for_canvas
from porelab_gui.gui.palette import phase_colours
from porelab_gui.gui.patient import PatientImage, PatientLabels

MICRO = 1e6  # layers are in micrometres
UNITS: dict[str, Any] = {"units": ("um",) * 3, "axis_labels": ("z", "y", "x")}
EDITABLE_BYTES = 2**31  # larger label images are shown without a copy that could be painted on


def image_layer(name: str, stack: Stack) -> Layer:
    """The layer of an image: grey, labels with named colours, or hidden regions."""
    where = {"name": name, "scale": tuple(v * MICRO for v in stack.voxel_size), **UNITS}
    if isinstance(stack, Labels):
        return _labels_layer(stack, where)
    if isinstance(stack, Regions):
        layer = LabelsLayer(_data(stack), opacity=0.6, visible=False, **where)
        layer.editable = False
        return layer
    if isinstance(stack, Field):
        return _field_layer(stack, where)
    data = _data(stack)
    if np.dtype(stack.data.dtype) == bool and not isinstance(data, list):
        data = data.view(np.uint8) if isinstance(data, np.ndarray) else data.astype(np.uint8)
    several = isinstance(data, list)
    made = PatientImage if several else Image
    return made(data, contrast_limits=_limits(stack.levels[-1]), colormap="gray", multiscale=several, **where)


def _data(stack: Stack) -> Any:
    """The image, or the list of it and its coarser levels, of which napari draws what the canvas can show."""
    if np.dtype(stack.data.dtype) == bool:
        return stack.data
    levels = for_canvas(stack.levels)
    return list(levels) if len(levels) > 1 else levels[0]


def fits(layer: Layer, stack: Stack) -> bool:
    """Whether a layer can take another image: levels and single images do not replace each other."""
    return bool(layer.multiscale) == isinstance(_data(stack), list)


def _field_layer(field: Field, where: dict[str, Any]) -> Layer:
    """What a solver found, in colours with a bar; see-through where there is no fluid."""
    layer = Image(
        field.data,
        contrast_limits=_limits(field.data, top=99.5 if field.quantity == "speed" else 100.0),
        colormap=_clear_at_zero("inferno") if field.quantity == "speed" else "turbo",
        blending="translucent",
        rendering="mip",
        visible=field.quantity != "pressure",  # comes with the speed, and would lie over it
        metadata={"bar": f"{field.quantity} [{field.unit}]"},
        **where,
    )
    layer.colorbar.visible = True
    layer.colorbar.position = "middle_right"
    return layer


def _clear_at_zero(name: str) -> Colormap:
    """A colour map whose lowest value shows what lies below; all others hide it, so that they match the bar."""
    colours = ensure_colormap(name).map(np.linspace(0, 1, 256))
    colours[0, 3] = 0
    return Colormap(colours, name=f"{name}, clear at zero")


def update_image(layer: Layer, stack: Any) -> None:
    """Another image of the same kind in the layer that is there."""
    fresh = image_layer(layer.name, stack)
    layer.data = fresh.data
    layer.scale = fresh.scale
    if isinstance(stack, Labels):
        layer.colormap = fresh.colormap
        layer.features = fresh.features
        layer.editable = False  # forgets the strokes, which belong to the voxels that were there
        layer.editable = True
    elif isinstance(layer, Image):
        layer.contrast_limits_range = fresh.contrast_limits_range
        layer.contrast_limits = fresh.contrast_limits


def _labels_layer(labels: Labels, where: dict[str, Any]) -> Layer:
    data = _data(labels)
    if isinstance(data, np.ndarray):
        # a copy: the label tools paint into the layer, and a noun must not change
        data = data.astype(np.uint8) if data.dtype == bool else data
        data = data.copy() if data.nbytes <= EDITABLE_BYTES else data
    several = isinstance(data, list)
    layer = (PatientLabels if several else LabelsLayer)(data, opacity=0.55, multiscale=several, **where)
    name_phases(layer, labels.phases, labels.colours)
    return layer


def name_phases(layer: Layer, phases: Mapping[int, str], colours: Mapping[int, str] | None = None) -> None:
    """Give the labels of a layer the names and colours of phases."""
    layer.colormap = DirectLabelColormap(color_dict=phase_colours(phases, colours))
    layer.features = {"index": list(phases), "phase": list(phases.values())}


def _limits(data: Any, top: float = 100.0) -> tuple[float, float]:
    """Limits from a sample of voxels, so that a large image need not be read as a whole; ``top`` a percentile."""
    steps = tuple(slice(None, None, max(1, n // 64)) for n in data.shape)
    sample = np.asarray(data[steps])
    sample = sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample
    if not sample.size:
        return 0.0, 1.0
    low, high = float(sample.min()), float(np.percentile(sample, top) if top < 100 else sample.max())
    return (low, high) if high > low else (low, low + 1.0)
