"""RAW: bytes without a header. The layout comes from the caller, a JSON sidecar, or the grammar of the name."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import Image, LayoutNeeded, Options, RawLayout, tags_voxel
from porelab_gui.core.image.formats.lazy import plain
from porelab_gui.core.nouns import VoxelSize

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64", "uint64", "int64")
_DIMS = re.compile(r"(?<![\d.])(\d{1,5})[xX×](\d{1,5})[xX×](\d{1,5})(?![\d])")
_LETTERS = re.compile(r"(?:w|nx|x)[=_]?(\d{1,5})[_-]?(?:h|ny|y)[=_]?(\d{1,5})[_-]?(?:d|nz|z)[=_]?(\d{1,5})", re.I)
_SEPARATED = re.compile(r"(?<!\d)(\d{2,5})[_-](\d{2,5})[_-](\d{2,5})(?!\d)")
_CUBE = re.compile(r"(?<!\d)(\d{2,4})(?:\^3|cube|cubed)", re.I)
_VOXEL = re.compile(r"(\d+(?:[.p,]\d+)?)[_ -]?(um|µm|μm|micron|microns|nm|mm)(?![a-z])", re.I)
_TYPE_WORDS = (
    (re.compile(r"float64|f64|double|64bitfloat", re.I), "float64"),
    (re.compile(r"float32|f32|float|32bitreal|single", re.I), "float32"),
    (re.compile(r"(?<![a-z])u(?:int)?8|8[_-]?bit|uchar|byte", re.I), "uint8"),
    (re.compile(r"(?<![a-z])u(?:int)?16|ushort", re.I), "uint16"),
    (re.compile(r"(?<![a-z])u(?:int)?32", re.I), "uint32"),
    (re.compile(r"(?<![a-z])i(?:nt)?8", re.I), "int8"),
    (re.compile(r"(?<![a-z])i(?:nt)?16|short", re.I), "int16"),
    (re.compile(r"(?<![a-z])i(?:nt)?32", re.I), "int32"),
    (re.compile(r"16[_-]?bit", re.I), "uint16"),
    (re.compile(r"32[_-]?bit", re.I), "float32"),
)
_BIG = re.compile(r"(?<![a-z])(?:be|big(?:[_-]?endian)?|msb)(?![a-z])", re.I)
_CUBIC_TYPES = ("uint8", "uint16", "float32", "float64")


def voxel_from_name(name: str) -> VoxelSize | None:
    """An isotropic voxel size named in a file name, in metres: ``5.345um``, ``2p25um``, ``18nm``."""
    found = _VOXEL.search(name)
    if not found:
        return None
    value = float(found[1].replace("p", ".").replace("P", ".").replace(",", "."))
    scale = {"n": 1e-9, "m": 1e-6, "u": 1e-6, "µ": 1e-6, "μ": 1e-6}[found[2][0].lower()]
    if found[2].lower() == "mm":
        scale = 1e-3
    return (value * scale,) * 3 if value > 0 else None


def _shapes_from_name(stem: str) -> list[tuple[int, int, int]]:
    """Shapes (z, y, x) that the name may mean; names give width x height x depth."""
    shapes = []
    for pattern in (_DIMS, _LETTERS, _SEPARATED):
        for found in pattern.finditer(stem):
            width, height, depth = (int(n) for n in found.groups())
            shapes.append((depth, height, width))
    for found in _CUBE.finditer(stem):
        shapes.append((int(found[1]),) * 3)
    return [s for s in dict.fromkeys(shapes) if min(s) > 0]


def _types_for(stem: str, width: int | None) -> list[str]:
    """Types that fit the name, then (of the given item size) all others."""
    named = [kind for pattern, kind in _TYPE_WORDS if pattern.search(stem)]
    every = list(dict.fromkeys([*named, *DTYPES]))
    return [t for t in every if width is None or np.dtype(t).itemsize == width]


def _without_voxel(stem: str) -> str:
    return _VOXEL.sub("~", stem)


def guess_raw(path: str | Path) -> tuple[RawLayout, ...]:
    """Layouts that fit both the name and the size of a RAW file, the likeliest first; empty when none fits.

    The grammar of names: ``NAME_400x400x256_5.345um_uint8_le.raw`` (width x height x depth); also ``w400_h400_d256``,
    ``400_400_256``, ``200cube``; types ``u8 uint8 8bit i16 16bit f32 float``; ``be`` for big-endian. Without
    dimensions a cube is tried.
    """
    path = Path(path)
    size, voxel = path.stat().st_size, voxel_from_name(path.stem)
    stem = _without_voxel(path.stem)
    order = "big" if _BIG.search(stem) else "little"
    found = []
    for shape in _shapes_from_name(stem):
        width, rest = divmod(size, math.prod(shape))
        found += [(shape, kind) for kind in (_types_for(stem, width) if rest == 0 else [])]
    if not found:
        found = [((n, n, n), kind) for kind, n in _cubes(stem, size)]
    return tuple(RawLayout(shape, kind, order, voxel_size=voxel) for shape, kind in found)  # type: ignore[arg-type]


def _cubes(stem: str, size: int) -> list[tuple[str, int]]:
    """Types under which ``size`` bytes are a cube, with its edge."""
    cubes = []
    for kind in dict.fromkeys([*_types_for(stem, None)[:1], *_CUBIC_TYPES]):
        count, rest = divmod(size, np.dtype(kind).itemsize)
        edge = round(count ** (1 / 3))
        if rest == 0 and edge > 1 and edge**3 == count:
            cubes.append((kind, edge))
    return cubes


def sidecar(path: Path) -> Path:
    """Where the description of a RAW file is kept: ``rock.raw`` has ``rock.raw.json``."""
    return path.with_name(path.name + ".json")


def _from_sidecar(path: Path) -> tuple[RawLayout, dict[str, Any]] | None:
    side = sidecar(path)
    if not side.exists():
        return None
    try:
        known = json.loads(side.read_text(encoding="utf-8"))
        shape = tuple(int(n) for n in known["shape_zyx"])
        layout = RawLayout(
            (shape[0], shape[1], shape[2]), str(np.dtype(known["dtype"])), known["byte_order"],
            voxel_size=tags_voxel(side, tuple(known["voxel_size_m_zyx"]), "voxel_size_m_zyx"),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FormatError(
            f"the sidecar cannot be understood ({error})",
            where=side,
            remedy="Delete it and give the dimensions.",
        ) from error
    return layout, known


def _mapped(path: Path, layout: RawLayout) -> Any:
    size = path.stat().st_size
    if layout.nbytes != size:
        raise FormatError(
            f"{'x'.join(map(str, layout.shape))} voxels (z, y, x) of {layout.dtype} need {layout.nbytes:,} bytes "
            f"and the file has {size:,}",
            where=path,
            remedy="Check the dimensions, the type and the header length.",
        )
    shape = layout.shape if layout.order == "zyx" else layout.shape[::-1]
    mapped = plain(path, layout.numpy_dtype, layout.offset, shape)
    return mapped if layout.order == "zyx" else mapped.transpose(2, 1, 0)


def preview_raw(path: str | Path, layout: RawLayout, index: int | None = None) -> NDArray[Any]:
    """One z slice (the middle one unless ``index``) under a layout, even where the size does not match.

    Rows beyond the end of the file are zero, so that a wrong guess shows itself. Reads that slice only.
    """
    path = Path(path)
    depth, rows, cols = layout.shape
    count = rows * cols
    index = depth // 2 if index is None else index
    if layout.order == "xyz" and layout.nbytes == path.stat().st_size:
        return np.array(_mapped(path, layout)[index])
    with path.open("rb") as handle:
        handle.seek(layout.offset + index * count * layout.numpy_dtype.itemsize)
        raw = handle.read(count * layout.numpy_dtype.itemsize)
    flat = np.frombuffer(
        raw[: len(raw) // layout.numpy_dtype.itemsize * layout.numpy_dtype.itemsize], layout.numpy_dtype
    )
    page = np.zeros(count, layout.numpy_dtype.newbyteorder("="))
    page[: len(flat)] = flat
    return page.reshape(rows, cols)


def open_image(path: Path, options: Options) -> Image:
    """Map a RAW file; LayoutNeeded when neither the caller, a sidecar nor its name says how it is arranged."""
    if options.raw is not None:
        voxel = options.raw.voxel_size or voxel_from_name(path.stem)
        return Image(_mapped(path, options.raw), voxel, "the file name" if voxel else "")
    described = _from_sidecar(path)
    if described:
        layout, known = described
        phases = {int(k): str(v) for k, v in known["phases"].items()} if "phases" in known else None
        void = tuple(int(v) for v in known.get("void", ())) if phases else None
        return Image(_mapped(path, layout), layout.voxel_size, "the sidecar", phases, void)
    guesses = guess_raw(path)
    if not guesses:
        raise LayoutNeeded(
            f"its {path.stat().st_size:,} bytes and its name do not tell the dimensions",
            where=path,
            remedy="Give raw_shape and raw_dtype, or name it like rock_400x400x256_5.345um_uint8.raw.",
        )
    best = guesses[0]
    return Image(_mapped(path, best), best.voxel_size, "the file name" if best.voxel_size else "")
