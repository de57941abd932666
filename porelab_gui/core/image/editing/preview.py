"""What a Method would give on the slice in view, from as little of the image as that takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.method import Inputs, Outputs, Preview, View
from porelab_gui.core.nouns import Labels, Stack, VoxelSize
from porelab_gui.core.progress import Progress

SAMPLE = 96  # voxels along each axis that stand for the whole image
SLAB_VOXELS = 1 << 25
Run = Callable[[Inputs, Any, Progress], Outputs]


def thinned(stack: Stack) -> Stack:
    """Every n-th voxel along each axis, in memory; the image itself when it is small."""
    steps = tuple(slice(None, None, max(1, n // SAMPLE)) for n in stack.shape)
    return replace(stack, data=np.asarray(stack.data[steps]))


def part(stack: Stack, box: tuple[slice, ...]) -> Stack:
    """A box of the stack in memory."""
    return replace(stack, data=np.asarray(stack.data[box]))


def grown(where: slice, halo: int, count: int) -> slice:
    """A range with ``halo`` voxels more on both sides, inside 0..count."""
    return slice(max(0, where.start - halo), min(count, where.stop + halo))


def window(stack: Stack, view: View, halo: int, depth: int = 0) -> tuple[Stack, tuple[slice, slice, slice]]:
    """What is in view with a rim of ``halo`` voxels and ``depth`` slices, and where the view lies in that."""
    rows, cols = grown(view.rows, halo, stack.shape[1]), grown(view.cols, halo, stack.shape[2])
    slab = grown(slice(view.z, view.z + 1), depth, stack.shape[0])
    inner = (
        slice(view.z - slab.start, view.z - slab.start + 1),
        slice(view.rows.start - rows.start, view.rows.stop - rows.start),
        slice(view.cols.start - cols.start, view.cols.stop - cols.start),
    )
    return part(stack, (slab, rows, cols)), inner


def shown(stack: Stack, view: View, note: str = "") -> Preview:
    """A preview of the window in view."""
    _, y, x = stack.voxel_size
    return Preview(stack, ((view.rows.start - 0.5) * y, (view.cols.start - 0.5) * x), note)


def whole_slice(stack: Stack, note: str = "", old: VoxelSize | None = None) -> Preview:
    """A preview of a whole slice; ``old`` is the voxel size of the image when the preview has another."""
    _, y, x = old or stack.voxel_size
    return Preview(stack, (-0.5 * y, -0.5 * x), note)


def by_slice_alone(run: Run, port: str = "image") -> Callable[[Inputs, Any, View, Progress], Preview]:
    """The preview of a Method that treats every slice for itself: it runs on the one slice."""

    def preview(inputs: Inputs, params: Any, view: View, progress: Progress) -> Preview:
        one = part(inputs[port], (slice(view.z, view.z + 1), slice(None), slice(None)))
        return whole_slice(run({**inputs, port: one}, params, progress)[port])  # type: ignore[arg-type]

    return preview


def _told(page: NDArray[Any], labels: Labels, z: int) -> str:
    """What a preview of labels, or of bodies, does to the slice in view."""
    if page.dtype != labels.data.dtype:
        return f"{len(np.unique(page[page > 0])):,} bodies in this slice."
    return f"{int(np.count_nonzero(page[0] != np.asarray(labels.data[z]))):,} voxels of this slice change."


def by_slab(run: Run, out: str = "labels") -> Callable[[Inputs, Any, View, Progress], Preview]:
    """The preview of a Method on labels that looks in 3D: it runs on a slab about the slice."""

    def preview(inputs: Inputs, params: Any, view: View, progress: Progress) -> Preview:
        labels: Labels = inputs["labels"]
        half = max(8, SLAB_VOXELS // (2 * labels.shape[1] * labels.shape[2]))
        slab = grown(slice(view.z, view.z + 1), half, labels.shape[0])
        some = slab.stop - slab.start < labels.shape[0]
        made = run({"labels": part(labels, (slab, slice(None), slice(None)))}, params, progress)[out]
        assert isinstance(made, Stack)
        at = view.z - slab.start
        page = made.array()[at : at + 1]
        note = _told(page, labels, view.z)
        note += f" From slices {slab.start} to {slab.stop - 1}; the run looks at all." if some else ""
        return whole_slice(replace(made, data=page), note)

    return preview
