"""The score as tables of the page: ``python -m porelab_methods.rock_gan.report docs/rocks.md SCORE.json``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from porelab_gui.core.generated import filled, number, table
from porelab_methods.rock_gan.score import KEYS

SETS = {
    "generated": "Generated rocks of the crops' size against the held-out slab",
    "large": "Crops of one generated rock of 256^3 voxels against the held-out slab",
    "generated against training slab": "Generated rocks against the slab that they were learned from",
    "training slab": "For comparison: crops of the training slab against the held-out slab",
}
ORDERS = {name: key for key, name in KEYS.items()}
DONE = ("kphi_corr_real", "kphi_corr_generated", "kphi_corr_gap", "kphi_corr_gap_low", "kphi_corr_gap_high",
        "kphi_corr_gap_large", "S2_max_difference", "pore_size_distribution_max_difference",
        "closest_training_crop_generated", "closest_training_crop_held_out", "joint_success", "joint_rocks",
        "joint_evaluations", "joint_s",
        "success_20")  # fmt: skip


def markdown(score: Mapping[str, Any]) -> str:
    """Distances per comparison, orders, and what is left of the figures."""
    rows, figures = score["rows"], score["figures"]
    parts = [f"**{words}**\n\n{_distances(rows, key)}" for key, words in SETS.items() if _of(rows, key)]
    parts.append(f"**Rocks to order** (fast search)\n\n{_orders(_of(rows, 'order'))}")
    parts.append(table(("figure", "value"), [(k, figures[k]) for k in DONE if k in figures]))
    return "\n\n".join(parts)


def _of(rows: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    return [r for r in rows if r["set"] == key and "property" in r]


def _distances(rows: Sequence[Mapping[str, Any]], key: str) -> str:
    head = ("property", "unit", "mean, real", "mean, other", "bias", "95 % interval", "Wasserstein", "Hellinger")
    lines = [
        (r["property"], r["unit"], r["real"], r["generated"], f"{r['bias']:+.1%}",
         f"{r['bias_low']:+.1%} to {r['bias_high']:+.1%}", r["wasserstein"], r["hellinger"])
        for r in _of(rows, key)
    ]  # fmt: skip
    return table(head, lines)


def _orders(rows: Sequence[Mapping[str, Any]]) -> str:
    head = ("property", "unit", "targets", "tolerance", "nRMSE", "nRMSE of the paper", "within tolerance",
            "evaluations, mean", "seconds, median")  # fmt: skip
    lines = []
    for r in rows:
        key = ORDERS[r["property"]]
        lines.append(
            (r["property"], r["unit"], f"{number(r['low'])} to {number(r['high'])}", r["tolerance"], r[f"nrmse_{key}"],
             r["nrmse_paper"], f"{r[f'success_{key}']:.0%}", r.get(f"evaluations_{key}", ""), r[f"s_{key}"])
        )  # fmt: skip
    return table(head, lines)


def main(words: Sequence[str]) -> None:
    """Read the score, fill the page."""
    page, scores = map(Path, words)
    score = json.loads(scores.read_text(encoding="utf-8"))
    text = filled(page.read_text(encoding="utf-8"), "scores", f"\n\n{markdown(score)}\n\n")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
