"""One row per throat with its pores, its shape and every conductance column."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from porelab_gui.core.export.tables import write_csv
from porelab_gui.core.export.whole import whole_file
from porelab_gui.core.nouns import AXES, Column, Network, Table

SHAPE = (
    "inscribed_diameter", "equivalent_diameter", "cross_sectional_area", "perimeter", "total_length", "direct_length",
)  # fmt: skip


def throat_table(network: Network) -> Table:
    """The throats as a Table: index, pore pair, middle (m), shape columns, then all others in their order.

    Pores are counted from 0. Columns with several values per throat get one column each.
    """
    ends = network.conns
    columns = {
        "throat": Column(np.arange(network.n_throats)),
        "pore_1": Column(ends[:, 0]),
        "pore_2": Column(ends[:, 1]),
    }
    middle = network.coords[ends].mean(axis=1) if network.n_throats else np.zeros((0, 3))
    columns |= {f"middle_{a}": Column(middle[:, k], "m", f"middle along {a}") for k, a in enumerate(AXES)}
    order = [k for k in SHAPE if k in network.throats] + [k for k in network.throats if k not in SHAPE]
    for key in order:
        column = network.throats[key]
        if column.values.ndim == 1:
            columns[key] = column
        else:
            rows = column.values.reshape(len(column), -1)
            columns |= {f"{key}.{k}": Column(rows[:, k], column.unit, column.title) for k in range(rows.shape[1])}
    return Table(columns, name=f"{network.name} throats", source=network.source)


def write_throat_table(network: Network, path: str | Path) -> Path:
    """Write it as CSV, whole or not at all; PorelabError says why not."""
    path = Path(path)
    with whole_file(path) as temporary:
        write_csv(throat_table(network), temporary)
    return path
