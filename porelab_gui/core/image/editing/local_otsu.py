"""Otsu's threshold in a window that slides over each slice: the Method ``segment_local_otsu``.

The histogram of the window is kept up to date by adding one column of voxels and taking one away, each column
itself a histogram that moves down by one voxel (Perreault and Hebert 2007, IEEE Trans. Image Process. 16, 2389), so
the cost per voxel does not depend on the size of the window.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.editing.slicewise import by_slice
from porelab_gui.core.image.histogram import grey_range, otsu
from porelab_gui.core.image.threshold import PHASES, refuse_one_sided
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
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


def threshold_slice(page: NDArray[Any], low: float, high: float, window: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Threshold and class contrast (grey levels) at every voxel of a slice, over ``BINS`` bins of low..high."""
    width = (high - low) / BINS
    bins = np.clip((page.astype(np.float32) - low) / width, 0, BINS - 1).astype(np.uint8)
    level, contrast = _kernel()(bins, window // 2, BINS)
    return low + width * (level + 1.0), width * contrast


def run(inputs: Inputs, params: LocalOtsuParams, progress: Progress) -> Outputs:
    """Segment a grey stack by the local threshold, gated by the global one."""
    stack: Stack = inputs["image"]
    progress(0, 1, "global threshold")
    low, high = grey_range(stack)
    gate = (
        low + params.gate * (otsu(stack) - low) if params.void == "dark" else high - params.gate * (high - otsu(stack))
    )
    needed = params.contrast * _spread(stack)

    def work(page: NDArray[Any]) -> NDArray[Any]:
        level, contrast = threshold_slice(page, low, high, params.window)
        enough = contrast >= needed
        if params.void == "dark":
            return (page < level) & (page <= gate) & enough
        return (page >= level) & (page > gate) & enough

    mask = by_slice(stack, work, np.uint8, "local threshold", within(progress, 0.05, 1.0))
    refuse_one_sided(mask, stack, "the local threshold")
    labels = Labels(mask, stack.voxel_size, PHASES, (1,), name=f"{stack.name} pores", source=stack.source)
    return {"labels": labels}


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
)
