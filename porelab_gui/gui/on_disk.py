"""How stacks on disk are handed to napari, so that looking at them does not bring them into memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.formats.lazy import in_slabs

CACHE_BYTES = 1 << 27


class SliceReader:
    """A lazy image that reads what a slice needs and keeps nothing.

    napari takes dask arrays chunk by chunk, without joining the reading to the slicing: a slice across x of a file in
    z slabs would bring all of it into memory. This is no dask array to napari, so dask joins both as usual.
    """

    def __init__(self, data: Any) -> None:
        self.data = data
        self.shape, self.dtype, self.ndim = tuple(data.shape), np.dtype(data.dtype), data.ndim
        self.size = math.prod(self.shape)

    def __getitem__(self, key: Any) -> Any:
        """A part, not read yet: napari cuts in two steps, first what is on the canvas and then the slice."""
        return SliceReader(self.data[key])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.data, dtype)


def for_canvas(levels: tuple[Any, ...]) -> tuple[Any, ...]:
    """The levels as napari gets them: in cubes as dask with a bounded cache, in slabs read anew."""
    from napari.utils import resize_dask_cache

    if not hasattr(levels[0], "dask"):
        return levels
    resize_dask_cache(CACHE_BYTES)
    return tuple(SliceReader(level) for level in levels) if in_slabs(levels[0]) else levels
