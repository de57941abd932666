""".npy and .npz: mapped or read array by array, never a pickle."""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

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
)
from porelab_gui.core.image.formats.lazy import plain
from porelab_gui.core.nouns import VoxelSize

PREFERRED = ("pore", "image", "grey", "labels", "data", "stack", "im", "arr_0")
HEAD = 1 << 16
MEMBER_LIMIT = 1100.0  # the most that deflate can pack


def _header(stream: BinaryIO | Any, path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, Fortran order, type and length of the head of an .npy stream; FormatError for objects.

    Objects would need a pickle. The head is taken as bytes, so that a false length is not asked of memory.
    """
    handle = io.BytesIO(stream.read(HEAD))
    try:
        version = np.lib.format.read_magic(handle)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(handle)
    except (ValueError, SyntaxError, TypeError, EOFError) as error:
        raise FormatError(f"its NumPy header is damaged ({error})", where=path, remedy="Save it again.") from error
    if dtype.hasobject:
        raise FormatError(
            "it holds Python objects, which could run code when read",
            where=path,
            remedy="Save the plain array: np.save(path, array.astype('uint8')).",
        )
    return shape, fortran, dtype, handle.tell()


def members(path: Path, archive: zipfile.ZipFile) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Name, shape and type of each array of an .npz, from the headers alone."""
    found = {}
    for info in archive.infolist():
        if info.filename.endswith(".npy"):
            with archive.open(info) as handle:
                shape, _, dtype, _ = _header(handle, path)
            found[info.filename[:-4]] = (shape, dtype)
    return found


def read_member(path: Path, archive: zipfile.ZipFile, name: str, least: int = 0) -> Any:
    """One array of an .npz, no side below ``least``, after checking that its bytes are there and fit in memory."""
    info = archive.getinfo(name + ".npy")
    with archive.open(info) as handle:
        shape, _, dtype, _ = _header(handle, path)
    check_declared(path, shape, dtype, min(info.file_size, int(path.stat().st_size * MEMBER_LIMIT)), least=least)
    check_memory(path, math.prod(shape) * dtype.itemsize)
    with archive.open(info) as handle:
        return np.lib.format.read_array(handle, allow_pickle=False)


def _voxel(path: Path, archive: zipfile.ZipFile, names: dict[str, Any]) -> VoxelSize | None:
    """A ``voxel_size`` array (metres; one value or z, y, x) beside the image."""
    for key, unit in (
        ("voxel_size", 1.0),
        ("voxel_size_m", 1.0),
        ("voxel_size_um", 1e-6),
        ("voxel_size_nm", 1e-9),
    ):
        if key in names:
            values = np.atleast_1d(read_member(path, archive, key)).astype(float).ravel() * unit
            sizes = tuple(np.repeat(values, 3)) if values.size == 1 else tuple(values)
            return tags_voxel(path, sizes, f"{key} array")
    return None


def _phases(path: Path, archive: zipfile.ZipFile, known: Any, data: Any, void: tuple[int, ...]) -> dict[int, str]:
    """Names of the labels: those that PoreLab wrote as JSON bytes, or plain ones."""
    if "phases" in known:
        text = bytes(np.asarray(read_member(path, archive, "phases"), np.uint8)).decode()
        return {int(k): str(v) for k, v in json.loads(text).items()}
    return {int(v): ("pore" if v in void else f"phase {v}") for v in np.unique(data)}


def _open_npz(path: Path, options: Options) -> Image:
    with zipfile.ZipFile(path) as archive:
        known = members(path, archive)
        stacks = tuple(k for k, (shape, dtype) in known.items() if len(shape) >= 3 and dtype.kind in "biuf")
        flat = tuple(k for k, (shape, dtype) in known.items() if len(shape) == 2 and dtype.kind in "biuf")
        name = choose_dataset(path, stacks or flat, options.dataset, PREFERRED)
        data = read_member(path, archive, name, least=1)
        voxel = _voxel(path, archive, known)
        phases = None
        void: tuple[int, ...] | None = None
        if name.rsplit("/", 1)[-1] == "labels" and "void" in known:
            void = tuple(int(v) for v in np.atleast_1d(read_member(path, archive, "void")))
            phases = _phases(path, archive, known, data, void)
    return Image(
        native(three_axes(path, data)),
        voxel,
        "its voxel_size array" if voxel else "",
        phases,
        void,
        stacks,
        name=name,
    )


def open_image(path: Path, options: Options) -> Image:
    """Map an .npy, or read one array of an .npz."""
    if path.suffix.lower() == ".npz":
        return _open_npz(path, options)
    with path.open("rb") as handle:
        shape, fortran, dtype, offset = _header(handle, path)
    check_declared(path, shape, dtype, path.stat().st_size - offset)
    data = np.memmap(path, dtype, "r", offset, shape, "F") if fortran else plain(path, dtype, offset, shape)
    return Image(native(three_axes(path, data)))
