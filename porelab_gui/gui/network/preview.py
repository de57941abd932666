"""What a running extraction has found so far, drawn in the viewer: peaks, then regions, until the network is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels, Layer, Points
from numpy.typing import NDArray

from porelab_gui.core.nouns import Stack
from porelab_gui.gui.images import MICRO, UNITS
from porelab_gui.gui.layers import Layers
from porelab_gui.session.jobs import FINISHED, Job
from porelab_gui.session.session import Session

PEAKS, REGIONS = "preview: peaks", "preview: regions"
COLOUR = "#ffd91a"
SIZE = 3.0  # voxels


class Previews:
    """Follows the job queue of a session and shows the previews of the job that sends them."""

    def __init__(self, session: Session, layers: Layers) -> None:
        self._layers, self._queue = layers, session.queue
        self._seen: Any = None
        self._shown: set[str] = set()
        self._queue.changed.connect(self._on_changed)
        self._queue.finished.connect(self._on_finished)

    def close(self) -> None:
        """Stop following the queue."""
        self._queue.changed.disconnect(self._on_changed)
        self._queue.finished.disconnect(self._on_finished)

    def _on_changed(self, job: Job) -> None:
        if job.preview is None or job.preview is self._seen or job.state in FINISHED:
            return
        stack = next((v for v in job.inputs.values() if isinstance(v, Stack)), None)
        if stack is None:
            return
        self._seen = job.preview
        stage, data, step = job.preview
        title, layer = (
            (PEAKS, peaks_layer(data, stack))
            if stage == "peaks"
            else (
                REGIONS,
                regions_layer(data, stack, step),
            )
        )
        self._layers.marks.drop(title)
        self._layers.marks.put(title, layer)
        self._shown.add(title)

    def _on_finished(self, job: Job) -> None:
        if job.preview is None:
            return
        job.preview = self._seen = None
        for title in self._shown:
            self._layers.marks.drop(title)
        self._shown.clear()


def peaks_layer(voxels: NDArray[Any], stack: Stack) -> Layer:
    """Dots at voxel indices (n, 3)."""
    scale = np.asarray(stack.voxel_size) * MICRO
    size = SIZE * float(scale.min())
    return Points(voxels * scale, name=PEAKS, size=size, face_color=COLOUR, border_width=0,
                  **UNITS)  # fmt: skip


def regions_layer(labels: NDArray[Any], stack: Stack, step: int) -> Layer:
    """Every ``step``-th voxel of the regions along each axis."""
    made = Labels(np.asarray(labels), name=REGIONS, scale=[v * MICRO * step for v in stack.voxel_size], opacity=0.5,
                  **UNITS)  # fmt: skip
    made.editable = False
    return made
