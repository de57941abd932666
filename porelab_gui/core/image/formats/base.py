"""What every image reader takes and gives, and the checks that they share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.nouns import VoxelSize
from porelab_gui.core.review import Review

EAGER_BYTES = 1 << 28  # up to here a compressed image is read at once; above it, block by block
UNITS_M = {
    "m": 1.0, "meter": 1.0, "metre": 1.0, "cm": 1e-2, "centimeter": 1e-2, "mm": 1e-3, "millimeter": 1e-3,
    "millimetre": 1e-3, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "micron": 1e-6, "microns": 1e-6, "micrometer": 1e-6,
    "micrometre": 1e-6, "micrometers": 1e-6, "nm": 1e-9, "nanometer": 1e-9, "nanometre": 1e-9, "nanometers": 1e-9,
    "a": 1e-10, "å": 1e-10, "angstrom": 1e-10, "angstroms": 1e-10, "ångström": 1e-10, "pm": 1e-12, "in": 0.0254,
    "inch": 0.0254, "km": 1e3,
}  # fmt: skip


class VoxelSizeNeeded(FormatError):
    """The file does not say its voxel size: ask for it and read again with ``voxel_size``."""


class DatasetNeeded(FormatError):
    """The file holds several images: choose one of ``datasets`` and read again."""

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names to choose from."""
        return tuple(self.what.split(": ", 1)[-1].split(", "))


class LayoutNeeded(FormatError):
    """A RAW file whose dimensions and type cannot be told from name and size."""


