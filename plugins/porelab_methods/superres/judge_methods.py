"""What the system registers for judging: all columns on held-out blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Table, Weights
from porelab_gui.core.progress import Progress
from porelab_methods.superres.train_methods import CITATION

NOTE = (
    "r2_surrogate is told by the net that trained the image and proves nothing. r2_stokes and r2_network are those of "
    "solvers that took no part. An image without a path through it counts as K = 1e-6 px2."
)


class JudgeParams(Params):
    """Which blocks, and which judges."""

    data: str = param("", "Folder of the data set.", widget="folder")
    part: Literal["test", "validation"] = param("test", "Blocks that no training saw, or those that chose the epoch.")
    most: int = param(0, "Blocks at most; 0 takes all.", unit="1", ge=0, le=1_000_000)
    network: bool = param(True, "Also K by the pore network of each image.")


def run_judge(inputs: Inputs, params: JudgeParams, progress: Progress) -> Outputs:
    """Judge both super-resolvers beside interpolation and the direct net."""
    from porelab_methods.superres.dataset import groups, needed
    from porelab_methods.superres.evaluate import Judged, as_table, judge, summary, worse_columns
    from porelab_methods.superres.learn import Lowering
    from porelab_methods.superres.nets import check_voxel, opened

    (before, config), (after, other) = (opened(inputs[k], "superres") for k in ("before", "after"))
    surrogate, known = opened(inputs["surrogate"], "surrogate")
    if config["lowering"] != other["lowering"]:
        raise InputError("the two super-resolvers learned from different low resolutions", where="after")
    direct = None
    if inputs.get("direct") is not None:
        direct, low = opened(inputs["direct"], "direct")
        if low["lowering"] != config["lowering"]:
            raise InputError("the direct net learned from another low resolution", where="direct")
    folder = Path(params.data).expanduser()
    if not params.data or not groups(folder):
        raise InputError("this folder holds no blocks", where=params.data or "data", remedy="Build the data set first.")
    found = needed(folder, params.part)[: params.most or None]
    for size in sorted({e.entry.voxel for e in found}):
        check_voxel(known, (size,) * 3, "surrogate")
    lowering = Lowering(config["factor"], config["how"], config["noise"])
    rows = judge(Judged(before, after, surrogate, direct), found, lowering, params.network, progress)
    short = summary(rows)
    notes = (NOTE, f"The corrected image does worse than cubic interpolation in {worse_columns(short)} of 8 columns.")
    return {"summary": as_table(short, "judged", notes), "blocks": as_table(rows, "judged blocks")}


JUDGE = Method(
    name="evaluate_superres",
    title="Judge on held-out blocks",
    summary="Permeability and shape of super-resolved blocks beside interpolation and a direct net, by solvers that "
    "took no part in the training.",
    step="Super-resolve",
    citation=CITATION,
    params=JudgeParams,
    inputs={
        "before": Port(Weights, "Train a super-resolver, or open a folder of weights."),
        "after": Port(Weights, "The corrected super-resolver."),
        "surrogate": Port(Weights, "The surrogate that corrected it."),
        "direct": Port(Weights, "The direct net (train_surrogate with sees: low).", optional=True),
    },
    outputs={"summary": Table, "blocks": Table},
    function=run_judge,
    lane="gpu",
)
