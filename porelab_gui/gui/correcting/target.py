"""What is painted on: the layer of the labels, or a crop in memory of labels that are read from disk as needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Labels as LabelsLayer
from numpy.typing import NDArray

from porelab_gui.core.image.correct import Edits, edits_between
from porelab_gui.core.image.review import review_of
from porelab_gui.core.nouns import Labels
from porelab_gui.gui.context import Context
from porelab_gui.gui.images import MICRO, UNITS, name_phases
from porelab_gui.gui.looking import view_of

CROP_BYTES = 1 << 27
HALF_DEPTH = 16
CROP_TITLE = "crop to paint on"


class Target:
    """Labels as they are kept and the layer that takes the strokes on them.

    ``start`` is the voxel of the labels at which the layer begins; (0, 0, 0) unless it is a crop.
    """

    def __init__(self, context: Context, name: str, labels: Labels) -> None:
        self.context, self.name, self.labels = context, name, labels
        self.start = (0, 0, 0)
        self.crop: LabelsLayer | None = None
        self._before: NDArray[Any] | None = None

    @property
    def layer(self) -> Any:
        """The layer that takes the strokes; the item's own until a crop is made."""
        return self.crop if self.crop is not None else self.context.layers.layer(self.name)

    @property
    def lazy(self) -> bool:
        """Whether the labels stay on disk, so that only a crop of them can be painted on."""
        return not isinstance(self.labels.data, np.ndarray)

    @property
    def slices(self) -> range:
        """The z slices that can be painted on now."""
        layer = self.layer
        depth = layer.data.shape[0] if layer is not None else 0
        return range(self.start[0], self.start[0] + depth)

    def make_ready(self, z: int) -> Any:
        """A layer that may be painted on at slice ``z``: a copy of the session's array, or a crop about the slice."""
        if self.lazy:
            if self.crop is None or z not in self.slices:
                self._make_crop(z)
            return self.crop
        layer = self.layer
        if layer is not None and np.may_share_memory(self.labels.data, layer.data):
            layer.data = layer.data.copy()
        if layer is not None:
            layer.editable = True
        return layer

    def page(self, z: int) -> NDArray[Any]:
        """Slice ``z`` of what is painted on; a view."""
        return np.asarray(self.layer.data[z - self.start[0]])

    def pending(self) -> range:
        """Slices that strokes have reached since the last step (a few too many, never too few)."""
        layer = self.layer
        if layer is None or not hasattr(layer, "_undo_history") or (self.lazy and self.crop is None):
            return range(0)
        touched = touched_slices(layer)
        first, last = touched if touched is not None else (0, layer.data.shape[0])
        return range(self.start[0] + first, self.start[0] + last)

    def edits(self) -> Edits:
        """What differs now from the labels that are kept."""
        return self.edits_later()()

    def edits_later(self) -> Callable[[], Edits]:
        """A call that finds on any thread what differs from the labels that are kept."""
        labels, pending, start = self.labels, self.pending(), self.start
        if self.crop is None:
            return partial(edits_between, labels.data, self.layer.data, (pending.start, pending.stop))
        assert self._before is not None
        return partial(_edits_of_crop, labels.shape, self._before, self.crop.data, start)

    def automatic_page(self, z: int) -> NDArray[Any]:
        """The automatic result of slice ``z``, as much of it as is painted on."""
        labels = self.labels
        page = review_of(labels).automatic_slice(z, np.asarray(labels.data[z]))
        if self.crop is None:
            return page
        _, y, x = self.start
        rows, cols = self.crop.data.shape[1:]
        return page[y : y + rows, x : x + cols]

    def forget(self) -> None:
        """Take the crop away."""
        self.context.layers.lift(self.crop)
        self.crop = self._before = None
        self.start = (0, 0, 0)

    def _make_crop(self, z: int) -> None:
        labels = self.labels
        self.forget()
        box = self._box(z)
        self.start = tuple(b.start for b in box)  # type: ignore[assignment]
        self._before = np.array(labels.data[box])
        layer = LabelsLayer(self._before.copy(), name=f"{self.name}: {CROP_TITLE}", opacity=0.7, **UNITS)
        layer.scale = [v * MICRO for v in labels.voxel_size]
        layer.translate = [s * v * MICRO for s, v in zip(self.start, labels.voxel_size, strict=True)]
        name_phases(layer, labels.phases, labels.colours)
        self.crop = self.context.layers.lay(layer)

    def _box(self, z: int) -> tuple[slice, slice, slice]:
        """Slices about ``z``, and of each what is in view, within ``CROP_BYTES``."""
        labels = self.labels
        depth = labels.shape[0]
        view = view_of(self.context, self.name, labels)
        limit = int((CROP_BYTES / (2 * HALF_DEPTH + 1) / labels.data.dtype.itemsize) ** 0.5)
        sides = []
        for seen, n in zip((view.rows, view.cols), labels.shape[1:], strict=True):
            side = min(seen.stop - seen.start, limit)
            first = max(0, min((seen.start + seen.stop - side) // 2, n - side))
            sides.append(slice(first, first + side))
        return slice(max(0, z - HALF_DEPTH), min(depth, z + HALF_DEPTH + 1)), sides[0], sides[1]


def _edits_of_crop(
    shape: tuple[int, int, int], before: NDArray[Any], after: NDArray[Any], start: tuple[int, int, int]
) -> Edits:
    found = edits_between(before, after)
    places = np.unravel_index(found.index, found.shape)
    moved = tuple(p + s for p, s in zip(places, start, strict=True))
    return Edits(shape, np.ravel_multi_index(moved, shape).astype(np.int64), found.value)


def touched_slices(layer: Any) -> tuple[int, int] | None:
    """First and last + 1 slice that strokes reached, out of the layer's own histories; None when that is not known."""
    low, high = layer.data.shape[0], 0
    for item in (*layer._undo_history, *layer._redo_history):
        for atom in item:
            where = atom.slice_key[0] if hasattr(atom, "slice_key") else atom[0][0]
            if isinstance(where, slice):
                first, last = where.indices(layer.data.shape[0])[:2]
            else:
                first, last = int(np.min(where)), int(np.max(where)) + 1
            low, high = min(low, first), max(high, last)
    if len(layer._undo_history) >= layer._history_limit:
        return None
    return (low, high) if low < high else (0, 0)
