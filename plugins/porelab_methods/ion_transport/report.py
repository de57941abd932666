"""Writes what ``porelab score ion_transport`` and ``porelab bench ions`` measured (``--json FILE``) into docs/ions.md.

``python -m porelab_methods.ion_transport.report PAGE FILE [FILE]``
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from porelab_gui.core.generated import filled, table

COLUMNS = {
    "model": "model",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R2",
    "negative_caught": "negative rejections caught",
    "charge_violation": "charge violation",
    "rmse_dspm_de": "RMSE of fitted DSPM-DE",
    "rmse_dspm_de_averaged": "RMSE of averaged DSPM-DE",
    "rmse_dspm_de_regularised": "RMSE of regularised DSPM-DE",
    "rmse_fitted_strengths": "RMSE with fitted strengths",
    "rmse_centred_at_none": "RMSE, strengths centred at none",
    "rmse_centred_at_simulations": "RMSE, strengths centred at the simulations",
}


def markdown(content: Mapping[str, Any]) -> str:
    """Figures, then one table per bench."""
    text = [table(["figure", "value"], content["figures"].items())]
    rows: Sequence[Mapping[str, Any]] = content["rows"]
    for bench in dict.fromkeys(r["bench"] for r in rows if "bench" in r):
        text += [f"**{bench}**", _rows([r for r in rows if r.get("bench") == bench])]
    if rows and not any("bench" in r for r in rows):
        text.append(table(list(rows[0]), [list(r.values()) for r in rows]))
    return "\n\n".join(text)


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Only the columns that some row fills."""
    shown = [k for k in COLUMNS if any(k in r for r in rows)]
    return table([COLUMNS[k] for k in shown], [[_known(row.get(k)) for k in shown] for row in rows])


def _known(value: Any) -> Any:
    """Nothing where there is no number."""
    return "" if value is None or (isinstance(value, float) and not math.isfinite(value)) else value


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
