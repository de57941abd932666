"""MATLAB .mat, versions 5 to 7.3: an array A(row, column, slice) is read as z = slice, y = row, x = column.

A variable ``voxel_size`` (metres; one value, or row, column, slice) gives the voxel.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.image.formats import mat5
from porelab_gui.core.image.formats.base import (
    Image,
    Options,
    check_memory,
    choose_dataset,
    native,
    tags_voxel,
    three_axes,
)
from porelab_gui.core.image.formats.hdf5 import check_stored, stacks
from porelab_gui.core.image.formats.lazy import stored
from porelab_gui.core.nouns import VoxelSize

PREFERRED = ("image", "data", "volume", "bin", "binary", "im", "labels")


def _voxel(path: Path, values: Any) -> VoxelSize:
    sizes = np.asarray(values, float).ravel()
    if sizes.size == 1:
        sizes = np.repeat(sizes, 3)
    row, column, page = sizes if sizes.size == 3 else (0.0, 0.0, 0.0)
    return tags_voxel(path, (page, row, column), "variable voxel_size")


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as handle:
        return b"MATLAB 7.3" in handle.read(128)


def _open_old(path: Path, options: Options) -> Image:
    known = mat5.variables(path)
    names = tuple(n for n, v in known.items() if len(v.shape) >= 3)
    flat = tuple(n for n, v in known.items() if len(v.shape) == 2 and min(v.shape) > 3)
    name = choose_dataset(path, names or flat, options.dataset, PREFERRED)
    chosen = known[name]
    check_memory(path, math.prod(chosen.shape) * chosen.dtype.itemsize)
    data = mat5.read(path, chosen)
    size = known.get("voxel_size")
    voxel = _voxel(path, mat5.read(path, size)) if size and math.prod(size.shape) in (1, 3) else None
    data = data.transpose(2, 0, 1) if data.ndim == 3 else data
    return Image(native(three_axes(path, data)), voxel, "its voxel_size" if voxel else "", datasets=names, name=name)


def _open_new(path: Path, options: Options) -> Image:
    import h5py

    with h5py.File(path, "r") as file:
        found = {n: d for n, d in (stacks(file) or stacks(file, 2)).items() if not n.startswith("#")}
        name = choose_dataset(path, tuple(found), options.dataset, PREFERRED)
        item = found[name]
        check_stored(path, item)
        size: Any = file["voxel_size"] if isinstance(file.get("voxel_size", getlink=True), h5py.HardLink) else None
        told = size is not None and name != "voxel_size" and getattr(size, "size", 0) in (1, 3) and not size.external
        voxel = _voxel(path, size[()]) if told else None
        logical = item.attrs.get("MATLAB_class", b"") in (b"logical", "logical")
        data = stored(path, item)
    data = data.astype(bool) if logical else data
    data = data.transpose(0, 2, 1) if data.ndim == 3 else data.T  # HDF5 lists MATLAB's axes from last to first
    source = "its voxel_size" if voxel else ""
    return Image(native(three_axes(path, data)), voxel, source, datasets=tuple(found), name=name)


def open_image(path: Path, options: Options) -> Image:
    """Open one variable; structures, cells and objects are left alone."""
    return _open_new(path, options) if _is_hdf5(path) else _open_old(path, options)
