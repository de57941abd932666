"""NRRD: .nrrd, or .nhdr with its data beside it; raw, gzip and text encodings.

Lengths are in the units that the header gives, else in millimetres as 3D Slicer takes them.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import (
    Image,
    Options,
    check_declared,
    native,
    tags_voxel,
    three_axes,
    unit_in_metres,
)
from porelab_gui.core.image.formats.lazy import plain
from porelab_gui.core.image.formats.metaimage import DEFLATE_LIMIT, HEADER_LIMIT, inflate
from porelab_gui.core.nouns import VoxelSize

TYPES = {
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"), "i1": ("signed char", "int8", "int8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"), "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",), "f8": ("double",),
}  # fmt: skip
BY_NAME = {name: code for code, names in TYPES.items() for name in names}


def parse_header(path: Path) -> tuple[dict[str, str], int]:
    """Fields (lower case) and the byte where the data begin."""
    with path.open("rb") as handle:
        head = handle.read(HEADER_LIMIT)
    if not head.startswith(b"NRRD"):
        raise FormatError("it does not begin with NRRD", where=path, remedy="Check that it is an NRRD file.")
    found = re.search(rb"\r?\n\r?\n", head)
    end = found.end() if found else len(head)
    fields = {}
    for line in head[:end].decode("latin-1").splitlines()[1:]:
        key, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            fields[key.strip().lower()] = value.lstrip("=").strip()
    if not found and "data file" not in fields and "datafile" not in fields:
        raise FormatError("its header does not end", where=path, remedy="Copy or export it again.")
    return fields, end


def _spacing(path: Path, fields: dict[str, str]) -> list[float] | None:
    """Edges x, y, z in header units; None when the header has none."""
    if "space directions" in fields:
        vectors = re.findall(r"\(([^)]*)\)", fields["space directions"])
        return [math.sqrt(sum(float(v) ** 2 for v in vector.split(","))) for vector in vectors]
    if "spacings" in fields:
        values = [float(v) for v in fields["spacings"].split()]
        return None if any(math.isnan(v) for v in values) else values
    return None


def voxel_size(path: Path, fields: dict[str, str]) -> VoxelSize | None:
    """Voxel size in metres (z, y, x) or None."""
    edges = _spacing(path, fields)
    if edges is None or len(edges) != 3:
        return None
    named = re.findall(r'"([^"]*)"', fields.get("space units", fields.get("units", "")))
    units = [(unit_in_metres(n) or 1e-3) for n in named] if len(named) == 3 else [1e-3] * 3
    return tags_voxel(path, tuple(e * u for e, u in zip(edges[::-1], units[::-1], strict=True)), "spacing")


def _data_file(path: Path, fields: dict[str, str], end: int) -> tuple[Path, int]:
    named = fields.get("data file", fields.get("datafile"))
    if named is None:
        return path, end
    if "LIST" in named or "%" in named:
        raise FormatError("its voxels are a list of files", where=path, remedy="Open the folder of slices instead.")
    data = path.parent / Path(named.replace("\\", "/")).name
    if not data.is_file():
        raise FormatError(
            f"the voxels are said to be in {data.name}, which is not beside it", where=path, remedy="Put it there."
        )
    return data, 0


def _read(data: Path, at: int, shape: tuple[int, ...], dtype: np.dtype[Any], encoding: str) -> Any:
    left = data.stat().st_size - at
    if encoding == "raw":
        check_declared(data, shape, dtype, left)
        return plain(data, dtype, at, shape)
    if encoding in ("gzip", "gz"):
        check_declared(data, shape, dtype, left, DEFLATE_LIMIT)
        with data.open("rb") as handle:
            handle.seek(at)
            raw = inflate(data, handle.read(), math.prod(shape) * dtype.itemsize)
        return np.frombuffer(raw, dtype).reshape(shape)
    if encoding in ("ascii", "text", "txt"):
        check_declared(data, shape, np.uint8, left)
        with data.open("rb") as handle:
            handle.seek(at)
            return np.array(handle.read().split(), float).astype(dtype).reshape(shape)
    raise FormatError(f"its encoding {encoding} is not known", where=data, remedy="Save it raw or with gzip.")


def open_image(path: Path, options: Options) -> Image:
    """Open an NRRD file; raw data are mapped."""
    fields, end = parse_header(path)
    try:
        sizes = tuple(int(n) for n in fields["sizes"].split())
        code = BY_NAME[fields["type"].lower()]
    except (KeyError, ValueError) as error:
        raise FormatError(f"its header lacks a usable {error}", where=path, remedy="Export it again.") from error
    dtype = np.dtype(code).newbyteorder(">" if fields.get("endian") == "big" else "<")
    data, at = _data_file(path, fields, end)
    skip = int(fields.get("byte skip", fields.get("byteskip", "0")))
    encoding = fields.get("encoding", "raw").lower()
    if skip == -1 and encoding == "raw":
        at = data.stat().st_size - math.prod(sizes) * dtype.itemsize
    elif skip > 0:
        at += skip
    if at < 0 or fields.get("line skip", "0") != "0":
        raise FormatError("its data do not begin where the header says", where=path, remedy="Export it again.")
    voxels = _read(data, at, sizes[::-1], dtype, encoding)
    voxel = voxel_size(path, fields) if len(sizes) == 3 else None
    return Image(native(three_axes(path, voxels)), voxel, "its spacing" if voxel else "")
