"""The score as tables of the page: ``python -m porelab_methods.superres.report docs/superres.md SCORE.json``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from porelab_gui.core.generated import filled, number, table
from porelab_methods.superres.evaluate import summary
from porelab_methods.superres.score import UNSEEN, by_group, figures

COLUMNS = {
    "method": "image", "r2_stokes": "r2 Stokes", "r2_network": "r2 network", "r2_surrogate": "r2 surrogate",
    "r2_surrogate_cut": "r2 surrogate, cut image",
    "porosity_error": "porosity error", "psnr": "PSNR [dB]", "ssim": "SSIM", "dice": "Dice",
    "euler_error": "Euler error [1/voxel]", "surface_error": "surface error [1/voxel edge]",
}  # fmt: skip


def markdown(rows: list[dict[str, Any]]) -> str:
    """Figures, then one table over all blocks and one per group."""
    parts = [table(("figure", "value"), figures(rows).items())]
    for group, own in {"all": rows, **by_group(rows)}.items():
        short = summary(own)
        name = f"{group} (in no training)" if group.startswith(UNSEEN) else group
        cells = ([_cell(r[k]) for k in COLUMNS] for r in short)
        parts.append(f"**{name}**, {short[0]['blocks']} blocks\n\n{table(list(COLUMNS.values()), cells)}")
    return "\n\n".join(parts)


def _cell(value: Any) -> str:
    return "" if isinstance(value, float) and math.isnan(value) else number(value)


def main(words: Sequence[str]) -> None:
    """Read the score, fill the page."""
    page, scores = map(Path, words)
    rows = json.loads(scores.read_text(encoding="utf-8"))["rows"]
    text = filled(page.read_text(encoding="utf-8"), "scores", f"\n\n{markdown(rows)}\n\n")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
