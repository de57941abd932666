"""Squared distance to the nearest voxel of another label, as whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.network.snow import distance_kernels as kernels
from porelab_gui.core.network.snow.slabs import each, ranges
from porelab_gui.core.progress import Progress, within

Squares = NDArray[Any]
SHORT, LONG = 65535, 1 << 28  # what stands for "farther than can be said" in two and in four bytes


def squared_distance(
    labels: NDArray[Any], threads: int, progress: Progress, message: str, *, one_label: bool, black_border: bool = False
) -> Squares:
    """Squared distance [voxel2] of each labelled voxel to the nearest voxel of another label, 0 at label 0.

    Two bytes a voxel where no distance exceeds 255 voxels, else four. ``one_label`` promises that nothing but 0 and
    one label occurs (faster). With ``black_border`` the outside of the image counts as another label. Voxels that
    no other label is in reach of get the square of the image diagonal.
    """
    plain = one_label and not black_border
    squares = _squares(labels, np.uint16, SHORT, plain, black_border, threads, progress, message)
    if _tops_out(squares, SHORT):
        squares = _squares(labels, np.uint32, LONG, plain, black_border, threads, progress, message)
        np.minimum(squares, np.uint32(sum(n * n for n in labels.shape)), out=squares)
    return squares


def _tops_out(squares: Squares, top: int) -> bool:
    return any(int(layer.max(initial=0)) >= top for layer in squares)


def _squares(
    labels: NDArray[Any],
    dtype: Any,
    top: int,
    plain: bool,
    border: bool,
    threads: int,
    progress: Progress,
    message: str,
) -> Squares:
    nz, ny, nx = labels.shape
    out = np.empty(labels.shape, dtype=dtype)

    def layers(a: int, b: int) -> None:
        kernels.along_rows(labels, out, a, b, border)
        kernels.planes_of_layers(out, labels, a, b, top, plain, border)

    def rows(a: int, b: int) -> None:
        kernels.planes_of_rows(out, labels, a, b, top, plain, border)

    each(layers, ranges(0, nz, ny * nx, threads), threads, within(progress, 0, 0.5), message)
    each(rows, ranges(0, ny, nz * nx, threads), threads, within(progress, 0.5, 1), message)
    return out
