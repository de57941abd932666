"""Progress and cancel as one argument of every long computation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Cancelled(Exception):
    """The user asked for the work to stop."""


class Progress(Protocol):
    """Call ``progress(done, total, message, metric=value)``; it raises ``Cancelled`` when asked to stop.

    ``total`` 0 means unknown. Metrics are plain floats, drawn live by the plots.
    """

    def __call__(self, done: float, total: float, message: str = "", /, **metrics: float) -> None: ...


def silent(done: float, total: float, message: str = "", /, **metrics: float) -> None:
    """A Progress that reports to nobody and never cancels."""


def within(progress: Progress, start: float, stop: float, prefix: str = "") -> Progress:
    """A Progress for one stage that occupies the fraction ``start``..``stop`` of a longer work."""

    return _Within(progress, start, stop, prefix)


class Showing:
    """A Progress that also hands on pictures (see ``show``) to ``put(name, picture)``."""

    def __init__(self, step: Progress, put: Callable[[str, Any], None]) -> None:
        self._step, self.show = step, put

    def __call__(self, done: float, total: float, message: str = "", /, **metrics: float) -> None:
        self._step(done, total, message, **metrics)


def show(progress: Progress, name: str, picture: Any) -> None:
    """Hand a picture of the running work to whoever watches; where nobody does, it is dropped."""
    put = getattr(progress, "show", None)
    if put is not None:
        put(name, picture)


class _Within:
    def __init__(self, progress: Progress, start: float, stop: float, prefix: str) -> None:
        self._progress, self._start, self._stop, self._prefix = progress, start, stop, prefix

    def __call__(self, done: float, total: float, message: str = "", /, **metrics: float) -> None:
        fraction = done / total if total > 0 else 0.0
        text = f"{self._prefix}: {message}" if self._prefix and message else (self._prefix or message)
        self._progress(self._start + (self._stop - self._start) * fraction, 1.0, text, **metrics)

    def show(self, name: str, picture: Any) -> None:
        show(self._progress, name, picture)
