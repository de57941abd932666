"""A folder of slices in natural order; missing slices and odd ones are named."""

from __future__ import annotations

import io
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import FormatError
from porelab_gui.core.image.formats.base import EAGER_BYTES, Image, Options, native, three_axes
from porelab_gui.core.image.formats.tiff import grey, slice_hint

HEAD = 1 << 18
SUFFIXES = (".tif", ".tiff", ".png", ".bmp", ".jpg", ".jpeg")


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sorting key that puts slice 9 before slice 10."""
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in parts if p)


def slice_files(folder: Path) -> list[Path]:
    """The image files of a folder in natural order: those of its most frequent type."""
    files = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
    if not files:
        raise FormatError(
            "the folder holds no slice images",
            where=folder,
            remedy=f"It should hold {', '.join(SUFFIXES)} files.",
        )
    family = Counter(p.suffix.lower()[:4] for p in files).most_common(1)[0][0]
    return sorted((p for p in files if p.suffix.lower()[:4] == family), key=lambda p: natural_key(p.name))


def missing_slices(names: list[str]) -> list[str]:
    """Names that the numbering of ``names`` skips (empty when they are not numbered, or numbered in steps)."""
    split = [re.split(r"(\d+)", n) for n in names]
    if len(names) < 3 or len({len(s) for s in split}) != 1:
        return []
    varying = [k for k in range(1, len(split[0]), 2) if len({s[k] for s in split}) == len(names)]
    if not varying:
        return []
    at = varying[-1]
    numbers = [int(s[at]) for s in split]
    steps = Counter(b - a for a, b in pairwise(numbers))
    step = steps.most_common(1)[0][0]
    if step < 1 or steps[step] * 2 < len(numbers) - 1 or max(numbers) - min(numbers) > 100 * len(numbers) * step:
        return []
    gaps = sorted(set(range(numbers[0], numbers[-1] + 1, step)) - set(numbers))
    width = len(split[0][at]) if split[0][at].startswith("0") else 0
    return ["".join([*split[0][:at], str(n).zfill(width), *split[0][at + 1 :]]) for n in gaps]


def _head(path: Path) -> tuple[tuple[int, ...], str]:
    """Shape and type of a slice, from its header where that is possible."""
    if path.suffix.lower().startswith(".tif"):
        import tifffile

        with tifffile.TiffFile(path) as tif:
            if len(tif.pages) != 1:
                raise FormatError(
                    f"this slice holds {len(tif.pages)} pages", where=path, remedy="Open that file by itself."
                )
            page = tif.pages[0]
            return tuple(page.shape), str(page.dtype)
    with path.open("rb") as handle:
        try:
            return _size(handle.read(HEAD))
        except OSError:  # a long preamble, such as a JPEG with a preview inside
            handle.seek(0)
            return _size(handle.read())


def _size(raw: bytes) -> tuple[tuple[int, int], str]:
    """Rows and columns, and the kind of pixel. Bytes, since a false length in a file must not be asked of memory."""
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(raw)) as picture:
        return (picture.height, picture.width), picture.mode


def read_slice(path: Path) -> Any:
    """One slice as a 2D array of grey levels."""
    if path.suffix.lower().startswith(".tif"):
        import tifffile

        page = tifffile.imread(path)
    else:
        from PIL import Image as Pillow

        with Pillow.open(io.BytesIO(path.read_bytes())) as picture:
            page = np.asarray(picture.convert("RGB") if picture.mode == "P" else picture)
    return grey(path, page, page.ndim == 3)


def _checked_head(path: Path) -> tuple[tuple[int, ...], str]:
    try:
        return _head(path)
    except FormatError:
        raise
    except Exception as error:  # libraries raise anything at a stranger's bytes
        raise FormatError(
            f"this slice cannot be read ({error})",
            where=path,
            remedy="Export it again, or take it out of the folder.",
        ) from error


def _refuse_odd(files: list[Path]) -> None:
    heads = [_checked_head(p) for p in files]
    usual, count = Counter(heads).most_common(1)[0]
    odd = [(p, h) for p, h in zip(files, heads, strict=True) if h != usual]
    if odd:
        path, (shape, kind) = odd[0]
        more = f" (and {len(odd) - 1} more)" if len(odd) > 1 else ""
        raise FormatError(
            f"slice {path.name} is {'x'.join(map(str, shape))} {kind} where {count} others are "
            f"{'x'.join(map(str, usual[0]))} {usual[1]}{more}",
            where=path.parent,
            remedy="Take it out of the folder, or crop or convert it like the others.",
        )


def open_image(path: Path, options: Options) -> Image:
    """Stack the slices of a folder; read slice by slice when larger than ``EAGER_BYTES``."""
    files = slice_files(path)
    gaps = missing_slices([p.name for p in files])
    if gaps and options.missing_slices == "refuse":
        shown = ", ".join(gaps[:8]) + (f" and {len(gaps) - 8} more" if len(gaps) > 8 else "")
        raise FormatError(
            f"{len(gaps)} slices are missing: {shown}",
            where=path,
            remedy="Add them, or read with missing_slices=close to join what is there.",
        )
    _refuse_odd(files)
    first = read_slice(files[0])
    if first.nbytes * len(files) <= EAGER_BYTES:
        data: Any = np.stack([first, *(read_slice(p) for p in files[1:])])
    else:
        import dask.array as da
        from dask import delayed

        data = da.stack([da.from_delayed(delayed(read_slice)(p), first.shape, first.dtype) for p in files])
    hint = slice_hint(files[0]) if files[0].suffix.lower().startswith(".tif") else None
    return Image(native(three_axes(path, data)), hint=hint)
