"""Moves data between this process and its own workers: large arrays through mapped files, without a copy in memory.

Only bytes that this program wrote for its own child process pass here, never a file of the user.
"""

from __future__ import annotations

import io
import itertools
import os
import tempfile
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np

SMALL = 1 << 16


@dataclass(frozen=True)
class Parcel:
    """A message whose large buffers lie in one temporary file, back to back."""

    body: bytes
    path: str | None
    lengths: tuple[int, ...]


def pack(value: Any, folder: Path) -> Parcel:
    """Value to parcel, its arrays in a file in ``folder``.

    The system call that writes the arrays runs without the interpreter lock.
    """
    buffers: list[memoryview] = []

    def keep_inside(buffer: Any) -> bool:
        view = buffer.raw()
        if view.nbytes < SMALL:
            return True
        buffers.append(view)
        return False

    stream = io.BytesIO()
    # ForkingPickler passes its arguments on by position: file, protocol, fix_imports, buffer_callback
    ForkingPickler(stream, 5, True, keep_inside).dump(value)
    if not buffers:
        return Parcel(stream.getvalue(), None, ())
    descriptor, path = tempfile.mkstemp(prefix="porelab-", suffix=".buffers", dir=folder)
    with os.fdopen(descriptor, "wb", buffering=0) as handle:
        for view in buffers:
            _write_all(handle, view)
    return Parcel(stream.getvalue(), path, tuple(v.nbytes for v in buffers))


def unpack(parcel: Parcel) -> Any:
    """Parcel to value; the arrays are private maps of the file, which is removed."""
    if parcel.path is None:
        return ForkingPickler.loads(parcel.body)
    whole = np.memmap(parcel.path, dtype=np.uint8, mode="c")
    discard(parcel)
    edges = np.concatenate([[0], np.cumsum(parcel.lengths)])
    pieces = [whole[a:b].data for a, b in itertools.pairwise(edges)]
    return ForkingPickler.loads(parcel.body, buffers=pieces)


def discard(parcel: Parcel) -> None:
    """Remove the file of a parcel; a map that is still open keeps its data where the system allows it."""
    if parcel.path is not None:
        try:
            Path(parcel.path).unlink(missing_ok=True)
        except PermissionError:  # Windows keeps a mapped file; the temporary folder is cleared by the system
            return


def _write_all(handle: io.FileIO | Any, view: memoryview) -> None:
    flat = view.cast("B") if view.ndim != 1 or view.format != "B" else view
    start = 0
    while start < len(flat):
        start += handle.write(flat[start : start + (1 << 26)])
