"""Crop, resample to other voxels, align drifting slices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.editing.preview import grown, part, whole_slice
from porelab_gui.core.image.editing.slicewise import as_type
from porelab_gui.core.image.sources import NAPARI
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, Preview, View, param
from porelab_gui.core.nouns import AXES, Column, Labels, Stack, Table
from porelab_gui.core.progress import Progress

ANY = {"image": Port(Stack, "A stack or labels: load one first.")}


class CropParams(Params):
    """The box to keep; a stop of 0 means the end, a negative one counts from the end."""

    start: tuple[int, int, int] = param((0, 0, 0), "First voxel along z, y and x.", unit="voxel")
    stop: tuple[int, int, int] = param((0, 0, 0), "Voxel after the last along z, y and x; 0 is the end.", unit="voxel")


def crop_box(shape: tuple[int, ...], start: tuple[int, ...], stop: tuple[int, ...], where: str) -> tuple[slice, ...]:
    """The slices of a crop; InputError when the box is empty or lies outside."""
    made = []
    for axis, n, a, b in zip(AXES, shape, start, stop, strict=True):
        first, last = (a + n if a < 0 else a), (b + n if b <= 0 else b)
        if not 0 <= first < last <= n:
            raise InputError(
                f"along {axis} the box {first}..{last} does not lie inside the {n} voxels",
                where=where,
                remedy="Choose a start below its stop, both inside the image.",
            )
        made.append(slice(first, last))
    return tuple(made)


def crop(inputs: Inputs, params: CropParams, progress: Progress) -> Outputs:
    """The part of the image in the box; lazy images stay lazy."""
    stack: Stack = inputs["image"]
    box = crop_box(stack.shape, params.start, params.stop, stack.name)
    data = stack.data[box]
    if min(data.shape) < 2:
        raise InputError("the box is one voxel thin", where=stack.name, remedy="Keep at least two voxels per axis.")
    kept: dict[str, Any] = {}
    if isinstance(stack, Labels) and stack.review is not None:
        kept["review"] = stack.review.cropped(box)
    return {"image": replace(stack, data=data, name=f"{stack.name} crop", **kept)}


class ResampleParams(Params):
    """The new voxel and how values between voxels are found."""

    voxel: float = param(
        0.0, "New voxel edge along all axes; 0 takes the smallest edge there is.", unit="m", display="um", ge=0, le=1e-2
    )
    kernel: Literal["linear", "nearest", "cubic", "mean"] = param(
        "linear",
        "Interpolation of grey levels: linear, nearest voxel, cubic spline, or (coarser voxels only) the mean of "
        "what the new voxel covers. Labels always take the nearest voxel.",
    )


def resample(inputs: Inputs, params: ResampleParams, progress: Progress) -> Outputs:
    """The image on isotropic voxels; the extent is kept to within one new voxel."""
    stack: Stack = inputs["image"]
    edge = params.voxel or min(stack.voxel_size)
    shape = tuple(max(1, round(n * v / edge)) for n, v in zip(stack.shape, stack.voxel_size, strict=True))
    if min(shape) < 2:
        raise InputError(
            f"voxels of {edge:g} m leave {'x'.join(map(str, shape))} of them",
            where=stack.name,
            remedy="Choose a smaller voxel.",
        )
    kernel = "nearest" if isinstance(stack, Labels) else params.kernel
    if kernel == "mean" and edge < max(stack.voxel_size) * (1 - 1e-9):
        raise InputError(
            "the mean kernel can only make voxels coarser", where=stack.name, remedy="Use linear, or a larger voxel."
        )
    progress(0, 1, f"resampling ({kernel})")
    scale = [edge / v for v in stack.voxel_size]
    grey = stack.array()
    made = _mean(grey, shape, scale) if kernel == "mean" else _interpolate(grey, shape, scale, kernel)
    progress(1, 1, "resampled")
    data = made if made.dtype == grey.dtype else as_type(made, grey.dtype)
    return {"image": replace(stack, data=data, voxel_size=(edge,) * 3, name=f"{stack.name} resampled")}


def _interpolate(
    grey: NDArray[Any], shape: tuple[int, ...], scale: list[float], kernel: str, start: float = 0.0
) -> NDArray[Any]:
    """Values at the centres of the new voxels: old index = (i + 1/2) scale - 1/2, along z ``start`` further on."""
    from scipy.ndimage import affine_transform

    order = {"nearest": 0, "linear": 1, "cubic": 3}[kernel]
    shift = [0.5 * s - 0.5 + (start if axis == 0 else 0.0) for axis, s in enumerate(scale)]
    if order == 0:
        index = [_nearest(n, s, o, len_) for n, s, o, len_ in zip(shape, scale, shift, grey.shape, strict=True)]
        return np.asarray(grey[np.ix_(*index)])
    made: NDArray[Any] = affine_transform(
        grey.astype(np.float32), scale, shift, output_shape=shape, order=order, mode="nearest"
    )
    return made


def _nearest(count: int, scale: float, shift: float, length: int) -> NDArray[np.int64]:
    index = np.floor(np.arange(count) * scale + shift + 0.5 + 1e-9).astype(np.int64)
    return np.clip(index, 0, length - 1)


def _mean(grey: NDArray[Any], shape: tuple[int, ...], scale: list[float], start: float = 0.0) -> NDArray[Any]:
    """Exact mean over each new voxel, axis by axis, from running sums with linear interpolation between them."""
    made = grey.astype(np.float64)
    for axis, (count, s) in enumerate(zip(shape, scale, strict=True)):
        first = start if axis == 0 else 0.0
        edges = np.minimum(first + np.arange(count + 1) * s, made.shape[axis])
        sums = np.concatenate([np.zeros_like(made.take([0], axis)), np.cumsum(made, axis=axis)], axis=axis)
        low = np.minimum(edges.astype(int), made.shape[axis] - 1)
        part = (edges - low).reshape([-1 if k == axis else 1 for k in range(3)])
        at = sums.take(low, axis) * (1 - part) + sums.take(low + 1, axis) * part
        width = np.diff(edges).reshape([-1 if k == axis else 1 for k in range(3)])
        made = np.diff(at, axis=axis) / np.maximum(width, 1e-12)
    return made


def resample_preview(inputs: Inputs, params: ResampleParams, view: View, progress: Progress) -> Preview:
    """The new plane that lies nearest to the slice in view."""
    stack: Stack = inputs["image"]
    edge = params.voxel or min(stack.voxel_size)
    progress(0, 1, "resampling")
    kernel = "nearest" if isinstance(stack, Labels) else params.kernel
    scale = [edge / v for v in stack.voxel_size]
    shape = tuple(max(1, round(n / s)) for n, s in zip(stack.shape, scale, strict=True))
    plane = int(np.clip(round((view.z + 0.5) / scale[0] - 0.5), 0, shape[0] - 1))
    slab = grown(slice(int(plane * scale[0]), int(np.ceil((plane + 1) * scale[0]))), 12, stack.shape[0])
    grey = np.asarray(stack.data[slab])
    if kernel == "mean":
        made = _mean(grey, (1, *shape[1:]), scale, plane * scale[0] - slab.start)
    else:
        made = _interpolate(grey, (1, *shape[1:]), scale, kernel, plane * scale[0] - slab.start)
    data = made if made.dtype == grey.dtype else as_type(made, grey.dtype)
    note = f"{' x '.join(map(str, shape))} voxels of {edge * 1e6:.4g} um ({kernel})."
    kept: dict[str, Any] = {"voxel_size": (edge,) * 3}
    return whole_slice(replace(stack, data=data, **kept), note, stack.voxel_size)


class AlignParams(Params):
    """How slices are compared."""

    trend: Literal["keep", "remove"] = param(
        "remove", "A steady creep may be real structure: remove keeps the slow trend of the image and takes jumps out."
    )
    window: int = param(15, "Slices over which the trend is averaged.", unit="voxel", ge=3, le=501)
    finest: float = param(0.1, "Smallest shift that is told apart.", unit="voxel", ge=0.01, le=1)


def slice_shifts(stack: Stack, finest: float, progress: Progress) -> NDArray[np.float64]:
    """Shift of each slice against the first along y and x in voxels, by phase correlation of neighbours.

    Guizar-Sicairos, Thurman and Fienup (2008), Optics Letters 33, 156.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.registration import phase_cross_correlation

    depth = stack.shape[0]
    path = np.zeros((depth, 2))
    before = gaussian_filter(np.asarray(stack.data[0], dtype=np.float32), 1.0)
    for k in range(1, depth):
        progress(k, depth, "comparing slices")
        page = gaussian_filter(np.asarray(stack.data[k], dtype=np.float32), 1.0)
        step, _, _ = phase_cross_correlation(before, page, upsample_factor=round(1 / finest), normalization=None)
        path[k] = path[k - 1] - step
        before = page
    return path


