"""Waiting for jobs while the window goes on working."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from qtpy.QtCore import QCoreApplication

PAUSE = 0.005  # seconds; without it a wait takes a whole core


def wait_while(busy: Callable[[], object], seconds: float = math.inf) -> None:
    """Let the window work until ``busy()`` is false; TimeoutError after ``seconds``."""
    end = time.monotonic() + seconds
    while busy():
        if time.monotonic() > end:
            raise TimeoutError("jobs are still running")
        QCoreApplication.processEvents()
        time.sleep(PAUSE)
    QCoreApplication.processEvents()
