"""When Python looks for garbage: where nobody waits, and not through what stays for good.

A full collection goes through every object of the program, half a second with napari and torch loaded, and all
threads wait for it. Importing a library sets off several. What is there once the window is open (modules, classes,
menus) is never garbage, so it is left out for good; the rest is collected in quiet moments.
"""

from __future__ import annotations

import gc
import sys

from qtpy.QtCore import QObject, QTimer
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QApplication

YOUNG, MIDDLE = 700, 10  # as Python has them: these look at new objects only
SELDOM = 100_000  # middle collections until Python itself makes a full one, so in effect never
DUE = 5  # middle collections after which a full one is worth its time
TURN_MS = 2000
LONG_STILL = 5  # turns without a hand on the mouse until all is looked through
MANY_MODULES = 40


class Collector(QObject):
    """Takes the garbage collection of this process over; one per process, and only where the window is our own."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._modules, self._still, self._whole_due = len(sys.modules), 0, False
        self._place: tuple[int, int] | None = None
        self._before = gc.get_threshold()
        gc.set_threshold(YOUNG, MIDDLE, SELDOM)
        gc.freeze()
        self._timer = QTimer(self)
        self._timer.setInterval(TURN_MS)
        self._timer.timeout.connect(self.turn)
        self._timer.start()

    def stop(self) -> None:
        """Back to what was before."""
        self._timer.stop()
        gc.set_threshold(*self._before)
        gc.unfreeze()

    def want_whole(self) -> None:
        """Something large that may have been left out has gone: look through everything when the hands rest."""
        self._whole_due = True

    def turn(self) -> None:
        """What the moment allows."""
        self._still = self._still + 1 if self._resting() else 0
        if self._whole_due and self._still >= LONG_STILL:
            self._whole_due = False
            gc.unfreeze()
            self._leave_out()
        elif self._still and len(sys.modules) > self._modules + MANY_MODULES:
            self._leave_out()
        elif self._still and gc.get_count()[2] >= DUE:
            gc.collect()

    def _leave_out(self) -> None:
        """What is there after a collection is not looked through again."""
        gc.collect()
        gc.freeze()
        self._modules = len(sys.modules)

    def _resting(self) -> bool:
        """Whether the mouse is where it was and no button is down."""
        before, where = self._place, QCursor.pos()
        self._place = (where.x(), where.y())
        return before == self._place and not QApplication.mouseButtons().value
