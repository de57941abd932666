"""A virtual display (Xvfb) for the time of one command, where no real one is at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from porelab_gui.core.errors import PorelabError

SCREEN = "1600x1000x24"


def has_display() -> bool:
    """Whether a window can be opened without help."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def virtual_display(always: bool = False, last: bool = False) -> Iterator[bool]:
    """Set DISPLAY to a fresh Xvfb when there is no display (or ``always``, where Xvfb exists); True when it did.

    ``last``: the block ends with this process, whose windows must not lose the server first; the server then ends
    when this process has.
    """
    if sys.platform in ("win32", "darwin") or (has_display() and not always):
        yield False
        return
    if shutil.which("Xvfb") is None:
        if has_display():
            yield False
            return
        raise PorelabError("there is no display and no Xvfb", remedy="Install xvfb, or run `make setup` as root.")
    with _xvfb(last) as name:
        before = {k: os.environ.get(k) for k in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
        os.environ.update(DISPLAY=name, QT_QPA_PLATFORM="xcb")
        os.environ.pop("WAYLAND_DISPLAY", None)
        try:
            yield True
        finally:
            for key, old in before.items():
                os.environ.pop(key, None) if old is None else os.environ.__setitem__(key, old)


def _end_with_parent() -> None:
    """In the new process: ask Linux for SIGTERM when the parent has gone (prctl PR_SET_PDEATHSIG)."""
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))


@contextmanager
def _xvfb(last: bool) -> Iterator[str]:
    """A running Xvfb and its display's name; the server itself picks a free number."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", SCREEN, "+extension", "GLX", "-nolisten", "tcp"]
    server = subprocess.Popen(
        command,
        pass_fds=(write,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_end_with_parent if last else None,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise PorelabError("the virtual display did not start", remedy="Try `Xvfb :99` by hand to see why.")
        yield f":{number}"
    finally:
        if not last:
            server.terminate()
            server.wait(5)
