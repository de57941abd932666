"""How stacks on disk are handed to napari, so that looking at them does not bring them into memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.hashing import source_of
from porelab_gui.core.image.formats.lazy import in_slabs

CACHE_BYTES = 1 << 27
BLOCK_BYTES = 1 << 25  # neighbours that are read along, since a cut touches the same parts of the file for them
IN_SLABS = (1, 8, 64)  # neighbours by axis: rows lie apart, the columns of a row together; in cubes all of a cube
PIECES = 16
Cut = tuple["range | int", ...]


class Block:
    """Neighbouring slices, as far as they have been read: ``done`` of their pieces."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.data, self.done = np.empty(shape, dtype), 0


class Kept:
    """The blocks of an image that were looked at last, of all its levels together up to ``CACHE_BYTES``."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[tuple[int, Cut], Block] = OrderedDict()

    def block(self, level: int, cut: Cut, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Block:
        """The block of a cut; a new one takes the place of the oldest."""
        made = self._blocks.pop((level, cut), None) or Block(shape, dtype)
        self._blocks[level, cut] = made
        while len(self._blocks) > 1 and sum(b.data.nbytes for b in self._blocks.values()) > CACHE_BYTES:
            self._blocks.popitem(last=False)
        return made


class SliceReader:
    """A lazy image that reads what a slice needs, with its neighbours where they cost nothing more; some are kept.

    napari takes dask arrays chunk by chunk, without joining the reading to the slicing: a slice across x of a file in
    z slabs would bring all of it into memory. ``go_on`` is called between the pieces of a slice; what it raises ends
    the reading, and what was read by then is not read again.
    """

    def __init__(
        self, data: Any, cut: Cut | None = None, kept: Kept | None = None, go_on: Callable[[], None] | None = None
    ) -> None:
        self.data, self.cut = data, cut or tuple(range(n) for n in data.shape)
        self.kept, self.go_on = kept or Kept(), go_on
        self.shape = tuple(len(c) for c in self.cut if isinstance(c, range))
        self.dtype, self.ndim, self.size = np.dtype(data.dtype), len(self.shape), math.prod(self.shape)
        self.neighbours = IN_SLABS if in_slabs(data) else getattr(data, "chunksize", (1, 1, 1))

    def watched(self, go_on: Callable[[], None]) -> SliceReader:
        """The same, with another ``go_on``."""
        return SliceReader(self.data, self.cut, self.kept, go_on)

    def __getitem__(self, key: Any) -> Any:
        """A part, not read yet: napari cuts in two steps, first what is on the canvas and then the slice."""
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) > self.ndim or not all(isinstance(k, int | slice) for k in keys):
            return self.read()[key]
        left = iter((*keys, *(slice(None),) * (self.ndim - len(keys))))
        cut = tuple(c[next(left)] if isinstance(c, range) else c for c in self.cut)
        return SliceReader(self.data, cut, self.kept, self.go_on)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.read(), dtype)

    def read(self) -> NDArray[Any]:
        """The voxels of the cut, a new array."""
        fixed = [axis for axis, c in enumerate(self.cut) if isinstance(c, int) or len(c) == 1]
        if len(fixed) != 1 or self.neighbours[fixed[0]] == 1:
            return self._fill(Block(self.shape, self.dtype), self.cut)
        axis, chosen = fixed[0], self.cut[fixed[0]]
        place = chosen if isinstance(chosen, int) else chosen[0]
        width = max(1, min(self.neighbours[axis], BLOCK_BYTES // max(1, self.size * self.dtype.itemsize)))
        start = place // width * width
        cut = (*self.cut[:axis], range(start, min(start + width, self.data.shape[axis])), *self.cut[axis + 1 :])
        block = self.kept.block(id(self.data), cut, tuple(len(c) for c in cut if isinstance(c, range)), self.dtype)
        return self._fill(block, cut, 1 if axis == 0 else 0).take(place - start, axis).reshape(self.shape)

    def _fill(self, block: Block, cut: Cut, split: int = 0) -> NDArray[Any]:
        """Read the pieces along ``split`` of a block that are not there yet."""
        source, along = source_of(self.data), cut[split]
        if isinstance(along, int):
            return np.array(source[_key(cut)])
        whole = self.neighbours[split]  # cubes are not cut
        step = max(1, -(-len(along) // (PIECES * whole)) * whole)
        for start in range(block.done * step, len(along), step):
            if self.go_on is not None:
                self.go_on()
            part = (slice(None),) * split + (slice(start, start + step),)
            block.data[part] = source[_key((*cut[:split], along[start : start + step], *cut[split + 1 :]))]
            block.done += 1
        return block.data


def _key(cut: Cut) -> tuple[Any, ...]:
    return tuple(slice(c.start, c.stop, c.step) if isinstance(c, range) else c for c in cut)


def for_canvas(levels: tuple[Any, ...]) -> tuple[Any, ...]:
    """The levels as napari gets them: those on disk are read as they are looked at."""
    kept = Kept()
    return tuple(SliceReader(level, kept=kept) if hasattr(level, "dask") else level for level in levels)
