"""Voxels for the virtual pores on the faces: the layer of the image there, carried on outwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Network, Regions


def pore_labels(network: Network) -> NDArray[np.int64]:
    """The region label of every pore."""
    if "region" in network.pores:
        return network.pore("region").astype(np.int64)
    return np.arange(1, network.n_pores + 1)


def label_image(regions: Regions, network: Network) -> NDArray[np.int32]:
    """The regions as int32, padded by the virtual pores where the network has some that the image lacks.

    The pads are those of the extraction: the same connected parts of the faces, numbered in the same order.
    """
    image = regions.array()
    if image.dtype.kind not in "iu":
        raise InputError(
            f"regions must be integers, not {image.dtype}",
            where=regions.name or None,
            remedy="Extract the network again and use the regions that come with it.",
        )
    if image.size and (image.min() < 0 or image.max() >= np.iinfo(np.int32).max):
        raise InputError("region labels must lie between 0 and 2147483646", where=regions.name or None)
    image = np.ascontiguousarray(image, dtype=np.int32)
    virtual = np.flatnonzero(network.pores["boundary"].values) if "boundary" in network.pores else np.zeros(0, int)
    if not len(virtual) or pore_labels(network)[virtual].max() <= image.max(initial=0):
        return image
    return _padded(image, network)


def _padded(image: NDArray[np.int32], network: Network) -> NDArray[np.int32]:
    from porelab_gui.core.network.snow import pads

    width = max(int(network.extraction.get("boundary_width", 3)), 1)
    return pads.padded(image, pads.face_pores(image, int(image.max(initial=0)) + 1), width)
