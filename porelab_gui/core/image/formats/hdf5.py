"""HDF5: any data set with three dimensions; voxel size from the attributes that Fiji, ilastik and others write."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import (
    Image,
    Options,
    choose_dataset,
    native,
    tags_voxel,
    three_axes,
    unit_in_metres,
)
from porelab_gui.core.image.formats.lazy import stored
from porelab_gui.core.nouns import VoxelSize

PREFERRED = ("image", "data", "volume", "exported_data", "grey", "stack", "labels")
SIZES = (("element_size_um", 1e-6), ("voxel_size", 1.0), ("voxel_size_m", 1.0), ("voxel_size_um", 1e-6),
         ("voxel_size_nm", 1e-9), ("resolution_nm", 1e-9))  # fmt: skip
MAX_OBJECTS = 5000
SPARSEST, SPARSE_BYTES = 4096, 1 << 33  # bytes promised per byte of the file, where they are more than 8 GiB


def stacks(file: Any, at_least: int = 3) -> dict[str, Any]:
    """Numeric data sets with three or more dimensions that are longer than one, by path."""
    found: dict[str, Any] = {}
    seen = 0

    def look(name: str, item: Any) -> bool | None:
        nonlocal seen
        seen += 1
        if hasattr(item, "dtype") and item.dtype.kind in "biuf" and sum(n > 1 for n in item.shape) >= at_least:
            found[name] = item
        return True if seen > MAX_OBJECTS else None

    file.visititems(look)
    return found


def attribute_voxel(path: Path, item: Any) -> VoxelSize | None:
    """Voxel size (z, y, x in metres) from a data set's attributes, or its groups'; None when there is none."""
    while True:
        for key, unit in SIZES:
            if key in item.attrs:
                values = np.atleast_1d(np.asarray(item.attrs[key], float)).ravel()
                scale = _unit(item.attrs.get("voxel_unit", item.attrs.get("unit")), unit)
                sizes = np.repeat(values, 3) if values.size == 1 else values
                return tags_voxel(path, tuple(float(s) * scale for s in sizes), f"attribute {key}")
        if item.name == "/":
            return None
        item = item.parent


def _unit(given: Any, otherwise: float) -> float:
    if given is None:
        return otherwise
    text = given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given)
    return unit_in_metres(text) or otherwise


def check_stored(path: Path, item: Any) -> None:
    """Refuse values kept in other files, more contiguous ones than the file can hold, and absurd chunks."""
    if item.external or (item.is_virtual and any(s.file_name != "." for s in item.virtual_sources())):
        raise FormatError(
            f"its data set {item.name} reads from another file",
            where=path,
            remedy="Copy the values into one file: h5repack does that.",
        )
    nbytes = math.prod(item.shape) * item.dtype.itemsize
    size = path.stat().st_size
    chunk = math.prod(item.chunks or (0,)) * item.dtype.itemsize
    sparse = nbytes > max(SPARSE_BYTES, SPARSEST * size)
    if (item.chunks is None and nbytes > size) or chunk > max(1 << 28, 2 * size) or sparse:
        raise FormatError(
            f"its data set {item.name} promises {nbytes:,} bytes and the file holds {size:,}",
            where=path,
            remedy="The file is truncated or damaged; copy it again.",
        )


def open_image(path: Path, options: Options) -> Image:
    """Open one data set; read in pieces when large."""
    import h5py

    with h5py.File(path, "r") as file:
        found = stacks(file) or stacks(file, 2)
        name = choose_dataset(path, tuple(found), options.dataset, PREFERRED)
        item = found[name]
        check_stored(path, item)
        voxel = attribute_voxel(path, item)
        data = stored(path, item)
    source = "its attributes" if voxel else ""
    return Image(native(three_axes(path, data)), voxel, source, datasets=tuple(found), name=name)
