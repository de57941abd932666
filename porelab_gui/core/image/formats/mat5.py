"""MATLAB 5 to 7.2 files, read element by element: plain numeric arrays only, within the bytes that are there.

Structure: The MathWorks, MAT-File Format (R2024). Structures, cells, objects and sparse arrays are passed over.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError

MATRIX, COMPRESSED = 14, 15
ELEMENTS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
LOGICAL, COMPLEX = 0x02, 0x08
PACKING = 1100  # the most that deflate can pack
HEAD = 4096  # bytes of a packed variable that hold its name and dimensions


@dataclass(frozen=True)
class Variable:
    """A numeric array: where its bytes are, packed or not."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    length: int
    packed: bool


@dataclass(frozen=True)
class _Element:
    kind: int
    start: int
    length: int
    next: int


def _element(data: bytes, at: int, order: str) -> _Element:
    """The element at a byte: the small form keeps up to four bytes inside its tag."""
    kind, length = struct.unpack_from(order + "2I", data, at)
    if kind >> 16:
        return _Element(kind & 0xFFFF, at + 4, kind >> 16, at + 8)
    return _Element(kind, at + 8, length, at + 8 + (length + 7) // 8 * 8)


def _matrix(data: bytes, order: str) -> tuple[str, tuple[int, ...], np.dtype[Any], int] | None:
    """Name, shape, type and first byte of the values of a matrix element; None unless it is a real numeric array."""
    flags = _element(data, 0, order)
    word = struct.unpack_from(order + "I", data, flags.start)[0]
    dims = _element(data, flags.next, order)
    name = _element(data, dims.next, order)
    if word & 0xFF not in CLASSES or word >> 8 & COMPLEX or not 8 <= dims.length <= 4 * 32:
        return None
    shape = struct.unpack_from(f"{order}{dims.length // 4}i", data, dims.start)
    logical = bool(word >> 8 & LOGICAL)
    dtype = np.dtype(bool if logical else CLASSES[word & 0xFF])
    text = data[name.start : name.start + name.length].decode("latin-1")
    return text, shape, dtype, name.next


def _inflated(raw: bytes, most: int) -> bytes:
    return zlib.decompressobj().decompress(raw, most)


def variables(path: Path) -> dict[str, Variable]:
    """All numeric arrays of the file, from their heads alone."""
    found: dict[str, Variable] = {}
    with path.open("rb") as handle:
        head = handle.read(128)
        order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
        if order is None:
            raise FormatError("it is not a MATLAB file of version 5 or later", where=path, remedy="Save it with -v7.")
        for kind, start, length in _top_level(handle, order, path.stat().st_size):
            handle.seek(start)
            piece = handle.read(min(length, HEAD))
            if kind == COMPRESSED:
                inner = _inflated(piece, HEAD)
                known = _matrix(inner[8:], order) if struct.unpack_from(order + "I", inner)[0] == MATRIX else None
            else:
                known = _matrix(piece, order) if kind == MATRIX else None
            if known and all(n >= 0 for n in known[1]):
                found[known[0]] = Variable(known[0], known[1], known[2], start, length, kind == COMPRESSED)
    return found


def _top_level(handle: Any, order: str, size: int) -> Iterator[tuple[int, int, int]]:
    at = 128
    while at + 8 <= size:
        handle.seek(at)
        kind, length = struct.unpack(order + "2I", handle.read(8))
        if at + 8 + length > size:
            raise FormatError(
                f"it is truncated: a variable ends at byte {at + 8 + length:,} of {size:,}",
                where=handle.name,
                remedy="Copy or save it again.",
            )
        yield kind, at + 8, length
        at += 8 + length


def read(path: Path, variable: Variable) -> NDArray[Any]:
    """The array; FormatError when its bytes do not suffice for its dimensions."""
    with path.open("rb") as handle:
        order = "<" if handle.read(128)[126:128] == b"IM" else ">"
        handle.seek(variable.start)
        raw = handle.read(variable.length)
    count = math.prod(variable.shape)
    if count > len(raw) * (PACKING if variable.packed else 1):
        raise FormatError(
            f"its variable {variable.name} promises {count:,} values, more than the file can hold",
            where=path,
            remedy="The file is damaged; save it again.",
        )
    data = _inflated(raw, 8 * count + 2 * HEAD)[8:] if variable.packed else raw
    known = _matrix(data, order)
    if known is None:
        raise FormatError(f"its variable {variable.name} is damaged", where=path, remedy="Save it again.")
    values = _element(data, known[3], order)
    stored = np.dtype(ELEMENTS.get(values.kind, "u1")).newbyteorder(order)  # type: ignore[arg-type]
    if values.length < count * stored.itemsize or values.start + values.length > len(data):
        raise FormatError(
            f"its variable {variable.name} ends before its {count:,} values", where=path, remedy="Save it again."
        )
    flat = np.frombuffer(data, stored, count, values.start)
    return flat.astype(variable.dtype).reshape(variable.shape, order="F")
