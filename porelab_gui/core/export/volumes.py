"""Writers of NRRD, NetCDF and OME-Zarr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.export.images import label_text, slabs, storable
from porelab_gui.core.image.formats.netcdf import HEAD
from porelab_gui.core.image.formats.nrrd import TYPES
from porelab_gui.core.image.formats.zarr_edits import write_review
from porelab_gui.core.image.histogram import blocks
from porelab_gui.core.nouns import AXES, Labels, Stack
from porelab_gui.core.progress import Progress

# colours of label images in files that want one: matrix first, then the phases
COLOURS = ("#b0b0b0", "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2")
COARSEST = 128
SLAB, ROWS = 64, 512  # slices and rows that are written at a time, whole chunks


def write_nrrd(stack: Stack, path: Path, progress: Progress) -> None:
    """NRRD 4, raw little-endian, millimetres, x fastest."""
    dtype = storable(stack).newbyteorder("<")
    depth, rows, cols = stack.shape
    edges = [v * 1e3 for v in reversed(stack.voxel_size)]
    rows_of = [",".join(repr(e) if k == j else "0" for j in range(3)) for k, e in enumerate(edges)]
    vectors = " ".join(f"({row})" for row in rows_of)
    head = [
        "NRRD0004", "# written by PoreLab", f"type: {TYPES[dtype.str[1:]][0]}", "dimension: 3",
        "space: left-posterior-superior", f"sizes: {cols} {rows} {depth}", f"space directions: {vectors}",
        "kinds: domain domain domain", "endian: little", "encoding: raw", 'space units: "mm" "mm" "mm"',
        "space origin: (0,0,0)",
    ]  # fmt: skip
    with path.open("wb") as handle:
        handle.write(("\n".join(head) + "\n\n").encode())
        for slab in slabs(stack, progress, dtype):
            handle.write(slab.data)


def write_netcdf(stack: Stack, path: Path, progress: Progress) -> None:
    """NetCDF 4 as GeoSlicer reads it: dimensions z, y, x with coordinates in mm; labels named in ``labels``."""
    import h5py

    name = "labels" if isinstance(stack, Labels) else "image"
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs["source"] = "PoreLab"
        for axis, count, edge in zip(AXES, stack.shape, stack.voxel_size, strict=True):
            scale = file.create_dataset(axis, data=np.arange(count) * edge * 1e3, track_order=True)
            scale.make_scale(axis)
            scale.attrs["units"] = "mm"
        chunks = tuple(min(128, n) for n in stack.shape)
        data = file.create_dataset(
            name, stack.shape, storable(stack), chunks=chunks, compression="gzip", compression_opts=1, track_order=True
        )
        for k, axis in enumerate(AXES):
            data.dims[k].attach_scale(file[axis])
        _write_rows(data, stack, progress)
        if isinstance(stack, Labels):
            data.attrs["type"] = "labelmap"
            data.attrs["porelab"] = label_text(stack)
            lines = [HEAD] + [f"{_plain(v)},{k},{colour_of(stack, k)}" for k, v in stack.phases.items() if k > 0]
            data.attrs["labels"] = np.array(lines, dtype=h5py.string_dtype())


def _plain(name: str) -> str:
    return name.replace(",", ";").replace("\n", " ")


def _write_rows(target: Any, stack: Stack, progress: Progress) -> None:
    dtype = storable(stack)
    for start, block in blocks(stack.data):
        progress(start, stack.shape[0], "writing")
        target[start : start + len(block)] = block.astype(dtype, copy=False)


def _halved(block: NDArray[Any], labels: bool) -> NDArray[Any]:
    """Every second voxel of labels, the mean of 2 x 2 x 2 grey levels (odd ends are kept)."""
    if labels:
        return np.asarray(block[::2, ::2, ::2])
    wide = np.pad(block, [(0, n % 2) for n in block.shape], mode="edge") if any(n % 2 for n in block.shape) else block
    exact = {1: np.uint16, 2: np.uint32}.get(block.dtype.itemsize) if block.dtype.kind == "u" else np.float64
    total = wide[::2].astype(exact or np.float64) + wide[1::2]
    total = total[:, ::2] + total[:, 1::2]
    total = total[:, :, ::2] + total[:, :, 1::2]
    if total.dtype.kind == "u":
        half = total.dtype.type(4)
        return np.asarray((total + half - (total // 8 % 2 == 0).astype(total.dtype) * (total % 8 == 4)) // 8).astype(
            block.dtype
        )
    mean = total / 8
    return np.asarray(np.rint(mean) if block.dtype.kind in "iu" else mean).astype(block.dtype)


def write_ome_zarr(stack: Stack, path: Path, progress: Progress, compress: bool = True) -> None:
    """OME-Zarr 0.4 with levels of half the size until all edges are below ``COARSEST`` voxels."""
    import zarr

    labels = isinstance(stack, Labels)
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    dtype, shape, entries = storable(stack), stack.shape, []
    level = 0
    source: Any = stack
    while True:
        chunks = tuple(min(64, n) for n in shape)
        packing: dict[str, Any] = {} if compress else {"compressors": None}
        array = group.create_array(str(level), shape=shape, dtype=dtype, chunks=chunks, **packing)
        _fill(array, source, level, labels, progress)
        scale = [v * 1e6 * 2**level for v in stack.voxel_size]
        entries.append({"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
        if max(shape) <= COARSEST or min(shape) < 4:
            break
        source, level = array, level + 1
        shape = tuple((n + 1) // 2 for n in shape)  # type: ignore[assignment]
    axes = [{"name": a, "type": "space", "unit": "micrometer"} for a in AXES]
    group.attrs["multiscales"] = [{"version": "0.4", "name": stack.name, "axes": axes, "datasets": entries}]
    if isinstance(stack, Labels):
        group.attrs["porelab_phases"] = {str(k): v for k, v in stack.phases.items()}
        group.attrs["porelab_void"] = list(stack.void)
        group.attrs["porelab_colours"] = {str(k): v for k, v in stack.colours.items()}
        colours = [{"label-value": k, "rgba": _rgba(colour_of(stack, k))} for k in stack.phases]
        if stack.review is not None:
            write_review(group, stack.review)
        group.attrs["image-label"] = json.loads(json.dumps({"version": "0.4", "colors": colours}))


def colour_of(labels: Labels, label: int) -> str:
    """The colour that a person chose for a phase, else one of ours."""
    return labels.colours.get(label, COLOURS[label % len(COLOURS)])


def _rgba(text: str) -> list[int]:
    return [int(text[k : k + 2], 16) for k in (1, 3, 5)] + [255]


def _fill(array: Any, source: Any, level: int, labels: bool, progress: Progress) -> None:
    """The voxels of a level: of the stack, or halved out of the level before, slab by slab."""
    depth, rows, _ = array.shape
    for start in range(0, depth, SLAB):
        progress(start, depth, f"level {level}")
        stop = min(start + SLAB, depth)
        if level == 0:
            array[start:stop] = np.asarray(source.data[start:stop]).astype(array.dtype, copy=False)
            continue
        for first in range(0, rows, ROWS):  # a part of the rows at a time: halving needs room for what it adds up
            last = min(first + ROWS, rows)
            fine = np.asarray(source[2 * start : 2 * stop, 2 * first : 2 * last])
            array[start:stop, first:last] = _halved(fine, labels)
