"""What a person did to labels, kept inside their OME-Zarr folder; and painted voxels written into it in place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.image.formats.base import check_memory
from porelab_gui.core.image.formats.edited import coarser
from porelab_gui.core.review import Review

FOLDER = "porelab_review"
CHUNK = 1 << 17


def write_review(group: Any, review: Review) -> None:
    """Two arrays beside the levels: ``voxels`` (n, 2: place and automatic label) and ``states`` (1, z)."""
    voxels = np.stack([review.index, review.automatic], axis=1)
    for name, values in (("voxels", voxels), ("states", review.states[None])):
        chunks = tuple(max(1, min(n, CHUNK)) for n in values.shape)
        made = group.create_array(
            f"{FOLDER}/{name}", shape=values.shape, dtype=values.dtype, chunks=chunks, overwrite=True
        )
        if values.size:
            made[...] = values


def read_review(path: Path, shape: tuple[int, ...]) -> Review | None:
    """The review kept in an OME-Zarr folder; None where there is none. FormatError when it contradicts the image."""
    from porelab_gui.core.image.formats.ome_zarr import open_level

    if not (path / FOLDER).is_dir():
        return None
    voxels, states = (open_level(path, f"{FOLDER}/{name}") for name in ("voxels", "states"))
    if voxels.ndim != 2 or voxels.shape[1:] != (2,) or len(voxels) > math.prod(shape) or states.shape != (1, shape[0]):
        raise FormatError("its record of corrections does not fit the image", where=path, remedy=f"Remove {FOLDER}.")
    check_memory(path, 2 * voxels.nbytes)
    pairs = np.asarray(voxels.compute(scheduler="synchronous"))
    try:
        return Review(tuple(shape), np.asarray(states)[0], pairs[:, 0], pairs[:, 1])  # type: ignore[arg-type]
    except InputError as error:
        raise FormatError(error.what, where=path, remedy=f"Remove {FOLDER}.") from error


def store_edits(path: Path, index: NDArray[np.int64], value: NDArray[Any], review: Review) -> None:
    """Put painted voxels into every level of an OME-Zarr image and keep the review beside them.

    Chunk by chunk, the coarser levels first: a write that was broken off is made good by doing it again.
    """
    import zarr

    from porelab_gui.core.image.formats.ome_zarr import attributes

    scenes = attributes(path).get("multiscales", [])
    if not scenes:
        raise InputError(
            "it is no OME-Zarr image with levels", where=path, remedy="Export the labels as OME-Zarr first."
        )
    group = zarr.open_group(str(path), mode="r+")
    arrays = [group[entry["path"]] for entry in scenes[0]["datasets"]]
    if any(a.ndim != 3 for a in arrays) or arrays[0].shape != review.shape:
        raise InputError("its levels are not those of these labels", where=path, remedy="Open it again.")
    if len(value) and int(value.max()) > np.iinfo(arrays[0].dtype).max:
        raise InputError(f"{arrays[0].dtype} has no room for label {int(value.max())}", where=path)
    for array in reversed(arrays):
        places, values = coarser(review.shape, array.shape, index, value)
        if len(values):
            array.vindex[places] = values.astype(array.dtype)
    write_review(group, review)
