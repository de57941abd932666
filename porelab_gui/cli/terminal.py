"""Progress in a terminal: one line that is rewritten, silent when nobody looks."""

from __future__ import annotations

import sys
import time
from types import TracebackType

PERIOD = 0.2


class Bar:
    """A Progress on stderr."""

    def __init__(self, title: str) -> None:
        self._title, self._last, self._shown = title, 0.0, sys.stderr.isatty()

    def __enter__(self) -> Bar:
        return self

    def __call__(self, done: float, total: float, message: str = "", /, **metrics: float) -> None:
        now = time.monotonic()
        if not self._shown or now - self._last < PERIOD:
            return
        self._last = now
        share = f"{100 * done / total:3.0f} %" if total > 0 else "  ..."
        numbers = " ".join(f"{k}={v:.4g}" for k, v in metrics.items())
        print(f"\r\033[K{self._title}: {share} {message} {numbers}", end="", file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._last:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
