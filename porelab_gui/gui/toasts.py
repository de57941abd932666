"""Toasts: a readable sentence at the lower right of the canvas, the traceback behind a button."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from qtpy.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.gui.theme import follow_theme, role

log = logging.getLogger("porelab")
STAY_MS = {"info": 5000, "warning": 9000, "error": 0}  # an error stays until it is closed
MOST = 4
WIDTH = 400
Action = tuple[str, Callable[[], object]]
MARGIN = 12


class Toast(QFrame):
    """One message."""

    def __init__(
        self,
        parent: QWidget,
        text: str,
        kind: str,
        details: str,
        closed: Callable[[Toast], None],
        action: Action | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setProperty("kind", kind)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.text, self.kind, self.details, self._closed = text, kind, details, closed
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 6, 8)
        body = QVBoxLayout()
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        body.addWidget(label)
        if details:
            self.button = QPushButton("Show details")
            self.button.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            self.button.clicked.connect(self.show_details)
            body.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        if action is not None:
            self.act = QPushButton(action[0])
            self.act.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            self.act.clicked.connect(self.dismiss)
            self.act.clicked.connect(lambda: action[1]())
            body.addWidget(self.act, 0, Qt.AlignmentFlag.AlignLeft)
        row.addLayout(body, 1)
        cross = QToolButton()
        cross.setText("✕")
        cross.setToolTip("Close")
        role(cross, "icon")
        cross.clicked.connect(self.dismiss)
        row.addWidget(cross, 0, Qt.AlignmentFlag.AlignTop)
        self.setFixedWidth(min(WIDTH, max(200, parent.width() - 2 * MARGIN)))
        if STAY_MS.get(kind) and action is None:
            QTimer.singleShot(STAY_MS[kind], self.dismiss)

    def dismiss(self) -> None:
        """Go away."""
        with suppress(RuntimeError):  # its window is already gone
            self._closed(self)
            self.hide()
            self.deleteLater()

    def show_details(self) -> None:
        """The traceback, to read and to copy."""
        from porelab_gui.gui.dialogs.text import TextDialog

        TextDialog(self.window(), "What went wrong", self.details).show()


class Toasts(QObject):
    """Stacks toasts in the lower right corner of a widget, newest at the bottom."""

    def __init__(self, canvas: QWidget, viewer: Any) -> None:
        super().__init__(canvas)
        self._canvas, self._viewer = canvas, viewer
        self.shown: list[Toast] = []
        canvas.installEventFilter(self)

    def notify(self, text: str, kind: str = "info", details: str = "", action: Action | None = None) -> None:
        """Show a sentence; the same one twice is shown once. ``action``: words of a button and what it does."""
        log.log({"error": logging.ERROR, "warning": logging.WARNING}.get(kind, logging.INFO), "%s\n%s", text, details)
        for old in [t for t in self.shown if t.text == text] + self.shown[: max(0, len(self.shown) - MOST + 1)]:
            old.dismiss()
        toast = Toast(self._canvas, text, kind, details, self._forget, action)
        follow_theme(toast, self._viewer)
        self.shown.append(toast)
        toast.show()
        self._place()

    def report(self, error: BaseException, trace: str = "") -> None:
        """Show an exception: its own sentence when it is ours, else what it is in words."""
        trace = trace or "".join(traceback.format_exception(error))
        self.notify(sentence_of(error), "error", trace)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner when the canvas changes size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _forget(self, toast: Toast) -> None:
        if toast in self.shown:
            self.shown.remove(toast)
            self._place()

    def _place(self) -> None:
        bottom = self._canvas.height() - MARGIN
        for toast in reversed(self.shown):
            toast.adjustSize()
            bottom -= toast.height()
            toast.move(QPoint(self._canvas.width() - toast.width() - MARGIN, max(0, bottom)))
            toast.raise_()
            bottom -= 8


def sentence_of(error: BaseException) -> str:
    """What a person should read of an exception."""
    if isinstance(error, PorelabError):
        return error.sentence
    words = str(error).strip().splitlines()
    head = f"Something went wrong: {type(error).__name__}"
    return f"{head}: {words[0]}." if words else f"{head}."


class NapariBridge(QObject):
    """Shows napari's notifications as our toasts and writes uncaught exceptions to the log."""

    def __init__(self, toasts: Toasts, deliver: Callable[[Callable[[], None]], None]) -> None:
        super().__init__(toasts)
        from napari._qt.dialogs.qt_notification import NapariQtNotification
        from napari.utils.notifications import notification_manager

        self._toasts, self._deliver, self._manager = toasts, deliver, notification_manager
        self._theirs = NapariQtNotification.show_notification
        notification_manager.notification_ready.disconnect(self._theirs)
        notification_manager.notification_ready.connect(self._receive)

    def close(self) -> None:
        """Give napari its own toasts back."""
        self._manager.notification_ready.disconnect(self._receive)
        self._manager.notification_ready.connect(self._theirs)

    def _receive(self, notification: Any) -> None:
        error = getattr(notification, "exception", None)
        if error is not None:
            self._deliver(lambda: self._toasts.report(error))
            return
        kind = {"error": "error", "warning": "warning"}.get(str(notification.severity).lower(), "info")
        if kind == "warning":
            log.warning("%s", notification)  # a library's warning is for the log, not for the user
            return
        self._deliver(lambda: self._toasts.notify(str(notification.message), kind))
