"""Multi-page TIFF: ImageJ, OME and plain; voxel size from the tags of the first two."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import (
    EAGER_BYTES,
    Image,
    Options,
    check_declared,
    native,
    tags_voxel,
    three_axes,
    unit_in_metres,
)
from porelab_gui.core.image.formats.lazy import plain
from porelab_gui.core.nouns import VoxelSize

MOST_COMPLAINTS = 50
COMPRESSION_LIMIT = 1500.0  # deflate reaches 1032, LZW about 1365
Voxel = tuple[VoxelSize | None, str, VoxelSize | None]


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What tifffile logs instead of raising: a page chain that ends in the middle of nowhere."""
    said: list[str] = []
    handler = logging.Handler()

    def hear(record: logging.LogRecord) -> None:
        said.append(record.getMessage())
        if len(said) > MOST_COMPLAINTS:  # one per page of a chain that has no end
            raise FormatError(
                f"the TIFF is damaged in many places ({said[0][:100]})", remedy="Copy or export it again."
            )

    handler.emit = hear  # type: ignore[method-assign]
    logger = logging.getLogger("tifffile")
    level, spread = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = spread


def _truncated(path: Path, why: str) -> FormatError:
    return FormatError(f"the TIFF is truncated or damaged ({why})", where=path, remedy="Copy or export the file again.")


def _check_pages(path: Path, tif: Any, series: Any, said: list[str]) -> None:
    """Every strip that a page names lies inside the file, and as many pages as promised are there."""
    bad = [s for s in said if any(w in s for w in ("invalid", "corrupt", "truncated", "missing", "failed"))]
    if bad:
        raise _truncated(path, bad[0].split(">")[-1].strip()[:120])
    size = path.stat().st_size
    for number, page in enumerate(series.pages):
        if page is None:
            raise _truncated(path, f"page {number} is missing")
        ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if ends and max(ends) > size:
            raise _truncated(path, f"page {number} ends at byte {max(ends):,} of {size:,}")
    images = (tif.imagej_metadata or {}).get("images", 1) if tif.is_imagej else 1
    planes = math.prod(series.shape[:-2]) or 1
    if int(images) > planes:
        raise _truncated(path, f"{planes} of {images} slices are there")


def _imagej(path: Path, tif: Any) -> Voxel:
    meta = tif.imagej_metadata or {}
    unit = unit_in_metres(str(meta.get("unit", "")))
    tags = tif.pages[0].tags
    if unit is None or "XResolution" not in tags or "YResolution" not in tags:
        return None, "", None
    per = [tags[k].value for k in ("YResolution", "XResolution")]
    # a rational of 32 bits holds nine digits: 5 um comes back as 5, not as 4.9999999996
    y, x = (float(f"{v[1] / v[0]:.9g}") * unit if v[0] else 0.0 for v in per)
    z_unit = unit_in_metres(str(meta.get("zunit", ""))) or unit
    if "spacing" not in meta:
        return None, "", (0.0, y, x)
    return (
        tags_voxel(path, (abs(float(meta["spacing"])) * z_unit, y, x), "ImageJ tags"),
        "the ImageJ tags",
        None,
    )


def slice_hint(path: Path) -> VoxelSize | None:
    """Pixel edges (0, y, x) in metres that one slice of a stack tells: ImageJ's tags, or those of FEI microscopes."""
    import tifffile

    with _complaints(), tifffile.TiffFile(path) as tif:
        if tif.is_fei:
            scan = (tif.fei_metadata or {}).get("Scan", {})
            y, x = (float(scan.get(k, 0.0) or 0.0) for k in ("PixelHeight", "PixelWidth"))
            return (0.0, y, x) if y > 0 and x > 0 else None
        voxel, _, hint = _imagej(path, tif) if tif.is_imagej else (None, "", None)
    return hint or (voxel and (0.0, *voxel[1:]))


