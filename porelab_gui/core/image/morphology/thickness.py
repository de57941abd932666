"""Local thickness: the diameter of the largest ball in the phase that holds a voxel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress, silent

Mask = NDArray[np.bool_]


def distance(mask: Mask, voxel: tuple[float, float, float]) -> NDArray[np.float32]:
    """Metres to the surface of the phase: to the nearest centre outside, less half a voxel. Faces do not count."""
    from edt import edt

    far = edt(np.ascontiguousarray(mask), anisotropy=voxel, black_border=False)
    return np.asarray(np.where(mask, np.maximum(far - 0.5 * min(voxel), 0.5 * min(voxel)), 0.0), np.float32)


def local_thickness(
    mask: Mask, voxel: tuple[float, float, float], sizes: int = 32, progress: Progress = silent
) -> NDArray[np.float32]:
    """Diameter (m) at every voxel of the phase, 0 elsewhere; ``sizes`` diameters are told apart.

    Hildebrand and Ruegsegger (1997), J. Microscopy 185, 67: for each radius from the largest, the voxels within that
    radius of a centre that has room for the ball.
    """
    from edt import edt

    room = distance(mask, voxel)
    out = np.zeros(mask.shape, np.float32)
    if not mask.any() or mask.all():
        return out
    radii = np.geomspace(0.5 * min(voxel), float(room.max()), sizes)
    for k, radius in enumerate(radii[::-1]):
        progress(k, sizes, "local thickness")
        seeds = room >= radius * (1 - 1e-6)
        if k == sizes - 1:
            reached = mask
        else:
            near = edt(np.ascontiguousarray(~seeds), anisotropy=voxel, black_border=False)
            reached = (near < radius + 0.5 * min(voxel)) & mask
        fresh = reached & (out == 0)
        out[fresh] = 2 * radius
    return out
