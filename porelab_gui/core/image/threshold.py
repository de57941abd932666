"""The Method ``segment_threshold``."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.histogram import blocks, check_finite, grey_range, multi_otsu, otsu
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import Progress, silent, within

PHASES = {0: "matrix", 1: "pore"}


class ThresholdParams(Params):
    """How to cut the grey levels."""

    rule: Literal["otsu", "manual", "multi_otsu"] = param(
        "otsu", "Otsu finds the threshold; manual takes yours; multi-Otsu makes more than two phases."
    )
    threshold: float = param(
        128.0, "Manual threshold: dark is at or below it, bright above.", unit="grey level", ge=-1e38, le=1e38
    )
    void: Literal["dark", "bright"] = param("dark", "Which side is pore space.")
    classes: int = param(3, "Multi-Otsu: how many phases.", unit="1", ge=2, le=5)


def binary(stack: Stack, threshold: float, void: str = "dark", progress: Progress = silent) -> NDArray[np.uint8]:
    """1 where the grey level is on the void side of the threshold, else 0; dark is at or below it."""
    out = np.empty(stack.shape, np.uint8)
    for start, block in blocks(stack.data):
        check_finite(block, start, stack.name)
        out[start : start + len(block)] = (block <= threshold) if void == "dark" else (block > threshold)
        progress(start + len(block), stack.shape[0], "threshold")
    return out


def refuse_one_sided(mask: NDArray[np.uint8], stack: Stack, told: str) -> None:
    """InputError when everything is solid or everything is void."""
    pores = int(np.count_nonzero(mask))
    if 0 < pores < mask.size:
        return
    low, high = grey_range(stack)
    raise InputError(
        f"{told} makes the whole image {'solid' if pores == 0 else 'void'} (grey levels run from {low:g} to {high:g})",
        where=stack.name,
        remedy="Move the threshold, or swap which side is void.",
    )


def _several(stack: Stack, params: ThresholdParams, progress: Progress) -> Labels:
    edges = multi_otsu(stack, params.classes, within(progress, 0.0, 0.5))
    out = np.empty(stack.shape, np.uint8)
    for start, block in blocks(stack.data):
        out[start : start + len(block)] = 1 + np.digitize(block, edges, right=True).astype(np.uint8)
        progress(0.5 + 0.5 * start / stack.shape[0], 1.0, "classes")
    void = 1 if params.void == "dark" else params.classes
    phases = {k: "pore" if k == void else f"phase {k}" for k in range(1, params.classes + 1)}
    return Labels(out, stack.voxel_size, phases, (void,), name=f"{stack.name} phases", source=stack.source)


def run(inputs: Inputs, params: ThresholdParams, progress: Progress) -> Outputs:
    """Segment a grey stack."""
    stack: Stack = inputs["image"]
    if params.rule == "multi_otsu":
        return {"labels": _several(stack, params, progress)}
    manual = params.rule == "manual"
    level = params.threshold if manual else otsu(stack, within(progress, 0.0, 0.5))
    mask = binary(stack, level, params.void, within(progress, 0.5, 1.0))
    refuse_one_sided(mask, stack, f"the threshold {level:g} with {params.void} as void")
    progress(1, 1, "segmented", threshold=level, porosity=float(mask.mean()))
    return {"labels": Labels(mask, stack.voxel_size, PHASES, (1,), name=f"{stack.name} pores", source=stack.source)}


SEGMENT_THRESHOLD = Method(
    name="segment_threshold",
    title="Threshold",
    summary="Cuts a grey stack into pore space and matrix by a manual, Otsu or multi-Otsu threshold.",
    step="Segment",
    citation="Otsu (1979) IEEE Trans. Syst. Man Cybern. 9, 62; Liao, Chen and Chung (2001) J. Inf. Sci. Eng. 17, 713",
    params=ThresholdParams,
    inputs={"image": Port(Stack, "A grey stack: load one first.")},
    outputs={"labels": Labels},
    function=run,
)
