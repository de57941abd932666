"""Virtual pores on the faces of the image: where a region meets a face it is drawn out into a pad."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]


def inner_face(regions: NDArray[Any], axis: int, end: int) -> NDArray[np.int32]:
    """Labels of the face where all neighbours within the image, diagonal ones too, have the same label; else 0."""
    count = min(2, regions.shape[axis])
    layers = [np.asarray(regions.take(-1 - k if end else k, axis=axis)) for k in range(count)]
    face = layers[0].astype(np.int32)
    keep = face > 0
    wide = [np.pad(layer, 1, mode="edge") for layer in layers]
    height, width = face.shape
    for layer in wide:
        for dy in range(3):
            for dx in range(3):
                keep &= layer[dy : dy + height, dx : dx + width] == face
    return np.where(keep, face, 0)


def face_pores(regions: NDArray[Any], first: int) -> list[Labels]:
    """For each face the labels of its virtual pores (0 elsewhere), counted from ``first`` in raster order.

    As PoreSpy's ``add_boundary_regions``: the connected parts of the faces of the regions without their borders.
    """
    from scipy.ndimage import find_objects, label

    faces, entries = [], []
    for axis in range(3):
        for end in (0, 1):
            parts, _ = label(inner_face(regions, axis, end) > 0)
            faces.append(parts.astype(np.int32))
            for k, box in enumerate(find_objects(parts)):
                y, x = box[0].start, box[1].start + int(np.argmax(parts[box[0].start, box[1]] == k + 1))
                corner = [y, x]
                corner.insert(axis, regions.shape[axis] if end else -1)
                entries.append((tuple(corner), len(faces) - 1, k + 1))
    tables = [np.zeros(int(f.max(initial=0)) + 1, dtype=np.int32) for f in faces]
    for number, (_, face, part) in enumerate(sorted(entries)):
        tables[face][part] = first + number
    return [table[face] for table, face in zip(tables, faces, strict=True)]


def padded(regions: NDArray[Any], faces: list[Labels], width: int) -> Labels:
    """The regions with pads of that width; edges and corners of the pads stay 0."""
    out = np.zeros([n + 2 * width for n in regions.shape], dtype=np.int32)
    core = slice(width, -width)
    out[core, core, core] = regions
    for k, face in enumerate(faces):
        axis, end = divmod(k, 2)
        where: list[Any] = [core, core, core]
        where[axis] = slice(-width, None) if end else slice(0, width)
        out[tuple(where)] = np.expand_dims(face, axis)
    return out
