"""What of the void takes part in flow along an axis, and what it looks like to a solver."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.transport.stokes.faces import Faces

Mask = NDArray[np.bool_]


def spanning(void: Mask, axis: int, around: bool = False) -> Mask:
    """The face-connected void that reaches from the first to the last face of ``axis``.

    ``around`` joins the sides to their opposites.
    """
    from scipy import ndimage

    labels, count = ndimage.label(void)
    if around:
        labels = _joined_sides(labels, count, axis)[labels]
        count = int(labels.max())
    first, last = (np.unique(np.take(labels, end, axis=axis)[np.take(void, end, axis=axis)]) for end in (0, -1))
    keep = np.zeros(count + 1, dtype=bool)
    keep[np.intersect1d(first, last)] = True
    kept: Mask = keep[labels] & void
    return kept


def winding(void: Mask, axis: int, around: bool = True) -> Mask:
    """The void that, in the periodically repeated image, connects a voxel with its copy one period along ``axis``.

    ``around`` says whether the sides are periodic too. Void that closes on itself only across more than two periods is
    not found.
    """
    from scipy import ndimage

    twice = np.concatenate([void, void], axis=axis)
    labels, count = ndimage.label(twice)
    group = _joined_sides(labels, count, axis) if around else np.arange(count + 1)
    merged = group[labels]
    first, second = np.split(merged, 2, axis=axis)
    winds = np.unique(first[(first == second) & void])
    keep = np.zeros(len(group), dtype=bool)
    keep[winds] = True
    kept: Mask = (keep[first] | keep[second]) & void
    return kept


def conducting(void: Mask, faces: Faces) -> Mask:
    """The void that takes part in flow along the axis, as the image is closed."""
    around = faces.rings[(faces.axis + 1) % 3]
    return winding(void, faces.axis, around) if faces.periodic else spanning(void, faces.axis, around)


def _joined_sides(labels: NDArray[np.int32], count: int, axis: int) -> NDArray[np.int64]:
    """One number per label, equal for labels that meet across the periodic sides other than ``axis``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = [np.zeros((2, 0), dtype=np.int64)]
    for side in range(3):
        if side != axis:
            a, b = np.take(labels, 0, axis=side).ravel(), np.take(labels, -1, axis=side).ravel()
            both = (a > 0) & (b > 0)
            pairs.append(np.stack([a[both], b[both]]))
    i, j = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(count + 1, count + 1))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def typical_width(void: Mask) -> float:
    """How wide the channels are that carry the flow, in voxels: from the distances to the wall, the large ones most."""
    from edt import edt

    distance = edt(np.ascontiguousarray(void), black_border=False)
    inside = distance[void & np.isfinite(distance)]
    if not inside.size:  # all void: only the sides of the image are walls
        return float(min(void.shape))
    # flow grows with the width to the fourth power, so the widest decide; 10/3 gives a round tube its diameter
    return float(10 / 3 * (inside**3).sum() / max((inside**2).sum(), 1e-30))
