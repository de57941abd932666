"""The data set as a job: what was built and what was left out, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from porelab_gui.core.nouns import Column, Table
from porelab_gui.core.progress import Progress, within
from porelab_methods.gnn_pnm.data import Plan, build, load

if TYPE_CHECKING:
    from porelab_methods.gnn_pnm.methods import DataParams


def build_folder(params: DataParams, folder: Path, progress: Progress) -> Table:
    """Build what is missing, and count what is there."""
    plan = Plan(params.networks, params.wide, params.unseen, params.growth, params.rocks, params.seed)
    refused = build(
        plan, folder, threads=params.threads, solver=params.solver, conduits=params.conduits,
        progress=within(progress, 0, 0.99),
    )  # fmt: skip
    samples = load(folder)
    parts = list(dict.fromkeys((s.family, s.role) for s in samples))
    of = [[s for s in samples if (s.family, s.role) == part] for part in parts]
    columns = {
        "family": Column(np.array([p[0] for p in parts], dtype=str)),
        "part": Column(np.array([p[1] for p in parts], dtype=str)),
        "networks": Column(np.array([len(s) for s in of], dtype=np.int64), "1"),
        "throats": Column(np.array([np.mean([s.network.n_throats for s in g]) for g in of]), "1", "mean per network"),
        "K": Column(np.array([np.nanmedian([s.k for s in g]) for g in of]), "m2", "median, at a voxel of 1 um"),
    }
    notes = [f"{len(samples)} networks in {folder}."]
    if refused:
        key, why = next(iter(refused.items()))
        notes.append(f"{len(refused)} media were left out, such as {key}: {why}")
    progress(1, 1, "built")
    return Table(columns, tuple(notes), name="data set of gnn_pnm")