def align(inputs: Inputs, params: AlignParams, progress: Progress) -> Outputs:
    """Slices moved back by their drift; the table holds the drift that was found."""
    from scipy.ndimage import shift

    from porelab_gui.core.progress import within

    stack: Stack = inputs["image"]
    path = untrended(slice_shifts(stack, params.finest, within(progress, 0.0, 0.7)), params)
    labels = isinstance(stack, Labels)
    moves = np.rint(path) if labels else path
    out = np.empty(stack.shape, stack.data.dtype)
    for k, move in enumerate(moves):
        progress(0.7 + 0.3 * k / len(path), 1.0, "moving slices")
        page = np.asarray(stack.data[k])
        moved = shift(page if labels else page.astype(np.float32), -move, order=0 if labels else 1, mode="nearest")
        out[k] = as_type(moved, stack.data.dtype)
    columns = {"slice": Column(np.arange(len(path)))}
    for k, axis in ((0, "y"), (1, "x")):
        columns[axis] = Column(moves[:, k] * stack.voxel_size[k + 1], "m", f"drift along {axis}")
    drift = Table(columns, name=f"{stack.name} drift")
    return {"image": replace(stack, data=out, name=f"{stack.name} aligned"), "drift": drift}


def align_preview(inputs: Inputs, params: AlignParams, view: View, progress: Progress) -> Preview:
    """The slice in view moved back by its drift, found from the slices about it (from the first on to keep a trend)."""
    from scipy.ndimage import shift

    stack: Stack = inputs["image"]
    half = params.window // 2 + 1
    near = grown(slice(view.z, view.z + 1), half, stack.shape[0])
    slab = near if params.trend == "remove" else slice(0, view.z + 1)
    some = part(stack, (slab, slice(None), slice(None)))
    path = untrended(slice_shifts(some, params.finest, progress), params)
    move = path[view.z - slab.start]
    page = some.array()[view.z - slab.start]
    labels = isinstance(stack, Labels)
    move = np.rint(move) if labels else move
    moved = shift(page if labels else page.astype(np.float32), -move, order=0 if labels else 1, mode="nearest")
    note = f"Moved by {-move[0]:.2f} voxels along y and {-move[1]:.2f} along x."
    return whole_slice(replace(stack, data=as_type(moved, stack.data.dtype)[None]), note)


