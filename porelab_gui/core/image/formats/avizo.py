"""Amira and Avizo images (.am): a uniform lattice; its bounding box runs from voxel centre to voxel centre."""

from __future__ import annotations

import re
from pathlib import Path

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.amira import Amira, parse, section
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

_NUMBER = r"([-+0-9.eE]+)"


def length_unit(am: Amira) -> float | None:
    """Metres per unit of length, when the header names one."""
    found = re.search(r'Coordinates\s+"([^"]+)"', am.text)
    if not found:
        return None
    return unit_in_metres(found[1].encode("latin-1").decode("utf-8", "replace")) or unit_in_metres(found[1])


def _voxel(am: Amira, shape: tuple[int, ...]) -> tuple[VoxelSize | None, VoxelSize | None]:
    """Voxel size, or a hint in micrometres when no unit is named."""
    found = re.search(r"BoundingBox\s+" + r"\s+".join([_NUMBER] * 6), am.text)
    if not found or min(shape) < 2:
        return None, None
    box = [float(v) for v in found.groups()]
    edges = [(box[2 * k + 1] - box[2 * k]) / (n - 1) for k, n in enumerate(reversed(shape))]
    unit = length_unit(am)
    if unit is None:
        z, y, x = (abs(e) * 1e-6 for e in reversed(edges))
        return None, (z, y, x)
    return tags_voxel(am.path, tuple(e * unit for e in reversed(edges)), "BoundingBox"), None


def _materials(am: Amira) -> dict[int, str]:
    """Names of the labels: ids where given, else their order from 0."""
    found = re.search(r"Materials\s*\{(.*)", am.text, re.S)
    if not found:
        return {}
    names, order = {}, 0
    for part in re.finditer(r"([A-Za-z0-9_ \"-]+?)\s*\{([^{}]*)\}|([{}])", found[1]):
        if part[3] == "}":
            break
        if part[1]:
            stated = re.search(r"Id\s+(\d+)", part[2])
            # Amira counts materials from 1 in Id and from 0 in the voxels
            names[int(stated[1]) - 1 if stated and int(stated[1]) > 0 else order] = part[1].strip().strip('"')
            order += 1
    return names


def open_image(path: Path, options: Options) -> Image:
    """Open the first lattice field of a .am image."""
    am = parse(path)
    if "Lattice" not in am.counts:
        raise FormatError("it holds no image (no Lattice)", where=path, remedy="Export the image as a uniform lattice.")
    scalars = {f.name: f for f in am.fields if f.owner == "Lattice" and f.parts == 1}
    name = choose_dataset(path, tuple(scalars), options.dataset, ("data", "labels"))
    shape = tuple(reversed(am.counts["Lattice"]))
    data = section(am, scalars[name]).reshape(shape)
    voxel, hint = _voxel(am, shape) if len(shape) == 3 else (None, None)
    phases = _materials(am) if name.lower() == "labels" else {}
    void = tuple(k for k, v in phases.items() if any(w in v.lower() for w in ("pore", "void")))
    return Image(
        native(three_axes(path, data)), voxel, "its BoundingBox" if voxel else "", phases if void else None,
        void or None, tuple(scalars), hint, name,
    )  # fmt: skip
