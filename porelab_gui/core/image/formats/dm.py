"""DigitalMicrograph .dm3 and .dm4, through RosettaSciIO."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

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
from porelab_gui.core.nouns import VoxelSize

READ_LIMIT = 1 << 31


def _voxel(path: Path, axes: list[dict[str, Any]]) -> VoxelSize | None:
    """Edges in metres along the axes, slowest first; None where an axis has no length unit."""
    units = [unit_in_metres(str(a.get("units", ""))) for a in axes]
    if len(axes) != 3 or any(u is None for u in units):
        return None
    return tags_voxel(path, tuple(abs(a["scale"]) * u for a, u in zip(axes, units, strict=True) if u), "calibration")


def open_image(path: Path, options: Options) -> Image:
    """Read the stack of a file (spectra and pictures are left alone)."""
    reader = importlib.import_module("rsciio.digitalmicrograph")
    if path.stat().st_size > READ_LIMIT:
        raise FormatError("it is larger than 2 GiB", where=path, remedy="Save it as MRC or TIFF.")
    found = {}
    for k, entry in enumerate(reader.file_reader(str(path), lazy=True)):
        title = entry.get("metadata", {}).get("General", {}).get("title") or f"image {k}"
        found[title if title not in found else f"{title} {k}"] = entry
    stacks = tuple(n for n, e in found.items() if len(e["data"].shape) >= 3)
    name = choose_dataset(path, stacks or tuple(found), options.dataset, ())
    entry = found[name]
    data = three_axes(path, entry["data"])
    voxel = _voxel(path, entry["axes"])
    hint = None
    lengths = [unit_in_metres(str(a.get("units", ""))) for a in entry["axes"]]
    if voxel is None and len(lengths) == 3 and lengths[1] and lengths[2]:
        hint = (0.0, entry["axes"][1]["scale"] * lengths[1], entry["axes"][2]["scale"] * lengths[2])
    data = data.compute() if hasattr(data, "compute") and data.nbytes < 1 << 28 else data
    return Image(native(data), voxel, "its calibration" if voxel else "", datasets=stacks, hint=hint, name=name)
