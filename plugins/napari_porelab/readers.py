"""Readers for what napari does not read; the reading itself is PoreLab's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from porelab_gui.core.nouns import Network, Noun, Stack

LayerData = tuple[Any, dict[str, Any], str]
MICRO = 1e6
UNITS = {"units": ("um",) * 3, "axis_labels": ("z", "y", "x")}


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """The reader for one file; None for a list of files and for what PoreLab does not know."""
    from porelab_gui.core.errors import PorelabError
    from porelab_gui.core.image.formats.dispatch import kind_of
    from porelab_gui.core.network.formats.dispatch import is_network

    if not isinstance(path, str):
        return None
    from pathlib import Path

    try:
        if not is_network(Path(path)):
            kind_of(Path(path))
    except PorelabError:
        return None
    return read


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Layers of a file, in micrometres; a PorelabError says what is wrong and what to do."""
    import porelab_gui

    return layers_of(porelab_gui.read(str(path)))


def layers_of(noun: Noun) -> list[LayerData]:
    """An image or labels as one layer, a network as pores and throats."""
    from porelab_gui.core.nouns import Labels, Network, Regions, Stack

    if isinstance(noun, Network):
        return _network(noun)
    if not isinstance(noun, Stack):
        return []
    return [_image(noun, "labels" if isinstance(noun, Labels | Regions) else "image")]


def _image(stack: Stack, kind: str) -> LayerData:
    import numpy as np

    data = stack.data
    if np.dtype(data.dtype) == bool:
        data, kind = np.asarray(data).astype(np.uint8), "labels"
    scale = tuple(v * MICRO for v in stack.voxel_size)
    return data, {"name": stack.name, "scale": scale, **UNITS}, kind


def _network(network: Network) -> list[LayerData]:
    import numpy as np

    centres = network.coords * MICRO
    ends = centres[network.conns]
    sizes = network.pores.get("inscribed_diameter")
    size = sizes.values * MICRO if sizes is not None else 1.0
    lines = np.stack([ends[:, 0], ends[:, 1] - ends[:, 0]], axis=1)
    return [
        (lines, {"name": f"{network.name} throats", "vector_style": "line", **UNITS}, "vectors"),
        (centres, {"name": f"{network.name} pores", "size": size, "shading": "spherical", **UNITS}, "points"),
    ]
