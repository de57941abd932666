"""Unsaved work is kept aside every few minutes and after each job, in a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from qtpy.QtCore import QObject, QTimer

from porelab_gui.gui.context import Context
from porelab_gui.gui.settings import own
from porelab_gui.session.jobs import Job, State
from porelab_gui.session.lanes import LatestLane
from porelab_gui.session.recovery import Autosave

log = logging.getLogger(__name__)
MINUTES = 3.0
AFTER_JOB_MS = 1500  # jobs that follow one another at once are kept together


def recovery_root() -> Path:
    """Where unsaved work is kept; the variable PORELAB_CONFIG names another folder."""
    return own(user_data_path("porelab", appauthor=False)) / "recovery"


class Autosaver(QObject):
    """Writes the session aside when it differs from what is saved; ``told()`` gives title, project and saved items."""

    def __init__(self, context: Context, parent: QObject, told: Callable[[], tuple[str, str, Any]]) -> None:
        super().__init__(parent)
        self.context, self.kept, self._told = context, Autosave(recovery_root()), told
        self._lane = LatestLane("autosave", context.session.queue.deliver)
        self._busy = self._again = False
        self._last: Any = None
        self.clock = QTimer(self, interval=int(MINUTES * 60_000))
        self.clock.timeout.connect(self.save)
        self.soon = QTimer(self, singleShot=True, interval=AFTER_JOB_MS)
        self.soon.timeout.connect(self.save)
        context.session.queue.finished.connect(self._on_finished)
        self.clock.start()

    def save(self) -> None:
        """Keep what is unsaved now; nothing to do where all is saved or kept already."""
        if self._busy:
            self._again = True
            return
        title, place, saved = self._told()
        items, recipe = self.context.session.items, self.context.session.recipe
        pending = [p for p in (ask() for ask in self.context.unkept) if p is not None]
        if not pending and (items is saved or not items):
            self.kept.forget()
            return
        if not pending and items is self._last and self.kept.folder is not None:
            return
        self._busy, self._last = True, None if pending else items
        self._lane.ask(lambda p: self.kept.write(dict(items), recipe, title, place, pending, p), self._done)

    def close(self) -> None:
        """The session ends well: nothing is left behind."""
        self.clock.stop()
        self.soon.stop()
        self._lane.close()
        self.kept.forget()

    def _done(self, result: Any) -> None:
        self._busy = False
        if isinstance(result, Exception):
            self._last = None
            log.warning("unsaved work could not be kept aside: %s", result)
            self.context.notify("Unsaved work could not be kept aside; save the project.", "warning", str(result))
        if self._again:
            self._again = False
            self.save()

    def _on_finished(self, job: Job) -> None:
        if job.state is State.DONE and job.method.lane != "disk":
            self.soon.start()
