"""NetCDF: version 4 (HDF5) as GeoSlicer writes it, and version 3.

Dimensions z, y, x with coordinates in millimetres; label images carry the attribute ``labels``, lines of
``Name,Index,Color`` with that head.
"""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import (
    Image,
    Options,
    check_declared,
    check_memory,
    choose_dataset,
    native,
    tags_voxel,
    three_axes,
    unit_in_metres,
)
from porelab_gui.core.image.formats.hdf5 import check_stored, stacks
from porelab_gui.core.image.formats.lazy import stored
from porelab_gui.core.nouns import VoxelSize

VOID_WORDS = ("pore", "void", "poro", "air")
HEAD = "Name,Index,Color"


def text_of(value: Any) -> str:
    """An attribute as text."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def coordinate_step(path: Path, values: Any, unit: float, name: str) -> float | None:
    """Distance of neighbours in metres; FormatError when the coordinate does not run evenly."""
    at = np.asarray(values, float)
    if at.size < 2:
        return None
    steps = np.diff(at)
    step = float(steps.mean())
    if not np.allclose(steps, step, rtol=1e-3, atol=1e-6 * abs(step)) or not math.isfinite(step):
        raise FormatError(f"its coordinate {name} does not run evenly", where=path, remedy="Resample it first.")
    return abs(step) * unit


def phases_of(attribute: Any) -> tuple[dict[int, str], tuple[int, ...]] | None:
    """Names of the labels and which are void (by their names), from GeoSlicer's ``labels`` attribute."""
    lines = [text_of(v) for v in np.atleast_1d(np.asarray(attribute, dtype=object))]
    if not lines or not lines[0].lower().startswith("name,index"):
        return None
    rows = [line.split(",") for line in lines[1:]]
    phases = {0: "background"} | {int(r[1]): r[0] for r in rows if len(r) >= 2}
    void = tuple(k for k, v in phases.items() if any(w in v.lower() for w in VOID_WORDS))
    return phases, void


def _voxel(path: Path, steps: list[float | None]) -> VoxelSize | None:
    if any(s is None for s in steps) or len(steps) != 3:
        return None
    return tags_voxel(path, tuple(float(s) for s in steps if s is not None), "coordinates")


def _open_hdf(path: Path, options: Options) -> Image:
    import h5py

    with h5py.File(path, "r") as file:
        found = stacks(file)
        name = choose_dataset(path, tuple(found), options.dataset, ("data", "image", "ct", "labels"))
        item = found[name]
        check_stored(path, item)
        steps = [_step(path, d[0] if len(d) else None) for d in item.dims]
        told = _told(item.attrs)
        data = stored(path, item)
    voxel = _voxel(path, steps)
    phases, void = told if told and told[1] else (None, None)
    source = "its coordinates" if voxel else ""
    return Image(native(three_axes(path, data)), voxel, source, phases, void, tuple(found), name=name)


def _step(path: Path, scale: Any) -> float | None:
    """Voxel edge along a dimension from its coordinates; None when it has none."""
    if scale is None or scale.shape[0] >= 1 << 24 or scale.external or scale.is_virtual or _is_dummy(scale):
        return None
    unit = unit_in_metres(text_of(scale.attrs.get("units", "mm")))
    return coordinate_step(path, scale[()], unit or 1e-3, scale.name)


def _told(attributes: Any) -> tuple[dict[int, str], tuple[int, ...]] | None:
    """Phases and void: as PoreLab wrote them, else as GeoSlicer did."""
    if "porelab" in attributes:
        known = json.loads(text_of(attributes["porelab"]))
        return {int(k): str(v) for k, v in known["porelab_phases"].items()}, tuple(int(v) for v in known["void"])
    return phases_of(attributes["labels"]) if "labels" in attributes else None


def _is_dummy(scale: Any) -> bool:
    """A dimension without coordinates: NetCDF stores it as a scale with this name."""
    return "but not a netCDF variable" in text_of(scale.attrs.get("NAME", b""))


def _open_classic(path: Path, options: Options) -> Image:
    from scipy.io import netcdf_file

    check_memory(path, path.stat().st_size)
    # bytes, since a false length in a file must not be asked of memory
    with netcdf_file(io.BytesIO(path.read_bytes()), "r", mmap=False) as file:
        found = {n: v for n, v in file.variables.items() if len(v.shape) >= 3}
        name = choose_dataset(path, tuple(found), options.dataset, ("data", "image", "labels"))
        item = found[name]
        check_declared(path, item.shape, item.data.dtype, path.stat().st_size)
        steps: list[float | None] = []
        for dimension in item.dimensions:
            scale = file.variables.get(dimension)
            unit = unit_in_metres(text_of(getattr(scale, "units", "mm"))) or 1e-3
            steps.append(coordinate_step(path, scale.data, unit, dimension) if scale is not None else None)
        data = np.array(item.data)
    voxel = _voxel(path, steps)
    source = "its coordinates" if voxel else ""
    return Image(native(three_axes(path, data)), voxel, source, datasets=tuple(found), name=name)


def open_image(path: Path, options: Options) -> Image:
    """Open one variable of a NetCDF file."""
    with path.open("rb") as handle:
        classic = handle.read(3) == b"CDF"
    return _open_classic(path, options) if classic else _open_hdf(path, options)
