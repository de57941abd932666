"""The Method ``load``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.formats.base import Options, RawLayout
from porelab_gui.core.image.formats.dispatch import read_any
from porelab_gui.core.image.sources import NGFF
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, param
from porelab_gui.core.nouns import Network, Noun, Stack
from porelab_gui.core.progress import Progress

NAN_CHECK_BYTES = 1 << 30  # a lazy float image above this is checked where it is used


class LoadParams(Params):
    """What to read, and what the file itself does not say."""

    path: str = param("", "The file, or the folder of slices.", widget="file")
    voxel_size: tuple[float, float, float] | None = param(
        None,
        "Voxel edge along z, y and x; empty takes it from the file.",
        unit="m",
        display="um",
        gt_each=0.0,
    )
    name: str = param("", "Name to show; empty takes that of the file.")
    dataset: str = param("", "Which data set of a file that holds several (HDF5, MATLAB, npz, NetCDF).")
    as_labels: Literal["auto", "yes", "no"] = param(
        "auto",
        "Read as named phases: auto where the image is boolean or says so, yes with the void values given.",
    )
    void: tuple[int, ...] = param((), "Values that are pore space, for an integer image of phases.")
    nan: Literal["refuse", "zero", "keep"] = param("refuse", "What to do with voxels that are not a number.")
    missing_slices: Literal["refuse", "close"] = param("refuse", "A gap in the numbering of a folder of slices.")
    raw_shape: tuple[int, int, int] | None = param(
        None, "RAW: voxels along z, y and x; empty guesses from name and size.", unit="voxel"
    )
    raw_dtype: Literal[
        "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"
    ] = param("uint8", "RAW: type of a voxel (used with the dimensions).")
    raw_byte_order: Literal["little", "big"] = param("little", "RAW: byte order (used with the dimensions).")
    raw_axis_order: Literal["zyx", "xyz"] = param("zyx", "RAW: slowest to fastest axis; zyx is x fastest, as usual.")
    raw_header: int = param(0, "RAW: bytes before the first voxel.", unit="byte", ge=0, le=1 << 40)


def options_of(params: LoadParams) -> Options:
    """Reader options out of the parameters; InputError for impossible RAW dimensions."""
    raw = None
    if params.raw_shape is not None:
        if min(params.raw_shape) < 1:
            raise InputError(
                f"the dimensions {params.raw_shape} are not three positive counts",
                where=params.path,
                remedy="Give the voxels along z, y and x.",
            )
        raw = RawLayout(
            params.raw_shape,
            params.raw_dtype,
            params.raw_byte_order,
            params.raw_axis_order,
            params.raw_header,
        )
    return Options(params.dataset, raw, params.missing_slices)


def treat_nan(stack: Stack, how: str) -> Stack:
    """Refuse, zero or keep voxels that are not finite; large lazy images are checked where they are used."""
    from dataclasses import replace

    dtype = np.dtype(stack.data.dtype)
    nbytes = math.prod(stack.shape) * dtype.itemsize
    if how == "keep" or dtype.kind != "f" or nbytes > NAN_CHECK_BYTES:
        return stack
    data = stack.array()
    bad = ~np.isfinite(data)
    count = int(np.count_nonzero(bad))
    if not count:
        return stack
    if how == "zero":
        return replace(stack, data=np.where(bad, data.dtype.type(0), data))
    first = tuple(int(n) for n in np.argwhere(bad)[0])
    raise InputError(
        f"{count:,} voxels are not a number, the first at z, y, x = {first}",
        where=stack.source,
        remedy="Load with nan=zero to set them to 0, or mask them in the program that made the image.",
    )


def run(inputs: Inputs, params: LoadParams, progress: Progress) -> Outputs:
    """Read the file."""
    progress(0, 1, f"reading {Path(params.path).name}")
    if not params.path:
        raise InputError("no file is given", where="load", remedy="Choose a file or a folder.")
    noun: Noun = read_any(
        params.path, params.voxel_size, options_of(params), params.as_labels, params.void, params.name
    )
    if isinstance(noun, Stack) and not isinstance(noun, Network):
        noun = treat_nan(noun, params.nan)
    progress(1, 1, "read")
    return {"image": noun}


def _estimate(inputs: Inputs, params: Any) -> Estimate:
    """A compressed image takes a multiple of its file; mapped ones take almost nothing."""
    path = Path(params.path)
    size = (
        path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.glob("*")) if path.is_dir() else 0
    )
    return Estimate(ram=3 * size)


LOAD = Method(
    name="load",
    title="Load image or network",
    summary="Reads a stack, labels or a network from a file or a folder of slices; large files stay on disk.",
    step="Load",
    citation=NGFF,
    params=LoadParams,
    inputs={},
    outputs={"image": Noun},
    function=run,
    lane="process",
    estimate=_estimate,
)
