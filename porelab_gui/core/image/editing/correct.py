"""Corrections by hand that a computer can help with: smart fill, slices copied or interpolated, and their count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.review import automatic, recorded, review_of, slice_changes
from porelab_gui.core.image.sources import NAPARI
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Column, Labels, Stack, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.review import Review, SliceState

LABELS = Port(Labels, "Labels: segment an image first.")


def _place(default: int, help: str) -> Any:
    """A voxel index along an axis."""
    return param(default, help, unit="voxel", ge=0, le=10**7)


class SmartFillParams(Params):
    """Where to begin and how far the grey level may differ."""

    z: int = _place(0, "Slice of the seed.")
    y: int = _place(0, "Row of the seed.")
    x: int = _place(0, "Column of the seed.")
    tolerance: float = param(10.0, "Largest difference from the seed's grey level.", unit="grey level", ge=0, le=1e9)
    phase: int = param(1, "Phase to give.", unit="1", ge=0, le=65535)
    space: Literal["slice", "3D"] = param("slice", "Stay in the slice, or go on in 3D.")


def _inside(where: str, value: int, count: int, axis: str) -> None:
    if not 0 <= value < count:
        raise InputError(
            f"{axis} = {value} is outside the {count} voxels", where=where, remedy="Choose a place inside."
        )


def flood_from(grey: NDArray[Any], seed: tuple[int, ...], tolerance: float) -> NDArray[np.bool_]:
    """What joins the seed through voxel faces without leaving its grey level by more than ``tolerance``."""
    from skimage.segmentation import flood

    return np.asarray(flood(grey.astype(np.float32), seed, tolerance=tolerance, connectivity=1), np.bool_)


def smart_fill(inputs: Inputs, params: SmartFillParams, progress: Progress) -> Outputs:
    """Give a phase to what joins the seed without leaving its range of grey levels."""
    stack: Stack = inputs["image"]
    labels: Labels = inputs["labels"]
    if stack.shape != labels.shape:
        raise InputError(f"the image is {stack.shape} and the labels are {labels.shape}", where=labels.name)
    for axis, value, count in zip("zyx", (params.z, params.y, params.x), labels.shape, strict=True):
        _inside(labels.name, value, count, axis)
    progress(0, 1, "filling")
    flat = params.space == "slice"
    grey = np.asarray(stack.data[params.z] if flat else stack.data)
    seed = (params.y, params.x) if flat else (params.z, params.y, params.x)
    reached = flood_from(grey, seed, params.tolerance)
    out = labels.array().copy()
    (out[params.z] if flat else out)[reached] = params.phase
    progress(1, 1, f"{int(reached.sum()):,} voxels filled", voxels=float(reached.sum()))
    named = replace(labels, phases=_with(labels, params.phase))
    return {"labels": recorded(named, out, [params.z] if flat else range(len(out)))}


def _with(labels: Labels, phase: int) -> dict[int, str]:
    return {**labels.phases, phase: labels.phases.get(phase, f"phase {phase}")}


class CopySliceParams(Params):
    """Which slice goes where."""

    source: int = _place(0, "Slice to copy.")
    first: int = _place(1, "First slice to overwrite.")
    last: int = _place(1, "Last slice to overwrite.")
    phase: int = param(-1, "Only this phase is copied, over what is there; -1 copies all.", unit="1", ge=-1, le=65535)


def copy_slice(inputs: Inputs, params: CopySliceParams, progress: Progress) -> Outputs:
    """Labels of one slice put into others."""
    labels: Labels = inputs["labels"]
    for value in (params.source, params.first, params.last):
        _inside(labels.name, value, labels.shape[0], "z")
    out = labels.array().copy()
    page = out[params.source].copy()
    mask = np.ones(page.shape, bool) if params.phase == -1 else page == params.phase
    low, high = sorted((params.first, params.last))
    out[low : high + 1, mask] = page[mask]
    return {"labels": recorded(labels, out, range(low, high + 1))}


class InterpolateParams(Params):
    """The two slices that are right."""

    first: int = _place(0, "First labelled slice.")
    last: int = _place(2, "Second labelled slice; those between are made anew.")


def _signed(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance to the rim: positive inside, negative outside; far outside where the phase is absent."""
    from edt import edt

    if not mask.any():
        return np.full(mask.shape, -float(sum(mask.shape)), np.float32)
    if mask.all():
        return np.full(mask.shape, float(sum(mask.shape)), np.float32)
    inside = edt(np.ascontiguousarray(mask), black_border=False)
    outside = edt(np.ascontiguousarray(~mask), black_border=False)
    return np.where(mask, inside - 0.5, 0.5 - outside).astype(np.float32)


def interpolate_slices(inputs: Inputs, params: InterpolateParams, progress: Progress) -> Outputs:
    """Slices between two: every voxel takes the phase whose signed distance, blended between both, is the largest.

    Raya and Udupa (1990), IEEE Trans. Med. Imaging 9, 32, for each phase.
    """
    labels: Labels = inputs["labels"]
    low, high = sorted((params.first, params.last))
    _inside(labels.name, high, labels.shape[0], "z")
    if high - low < 2:
        raise InputError(
            "there is no slice between these two", where=labels.name, remedy="Choose slices further apart."
        )
    out = labels.array().copy()
    progress(0, 1, "interpolating")
    out[low + 1 : high] = between(out[low], out[high], high - low - 1)
    return {"labels": recorded(labels, out, range(low + 1, high))}


