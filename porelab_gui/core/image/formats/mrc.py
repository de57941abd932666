"""MRC and CCP4 maps (.mrc, .map, .rec, .ali, .st): voxel size from the cell in angstrom."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import Image, Options, check_declared, native, tags_voxel, three_axes
from porelab_gui.core.image.formats.lazy import plain
from porelab_gui.core.nouns import VoxelSize

HEADER = 1024
MODES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
IMOD_STAMP = 1146047817


def _order(head: bytes, path: Path) -> str:
    """Byte order: the one in which the mode is one that is known."""
    stamp = head[212:214]
    orders = "><" if stamp in (b"\x11\x11", b"\x11\x00") else "<>"
    for order in orders:
        if struct.unpack(order + "i", head[12:16])[0] in (*MODES, 3, 4, 16, 101):
            return order
    raise FormatError("its mode is not one of MRC", where=path, remedy="Check that it is an MRC file.")


def _voxel(path: Path, head: bytes, order: str) -> VoxelSize | None:
    counts = struct.unpack(order + "3i", head[28:40])
    cell = struct.unpack(order + "3f", head[40:52])
    if not any(cell) or min(counts) < 1:
        return None
    return tags_voxel(path, tuple(c / n * 1e-10 for c, n in zip(cell[::-1], counts[::-1], strict=True)), "cell")


def open_image(path: Path, options: Options) -> Image:
    """Map an MRC file."""
    with path.open("rb") as handle:
        head = handle.read(HEADER)
    if len(head) < HEADER:
        raise FormatError("it is shorter than the header of an MRC file", where=path, remedy="Copy it again.")
    order = _order(head, path)
    columns, rows, sections, mode = struct.unpack(order + "4i", head[:16])
    extended = struct.unpack(order + "i", head[92:96])[0]
    if mode not in MODES:
        raise FormatError(f"its mode {mode} holds no grey levels", where=path, remedy="Save real numbers.")
    if extended < 0:
        raise FormatError("its extended header has a negative length", where=path, remedy="Copy it again.")
    kind = MODES[mode]
    stamp, flags = struct.unpack(order + "2i", head[152:160])
    if mode == 0 and stamp == IMOD_STAMP and not flags & 1:
        kind = "u1"
    dtype = np.dtype(kind).newbyteorder(order)  # type: ignore[arg-type]
    shape = (sections, rows, columns)
    check_declared(path, shape, dtype, path.stat().st_size - HEADER - extended)
    data = plain(path, dtype, HEADER + extended, shape)
    voxel = _voxel(path, head, order)
    return Image(native(three_axes(path, data)), voxel, "its cell" if voxel else "")
