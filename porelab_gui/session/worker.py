"""The child process of the process lane: runs one Method after another and can be killed at any time."""

from __future__ import annotations

import math
import os
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

import numpy as np

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import Noun
from porelab_gui.core.progress import Cancelled
from porelab_gui.session.transfer import Parcel, pack, unpack

PERIOD = 0.05
IDLE = 1.0  # seconds without work after which the child prepares for more
PREVIEW_VOXELS = 4_000_000


class Reporter:
    """A Progress that sends at most twenty messages a second to the parent, and raises when asked to stop."""

    def __init__(self, pipe: Connection, cancel: Event) -> None:
        self._pipe, self._cancel, self._last = pipe, cancel, 0.0

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
        self._pipe.send(("preview", pack((stage, small, step))))


def serve(pipe: Connection, cancel: Event) -> None:
    """Take (method, inputs, params) parcels until None or until the parent is gone."""
    _be_modest()
    ready = False
    while True:
        try:
            if not ready and not pipe.poll(IDLE):
                import_module("dask.array")  # takes a second, which the first large file would wait for
                ready = True
            parcel = pipe.recv()
        except (EOFError, OSError):
            return
        if parcel is None:
            return
        pipe.send(answer(parcel, pipe, cancel))


def answer(parcel: Parcel, pipe: Connection, cancel: Event) -> tuple[str, Any]:
    """Run one job; every way it can end is a message."""
    from porelab_gui.core.registry import get

    method: Any = None
    try:
        method, inputs, params = unpack(parcel)
        method = get(method) if isinstance(method, str) else method
        outputs = method(inputs, params, Reporter(pipe, cancel))
        return "done", pack((outputs, hashes(outputs)))
    except Cancelled:
        return "cancelled", None
    except MemoryError as error:
        where = getattr(method, "title", None)
        wrapped = PorelabError("there is not enough memory", where=where, remedy="Crop the image or close other data.")
        return "failed", (wrapped, "".join(traceback.format_exception(error)))
    except Exception as error:
        return "failed", (portable(error), traceback.format_exc())


def hashes(outputs: Mapping[str, Noun]) -> dict[str, str]:
    """Content hashes of the outputs, computed where the work was done and never in the window's thread."""
    return {port: noun.content_hash for port, noun in outputs.items()}


def portable(error: Exception) -> Exception:
    """The error itself when it is ours, else its sentence: a stranger's exception class may not travel."""
    if isinstance(error, PorelabError):
        return error
    return PorelabError(f"{type(error).__name__}: {error}", remedy="The traceback says where.")


def _be_modest() -> None:
    """Let the window go first: the child has the lower priority."""
    import psutil

    try:
        psutil.Process(os.getpid()).nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else 5)
    except (psutil.Error, AttributeError):
        return