def _ome(path: Path, tif: Any) -> Voxel:
    text = tif.ome_metadata
    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise FormatError("its OME description defines XML entities", where=path, remedy="Export it again.")
    pixels = next((e for e in ElementTree.fromstring(text).iter() if e.tag.endswith("}Pixels")), None)
    sizes = []
    for axis in "ZYX":
        value = None if pixels is None else pixels.get(f"PhysicalSize{axis}")
        unit = unit_in_metres(pixels.get(f"PhysicalSize{axis}Unit", "µm")) if pixels is not None else None
        sizes.append(float(value) * unit if value and unit else 0.0)
    if not sizes[1] or not sizes[2]:
        return None, "", None
    if not sizes[0] and pixels is not None and pixels.get("PhysicalSizeZ") is None:
        return None, "", (0.0, sizes[1], sizes[2])
    return tags_voxel(path, tuple(sizes), "OME description"), "the OME description", None


def _own_labels(tif: Any) -> tuple[dict[int, str] | None, tuple[int, ...] | None]:
    """Phases that PoreLab wrote into the ImageJ info or the OME description."""
    note = str((tif.imagej_metadata or {}).get("Info", "")) if tif.is_imagej else ""
    if tif.is_ome:
        found = [e.text for e in ElementTree.fromstring(tif.ome_metadata).iter() if e.tag.endswith("}Description")]
        note = (found[0] or "") if found else ""
    if not note.startswith('{"porelab_phases"'):
        return None, None
    known = json.loads(note)
    return {int(k): str(v) for k, v in known["porelab_phases"].items()}, tuple(int(v) for v in known["void"])


def grey(path: Path, data: Any, samples: bool) -> Any:
    """One channel of a colour image whose channels agree; FormatError when they differ."""
    if not samples:
        return data
    first = data[..., 0]
    if not all(bool((data[..., k] == first).all()) for k in range(1, min(3, data.shape[-1]))):
        raise FormatError("it is a colour image", where=path, remedy="Convert it to grey levels first.")
    return first


def _pages(path: Path, series: Any) -> Any:
    """A dask array that decodes each page when it is looked at."""
    import dask.array as da
    from dask import delayed

    page_shape, dtype = tuple(series.pages[0].shape), np.dtype(series.dtype)
    count = len(series.pages)
    blocks = [da.from_delayed(delayed(_page)(str(path), k), page_shape, dtype) for k in range(count)]
    return da.stack(blocks).reshape(series.shape)


def _page(path: str, index: int) -> Any:
    import tifffile

    with tifffile.TiffFile(path) as tif:
        return tif.series[0].pages[index].asarray()


def _data(path: Path, series: Any) -> Any:
    nbytes = math.prod(series.shape) * np.dtype(series.dtype).itemsize
    if series.dataoffset is not None and nbytes > EAGER_BYTES:
        order = series.parent.byteorder
        dtype = np.dtype(series.dtype).newbyteorder(order)
        return plain(path, dtype, series.dataoffset, series.shape)
    if nbytes > EAGER_BYTES and len(series.pages) == math.prod(series.shape[:-2]):
        return _pages(path, series)
    return series.asarray()


def open_image(path: Path, options: Options) -> Image:
    """Open the first series of a TIFF; mapped when stored plainly, page by page when large and compressed."""
    import tifffile

    try:
        with _complaints() as said, tifffile.TiffFile(path) as tif:
            return _open(path, tif, said)
    except tifffile.TiffFileError as error:
        raise _truncated(path, str(error)) from error
    except FormatError as error:
        raise FormatError(error.what, where=error.where or path, remedy=error.remedy) from error


def _open(path: Path, tif: Any, said: list[str]) -> Image:
    if not tif.pages:
        raise _truncated(path, "it holds no page")
    series = tif.series[0]
    plain = tif.pages[0].compression == 1
    check_declared(path, series.shape, series.dtype, path.stat().st_size, 1.0 if plain else COMPRESSION_LIMIT)
    _check_pages(path, tif, series, said)
    voxel: Voxel = _ome(path, tif) if tif.is_ome else _imagej(path, tif) if tif.is_imagej else (None, "", None)
    phases, void = _own_labels(tif)
    data = _data(path, series)
    bad = [s for s in said if "corrupt" in s or "truncated" in s or "failed" in s]
    if bad:
        raise _truncated(path, bad[0][:120])
    data = grey(path, data, "S" in series.axes[-1:])
    return Image(native(three_axes(path, data)), voxel[0], voxel[1], phases, void, hint=voxel[2])
