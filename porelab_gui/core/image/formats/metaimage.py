"""MetaImage: .mhd with its .raw or .zraw/.raw.gz beside it, and .mha in one file."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import (
    UNITS_M,
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

TYPES = {
    "MET_UCHAR": "u1", "MET_CHAR": "i1", "MET_USHORT": "u2", "MET_SHORT": "i2", "MET_UINT": "u4", "MET_INT": "i4",
    "MET_ULONG": "u4", "MET_LONG": "i4", "MET_ULONG_LONG": "u8", "MET_LONG_LONG": "i8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
HEADER_LIMIT = 1 << 16
DEFLATE_LIMIT = 1100.0


def parse_header(path: Path) -> tuple[dict[str, str], int, str]:
    """Keys and values, the byte where the header ends, and what its comments say.

    The header ends with the ElementDataFile line; ``//`` and ``#`` start comments.
    """
    with path.open("rb") as handle:
        head = handle.read(HEADER_LIMIT)
    keys: dict[str, str] = {}
    said, at = [], 0
    for line in head.split(b"\n"):
        at += len(line) + 1
        text, _, comment = line.decode("latin-1").partition("//")
        said.append(comment)
        if text.lstrip().startswith("#"):
            said.append(text)
            continue
        key, equals, value = text.partition("=")
        if not equals:
            continue
        keys[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            return keys, at, " ".join(said)
    raise FormatError("its header has no ElementDataFile line", where=path, remedy="Export the image again.")


def _numbers(path: Path, keys: dict[str, str], key: str) -> list[float]:
    try:
        return [float(v) for v in keys[key].split()]
    except (KeyError, ValueError) as error:
        raise FormatError(
            f"its header has no usable {key} line", where=path, remedy="Export the image again."
        ) from error


def _unit(keys: dict[str, str], comments: str) -> float:
    """Metres per unit of length: a stated unit, a micrometre comment, else millimetres as the format says."""
    for key in ("DistanceUnits", "ElementSpacingUnits", "Units", "ElementSpacingUnit"):
        if key in keys:
            stated = unit_in_metres(keys[key].strip("()\"' "))
            if stated:
                return stated
    words = comments.lower().replace("\xb5", "µ").replace("(", " ").replace(")", " ").replace(",", " ").split()
    named = [w.strip(".;:[]") for w in words]
    micro = {"um", "µm", "micron", "microns", "micrometer", "micrometre", "micrometers", "micrometres"}
    return 1e-6 if micro & set(named) else 1e-9 if "nm" in named else UNITS_M["mm"]


def voxel_size(path: Path, keys: dict[str, str], comments: str) -> VoxelSize | None:
    """Voxel size in metres (z, y, x): ElementSpacing, else ElementSize; None when neither is there."""
    key = next((k for k in ("ElementSpacing", "ElementSize") if k in keys), None)
    if key is None:
        return None
    unit = _unit(keys, comments)
    return tags_voxel(path, tuple(v * unit for v in reversed(_numbers(path, keys, key))), f"{key} line")


def _data_file(path: Path, named: str) -> Path:
    """The file of the voxels: beside the header only, with .gz tried when it is absent."""
    data = path.parent / Path(named.replace("\\", "/")).name
    for candidate in (data, data.with_name(data.name + ".gz")):
        if candidate.is_file():
            return candidate
    raise FormatError(
        f"the voxels are said to be in {data.name}, which is not beside it",
        where=path,
        remedy=f"Put {data.name} into the same folder.",
    )


def inflate(path: Path, raw: bytes, needed: int) -> bytes:
    """Exactly ``needed`` bytes out of a zlib or gzip stream, and never more; FormatError when there are fewer."""
    worker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # zlib or gzip by its own head
    try:
        out = worker.decompress(raw, needed)
    except zlib.error as error:
        raise FormatError(
            f"its compressed voxels are damaged ({error})", where=path, remedy="Copy it again."
        ) from error
    if len(out) < needed:
        raise FormatError(
            f"its compressed voxels end after {len(out):,} of {needed:,} bytes",
            where=path,
            remedy="Copy it again.",
        )
    return out


def _voxels(path: Path, data: Path, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any], packed: bool) -> Any:
    size = data.stat().st_size
    needed = math.prod(shape) * dtype.itemsize
    packed = packed or data.suffix == ".gz"
    if offset < 0:
        offset = 0 if packed else size - needed
    check_declared(data, shape, dtype, size - offset, DEFLATE_LIMIT if packed else 1.0)
    if not packed:
        return plain(data, dtype, offset, shape)
    with data.open("rb") as handle:
        handle.seek(offset)
        array: NDArray[Any] = np.frombuffer(inflate(data, handle.read(), needed), dtype).reshape(shape)
    return array


def open_image(path: Path, options: Options) -> Image:
    """Open a MetaImage; lengths are millimetres unless a unit or a comment says micrometres."""
    keys, end, comments = parse_header(path)
    dims = [int(v) for v in _numbers(path, keys, "DimSize")]
    kind = TYPES.get(keys.get("ElementType", ""))
    if kind is None:
        raise FormatError(
            f"its ElementType {keys.get('ElementType')!r} is unknown",
            where=path,
            remedy="Export grey levels.",
        )
    if int(keys.get("ElementNumberOfChannels", "1")) != 1:
        raise FormatError("it has several channels", where=path, remedy="Export one channel.")
    big = "true" in (
        keys.get("BinaryDataByteOrderMSB", "").lower(),
        keys.get("ElementByteOrderMSB", "").lower(),
    )
    dtype = np.dtype(kind).newbyteorder(">" if big else "<")
    local = keys["ElementDataFile"] == "LOCAL"
    if keys["ElementDataFile"] == "LIST" or "%" in keys["ElementDataFile"]:
        raise FormatError("its voxels are a list of files", where=path, remedy="Open the folder of slices instead.")
    data = path if local else _data_file(path, keys["ElementDataFile"])
    offset = end if local else int(keys.get("HeaderSize", "0"))
    packed = keys.get("CompressedData", "").lower() == "true"
    if len(dims) < 2:
        raise FormatError(f"its DimSize is {dims}", where=path, remedy="Export the image again.")
    voxels = _voxels(path, data, offset, tuple(reversed(dims)), dtype, packed)
    found = voxel_size(path, keys, comments) if len(dims) == 3 else None
    return Image(native(three_axes(path, voxels)), found, "its ElementSpacing" if found else "")


def write_header(shape: tuple[int, int, int], dtype: Any, voxel: VoxelSize, data_file: str) -> str:
    """The text of an .mhd (millimetres, x first) for a little-endian .raw beside it."""
    kind = next(k for k, v in TYPES.items() if np.dtype(v) == np.dtype(dtype).newbyteorder("="))
    spacing = " ".join(repr(v * 1e3) for v in reversed(voxel))
    return (
        f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
        f"DistanceUnits = mm\nElementSpacing = {spacing}\nElementSize = {spacing}\n"
        f"DimSize = {' '.join(str(n) for n in reversed(shape))}\nElementType = {kind}\nElementDataFile = {data_file}\n"
    )
