"""The one bridge from the lanes' threads to Qt's thread."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from qtpy.QtCore import QObject, Qt, Signal

BUDGET = 0.006  # seconds of calls per turn of the event loop, well under one frame


class Bridge(QObject):
    """Give it to ``JobQueue(deliver=...)``: calls made on any thread run on Qt's, in order, a few at a time.

    A loop that reports progress ten thousand times a second fills a queue here and never the event loop.
    """

    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._woken = False
        self._wake.connect(self._drain, Qt.ConnectionType.QueuedConnection)

    def __call__(self, call: Callable[[], None]) -> None:
        """Run ``call`` on Qt's thread, soon."""
        self._calls.append(call)
        self._rouse()

    def _rouse(self) -> None:
        with self._lock:
            if self._woken or not self._calls:
                return
            self._woken = True
        with suppress(RuntimeError):  # the window is gone while a lane still reports
            self._wake.emit()

    def _drain(self) -> None:
        end = time.perf_counter() + BUDGET
        while self._calls and time.perf_counter() < end:
            call = self._calls.popleft()
            try:
                call()
            except Exception:
                sys.excepthook(*sys.exc_info())
        with self._lock:
            self._woken = False
        self._rouse()
