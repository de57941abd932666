"""Flows kept by content hash: numbers and small fields in the cache, large fields as chunked arrays on disk beside it.

Large fields are never whole in memory again: they are read block by block when the viewer looks at them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.cache import Cache, default_cache
from porelab_gui.core.transport.stokes.choose import Choice
from porelab_gui.core.transport.stokes.flow import Flow

VERSION = "2"
LARGE = 64_000_000  # voxels from which fields are chunked arrays on disk
CHUNK = 64
LIMIT = 32 << 30  # bytes of fields on disk


@dataclass(frozen=True)
class Kept:
    """A flow and the choice of solver that led to it."""

    flow: Flow
    choice: Choice
    seconds: float


def recall(key: str, with_fields: bool, cache: Cache | None = None) -> Kept | None:
    """The flow kept under a key; None when there is none, or none with the fields that are asked for."""
    cache = cache or default_cache()
    entry = cache.get(key)
    if entry is None:
        return None
    velocity, pressure = _fields(cache, key, entry) if with_fields else (None, None)
    if with_fields and velocity is None:
        return None
    *tensor, iterations, remainder, held, width, seconds = entry["numbers"].tolist()
    flow = Flow(np.array(tensor), velocity, pressure, int(iterations), remainder, bool(entry["converged"]), int(held))
    solver, reason = (str(word) for word in entry["choice"])
    return Kept(flow, Choice(solver, reason, width), seconds)  # type: ignore[arg-type]


def keep(key: str, kept: Kept, with_fields: bool, cache: Cache | None = None) -> Flow:
    """Write a flow; the same flow comes back, with its fields on disk when they are large."""
    cache, flow = cache or default_cache(), kept.flow
    numbers = [*flow.permeability, flow.iterations, flow.remainder, flow.bytes_held, kept.choice.width, kept.seconds]
    entry: dict[str, Any] = {
        "numbers": np.array(numbers, dtype=float),
        "converged": np.array(flow.converged),
        "choice": np.array([kept.choice.solver, kept.choice.reason]),
    }
    if not with_fields or flow.velocity is None or flow.pressure is None:
        flow = replace(flow, velocity=None, pressure=None)
    elif flow.pressure.size < LARGE:
        entry |= {"velocity": flow.velocity, "pressure": flow.pressure}
    else:
        velocity, pressure = write_chunked(_folder(cache, key), flow.velocity, flow.pressure)
        flow = replace(flow, velocity=velocity, pressure=pressure)
    cache.put(key, entry, compress=False)
    return flow


def _folder(cache: Cache, key: str) -> Path:
    return cache.folder / "fields" / f"{key}.zarr"


def _fields(cache: Cache, key: str, entry: dict[str, Any]) -> tuple[Any, Any]:
    if "velocity" in entry:
        return entry["velocity"], entry["pressure"]
    folder = _folder(cache, key)
    if not (folder / "pressure").exists():
        return None, None
    folder.touch()
    return read_chunked(folder)


def write_chunked(folder: Path, velocity: Any, pressure: Any) -> tuple[Any, Any]:
    """Both fields as zarr arrays in blocks, opened as dask arrays; the least recently used of other keys make room."""
    import zarr

    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _make_room(folder.parent)
    group = zarr.open_group(str(folder), mode="w", zarr_format=2)
    for name, values in (("velocity", velocity), ("pressure", pressure)):
        chunks = (1,) * (values.ndim - 3) + tuple(min(CHUNK, n) for n in values.shape[-3:])
        group.create_array(name, shape=values.shape, dtype=values.dtype, chunks=chunks)[...] = values
    return read_chunked(folder)


def read_chunked(folder: Path) -> tuple[Any, Any]:
    """Velocity and pressure as dask arrays over the blocks on disk."""
    import dask.array

    return tuple(dask.array.from_zarr(str(folder), component=name) for name in ("velocity", "pressure"))  # type: ignore[return-value]


def _make_room(folder: Path, limit: int = LIMIT) -> None:
    sizes = {
        path: sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
        for path in sorted(folder.glob("*.zarr"), key=lambda p: p.stat().st_mtime)
    }
    total = sum(sizes.values())
    for path, size in sizes.items():
        if total <= limit:
            return
        shutil.rmtree(path, ignore_errors=True)
        total -= size
