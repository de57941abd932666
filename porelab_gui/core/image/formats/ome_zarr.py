"""OME-Zarr (NGFF 0.4 and 0.5): the full image as a dask array, its coarser levels beside it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import EAGER_BYTES, Image, Options, tags_voxel, three_axes, unit_in_metres
from porelab_gui.core.image.formats.zarr_edits import read_review
from porelab_gui.core.nouns import VoxelSize

CHUNK_LIMIT = 1 << 29
CHUNKS = 5_000_000
CODECS = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "numcodecs.")
    for name in ("blosc", "zstd", "gzip", "zlib", "lz4", "bz2", "lzma", "delta", "shuffle", "packbits", "bitround",
                 "fixedscaleoffset", "quantize", "astype", "bytes", "transpose", "crc32c", "crc32", "adler32",
                 "fletcher32", "sharding_indexed")
)  # fmt: skip
DASK_CHUNK = 1 << 18
FEW_CHUNKS = 512
FEW_STORED = 2000  # chunks in the file, each of which takes a millisecond to look for


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


def check_metadata(place: Path) -> None:
    """FormatError for an array whose metadata name a codec that could run code, or values that are no numbers.

    Zarr's library knows codecs that unpickle what they read.
    """
    for name in (".zarray", "zarr.json"):
        file = place / name
        if not file.is_file():
            continue
        if file.stat().st_size >= 1 << 24:
            raise FormatError("its metadata are larger than 16 MB", where=file)
        known = json.loads(file.read_text(encoding="utf-8"))
        strange = _codecs(known) - CODECS
        if strange:
            raise FormatError(
                f"it is packed by {', '.join(sorted(strange))}, which this program does not trust",
                where=file,
                remedy="Export it again with Blosc, Zstandard or gzip.",
            )


def _codecs(known: Any) -> set[str]:
    """Every codec that metadata name, at any depth: ``id`` in version 2, ``name`` in version 3."""
    if not isinstance(known, dict):
        return set()
    parts = [known.get("compressor"), *(known.get("filters") or ()), *(known.get("codecs") or ())]
    found = {str(p[key]) for p in parts if isinstance(p, dict) for key in ("id", "name") if key in p}
    found |= {part for part in parts if isinstance(part, str)}
    for part in parts:
        if isinstance(part, dict):
            inner = part.get("configuration") or {}
            found |= _codecs({"codecs": [*inner.get("codecs", ()), *inner.get("index_codecs", ())]})
    return found


def open_level(path: Path, name: str) -> Any:
    """One array as dask; FormatError for a way out of the folder, or chunks without measure."""
    import dask.array as da
    import zarr

    from porelab_gui.core.image.formats.checked_store import CheckedStore

    place = (path / name).resolve()
    if path.resolve() not in (place, *place.parents):
        raise FormatError(f"its level {name!r} lies outside the folder", where=path, remedy="Do not trust this file.")
    check_metadata(place)
    array = zarr.open_array(str(place), mode="r")
    size = math.prod(array.chunks) * array.dtype.itemsize
    count = math.prod(-(-n // c) for n, c in zip(array.shape, array.chunks, strict=True))
    if np.dtype(array.dtype).kind not in "biuf":
        raise FormatError(f"its level {name!r} holds {array.dtype}, not numbers", where=path)
    if size > CHUNK_LIMIT or count > CHUNKS or array.ndim < 2:
        raise FormatError(
            f"its level {name!r} has {count:,} chunks of {array.chunks} {array.dtype}",
            where=path,
            remedy="Export it again, in chunks of about 64 x 64 x 64.",
        )
    packed = "blosc" in repr(array.metadata).lower()
    checked = CheckedStore(zarr.storage.LocalStore(str(place), read_only=True), size, packed, str(place))
    array = zarr.open_array(checked, mode="r")
    return da.from_array(array, chunks=_chunks(array.shape, array.chunks, size), name=False)


def _chunks(shape: tuple[int, ...], chunks: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Chunks for dask: those of the file, more of them at once along z when they are tiny."""
    axis = max(0, len(shape) - 3)
    more = max(1, min(DASK_CHUNK // max(size, 1), FEW_STORED // FEW_CHUNKS))
    return tuple(min(n, c * more) if k == axis else c for k, (n, c) in enumerate(zip(shape, chunks, strict=True)))


def open_image(path: Path, options: Options) -> Image:
    """Open an OME-Zarr image, or a plain Zarr array, without reading its voxels."""
    known = attributes(path)
    scenes = known.get("multiscales", [])
    if not scenes:
        level = three_axes(path, open_level(path, options.dataset or "."))
        return Image(_small(level), datasets=())
    scene = scenes[0]
    entries = scene["datasets"]
    levels = tuple(three_axes(path, open_level(path, e["path"])) for e in entries)
    voxel = _voxel(path, scene, entries[0])
    phases = known.get("porelab_phases")
    void = tuple(int(v) for v in known.get("porelab_void", ())) if phases else None
    names = {int(k): str(v) for k, v in phases.items()} if phases else None
    source = "its coordinate transformations" if voxel else ""
    told = known.get("porelab_colours", {})
    colours = {int(k): str(v) for k, v in told.items() if re.fullmatch("#[0-9a-fA-F]{6}", str(v))}
    review = read_review(path, levels[0].shape) if names else None
    return Image(_small(levels[0]), voxel, source, names, void, levels=levels, colours=colours, review=review)


def _small(level: Any) -> Any:
    """In memory when small and in few pieces; a dask array otherwise."""
    nbytes = math.prod(level.shape) * np.dtype(level.dtype).itemsize
    few = nbytes <= EAGER_BYTES // 4 and level.npartitions <= FEW_CHUNKS
    return level.compute(scheduler="synchronous") if few else level
