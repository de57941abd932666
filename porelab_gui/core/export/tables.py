"""Writers of tables: CSV and Parquet with units in the heads, JSON with units beside the values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.network.formats.csv_tables import write_columns
from porelab_gui.core.nouns import Column, Table


def write_csv(table: Table, path: Path) -> None:
    """One row per row; ``name [unit]`` heads; notes as comment lines before them."""
    columns = {_head(k, c): np.asarray(c.values) for k, c in table.columns.items()}
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


def write_parquet(table: Table, path: Path) -> None:
    """Heads as in the CSV; units, titles and notes in the metadata too (``DataFrame.attrs``)."""
    import pandas

    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        remedy = "pip install 'porelab-gui[tables]', or write .csv."
        raise PorelabError("Parquet needs the package pyarrow", where=path, remedy=remedy) from error
    frame = pandas.DataFrame({_head(k, c): np.asarray(c.values) for k, c in table.columns.items()})
    known = {_head(k, c): {"name": k, "unit": c.unit, "title": c.title} for k, c in table.columns.items()}
    frame.attrs = {"name": table.name, "notes": list(table.notes), "columns": known}
    frame.to_parquet(path, engine="pyarrow", index=False)


def _head(name: str, column: Column) -> str:
    return f"{name} [{column.unit}]" if column.unit else name


def _plain(values: np.ndarray[Any, Any]) -> list[Any]:
    made: list[Any] = values.tolist()
    if values.dtype.kind == "f" and values.ndim == 1:
        return [v if np.isfinite(v) else None for v in made]
    return made
