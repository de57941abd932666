"""A camera that flies to a place in a third of a second, however few pictures the machine draws in that time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qtpy.QtCore import QTimer

SECONDS = 0.35
TICK_MS = 16


class Flight:
    """Moves the centre and zoom of a viewer's camera; a new flight ends the one before."""

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._timer: QTimer | None = None
        self._from: tuple[Any, float] = (np.zeros(3), 1.0)
        self._goal: tuple[Any, float] = (np.zeros(3), 1.0)
        self._start = 0.0

    def to(self, centre: ArrayLike, extent: float) -> None:
        """Fly so that ``centre`` (z, y, x) [um] is in the middle and ``extent`` [um] fills about half the canvas."""
        camera = self._viewer.camera
        place = np.asarray(centre, float)
        if self._viewer.dims.ndisplay == 2:
            self._viewer.dims.set_point(0, float(place[0]))
        canvas = min(self._viewer.canvas.size)
        self._from = (np.asarray(camera.center, float), float(camera.zoom))
        self._goal = (place, 0.5 * canvas / max(extent, 1e-9))
        self._start = time.monotonic()
        if self._timer is None:
            self._timer = QTimer()
            self._timer.setInterval(TICK_MS)
            self._timer.timeout.connect(self._step)
        self._timer.start()

    def stop(self) -> None:
        """Stay where the camera is."""
        if self._timer is not None:
            self._timer.stop()

    @property
    def flying(self) -> bool:
        """Whether the camera is on its way."""
        return self._timer is not None and self._timer.isActive()

    def _step(self) -> None:
        share = min((time.monotonic() - self._start) / SECONDS, 1.0)
        smooth = share * share * (3 - 2 * share)
        camera = self._viewer.camera
        camera.center = tuple(self._from[0] + smooth * (self._goal[0] - self._from[0]))
        camera.zoom = float(self._from[1] * (self._goal[1] / self._from[1]) ** smooth)
        if share >= 1.0 and self._timer is not None:
            self._timer.stop()
