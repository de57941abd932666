"""Every way to the permeability of a held-out block in one table: judged by solvers, not by the surrogate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.learning.metrics import r2
from porelab_gui.core.nouns import Column, Table
from porelab_gui.core.progress import Progress, within
from porelab_methods.superres import quality
from porelab_methods.superres.cutting import Rule, binarised, rule_of
from porelab_methods.superres.dataset import Example
from porelab_methods.superres.learn import Lowering
from porelab_methods.superres.nets import Ensemble, SuperResolver, predicted_k
from porelab_methods.superres.pairs import downsampled
from porelab_methods.superres.tiles import probability

FLOOR = 1e-6  # px2; an image without a path through it counts as this tight, so that it is not left out
COLUMNS = ("psnr", "ssim", "dice", "porosity_error", "euler_error", "surface_error")
BIGGER_IS_BETTER = ("psnr", "ssim", "dice", "r2_stokes", "r2_network", "r2_surrogate")
CUBIC_CUT = "cubic, shares kept"
DIRECT = "direct net"
TRUE = "true image"


@dataclass(frozen=True)
class Judged:
    """The nets that are compared."""

    before: SuperResolver
    after: SuperResolver
    surrogate: Ensemble
    direct: Ensemble | None = None


def images_of(
    nets: Judged, low: NDArray[np.float32], shape: tuple[int, ...], rule: Rule
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """The fine images by method: probability of void, and void. Interpolations are cut at one half, and once more the
    cubic one as the nets are."""
    factor = nets.before.factor
    whole = tuple(n * factor for n in low.shape)
    nearest, cubic = (np.clip(quality.interpolated(low, factor, order, whole), 0.0, 1.0) for order in (0, 3))
    before, after = probability(nets.before, low), probability(nets.after, low)
    made: list[tuple[str, NDArray[np.float32], Rule]] = [
        ("nearest", nearest, "half"), ("cubic", cubic, "half"), (CUBIC_CUT, cubic, rule),
        ("super-resolved", before, rule), ("corrected", after, rule),
    ]  # fmt: skip
    crop = tuple(slice(0, n) for n in shape)
    return {name: (image[crop], binarised(image, low, r)[crop]) for name, image, r in made}


def judged_block(nets: Judged, example: Example, lowering: Lowering, network: bool, progress: Progress) -> list[Any]:
    """One row per method for one block."""
    truth = np.ascontiguousarray(example.void)
    low = downsampled(truth, lowering.factor, lowering.how, lowering.noise, lowering.seed)
    known = quality.network_k(truth) if network else float("nan")
    entry = example.entry
    shared = {"block": f"{entry.group}/{entry.name}/{'zyx'[example.axis]}", "group": entry.group,
              "k": 10**example.log_k, "k_network_true": known}  # fmt: skip
    rows = []
    images = images_of(nets, low, truth.shape, rule_of(lowering.how))
    for k, (name, (image, cut)) in enumerate(images.items()):
        progress(k, len(images), name)
        void = np.ascontiguousarray(cut)
        row = {"psnr": quality.psnr(truth, image), "ssim": quality.ssim(truth, image),
               "dice": quality.dice(truth, void), **quality.shape_errors(truth, void)}  # fmt: skip
        row |= {"k_stokes": quality.stokes_k(void, within(progress, k / len(images), (k + 1) / len(images), name)),
                "k_network": quality.network_k(void) if network else float("nan"),
                "k_surrogate": predicted_k(nets.surrogate, image),
                "k_surrogate_cut": predicted_k(nets.surrogate, void.astype(np.float32))}  # fmt: skip
        rows.append({**shared, "method": name, **row})
    none = dict.fromkeys((*COLUMNS, "k_stokes", "k_network", "k_surrogate_cut"), float("nan"))
    if nets.direct is not None:
        rows.append({**shared, "method": DIRECT, **none, "k_surrogate": predicted_k(nets.direct, low)})
    told = predicted_k(nets.surrogate, truth)
    seen = {"k_stokes": shared["k"], "k_network": known, "k_surrogate": told, "k_surrogate_cut": told}
    rows.append({**shared, "method": TRUE, **none, **seen})
    return rows


def judge(
    nets: Judged, found: Sequence[Example], lowering: Lowering, network: bool, progress: Progress
) -> list[dict[str, Any]]:
    """Rows of all blocks."""
    rows = []
    for k, example in enumerate(found):
        part = within(progress, k / len(found), (k + 1) / len(found), f"block {k + 1} of {len(found)}")
        rows += judged_block(nets, example, lowering, network, part)
    return rows


def _log_r2(truth: NDArray[Any], made: NDArray[Any]) -> float:
    if not np.isfinite(made).all() or not np.isfinite(truth).all():
        return float("nan")
    return r2(np.log10(np.maximum(truth, FLOOR)), np.log10(np.maximum(made, FLOOR)))


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per method: r2 of log10 K by each judge, and the means of the other columns.

    The network is compared with the network of the true image, Stokes flow with the K of the data set. The surrogate
    is asked twice: of the probabilities, as in the paper, and of the cut image, which is what solvers see.
    """
    made = []
    for name in dict.fromkeys(r["method"] for r in rows):
        own = [r for r in rows if r["method"] == name]
        column = {k: np.array([r[k] for r in own], float) for k in own[0] if k not in ("block", "group", "method")}
        made.append({
            "method": name, "blocks": len(own), "r2_surrogate": _log_r2(column["k"], column["k_surrogate"]),
            "r2_surrogate_cut": _log_r2(column["k"], column["k_surrogate_cut"]),
            "r2_stokes": _log_r2(column["k"], column["k_stokes"]),
            "r2_network": _log_r2(column["k_network_true"], column["k_network"]),
            **{k: float(column[k].mean()) for k in COLUMNS},
        })  # fmt: skip
    return made


def worse_columns(rows: Sequence[dict[str, Any]]) -> int:
    """Columns of the summary in which the corrected image does worse than cubic interpolation."""
    of = {r["method"]: r for r in rows}
    count = 0
    for key in (*COLUMNS, "r2_stokes", "r2_network"):
        sign = 1.0 if key in BIGGER_IS_BETTER else -1.0
        count += bool(sign * of["corrected"][key] < sign * of["cubic"][key])
    return count


def as_table(rows: Sequence[dict[str, Any]], name: str, notes: tuple[str, ...] = ()) -> Table:
    """Rows with equal keys as a table."""
    units = {"psnr": "dB"} | dict.fromkeys(("k", "k_stokes", "k_network", "k_network_true", "k_surrogate",
                                          "k_surrogate_cut"), "px2")  # fmt: skip
    return Table({k: Column(np.array([r[k] for r in rows]), units.get(k, "")) for k in rows[0]}, name=name, notes=notes)
