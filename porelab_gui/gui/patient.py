"""Layers of images on disk: what is slow to read is shown coarse at once, and sharp when a thread has read it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from napari.layers import Image
from napari.layers import Labels as LabelsLayer
from napari.layers.image.image import _ImageSlicingState
from napari.layers.labels.labels import _LabelsSlicingState

from porelab_gui.core.progress import Progress
from porelab_gui.gui.on_disk import SliceReader
from porelab_gui.session.lanes import LatestLane

WAIT_SECONDS = 0.05  # a slice that comes within it is shown without its coarse forerunner
Deliver = Callable[[Callable[[], None]], None]


class _Patient:
    """Slicing that waits for ``WAIT_SECONDS`` and shows the coarsest level, which is in memory, meanwhile."""

    layer: Any
    _awaited: int | None = None

    def _set_view_slice(self: Any) -> None:
        self._awaited = None
        lane = self.layer.lane
        if lane is None or self._slice_input.ndisplay == 3 or not self._slow():
            super()._set_view_slice()  # type: ignore[misc]  # of the slicing state that this is mixed into
            self._set_loaded(True)
            return
        request = self._make_slice_request_internal(
            slice_input=self._slice_input, data_slice=self.data_slice, dask_indexer=nullcontext
        )
        found = self._ask(lane, request)
        if found is None:
            self._awaited = request.id
            self._set_unloaded_slice_id(request.id)
        self._update_slice_response(found or coarse(request)())
        self._set_loaded(found is not None)

    def _slow(self) -> bool:
        """Whether what is to be shown lies on disk and a coarser version of it in memory."""
        layer = self.layer
        level = layer.data[layer.data_level if layer._locked_data_level is None else layer._locked_data_level]
        return not isinstance(level, np.ndarray) and isinstance(layer.data[-1], np.ndarray)

    def _ask(self: Any, lane: LatestLane, request: Any) -> Any:
        """What was read within the wait, else None: then it comes later."""
        found: list[Any] = []
        ready = threading.Event()
        me = weakref.ref(self)

        def work(progress: Progress) -> Any:
            data = request.data_at_data_level
            if isinstance(data, SliceReader):
                data = data.watched(lambda: progress(0, 1))
            try:
                found.append(replace(request, data_at_data_level=data)())
            finally:
                ready.set()
            return found[0]

        def done(result: Any) -> None:
            state = me()
            if state is not None and state._awaited == request.id:
                state._come(result)

        lane.ask(work, done)
        ready.wait(WAIT_SECONDS)
        return found[0] if found else None

    def _come(self: Any, result: Any) -> None:
        """The slice that was waited for, or why it cannot be read."""
        self._awaited = None
        self._set_loaded(True)
        if isinstance(result, Exception):
            raise result
        self._update_slice_response(result)
        self.layer._refresh_sync(data_displayed=True, highlight=True)


class _PatientImageSlicing(_Patient, _ImageSlicingState):  # type: ignore[misc]
    pass


class _PatientLabelsSlicing(_Patient, _LabelsSlicingState):  # type: ignore[misc]
    pass


class _OnDisk:
    """A layer with a lane of its own, which ends with it; without ``deliver`` it reads at once."""

    lane: LatestLane | None = None

    def read_aside(self, deliver: Deliver) -> None:
        """Read slow slices in a thread from now on; ``deliver`` brings them to the window's."""
        self.lane = LatestLane("slices", deliver)
        weakref.finalize(self, self.lane.close)


class PatientImage(_OnDisk, Image):  # type: ignore[misc]
    """An image on disk."""

    _type_string = "image"

    def _get_layer_slicing_state(self, data: Any, cache: bool) -> _PatientImageSlicing:
        return _PatientImageSlicing(self, data, cache)


class PatientLabels(_OnDisk, LabelsLayer):  # type: ignore[misc]
    """Labels on disk."""

    _type_string = "labels"

    def _get_layer_slicing_state(self, data: Any, cache: bool) -> _PatientLabelsSlicing:
        return _PatientLabelsSlicing(self, data, cache)


def coarse(request: Any) -> Any:
    """The request for the same part of the coarsest level."""
    level = request.thumbnail_level
    finer, coarser = (np.asarray(request.level_shapes[k], float) for k in (request.data_level, level))
    low, high = np.asarray(request.corner_pixels) * coarser / finer
    corners = np.stack([np.floor(low), np.minimum(np.ceil(high), coarser - 1)]).astype(int)
    return replace(request, data_at_data_level=request.data_at_thumbnail_level, data_level=level, corner_pixels=corners)
