"""Gives memory that is free again back to the system, which the C library of Linux does not do by itself."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


def give_back_heap() -> bool:
    """Return the free pages of the C heap to the system; whether there were any. Only glibc is asked.

    glibc gives every thread a heap of its own and returns only what is free at its end. One small array that a job
    leaves there keeps everything that the job has freed below it, and the heaps of hundreds of jobs only grow.
    The interpreter lock is not held meanwhile.
    """
    trim = _trim()
    return trim is not None and bool(trim(0))


@cache
def _trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
