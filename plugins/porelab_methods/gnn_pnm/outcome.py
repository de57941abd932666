"""Tables: what the model says of a network, and K and F by every law beside the voxels'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.pnm.compare import compare as compare_laws
from porelab_methods.gnn_pnm.apply import Applied

VOXELS = {
    "permeability": ("permeability", "K_m2", "Stokes flow on the voxels"),
    "diffusion": ("formation_factor", "F", "diffusion on the voxels"),
}


def apply_table(done: Applied) -> Table:
    """One row: variant, distance from the training set, uncertainty, how far from the analytic law."""
    ratio = done.network.throats["gnn_ratio.hydraulic"].values
    columns = {
        "variant": Column(np.array([done.variant])),
        "distance": Column(np.array([done.distance]), "1", "distance of the features from the training set"),
        "familiar_within": Column(np.array([done.limit]), "1", "distance that 99 % of the training networks keep"),
        "ratio_median": Column(np.array([float(np.median(ratio))]), "1", "conductance over the analytic law"),
        "spread_median": Column(np.array([done.spread]), "1", "spread of ln g between the nets"),
    }
    return Table(columns, done.notes, name="conductance by graph network", source=done.network.name)


def compare(network: Network, voxels: Mapping[str, Table | None], axes: Sequence[str], progress: Progress) -> Table:
    """The table of all laws under both boundary treatments, with the voxels' own K and F and the error against it."""
    table = compare_laws(network, axes=axes, progress=progress)
    columns = dict(table.columns)
    axis = table["axis"]
    notes = list(table.notes)
    for name, (key, stem, title) in VOXELS.items():
        truth = _of_axis(voxels.get(name), key, axis)
        if not np.isfinite(truth).any():
            notes.append(f"No {title}: run it first, and choose its table as {name}.")
            continue
        unit = columns[f"{stem}.reservoirs"].unit
        columns[f"{stem}.voxels"] = Column(truth, unit, title)
        error = columns[f"{stem}.reservoirs"].values / truth - 1
        columns[f"{stem}.error"] = Column(error, "1", f"with face reservoirs, over {title}, minus 1")
    return replace(table, columns=columns, notes=tuple(notes), name="K and F by law, boundary treatment and voxels")


def _of_axis(
    table: Table | None, key: str, axes: np.ndarray[tuple[int, ...], np.dtype[np.str_]]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The value of every row's axis, NaN where the table has none."""
    if table is None or key not in table.columns or "axis" not in table.columns:
        return np.full(len(axes), np.nan)
    known = {str(a): float(v) for a, v in zip(table["axis"], table[key], strict=True)}
    return np.array([known.get(str(a), np.nan) for a in axes])
