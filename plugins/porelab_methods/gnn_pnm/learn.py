"""From a folder of samples to a folder of weights with its card, and the table of scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.learning.fit import Fit
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Column, Table, Weights
from porelab_gui.core.progress import Progress, within
from porelab_methods.gnn_pnm.data import load, usable, without_duplicates
from porelab_methods.gnn_pnm.familiar import Familiar
from porelab_methods.gnn_pnm.labels import Sample
from porelab_methods.gnn_pnm.model import Ensemble
from porelab_methods.gnn_pnm.systems import Prepared
from porelab_methods.gnn_pnm.train import Outcome, Recipe, median_error, predict, prepared, train

CITATION = (
    "Zhao and Xiao, An end-to-end differentiable, graph neural network-embedded pore network model for permeability "
    "prediction, J. Hydrology 675 (2026) 135602, arXiv 2509.13841."
)
PARTS = {"test": "unseen media", "unseen_family": "unseen family", "unseen_rock": "unseen rock", "growth": "200^3"}


def collect(folder: Path) -> tuple[list[Sample], list[str]]:
    """The samples to learn from, and sentences about those left out; InputError for an empty folder."""
    found = load(folder) if folder.is_dir() else []
    if not found:
        raise InputError(
            "there is no sample of a data set in this folder",
            where=folder,
            remedy="Build the data set first (Networks with known permeability).",
        )
    good, zero = usable(found)
    kept, double = without_duplicates(good)
    notes = []
    if zero:
        notes.append(f"{len(zero)} networks conduct nothing or have no K and were left out ({', '.join(zero[:3])}).")
    if double:
        notes.append(f"{len(double)} networks occur twice and were left out of training ({', '.join(double[:3])}).")
    if not kept:
        raise InputError(
            "every network of the folder has a permeability of zero, which has no logarithm to learn",
            where=folder,
            remedy="Build media of higher porosity.",
        )
    return kept, notes


def learn(
    data: Path, recipe: Recipe, folder: Path, command: str, progress: Progress
) -> tuple[Weights, Table, list[Fit]]:
    """Train an ensemble, score it on what was held out, write the weights."""
    samples, notes = collect(data)
    every = prepared(samples, recipe.variant, within(progress, 0, 0.03))
    parts = {role: [m for m in every if m.role == role] for role in ("train", "validation", *PARTS)}
    net, fits = train(parts["train"], parts["validation"], recipe, folder / "runs", within(progress, 0.03, 0.98))
    outcomes = {name: predict(net, parts[role]) for role, name in PARTS.items() if parts[role]}
    rows = [row for name, outcome in outcomes.items() for row in score_rows(name, outcome)]
    weights = save(folder, net, recipe, parts["train"], rows, fits, command)
    progress(1, 1, "done")
    return weights, as_table(rows, notes), fits


def score_rows(name: str, outcome: Outcome) -> list[dict[str, Any]]:
    """One row for all of a part and one per family of it."""
    families = np.array(outcome.families)
    groups = [("all", np.ones(len(families), bool))]
    groups += [(f, families == f) for f in dict.fromkeys(outcome.families)] if len(set(outcome.families)) > 1 else []
    return [_row(name, family, outcome, mask) for family, mask in groups]


def _row(name: str, family: str, outcome: Outcome, mask: np.ndarray[Any, Any]) -> dict[str, Any]:
    from porelab_gui.core.learning.metrics import r2

    row: dict[str, Any] = {"part": name, "family": family}
    for kind, letter in enumerate("KF"):
        here = mask & (outcome.kind == kind)
        truth, found = outcome.truth[here], outcome.found[here]
        row[f"targets_{letter}"] = int(here.sum())
        row[f"median_error_{letter}"] = median_error(truth, found)
        row[f"r2_ln{letter}"] = r2(truth, found) if len(truth) > 1 else float("nan")
    return row


def as_table(rows: Sequence[dict[str, Any]], notes: Sequence[str]) -> Table:
    """The scores for the window."""
    if not rows:
        return Table({}, (*notes, "Nothing was held out, so there is no score."), name="scores of gnn_pnm")
    columns = {k: Column(np.array([r[k] for r in rows])) for k in rows[0]}
    return Table(columns, tuple(notes), name="scores of gnn_pnm")


def save(
    folder: Path, net: Ensemble, recipe: Recipe, members: Sequence[Prepared], rows: Sequence[dict[str, Any]],
    fits: Sequence[Fit], command: str,
) -> Weights:  # fmt: skip
    """Weights in half precision with their card and what familiar networks look like."""
    config = {
        "variant": recipe.variant, "members": recipe.members, "width": recipe.width, "rounds": recipe.rounds,
        "hidden": recipe.hidden, "seed": recipe.seed, "familiar": Familiar.of([m.graph for m in members]).plain(),
    }  # fmt: skip
    curves = [{"net": float(k), **row} for k, run in enumerate(fits) for row in run.curves]
    return save_weights(folder, net, config, card_of(recipe, members, rows, command), curves, half=True)


def card_of(recipe: Recipe, members: Sequence[Prepared], rows: Sequence[dict[str, Any]], command: str) -> Card:
    """What a user must know of the weights."""
    counts = {f: sum(m.family == f for m in members) for f in dict.fromkeys(m.family for m in members)}
    listed = ", ".join(f"{n} {family}" for family, n in counts.items())
    return Card(
        title=f"GNN-PNM, variant {recipe.variant}",
        summary="Hydraulic and diffusive conductance of every throat as a correction of the cones-and-cylinders law, "
        f"from an ensemble of {recipe.members} graph neural networks trained through the pore-network solver.",
        data=f"{len(members)} networks ({listed}): binary media of 50 to 96 voxels edge made from seeds, and boxes of "
        "the sandstone of DeePore and of PoreSpy's Leopard image (both MIT). Target: permeability of the voxels by "
        "staggered finite volumes to 1e-3, one axis a medium, and formation factor to 1e-4, three axes.",
        splits="By medium: each seed or box is in one part only; duplicated networks are found by hash. The family "
        "'bubbles' and the Berea sandstone are held out whole.",
        scores=rows,
        limits="Throats of about 3 to 20 voxels, porosity 0.13 to 0.85, SNOW networks with boundary pores; the program "
        "says when a network is unlike these. K is that of the voxels, with their resolution error.",
        command=command,
        citation=CITATION,
        sources=(
            "sandstone300: ArashRabbani/DeePore, MIT",
            "leopard: PoreSpy test image, MIT",
            "all other training media: made by this program (media.py)",
        ),
    )
