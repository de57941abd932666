"""Writers of tables: CSV with units in the heads, JSON with units beside the values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.network.formats.csv_tables import write_columns
from porelab_gui.core.nouns import Table


def write_csv(table: Table, path: Path) -> None:
    """One row per row; ``name [unit]`` heads; notes as comment lines before them."""
    columns = {f"{k} [{c.unit}]" if c.unit else k: np.asarray(c.values) for k, c in table.columns.items()}
    write_columns(path, columns, "".join(f"# {note}\n" for note in table.notes))


def write_json(table: Table, path: Path) -> None:
    """``{"name", "notes", "columns": {name: {"unit", "title", "values"}}}``; NaN and infinity become null."""
    columns: dict[str, Any] = {}
    for key, column in table.columns.items():
        columns[key] = {
            "unit": column.unit,
            "title": column.title,
            "values": _plain(np.asarray(column.values)),
        }
    text = json.dumps({"name": table.name, "notes": list(table.notes), "columns": columns}, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(values: np.ndarray[Any, Any]) -> list[Any]:
    made: list[Any] = values.tolist()
    if values.dtype.kind == "f" and values.ndim == 1:
        return [v if np.isfinite(v) else None for v in made]
    return made
