"""The samples that ship with PoreLab, for napari's File > Open Sample."""

from __future__ import annotations

from napari_porelab.readers import LayerData, layers_of


def sandstone() -> list[LayerData]:
    """A sandstone CT scan of our own making."""
    return _sample("sandstone.tif")


def shale() -> list[LayerData]:
    """A shale FIB-SEM stack of our own making."""
    return _sample("shale.tif")


def _sample(name: str) -> list[LayerData]:
    import porelab_gui
    from porelab_gui.assets import sample

    return layers_of(porelab_gui.read(sample(name)))