def between(first: NDArray[Any], last: NDArray[Any], count: int) -> NDArray[Any]:
    """``count`` slices of labels (count, y, x) between two."""
    phases = np.unique(np.concatenate([first.ravel(), last.ravel()]))
    ends = [np.stack([_signed(page == p) for p in phases]) for page in (first, last)]
    made = np.empty((count, *first.shape), first.dtype)
    for k in range(count):
        t = (k + 1) / (count + 1)
        made[k] = phases[np.argmax((1 - t) * ends[0] + t * ends[1], axis=0)]
    return made


class BlankParams(Params):
    """Which phases there will be."""

    phases: tuple[str, ...] = param(
        ("matrix", "organic pore", "inorganic pore", "organic matter"), "Names of the phases, from label 0 on."
    )


def blank_labels(inputs: Inputs, params: BlankParams, progress: Progress) -> Outputs:
    """Labels of an image that are all the first phase, every slice untouched: to be painted."""
    stack: Stack = inputs["image"]
    if not params.phases:
        raise InputError("there is no phase", where=stack.name, remedy="Name at least the matrix.")
    progress(0, 1, "empty labels")
    void = tuple(k for k, name in enumerate(params.phases) if is_void_name(name))
    named = dict(enumerate(params.phases))
    review = Review.start(stack.shape, SliceState.UNTOUCHED)
    made = Labels(_zeros(stack), stack.voxel_size, named, void, name=f"{stack.name} labels", review=review)
    return {"labels": made}


def _zeros(stack: Stack) -> Any:
    if not hasattr(stack.data, "dask"):
        return np.zeros(stack.shape, np.uint8)
    import dask.array as da

    return da.zeros(stack.shape, np.uint8, chunks=stack.data.chunks)


def is_void_name(name: str) -> bool:
    """Whether a phase of this name is pore space."""
    return any(word in name.lower() for word in ("pore", "void", "crack", "fracture", "slit"))


class ChangesParams(Params):
    """What counts."""

    void_only: bool = param(False, "Count only changes between void and not void.")


def count_changes(inputs: Inputs, params: ChangesParams, progress: Progress) -> Outputs:
    """Pixels that differ from the automatic result: per slice, and in relation to the automatic pore pixels."""
    now: Labels = inputs["labels"]
    before: Labels = inputs.get("automatic") or automatic(now)
    if before.shape != now.shape:
        raise InputError(f"the automatic result is {before.shape} and the labels are {now.shape}", where=now.name)
    counts = np.zeros(now.shape[0], np.int64)
    pores = np.zeros(now.shape[0], np.int64)
    for z in range(now.shape[0]):
        progress(z, now.shape[0], "comparing")
        pages = np.asarray(before.data[z]), np.asarray(now.data[z])
        counts[z], pores[z] = slice_changes(*pages, now.void, params.void_only)
    share = counts / float(np.prod(now.shape[1:]))
    overall = counts.sum() / max(1, int(np.prod(now.shape)))
    of_pores = counts.sum() / max(1, pores.sum())
    note = f"{counts.sum():,} pixels changed: {overall:.2%} of all, {of_pores:.2%} of the automatic pore pixels."
    states = review_of(now).states
    columns = {
        "slice": Column(np.arange(now.shape[0])),
        "state": Column(np.array([SliceState(int(s)).word for s in states])),
        "changed": Column(counts, "pixel"),
        "share": Column(share, "1"),
        "automatic_pores": Column(pores, "pixel"),
    }
    return {"changes": Table(columns, name=f"{now.name} changes", notes=(note,))}


def _method(
    name: str, title: str, summary: str, params: Any, function: Any, inputs: Any, out: Any, cite: str = ""
) -> Method:
    return Method(name, title, summary, "Segment", cite, params, inputs, out, function)


GREY = Port(Stack, "The grey stack that was segmented.")
BY_HAND = (
    _method(
        "blank_labels", "Empty labels to paint", "Makes labels of an image in which nothing is labelled yet.",
        BlankParams, blank_labels, {"image": Port(Stack, "A grey stack: load one first.")}, {"labels": Labels}, NAPARI,
    ),
    _method(
        "smart_fill",
        "Smart fill",
        "Gives a phase to the voxels about a seed that are about as grey.",
        SmartFillParams,
        smart_fill,
        {"labels": LABELS, "image": GREY},
        {"labels": Labels},
        "Adams and Bischof (1994) IEEE Trans. Pattern Anal. Mach. Intell. 16, 641",
    ),
    _method(
        "copy_slice", "Copy slice", "Copies the labels of a slice to others.", CopySliceParams, copy_slice,
        {"labels": LABELS}, {"labels": Labels}, NAPARI,
    ),
    _method(
        "interpolate_slices",
        "Interpolate slices",
        "Makes the labels between two labelled slices.",
        InterpolateParams,
        interpolate_slices,
        {"labels": LABELS},
        {"labels": Labels},
        "Raya and Udupa (1990) IEEE Trans. Med. Imaging 9, 32",
    ),
    _method(
        "count_changes",
        "Count corrections",
        "Pixels that a person changed in the automatic result, or that differ from other labels.",
        ChangesParams,
        count_changes,
        {"labels": LABELS, "automatic": Port(Labels, "Other labels to compare with.", optional=True)},
        {"changes": Table},
        NAPARI,
    ),
)  # fmt: skip
