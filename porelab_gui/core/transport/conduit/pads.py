"""Voxels for the virtual pores on the faces: the layer of the image there, carried on outwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Network, Regions

FACES = ("face_z0", "face_z1", "face_y0", "face_y1", "face_x0", "face_x1")


def pore_labels(network: Network) -> NDArray[np.int64]:
    """The region label of every pore."""
    if "region" in network.pores:
        return network.pore("region").astype(np.int64)
    return np.arange(1, network.n_pores + 1)


def label_image(regions: Regions, network: Network) -> NDArray[np.int32]:
    """The regions as int32, padded by the virtual pores where the network has some that the image lacks.

    A virtual pore is the layer of voxels of its neighbour region in its face, repeated ``boundary_width`` times.
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
    return _padded(image, network, virtual)


def _padded(image: NDArray[np.int32], network: Network, virtual: NDArray[np.int64]) -> NDArray[np.int32]:
    width = max(int(network.extraction.get("boundary_width", 3)), 1)
    labels = pore_labels(network)
    padded = np.pad(image, width)
    is_virtual = np.zeros(network.n_pores, dtype=bool)
    is_virtual[virtual] = True
    inner = tuple(slice(width, width + n) for n in image.shape)
    for face, name in enumerate(FACES):
        if name not in network.pores:
            continue
        axis, end = divmod(face, 2)
        becomes = _heirs(network, labels, is_virtual & network.pore(name).astype(bool), int(image.max()))
        layer = becomes[image.take(-end, axis=axis)]
        where = list(inner)
        where[axis] = slice(0, width) if end == 0 else slice(width + image.shape[axis], None)
        padded[tuple(where)] = np.expand_dims(layer, axis)
    return padded


def _heirs(
    network: Network, labels: NDArray[np.int64], chosen: NDArray[np.bool_], top: int
) -> NDArray[np.int32]:
    """Per region label, the label of the chosen virtual pore beside it, or 0."""
    becomes = np.zeros(top + 1, dtype=np.int32)
    for one, two in (network.conns.T, network.conns.T[::-1]):
        rows = chosen[one] & ~chosen[two] & (labels[two] <= top)
        becomes[labels[two[rows]]] = labels[one[rows]]
    return becomes
