"""Keeps None, True and False alive under a Qt binding that drops references to them."""

from __future__ import annotations

import ctypes
import platform
import sys

FOR_EVER = 1 << 40


def keep_singletons() -> bool:
    """Raise the reference counts of None, True and False beyond reach; True when there was need to.

    PySide6 6.12.0 takes one reference to None away in most calls that return nothing (``setText``, ``processEvents``).
    From Python 3.12 on these objects are immortal; before, the interpreter aborts after some hundred thousand calls
    with "deallocating None". This does for 3.11 what PEP 683 does for 3.12.
    """
    if sys.version_info >= (3, 12) or platform.python_implementation() != "CPython":
        return False
    for each in (None, True, False):
        count = ctypes.c_ssize_t.from_address(id(each))
        if count.value < FOR_EVER:
            count.value += FOR_EVER
    return True
