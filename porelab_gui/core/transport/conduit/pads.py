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


def widened(image: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    """A padded image whose pads, which extraction cuts back at their rims, cover the face of their region again."""
    made = image.copy()
    for axis in range(3):
        for pad, face in ((slice(0, width), width), (slice(-width, None), image.shape[axis] - width - 1)):
            layer, beneath = np.moveaxis(made, axis, 0)[pad], np.moveaxis(image, axis, 0)[face]
            layer[:] = _spread(layer[0], beneath)
    return made


def _spread(pad: NDArray[np.int32], beneath: NDArray[np.int32]) -> NDArray[np.int32]:
    """``pad`` (2D) spread by one voxel over voxels of the region beneath it."""
    out = pad.copy()
    around, under = np.pad(pad, 1), np.pad(beneath, 1)
    rows, cols = pad.shape
    for dy in (0, 1, 2):
        for dx in (0, 1, 2):
            near, same = around[dy : dy + rows, dx : dx + cols], under[dy : dy + rows, dx : dx + cols] == beneath
            out = np.where((out == 0) & (beneath > 0) & (near > 0) & same, near, out)
    return out
