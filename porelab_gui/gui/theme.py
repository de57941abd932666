"""Colours of napari's theme, dark or light, for the docks and the plots."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget


@dataclass(frozen=True)
class Colours:
    """Hex colours of the theme in use."""

    background: str
    foreground: str
    primary: str
    secondary: str
    highlight: str
    text: str
    current: str
    warning: str
    error: str
    dark: bool

    @property
    def good(self) -> str:
        """The colour of what went well, readable on the background."""
        return "#5fbf77" if self.dark else "#1d7a37"

    @property
    def bad(self) -> str:
        """The colour of text that says what is wrong, readable on the background."""
        return "#ff8a80" if self.dark else "#b3261e"

    @property
    def quiet(self) -> str:
        """Secondary text with a contrast of at least 4.5 to 1 on the background."""
        return "#b8bdc7" if self.dark else "#50545c"

    @property
    def accent(self) -> str:
        """The fill of the one primary button; white text on it has a contrast above 4.5 to 1."""
        return "#1f6feb" if self.dark else "#0b57d0"

    @property
    def bar(self) -> str:
        """The fill of a progress bar; the text of the theme is readable on it."""
        return "#1f5fc4" if self.dark else "#a8c7fa"


def colours(viewer: Any) -> Colours:
    """Colours of the theme that a viewer shows."""
    from napari.utils.theme import get_theme

    theme = get_theme(viewer.theme)
    names = ("background", "foreground", "primary", "secondary", "highlight", "text", "current", "warning", "error")
    found = {name: getattr(theme, name).as_hex(format="long") for name in names}
    return Colours(**found, dark=theme.type == "dark")


def stylesheet(c: Colours) -> str:
    """Rules for our own widgets; napari's sheet covers the ordinary ones."""
    return f"""
    QLabel[role="quiet"] {{ color: {c.quiet}; }}
    QLabel[role="error"] {{ color: {c.bad}; }}
    QLabel[role="good"] {{ color: {c.good}; }}
    QLabel[role="title"] {{ font-size: 13pt; font-weight: 600; color: {c.text}; }}
    QLabel[role="section"] {{ font-weight: 600; color: {c.text}; }}
    QLabel[role="hero"] {{ font-size: 26pt; font-weight: 300; color: {c.text}; }}
    QPushButton[role="primary"] {{
        background: {c.accent}; color: white; border: none; border-radius: 4px; padding: 7px 14px; font-weight: 600;
    }}
    QPushButton[role="primary"]:hover {{ background: {c.accent}; border: 1px solid {c.text}; }}
    QPushButton[role="primary"]:disabled {{ background: {c.foreground}; color: {c.quiet}; }}
    QPushButton[role="card"] {{
        background: {c.foreground}; color: {c.text}; border: 1px solid {c.primary}; border-radius: 6px;
        padding: 6px 16px; text-align: left;
    }}
    QPushButton[role="card"]:hover {{ border: 1px solid {c.accent}; }}
    QPushButton[role="link"], QToolButton[role="link"] {{
        background: transparent; border: none; padding: 2px; color: {c.quiet}; text-align: left;
    }}
    QPushButton[role="link"]:hover, QToolButton[role="link"]:hover {{ color: {c.text}; }}
    QToolButton[role="fold"] {{
        background: transparent; border: none; padding: 2px 0; font-weight: 600; color: {c.text}; text-align: left;
    }}
    QToolButton[role="step"] {{
        background: {c.foreground}; color: {c.text}; border: 1px solid transparent; border-radius: 4px;
        padding: 4px 2px;
    }}
    QToolButton[role="step"]:hover {{ border: 1px solid {c.primary}; }}
    QToolButton[role="step"]:checked {{ background: {c.accent}; color: white; }}
    QToolButton[role="icon"] {{ background: transparent; border: none; padding: 2px 5px; color: {c.text}; }}
    QToolButton[role="icon"]:hover {{ background: {c.primary}; border-radius: 3px; }}
    QToolButton[role="icon"]:disabled {{ color: {c.primary}; }}
    QAbstractSpinBox[bad="true"], QLineEdit[bad="true"] {{ border: 1px solid {c.bad}; }}
    QAbstractSpinBox[role="narrow"] {{ min-width: 26px; padding: 1px 20px; }}
    QFrame#toast {{ background: {c.foreground}; border: 1px solid {c.primary}; border-radius: 6px; }}
    QFrame#toast QLabel {{ background: transparent; color: {c.text}; }}
    QFrame#toast[kind="error"] {{ border-left: 4px solid {c.bad}; }}
    QFrame#toast[kind="warning"] {{ border-left: 4px solid {c.warning}; }}
    QFrame#toast[kind="info"] {{ border-left: 4px solid {c.accent}; }}
    QProgressBar {{
        background: {c.foreground}; color: {c.text}; border: none; border-radius: 3px; text-align: center;
        min-height: 16px;
    }}
    QProgressBar::chunk {{ background: {c.bar}; border-radius: 3px; }}
    QToolButton[role="menu"] {{ padding: 4px 18px 4px 8px; background: {c.foreground}; border-radius: 3px; }}
    """


class Follow(QObject):
    """Keeps one widget in the theme's colours for as long as it lives."""

    def __init__(self, widget: QWidget, viewer: Any, then: Callable[[Colours], None] | None = None) -> None:
        super().__init__(widget)
        self._widget, self._viewer, self._then = widget, viewer, then
        viewer.events.theme.connect(self._apply)
        widget.destroyed.connect(self._forget)
        self._apply()

    def _apply(self, event: object = None) -> None:
        chosen = colours(self._viewer)
        with suppress(RuntimeError):  # the widget went first
            self._widget.setStyleSheet(stylesheet(chosen))
            if self._then:
                self._then(chosen)

    def _forget(self, *_: object) -> None:
        self._viewer.events.theme.disconnect(self._apply)


def follow_theme(widget: QWidget, viewer: Any, then: Callable[[Colours], None] | None = None) -> None:
    """Style a widget by the viewer's theme now and at every change; ``then(colours)`` for what a sheet cannot do."""
    Follow(widget, viewer, then)


def role(widget: QWidget, name: str) -> QWidget:
    """Mark a widget for a rule of the sheet (primary, quiet, error, title, ...)."""
    widget.setProperty("role", name)
    return widget


def restyle(widget: QWidget, name: str) -> None:
    """Give a widget that is shown already another role."""
    role(widget, name)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
