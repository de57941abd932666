"""OME-Zarr (NGFF 0.4 and 0.5): the full image as a dask array, its coarser levels beside it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import EAGER_BYTES, Image, Options, tags_voxel, three_axes, unit_in_metres
from porelab_gui.core.nouns import VoxelSize

CHUNK_LIMIT = 1 << 29
CHUNKS = 5_000_000


def attributes(path: Path) -> dict[str, Any]:
    """The NGFF attributes of a group: of version 0.5 (zarr.json), else of 0.4 (.zattrs), else none."""
    for name in ("zarr.json", ".zattrs"):
        file = path / name
        if file.is_file() and file.stat().st_size < 1 << 24:
            known = json.loads(file.read_text(encoding="utf-8"))
            if name == "zarr.json":
                known = known.get("attributes", {})
            return dict(known.get("ome", known)) | {k: v for k, v in known.items() if k.startswith("porelab")}
    return {}


def _scale(entry: dict[str, Any], scene: dict[str, Any], count: int) -> list[float]:
    """Lengths per voxel of a level: its scale times that of the whole."""
    made = [1.0] * count
    for source in (entry, scene):
        for change in source.get("coordinateTransformations", ()):
            if change.get("type") == "scale":
                made = [a * float(b) for a, b in zip(made, change["scale"], strict=True)]
    return made


def _voxel(path: Path, scene: dict[str, Any], entry: dict[str, Any]) -> VoxelSize | None:
    axes = [a for a in scene.get("axes", ()) if isinstance(a, dict)]
    if not axes:
        return None
    edges = _scale(entry, scene, len(axes))
    sizes = {a["name"]: (s, unit_in_metres(str(a.get("unit", "")))) for a, s in zip(axes, edges, strict=True)}
    if not {"z", "y", "x"} <= set(sizes) or any(sizes[k][1] is None for k in "zyx"):
        return None
    return tags_voxel(path, tuple(sizes[k][0] * (sizes[k][1] or 1.0) for k in "zyx"), "coordinate transformations")


def _level(path: Path, name: str) -> Any:
    """One array as dask; FormatError for a way out of the folder, or chunks that no memory holds."""
    import dask.array as da
    import zarr

    place = (path / name).resolve()
    if path.resolve() not in (place, *place.parents):
        raise FormatError(f"its level {name!r} lies outside the folder", where=path, remedy="Do not trust this file.")
    array = zarr.open_array(str(place), mode="r")
    if math.prod(array.chunks) * array.dtype.itemsize > CHUNK_LIMIT or array.ndim < 2:
        raise FormatError(
            f"its level {name!r} has chunks of {array.chunks} {array.dtype}", where=path, remedy="Export it again."
        )
    if math.prod(-(-n // c) for n, c in zip(array.shape, array.chunks, strict=True)) > CHUNKS:
        raise FormatError(f"its level {name!r} has too many chunks", where=path, remedy="Export it again.")
    _check_blosc(place, array)
    return da.from_zarr(array)


def _check_blosc(place: Path, array: Any) -> None:
    """Refuse chunks of a small array whose head promises another size than a chunk has: Blosc would believe it."""
    size = math.prod(array.chunks) * array.dtype.itemsize
    if array.nbytes > EAGER_BYTES // 4 or "Blosc" not in repr(array.metadata):
        return
    for file in place.rglob("*"):
        if file.is_file() and file.name[0] not in ".z":
            with file.open("rb") as handle:
                head = handle.read(16)
            if len(head) < 16 or int.from_bytes(head[4:8], "little") != size:
                raise FormatError(f"its chunk {file.name} is damaged", where=place, remedy="Copy it again.")


def open_image(path: Path, options: Options) -> Image:
    """Open an OME-Zarr image, or a plain Zarr array, without reading its voxels."""
    known = attributes(path)
    scenes = known.get("multiscales", [])
    if not scenes:
        level = three_axes(path, _level(path, options.dataset or "."))
        return Image(_small(level), datasets=())
    scene = scenes[0]
    entries = scene["datasets"]
    levels = tuple(three_axes(path, _level(path, e["path"])) for e in entries)
    voxel = _voxel(path, scene, entries[0])
    phases = known.get("porelab_phases")
    void = tuple(int(v) for v in known.get("porelab_void", ())) if phases else None
    names = {int(k): str(v) for k, v in phases.items()} if phases else None
    source = "its coordinate transformations" if voxel else ""
    return Image(_small(levels[0]), voxel, source, names, void, levels=levels)


def _small(level: Any) -> Any:
    """In memory when small; a dask array otherwise."""
    nbytes = math.prod(level.shape) * np.dtype(level.dtype).itemsize
    return level.compute(scheduler="synchronous") if nbytes <= EAGER_BYTES // 4 else level
