"""Writes what ``porelab score ion_transport`` and ``porelab bench ions`` measured (``--json FILE``) into docs/ions.md.

``python -m porelab_methods.ion_transport.report PAGE FILE [FILE]``
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from porelab_gui.core.generated import filled

COLUMNS = {
    "model": "model",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
    "negative_caught": "negative rejections caught",
    "charge_violation": "charge violation",
    "rmse_dspm_de": "RMSE of fitted DSPM-DE",
    "rmse_dspm_de_averaged": "RMSE of averaged DSPM-DE",
}


def markdown(content: Mapping[str, Any]) -> str:
    """Figures, then one table per bench."""
    text = ["| figure | value |", "|---|---|"]
    text += [f"| {key} | {_cell(value)} |" for key, value in content["figures"].items()]
    rows: Sequence[Mapping[str, Any]] = content["rows"]
    for bench in dict.fromkeys(r["bench"] for r in rows if "bench" in r):
        text += ["", f"**{bench}**", "", *_table([r for r in rows if r.get("bench") == bench])]
    return "\n".join(text)


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Only the columns that some row fills."""
    shown = [k for k in COLUMNS if any(k in r for r in rows)]
    lines = ["| " + " | ".join(_cell(row.get(k)) for k in shown) + " |" for row in rows]
    return ["| " + " | ".join(COLUMNS[k] for k in shown) + " |", "|" + "---|" * len(shown), *lines]


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write(page: Path, files: Sequence[Path]) -> None:
    """Each file under the mark of its kind: scores have rows of a bench, benchmarks do not."""
    text = page.read_text(encoding="utf-8")
    for path in files:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind = "scores" if content["name"] == "ion_transport" else "timings"
        text = filled(text, kind, f"\n\n{markdown(content)}\n\n")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    import sys

    write(Path(sys.argv[1]), [Path(p) for p in sys.argv[2:]])
