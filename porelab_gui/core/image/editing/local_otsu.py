"""Otsu's threshold in a window that slides over each slice: the Method ``segment_local_otsu``.

The histogram of the window is kept up to date by adding one column of voxels and taking one away, each column
itself a histogram that moves down by one voxel (Perreault and Hebert 2007, IEEE Trans. Image Process. 16, 2389), so
the cost per voxel does not depend on the size of the window.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.editing.preview import shown, thinned, window
from porelab_gui.core.image.editing.slicewise import by_slice
from porelab_gui.core.image.histogram import grey_range, otsu
from porelab_gui.core.image.threshold import PHASES, refuse_one_sided
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, Preview, View, param
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import Progress, within

BINS = 64


class LocalOtsuParams(Params):
    """The window, and when its threshold counts."""

    window: int = param(
        65, "Edge of the window: three to five times the largest pore.", unit="voxel", ge=5, le=1001, step=2
    )
    gate: float = param(
        1.0, "Void must also be below this multiple of the global Otsu threshold (above, for bright void).",
        unit="1", ge=0.1, le=10,
    )  # fmt: skip
    contrast: float = param(
        0.5, "Windows whose two classes differ by less than this many global standard deviations have no void.",
        unit="1", ge=0, le=5,
    )  # fmt: skip
    void: Literal["dark", "bright"] = param("dark", "Which side is pore space.")


@cache
def _kernel() -> Any:
    """The compiled loop; made when first used."""
    from porelab_gui.core.image.editing.local_otsu_kernel import local_threshold

    return local_threshold


def threshold_slice(
    page: NDArray[Any], low: float, high: float, window: int, threads: int = 1
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Threshold and class contrast (grey levels) at every voxel of a slice, over ``BINS`` bins of low..high."""
    width = (high - low) / BINS
    bins = np.clip((page.astype(np.float32) - low) / width, 0, BINS - 1).astype(np.uint8)
    level, contrast = _kernel()(bins, window // 2, BINS, threads)
    return low + width * (level + 1.0), width * contrast


@dataclass(frozen=True)
class Globals:
    """What the local rule takes from the whole stack: grey range, gate and the contrast that is needed."""

    low: float
    high: float
    gate: float
    needed: float


def globals_of(stack: Stack, params: LocalOtsuParams) -> Globals:
    """The grey range, the gated global threshold and the contrast that counts."""
    low, high = grey_range(stack)
    level = otsu(stack)
    gate = low + params.gate * (level - low) if params.void == "dark" else high - params.gate * (high - level)
    return Globals(low, high, gate, params.contrast * _spread(stack))


def void_slice(page: NDArray[Any], params: LocalOtsuParams, known: Globals, threads: int = 1) -> NDArray[np.bool_]:
    """Where a slice is void."""
    level, contrast = threshold_slice(page, known.low, known.high, params.window, threads)
    enough = contrast >= known.needed
    if params.void == "dark":
        return np.asarray((page < level) & (page <= known.gate) & enough)
    return np.asarray((page >= level) & (page > known.gate) & enough)


def run(inputs: Inputs, params: LocalOtsuParams, progress: Progress) -> Outputs:
    """Segment a grey stack by the local threshold, gated by the global one."""
    stack: Stack = inputs["image"]
    progress(0, 1, "global threshold")
    known = globals_of(stack, params)

    def work(page: NDArray[Any]) -> NDArray[Any]:
        return void_slice(page, params, known)

    mask = by_slice(stack, work, np.uint8, "local threshold", within(progress, 0.05, 1.0))
    refuse_one_sided(mask, stack, "the local threshold")
    labels = Labels(mask, stack.voxel_size, PHASES, (1,), name=f"{stack.name} pores", source=stack.source)
    return {"labels": labels}


def preview(inputs: Inputs, params: LocalOtsuParams, view: View, progress: Progress) -> Preview:
    """The local threshold of what is in view; grey range, gate and contrast come from a sample of the stack."""
    stack: Stack = inputs["image"]
    progress(0, 1, "global threshold")
    sample = thinned(stack)
    known = globals_of(sample, params)
    progress(1, 2, "local threshold")
    around, (_, rows, cols) = window(stack, view, params.window // 2)
    mask = void_slice(around.array()[0], params, known, os.cpu_count() or 1)[rows, cols].astype(np.uint8)
    note = f"{mask.mean():.1%} of what is in view is void." + (
        "" if sample.shape == stack.shape else " The run takes grey range and gate from all slices."
    )
    return shown(Labels(mask[None], stack.voxel_size, PHASES, (1,), name=stack.name), view, note)


def _spread(stack: Stack) -> float:
    """Standard deviation of up to 16 slices."""
    step = max(1, stack.shape[0] // 16)
    return float(np.std([np.asarray(stack.data[k], dtype=np.float32) for k in range(0, stack.shape[0], step)]))


SEGMENT_LOCAL_OTSU = Method(
    name="segment_local_otsu",
    title="Local Otsu",
    summary="Otsu's threshold in a sliding window of each slice, against shading and curtains.",
    step="Segment",
    citation="Otsu (1979) IEEE Trans. Syst. Man Cybern. 9, 62; "
    "Perreault and Hebert (2007) IEEE Trans. Image Process. 16, 2389",
    params=LocalOtsuParams,
    inputs={"image": Port(Stack, "A grey stack: load one first.")},
    outputs={"labels": Labels},
    function=run,
    preview=preview,
)
