"""Progress and cancel as one argument of every long computation."""

from __future__ import annotations

from typing import Protocol


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

    def step(done: float, total: float, message: str = "", /, **metrics: float) -> None:
        fraction = done / total if total > 0 else 0.0
        text = f"{prefix}: {message}" if prefix and message else (prefix or message)
        progress(start + (stop - start) * fraction, 1.0, text, **metrics)

    return step
