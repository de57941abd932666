"""Content hashes: what a recipe and a cache know data by."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.scheduler import use_threads

WHOLE_BYTES = 1 << 30
PLACES, WINDOW = 64, 64


def hash_arrays(*arrays: Any, source: str = "") -> str:
    """BLAKE2b digest (32 hex digits) of shapes, dtypes and values.

    Lazy arrays are read slab by slab up to ``WHOLE_BYTES``. A larger one must open without being read: it is known by
    ``PLACES`` windows that are spread over it, by size and time of the files that it lies in (and of ``source``), and
    by what was painted over it. Any write to such a file makes it another image; a copy with its time kept does not.
    Where no file tells (an array made in memory), all of it is read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{tuple(array.shape)}{np.dtype(array.dtype).str}".encode())
        if hasattr(array, "dask"):
            use_threads()
        if told := _told(array, source):
            _sample(array, digest)
            digest.update(told.encode())
        elif hasattr(array, "dask"):
            for start in range(0, array.shape[0], 16):
                digest.update(np.ascontiguousarray(array[start : start + 16]).data)
        elif array.size:
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _told(array: Any, source: str) -> str:
    """The state of the files of a lazy array that is too large to be read; empty where it is read, or none tells."""
    if not hasattr(array, "dask") or array.nbytes <= WHOLE_BYTES:
        return ""
    told = [origin_stamp(origin) for origin in _origins(array)]
    return " ".join([*told, file_stamp(Path(source)) if source else ""]).strip()


def _sample(array: Any, digest: Any) -> None:
    """Windows of one slice at the places of an additive sequence (Roberts' R3, 1/1.2207440846 and its powers)."""
    array = source_of(array)
    steps = 1.2207440846057596 ** -np.arange(1.0, 1.0 + array.ndim)
    for k in range(PLACES):
        room = [max(1, n - (WINDOW if axis else 1) + 1) for axis, n in enumerate(array.shape)]
        start = [int((0.5 + (k + 1) * s) % 1.0 * r) for s, r in zip(steps, room, strict=True)]
        window = tuple(slice(a, a + (WINDOW if axis else 1)) for axis, a in enumerate(start))
        digest.update(np.ascontiguousarray(array[window]).data)


def _origins(array: Any) -> list[Any]:
    """What a dask array reads from: the objects that were given to ``dask.array.from_array``."""
    layers = [layer for name, layer in array.dask.layers.items() if str(name).startswith("original-")]
    return [value for layer in layers for value in layer.values()]


def source_of(array: Any) -> Any:
    """What a dask array reads from, when that is the same image voxel by voxel; else the array itself.

    dask spends milliseconds on every cut, however small.
    """
    found = _origins(array) if hasattr(array, "dask") and len(array.dask.layers) == 2 else []
    same = len(found) == 1 and tuple(found[0].shape) == tuple(array.shape) and found[0].dtype == array.dtype
    return found[0] if same else array


def origin_stamp(origin: Any) -> str:
    """The state of what an array reads from, by its own ``stamp()`` or its Zarr folder; empty when it has none."""
    if hasattr(origin, "dask"):
        return " ".join(origin_stamp(o) for o in _origins(origin))
    if hasattr(origin, "stamp"):
        return str(origin.stamp())
    store = getattr(origin, "store", None)
    inner = getattr(store, "_store", store)  # ours checks the chunks of another
    root = getattr(inner, "root", None) or getattr(inner, "path", None)  # dask's own from_zarr has the latter
    return file_stamp(Path(str(root), str(getattr(origin, "path", "")))) if root else ""


def file_stamp(path: Path) -> str:
    """Size and time (ns) of a file; of a folder the number, all bytes and the newest time of its files."""
    if not path.exists():
        return ""
    states = [path.stat()] if path.is_file() else [f.stat() for f in sorted(path.rglob("*")) if f.is_file()]
    total, newest = sum(s.st_size for s in states), max((s.st_mtime_ns for s in states), default=0)
    return f"{len(states)} {total} {newest}"


def hash_file(path: Path) -> str:
    """BLAKE2b digest of a file's bytes, read in pieces."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as handle:
        while piece := handle.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()