@dataclass(frozen=True)
class RawLayout:
    """How the bytes of a RAW file are arranged.

    ``shape`` is z, y, x; ``order`` says which axis runs slowest on disk ("zyx": x runs fastest, as usual).
    """

    shape: tuple[int, int, int]
    dtype: str = "uint8"
    byte_order: Literal["little", "big"] = "little"
    order: Literal["zyx", "xyz"] = "zyx"
    offset: int = 0
    voxel_size: VoxelSize | None = None

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The type with its byte order."""
        return np.dtype(self.dtype).newbyteorder("<" if self.byte_order == "little" else ">")

    @property
    def nbytes(self) -> int:
        """Size of the file that this layout expects."""
        return self.offset + math.prod(self.shape) * self.numpy_dtype.itemsize


@dataclass(frozen=True)
class Options:
    """What the caller knows beyond the file."""

    dataset: str = ""
    raw: RawLayout | None = None
    missing_slices: Literal["refuse", "close"] = "refuse"


@dataclass(frozen=True)
class Image:
    """An opened image: ``data`` is lazy where it can be, ``voxel_size`` is None where the file is silent.

    ``phases`` and ``void`` are set when the file says that it holds labels. ``hint`` is an incomplete voxel size
    (0 where unknown) for the dialog that asks.
    """

    data: Any
    voxel_size: VoxelSize | None = None
    voxel_from: str = ""
    phases: Mapping[int, str] | None = None
    void: tuple[int, ...] | None = None
    datasets: tuple[str, ...] = ()
    hint: VoxelSize | None = None
    name: str = ""
    levels: tuple[Any, ...] = field(default=(), repr=False)
    colours: Mapping[int, str] = field(default_factory=dict)
    review: Review | None = None


@dataclass(frozen=True)
class FileInfo:
    """What a dialog shows before anything is read: shape (z, y, x), dtype, voxel size in metres or None."""

    path: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    voxel_size: VoxelSize | None
    voxel_from: str
    datasets: tuple[str, ...] = ()
    labels: bool = False
    hint: VoxelSize | None = None
    name: str = ""


def unit_in_metres(text: str) -> float | None:
    """The length of a unit named ``text`` (any case, micro sign, ImageJ's escape) in metres; None if unknown."""
    clean = text.strip().replace("\\u00B5", "µ").replace("\\u00b5", "µ").replace("\xb5", "µ")
    return UNITS_M.get(clean.lower())


def tags_voxel(path: Path, sizes: tuple[float, ...], tag: str) -> VoxelSize:
    """A voxel size found in a file (metres, z y x); FormatError naming the tag unless finite and positive."""
    if len(sizes) != 3 or not all(math.isfinite(s) and s > 0 for s in sizes):
        raise FormatError(
            f"the voxel size in its {tag} is {tuple(sizes)}, not three positive lengths",
            where=path,
            remedy="Give the voxel size yourself (voxel_size) to override it.",
        )
    return (float(sizes[0]), float(sizes[1]), float(sizes[2]))


def check_declared(
    path: Path, shape: tuple[int, ...], dtype: Any, available: int, ratio: float = 1.0, *, least: int = 1
) -> None:
    """Refuse a header that promises more than ``available`` bytes could hold at a compression of ``ratio``.

    No side may be shorter than ``least``: an image is not empty, a list may be.
    """
    needed = math.prod(int(n) for n in shape) * np.dtype(dtype).itemsize
    if any(int(n) < least for n in shape):
        raise FormatError(f"its header gives the shape {tuple(shape)}", where=path, remedy="Export it again.")
    if needed > available * ratio:
        raise FormatError(
            f"its header promises {needed:,} bytes ({'x'.join(map(str, shape))} {np.dtype(dtype)}) "
            f"and the file holds only {available:,}",
            where=path,
            remedy="The file is truncated or its header is wrong; copy or export it again.",
        )


def check_memory(path: Path | str, nbytes: int) -> None:
    """Refuse to read at once what does not fit in the free memory."""
    import psutil

    free = psutil.virtual_memory().available
    if nbytes > 0.9 * free:
        raise InputError(
            f"the image takes {nbytes / 2**30:.1f} GiB and {free / 2**30:.1f} GiB of memory are free",
            where=path,
            remedy="Crop it, or convert it to OME-Zarr, which is read block by block.",
        )


def three_axes(path: Path, data: Any) -> Any:
    """``data`` without axes of length one beyond three; FormatError for a single slice or a fourth dimension."""
    shape = tuple(int(n) for n in data.shape)
    while len(shape) > 3 and 1 in shape:
        axis = shape.index(1)
        data = data[(slice(None),) * axis + (0,)]
        shape = tuple(int(n) for n in data.shape)
    if len(shape) == 2 or (len(shape) == 3 and shape[0] == 1):
        rows, cols = shape[-2:]
        raise FormatError(
            f"it is a single 2D slice ({rows} x {cols}), not a stack",
            where=path,
            remedy="Open the folder that holds all slices, or a multi-page file.",
        )
    if len(shape) != 3:
        raise FormatError(
            f"it has the shape {shape}, not three dimensions",
            where=path,
            remedy="Save one channel and one time step as a z stack.",
        )
    return data


def native(array: Any) -> Any:
    """The array in this machine's byte order (a memmap or dask array stays lazy when it already is)."""
    dtype = np.dtype(array.dtype)
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def choose_dataset(path: Path, names: tuple[str, ...], wanted: str, preferred: tuple[str, ...]) -> str:
    """The data set to read: the one asked for, the only one, or a well-known name; DatasetNeeded otherwise."""
    if wanted:
        if wanted in names:
            return wanted
        raise FormatError(
            f"it has no data set {wanted!r}", where=path, remedy=f"Choose among {', '.join(names) or 'none'}."
        )
    if not names:
        raise FormatError("it holds no image with three dimensions", where=path, remedy="Choose another file.")
    by_leaf = {n.rsplit("/", 1)[-1].lower(): n for n in reversed(names)}
    known = [by_leaf[p] for p in preferred if p in by_leaf]
    if len(names) == 1 or known:
        return known[0] if known else names[0]
    raise DatasetNeeded(f"it holds several images: {', '.join(names)}", where=path, remedy="Choose one with dataset.")