def untrended(path: NDArray[np.float64], params: AlignParams) -> NDArray[np.float64]:
    """The drift of every slice without its slow part, where that is asked for."""
    from scipy.ndimage import uniform_filter1d

    if params.trend == "keep":
        return path
    slow = uniform_filter1d(path, min(params.window, len(path)), axis=0, mode="nearest")
    return np.asarray(path - slow)


def _estimate(inputs: Inputs, params: Any) -> Estimate:
    return Estimate(ram=10 * int(np.prod(inputs["image"].shape)))


CROP = Method(
    "crop",
    "Crop",
    "Keeps a box of the image.",
    "Segment",
    NAPARI,
    CropParams,
    ANY,
    {"image": Stack},
    crop,
    lane="quick",
)
RESAMPLE = Method(
    "resample",
    "Resample to isotropic voxels",
    "Puts the image on cubic voxels with a stated kernel; the only step that changes voxels.",
    "Segment",
    "Unser (1999) IEEE Signal Process. Mag. 16 (6), 22",
    ResampleParams,
    ANY,
    {"image": Stack},
    resample,
    estimate=_estimate,
    preview=resample_preview,
)
ALIGN = Method(
    "align_slices",
    "Align slices",
    "Takes the drift of a FIB-SEM stack out, slice against slice.",
    "Segment",
    "Guizar-Sicairos, Thurman and Fienup (2008) Optics Letters 33, 156",
    AlignParams,
    ANY,
    {"image": Stack, "drift": Table},
    align,
    estimate=_estimate,
    preview=align_preview,
)
GEOMETRY = (CROP, RESAMPLE, ALIGN)
