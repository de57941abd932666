"""Work of the window cut into pieces, one per turn of the event loop, so that the window stays alive in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from qtpy.QtCore import QTimer

Step = Callable[[], object]


class Turns:
    """Does ``steps`` in order, one per turn; ``finish`` does what is left at once, ``stop`` leaves it undone."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = deque(steps)
        self._timer = QTimer()
        self._timer.setInterval(0)  # fires when nothing else waits, so what was done is drawn before
        self._timer.timeout.connect(self._one)
        self._timer.start()

    @property
    def left(self) -> int:
        """Steps that are not done."""
        return len(self._steps)

    def finish(self) -> None:
        """Do what is left now."""
        self._timer.stop()
        while self._steps:
            self._steps.popleft()()

    def stop(self) -> None:
        """Leave what is left undone."""
        self._timer.stop()
        self._steps.clear()

    def _one(self) -> None:
        if self._steps:
            self._steps.popleft()()
        if not self._steps:
            self._timer.stop()
