"""Writers of stacks and labels, one function per format; each writes to the exact path that it is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.formats.metaimage import write_header
from porelab_gui.core.image.formats.raw import sidecar
from porelab_gui.core.image.histogram import blocks
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import Progress

IMAGEJ_TYPES = ("uint8", "uint16", "float32")
IMAGEJ_LIMIT = 4 * 2**30 - (1 << 20)


def storable(stack: Stack) -> np.dtype[Any]:
    """The type to store: booleans as uint8, everything else as it is."""
    dtype = np.dtype(stack.data.dtype)
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")


def slabs(stack: Stack, progress: Progress, dtype: Any = None) -> Iterator[NDArray[Any]]:
    """The image slab by slab in the type to store."""
    kind = storable(stack) if dtype is None else dtype
    for start, block in blocks(stack.data):
        progress(start, stack.shape[0], "writing")
        yield np.ascontiguousarray(block, dtype=kind)


def pages(stack: Stack, progress: Progress) -> Iterator[NDArray[Any]]:
    """The image slice by slice."""
    for slab in slabs(stack, progress):
        yield from slab


def label_text(stack: Stack) -> str:
    """Phases and void as JSON ("" for grey stacks)."""
    if not isinstance(stack, Labels):
        return ""
    return json.dumps({"porelab_phases": {str(k): v for k, v in stack.phases.items()}, "void": list(stack.void)})


def write_tiff(stack: Stack, path: Path, progress: Progress) -> None:
    """TIFF with voxel size for ImageJ; as OME-TIFF when the name says .ome.tif, or when ImageJ has no such type."""
    import tifffile

    dtype = storable(stack)
    nbytes = int(np.prod(stack.shape)) * dtype.itemsize
    ome = path.name.lower().endswith((".ome.tif", ".ome.tiff")) or dtype.name not in IMAGEJ_TYPES
    z, y, x = (v * 1e6 for v in stack.voxel_size)
    common: dict[str, Any] = {"shape": stack.shape, "dtype": dtype, "photometric": "minisblack"}
    note = label_text(stack)
    if ome or nbytes > IMAGEJ_LIMIT:
        sizes = {f"PhysicalSize{a}": v for a, v in zip("ZYX", (z, y, x), strict=True)}
        units = {f"PhysicalSize{a}Unit": "µm" for a in "ZYX"}
        meta = {
            "axes": "ZYX",
            **sizes,
            **units,
            "Name": stack.name,
            **({"Description": note} if note else {}),
        }
        tifffile.imwrite(path, pages(stack, progress), ome=True, metadata=meta, bigtiff=nbytes > IMAGEJ_LIMIT, **common)
        return
    known: dict[str, Any] = {"axes": "ZYX", "unit": "um", "spacing": z, **({"Info": note} if note else {})}
    tifffile.imwrite(path, pages(stack, progress), imagej=True, resolution=(1 / x, 1 / y), metadata=known, **common)


def _write_bytes(stack: Stack, path: Path, progress: Progress) -> None:
    dtype = storable(stack).newbyteorder("<")
    with path.open("wb") as handle:
        for slab in slabs(stack, progress, dtype):
            handle.write(slab.data)


def write_raw(stack: Stack, path: Path, progress: Progress) -> None:
    """Little-endian bytes, x fastest, and ``NAME.raw.json`` beside them that says so."""
    _write_bytes(stack, path, progress)
    known: dict[str, Any] = {
        "shape_zyx": list(stack.shape), "dtype": storable(stack).name, "byte_order": "little",
        "voxel_size_m_zyx": list(stack.voxel_size), "name": stack.name,
    }  # fmt: skip
    if isinstance(stack, Labels):
        known |= {"phases": {str(k): v for k, v in stack.phases.items()}, "void": list(stack.void)}
    sidecar(path).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def write_mhd(stack: Stack, path: Path, progress: Progress) -> None:
    """MetaImage header with its .raw beside it."""
    data = path.with_suffix(".raw")
    _write_bytes(stack, data, progress)
    path.write_text(write_header(stack.shape, storable(stack), stack.voxel_size, data.name))


def write_npz(stack: Stack, path: Path, progress: Progress) -> None:
    """Compressed arrays: ``image`` or ``labels``, with ``voxel_size`` (m; z, y, x) and ``void``."""
    arrays: dict[str, Any] = {"voxel_size": np.asarray(stack.voxel_size)}
    if isinstance(stack, Labels):
        arrays |= {
            "labels": stack.array().astype(storable(stack), copy=False),
            "void": np.asarray(stack.void),
        }
        text = json.dumps({str(k): v for k, v in stack.phases.items()}).encode()
        arrays["phases"] = np.frombuffer(text, np.uint8)
    else:
        arrays["image"] = stack.array()
    progress(0, 1, "compressing")
    with path.open("wb") as handle:
        np.savez_compressed(handle, **arrays)
