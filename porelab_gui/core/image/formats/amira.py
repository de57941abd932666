"""The container of Amira, Avizo and PerGeos (.am): header, then numbered data sections, text or binary."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import check_declared
from porelab_gui.core.image.formats.metaimage import DEFLATE_LIMIT, inflate

TYPES = {
    "byte": "u1", "ubyte": "u1", "short": "i2", "ushort": "u2", "int": "i4", "int32": "i4", "uint32": "u4",
    "float": "f4", "double": "f8", "int64": "i8", "long": "i8",
}  # fmt: skip
HEADER_LIMIT = 1 << 20
_FIELD = re.compile(r"(\w+)\s*\{\s*(\w+)(?:\[(\d+)\])?\s+(\w+)\s*\}\s*=?\s*@(\d+)(?:\((\w+),(\d+)\))?")


@dataclass(frozen=True)
class Field:
    """One data section: what it belongs to, its name, type, components, number and packing."""

    owner: str
    name: str
    dtype: str
    parts: int
    number: int
    packing: str
    packed: int


@dataclass(frozen=True)
class Amira:
    """A parsed header: ``counts`` are the ``define`` lines, ``text`` the header itself, ``start`` where data begin."""

    path: Path
    text: str
    counts: dict[str, tuple[int, ...]]
    fields: tuple[Field, ...]
    start: int
    order: str

    def of(self, owner: str, name: str) -> Field | None:
        """The field of that owner whose name agrees in any case."""
        return next((f for f in self.fields if f.owner == owner and f.name.lower() == name.lower()), None)


def parse(path: Path) -> Amira:
    """Read the header; FormatError unless it is one of this family."""
    with path.open("rb") as handle:
        head = handle.read(HEADER_LIMIT)
    line = head.split(b"\n", 1)[0].decode("latin-1")
    if not re.match(r"#\s*(AmiraMesh|Avizo|HyperSurface)", line, re.I):
        raise FormatError("it does not begin like an Amira or Avizo file", where=path, remedy="Export it again.")
    order = "text" if "ASCII" in line.upper() else "<" if "LITTLE" in line.upper() else ">"
    found = re.search(rb"(?m)^\s*@1\s*(?:#[^\n]*)?\r?\n", head)
    if not found:
        raise FormatError("its data section is missing", where=path, remedy="The file is truncated; copy it again.")
    text = head[: found.start()].decode("latin-1")
    counts = {m[1]: tuple(int(n) for n in m[2].split()) for m in re.finditer(r"define\s+(\w+)((?:\s+\d+)+)", text)}
    fields = tuple(
        Field(m[1], m[4], m[2].lower(), int(m[3] or 1), int(m[5]), m[6] or "", int(m[7] or 0))
        for m in _FIELD.finditer(text)
    )
    return Amira(path, text, counts, fields, found.start(), order)


def section(am: Amira, field: Field) -> NDArray[Any]:
    """The values of a field: (count, parts), or flat when it has one part."""
    if field.dtype not in TYPES or field.owner not in am.counts:
        raise FormatError(f"its field {field.name} has no known type", where=am.path, remedy="Export it again.")
    count = math.prod(am.counts[field.owner]) * field.parts
    dtype = np.dtype(TYPES[field.dtype])
    values = _text(am, field, count, dtype) if am.order == "text" else _binary(am, field, count, dtype)
    return values.reshape(-1, field.parts) if field.parts > 1 else values


def _text(am: Amira, field: Field, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    body = am.path.read_bytes()[am.start :]
    parts = re.split(rb"(?m)^\s*@(\d+)[^\n]*\n", body)
    found = dict(zip(parts[1::2], parts[2::2], strict=False))
    check_declared(am.path, (count,), np.uint8, len(body))
    words = found.get(str(field.number).encode(), b"").split()
    if len(words) < count:
        raise FormatError(
            f"{len(words)} of {count} values of {field.name} are there", where=am.path, remedy="Copy it again."
        )
    return np.array(words[:count], float).astype(dtype)


def _marker(am: Amira, number: int) -> int:
    """The byte after the line ``@number``; sections follow one another, so earlier ones are stepped over."""
    at = am.start
    size = am.path.stat().st_size
    with am.path.open("rb") as handle:
        for field in sorted(am.fields, key=lambda f: f.number):
            handle.seek(at)
            found = re.search(rb"@%d\s*?(?:#[^\n]*)?\r?\n" % field.number, handle.read(4096))
            if not found:
                break
            at += found.end()
            if field.number == number:
                return at
            count = math.prod(am.counts.get(field.owner, (0,))) * field.parts
            at += field.packed or count * np.dtype(TYPES.get(field.dtype, "u1")).itemsize
            if at > size:
                break
    raise FormatError(
        f"its section @{number} is missing", where=am.path, remedy="The file is truncated; copy it again."
    )


def _binary(am: Amira, field: Field, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    at = _marker(am, field.number)
    dtype = dtype.newbyteorder(am.order)  # type: ignore[arg-type]
    left = am.path.stat().st_size - at
    if not field.packing:
        check_declared(am.path, (count,), dtype, left)
        return np.memmap(am.path, dtype, "r", at, (count,))
    check_declared(
        am.path, (count,), dtype, min(left, field.packed), 130.0 if "RLE" in field.packing else DEFLATE_LIMIT
    )
    with am.path.open("rb") as handle:
        handle.seek(at)
        raw = handle.read(min(left, field.packed))
    if field.packing == "HxByteRLE":
        return unpack_rle(am.path, raw, count).view(dtype) if dtype.itemsize == 1 else _refuse(am)
    if field.packing == "HxZip":
        return np.frombuffer(inflate(am.path, raw, count * dtype.itemsize), dtype)
    return _refuse(am)


def _refuse(am: Amira) -> NDArray[Any]:
    raise FormatError("its packing is not known", where=am.path, remedy="Save it unpacked, or with zip.")


def unpack_rle(path: Path, raw: bytes, count: int) -> NDArray[np.uint8]:
    """Runs: a byte n below 128 repeats the next one n times; above, n - 128 bytes follow as they are."""
    out = np.empty(count, np.uint8)
    at, filled = 0, 0
    while filled < count and at + 1 < len(raw):
        run = raw[at]
        if run < 128:
            out[filled : filled + run] = raw[at + 1]
            at, filled = at + 2, filled + run
        else:
            piece = raw[at + 1 : at + 1 + run - 128]
            room = out[filled : filled + len(piece)]
            room[:] = np.frombuffer(piece, np.uint8)[: len(room)]
            at, filled = at + 1 + run - 128, filled + len(piece)
        if run in (0, 128):
            break
    if filled < count:
        raise FormatError(f"its packed voxels end after {filled:,} of {count:,}", where=path, remedy="Copy it again.")
    return out
