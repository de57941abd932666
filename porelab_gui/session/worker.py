"""The child process of the process lane: runs one Method after another and can be killed at any time."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.heap import give_back_heap
from porelab_gui.core.learning.device import is_device_full
from porelab_gui.core.leftovers import keep_journal, remove_leftovers
from porelab_gui.core.nouns import Noun
from porelab_gui.core.progress import Cancelled
from porelab_gui.session.transfer import Parcel, pack, unpack
from porelab_gui.session.workplace import Workplace

PERIOD = 0.05
IDLE = 1.0  # seconds without work after which the child prepares for more
PREVIEW_VOXELS = 4_000_000


class Reporter:
    """A Progress that sends at most twenty messages a second to the parent, and raises when asked to stop."""

    def __init__(self, pipe: Connection, cancel: Event, place: Workplace) -> None:
        self._pipe, self._cancel, self._place, self._last = pipe, cancel, place, 0.0

    def __call__(self, done: float, total: float, message: str = "", /, **metrics: float) -> None:
        if self._cancel.is_set():
            raise Cancelled
        now = time.monotonic()
        if metrics or now - self._last >= PERIOD:
            self._last = now
            self._pipe.send(("progress", (done, total, message, metrics)))

    def show(self, name: str, picture: Any) -> None:
        """Send a small picture of the running work."""
        self._pipe.send(("picture", {name: picture}))

    def preview(self, stage: str, data: Any) -> None:
        """Show the parent a partial result: rows as they are, of an image every k-th voxel along each axis."""
        step = max(1, math.ceil((data.size / PREVIEW_VOXELS) ** (1 / 3))) if data.ndim == 3 else 1
        small = np.ascontiguousarray(data[::step, ::step, ::step]) if step > 1 else np.asarray(data)
        self._pipe.send(("preview", pack((stage, small, step), self._place.buffers())))


def serve(pipe: Connection, cancel: Event, place: Workplace) -> None:
    """Take (number, parcel of method, inputs, params) until None or until the parent is gone."""
    _be_modest()
    keep_journal(place.journal)
    try:
        _serve(pipe, cancel, place)
    except (EOFError, OSError):  # the parent is gone, and cannot tidy up any more
        remove_leftovers(place.journal)
        place.remove()


def _serve(pipe: Connection, cancel: Event, place: Workplace) -> None:
    ready = False
    while True:
        if not ready and not pipe.poll(IDLE):
            import_module("dask.array")  # takes a second, which the first large file would wait for
            ready = True
        order = pipe.recv()
        if order is None:
            return
        number, parcel = order
        pipe.send(answer(number, parcel, pipe, cancel, place))
        del order, parcel
        if not pipe.poll():
            give_back_heap()


@contextmanager
def _folder_of_job(folder: Path) -> Iterator[None]:
    """Temporary files go to ``folder``, which stays when the job ends well and leaves something in it."""
    folder.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    done = False
    try:
        yield
        done = True
    finally:
        tempfile.tempdir = before
        if not done or not any(folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)


def answer(number: int, parcel: Parcel, pipe: Connection, cancel: Event, place: Workplace) -> tuple[str, Any]:
    """Run one job; every way it can end is a message."""
    from porelab_gui.core.registry import get

    method: Any = None
    try:
        method, inputs, params = unpack(parcel)
        method = get(method) if isinstance(method, str) else method
        with _folder_of_job(place.job(number)):
            outputs = method(inputs, params, Reporter(pipe, cancel, place))
        return "done", pack((outputs, hashes(outputs)), place.buffers())
    except Cancelled:
        return "cancelled", None
    except Exception as error:
        trace = traceback.format_exc()
        return "failed", (portable(error, getattr(method, "title", "")), trace)


def hashes(outputs: Mapping[str, Noun]) -> dict[str, str]:
    """Content hashes of the outputs, computed where the work was done and never in the window's thread."""
    return {port: noun.content_hash for port, noun in outputs.items()}


def portable(error: BaseException, title: str = "") -> Exception:
    """The error when it is ours, else its sentence: a stranger's exception class may not travel.

    Without the traceback, whose frames would hold the arrays of the work.
    """
    if isinstance(error, PorelabError):
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)
    if is_device_full(error):
        remedy = "Take a smaller batch, tile or image, or close other programs that use it."
        return PorelabError("the graphics card has not enough memory", where=title or None, remedy=remedy)
    if isinstance(error, MemoryError):
        return PorelabError(
            "there is not enough memory", where=title or None, remedy="Crop the image or close other data."
        )
    return PorelabError(f"{type(error).__name__}: {error}", remedy="The traceback says where.")


def _be_modest() -> None:
    """Let the window go first: the child has the lower priority."""
    import psutil

    try:
        psutil.Process(os.getpid()).nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else 5)
    except (psutil.Error, AttributeError):
        return
