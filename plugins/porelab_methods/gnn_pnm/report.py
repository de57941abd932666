"""Writes the scores that ``porelab score gnn_pnm --json FILE`` measured into the documentation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from porelab_gui.core.generated import filled, number, table

COLUMNS = {
    "model": "model",
    "media": "media",
    "median_err_K": "median error of K",
    "p90_err_K": "90 % within",
    "bias_K": "bias of K",
    "r2_lnK": "R2 ln K",
    "median_err_F": "median error of F",
    "r2_lnF": "R2 ln F",
    "rank_g": "rank g",
    "rank_share": "rank share",
    "rank_flow": "rank flow",
}
PER_CENT = ("median_err_K", "p90_err_K", "bias_K", "median_err_F")


def markdown(content: Mapping[str, Any]) -> str:
    """Figures, then one table per part of the data, then the families of the model itself."""
    rows: Sequence[Mapping[str, Any]] = content["rows"]
    text = [table(("figure", "value"), content["figures"].items())]
    for part in dict.fromkeys(r["part"] for r in rows):
        text += ["", f"**{part}**", "", _table([r for r in rows if r["part"] == part and r["family"] == "all"])]
    ours = rows[0]["model"] if rows else ""
    mine = [r for r in rows if r["model"] == ours and r["family"] != "all"]
    families = [{**r, "model": f"{r['part']}: {r['family']}"} for r in mine]
    return "\n".join([*text, "", f"**{ours}, by family**", "", _table(families)] if families else text)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    return table(list(COLUMNS.values()), ([_cell(key, row.get(key)) for key in COLUMNS] for row in rows))


def _cell(key: str, value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{100 * value:.1f} %" if key in PER_CENT else number(value)


def write(scores: Path, page: Path) -> None:
    """Replace what stands between the two marks of the page."""
    body = markdown(json.loads(scores.read_text(encoding="utf-8")))
    page.write_text(filled(page.read_text(encoding="utf-8"), "scores", f"\n\n{body}\n\n"), encoding="utf-8")


if __name__ == "__main__":
    import sys

    write(Path(sys.argv[1]), Path(sys.argv[2]))
