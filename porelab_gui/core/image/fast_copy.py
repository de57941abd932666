"""The Method ``fast_copy``: a stack once more on disk, in cubes and with levels, so that every axis is quick."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.cache import default_cache, key_of
from porelab_gui.core.errors import InputError
from porelab_gui.core.image.sources import NGFF
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Pyramid, Stack
from porelab_gui.core.progress import Progress

GIB = 1 << 30


class FastCopyParams(Params):
    """How much disk copies may take."""

    keep: float = param(
        50.0, "Copies beyond this are removed, the oldest first; the newest always stays.", unit="GiB", ge=1, le=1e6
    )


def copies_folder() -> Path:
    """Where copies are kept: beside the cache of results."""
    return default_cache().folder.parent / "copies"


def has_slow_axes(stack: Stack) -> bool:
    """Whether a stack lies on disk slice by slice and is large enough for a copy to be worth its place."""
    data = stack.data
    chunks = getattr(data, "chunksize", None)
    return chunks is not None and data.nbytes > GIB and chunks[1:] == data.shape[1:]


def prune(folder: Path, limit: float, newest: Path) -> None:
    """Remove the oldest copies until the rest takes at most ``limit`` bytes."""
    found = sorted((p for p in folder.glob("*.zarr") if p != newest), key=lambda p: p.stat().st_mtime, reverse=True)
    total = _size(newest)
    for path in found:
        total += _size(path)
        if total > limit:
            shutil.rmtree(path, ignore_errors=True)


def _size(path: Path) -> int:
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def _check_room(folder: Path, nbytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < 1.2 * nbytes:
        raise InputError(
            f"the copy takes {1.15 * nbytes / GIB:.1f} GiB and {free / GIB:.1f} GiB are free",
            where=folder,
            remedy="Free some space, or name another folder in PORELAB_CACHE.",
        )


def run(inputs: Inputs, params: FastCopyParams, progress: Progress) -> Outputs:
    """The same voxels out of a copy in cubes of 64 voxels with levels; made only once per content."""
    from porelab_gui.core.export.volumes import write_ome_zarr
    from porelab_gui.core.export.whole import whole_file
    from porelab_gui.core.image.formats.base import Options
    from porelab_gui.core.image.formats.lazy import resident
    from porelab_gui.core.image.formats.ome_zarr import open_image

    stack: Stack = inputs["image"]
    folder = copies_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key_of(stack.content_hash)}.zarr"
    if not path.exists():
        _check_room(folder, int(np.prod(stack.shape)) * np.dtype(stack.data.dtype).itemsize)
        with whole_file(path) as temporary:
            write_ome_zarr(stack, temporary, progress, compress=False)
            _date(temporary, stack.source)
        prune(folder, params.keep * GIB, path)
    os.utime(path)
    levels = resident(open_image(path, Options()).levels)
    return {"image": replace(stack, data=levels[0], pyramid=Pyramid(levels[0], levels[1:]))}


def _date(folder: Path, source: str) -> None:
    """Give the files of a copy the time of what they were copied from: made again, it is the same image."""
    path = Path(source)
    when = path.stat().st_mtime_ns if source and path.exists() else 0
    for file in folder.rglob("*"):
        os.utime(file, ns=(when, when))


def _estimate(inputs: Inputs, params: Any) -> Estimate:
    page = int(np.prod(inputs["image"].shape[1:])) * np.dtype(inputs["image"].data.dtype).itemsize
    return Estimate(ram=64 * page * 4)


FAST_COPY = Method(
    name="fast_copy",
    title="Fast copy on disk",
    summary="Keeps a stack once more on disk, in cubes and with coarser levels, so that it scrolls along every axis.",
    step="Load",
    citation=NGFF,
    params=FastCopyParams,
    inputs={"image": Port(Stack, "A stack that is read from disk as needed.")},
    outputs={"image": Stack},
    function=run,
    estimate=_estimate,
)
