"""From a training to a Weights folder with an honest card."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from platformdirs import user_data_path

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.review import BY_HAND, slices_in
from porelab_gui.core.learning.metrics import iou
from porelab_gui.core.learning.weights import Card, load_weights, read_config, save_weights
from porelab_gui.core.nouns import Column, Labels, Stack, Table, Weights
from porelab_gui.core.progress import Progress
from porelab_methods.shale_unet.data import Slices
from porelab_methods.shale_unet.loop import grown
from porelab_methods.shale_unet.model import UNet, build
from porelab_methods.shale_unet.recipe import Recipe
from porelab_methods.shale_unet.slices import Split, among, choose
from porelab_methods.shale_unet.train import PhaseNumbers, scores, train

LIMITS = (
    "It knows the microscope, the voxel size and the phases of this stack only. Slices far from the training slices, "
    "other noise or other minerals need new corrections; the uncertainty layer shows where."
)


def split_of(labels: Labels, n: int, tests: int, gap: int, named: tuple[int, ...] = ()) -> Split:
    """The slices named; else those that a person corrected or finished; else equally spaced ones."""
    by_hand = () if named or labels.review is None else slices_in(labels, *BY_HAND)
    if by_hand:
        return among(by_hand, labels.shape[0], tests, gap)
    return choose(labels.shape[0], n, tests, gap, named)


def learn(
    image: Stack,
    labels: Labels,
    split: Split,
    recipe: Recipe,
    folder: Path | None,
    earlier: Weights | None,
    progress: Progress,
    command: str,
) -> tuple[Weights, Table]:
    """Train, score on the held-out slices, write the folder; the table has one row per class and the mean.

    A run that was broken off goes on when it is started again with the same slices and settings; without a ``folder``
    each run has one of its own in the user's data.
    """
    classes = PhaseNumbers(labels)
    start = None if earlier is None else _tensors(earlier, classes, recipe)
    digest = _digest(image, classes, split, recipe, earlier)
    folder = folder or user_data_path("porelab", appauthor=False) / "weights" / f"shale_unet-{digest}"
    work = folder / f"run-{digest}"
    model, result = train(image, classes, split, recipe, work, progress, start)
    table = score_table(model, image, classes, split, recipe)
    config = _config(image, labels, classes, split, recipe)
    before = [] if earlier is None else read_config(earlier).get("history", [])
    per_class = {n: float(v) for n, v in zip(classes.names, table["iou"][:-1], strict=True)}
    config["history"] = grown(before, split.train, float(table["iou"][-1]), per_class)
    card = _card(image, split, table, command)
    weights = save_weights(folder, model, config, card, result.curves, half=True)
    shutil.rmtree(work, ignore_errors=True)
    return weights, table


def _config(image: Stack, labels: Labels, classes: PhaseNumbers, split: Split, recipe: Recipe) -> dict[str, Any]:
    return {
        "system": "shale_unet",
        "classes": len(classes),
        "context": recipe.context,
        "width": recipe.width,
        "depth": recipe.depth,
        "destripe": recipe.destripe,
        "values": list(classes.values),
        "phases": {str(k): v for k, v in labels.phases.items()},
        "void": list(labels.void),
        "voxel_size": list(image.voxel_size),
        "split": {"train": list(split.train), "validation": list(split.validation), "test": list(split.test)},
    }


def _digest(image: Stack, classes: PhaseNumbers, split: Split, recipe: Recipe, earlier: Weights | None) -> str:
    """What a run learns from and how; another image, correction, split, setting or start is another run."""
    made = hashlib.blake2b(repr((image.shape, split.train, split.validation, recipe)).encode(), digest_size=6)
    for z in (*split.train, *split.validation):
        made.update(np.ascontiguousarray(image.data[z]).tobytes())
        made.update(classes[z].tobytes())
    made.update(b"" if earlier is None else earlier.content_hash.encode())
    return made.hexdigest()


def score_table(
    model: UNet, image: Stack, classes: PhaseNumbers, split: Split, recipe: Recipe, mirrors: bool = False
) -> Table:
    """IoU, recall and confusion per class on the test slices, or on the validation slices where there are none."""
    chosen, kind = (split.test, "test") if split.test else (split.validation, "validation")
    held = Slices.of(image, classes, chosen, recipe.context, recipe.destripe)
    counts = scores(model, held, classes.pores, mirrors)
    per_class = iou(counts)
    recall = np.diag(counts) / np.maximum(counts.sum(1), 1)
    columns = {
        "phase": Column(np.array([*classes.names, "mean"])),
        "iou": Column(np.append(per_class, np.nanmean(per_class)), "1", f"IoU on {kind} slices"),
        "recall": Column(np.append(recall, recall.mean()), "1", f"recall on {kind} slices"),
        "voxels": Column(np.append(counts.sum(1), counts.sum()), "1", "voxels of the truth"),
    }
    for number, name in enumerate(classes.names):
        called = np.append(counts[:, number], counts[:, number].sum())
        columns[f"called {name}"] = Column(called, "1", f"voxels that the net called {name}")
    where = ", ".join(map(str, chosen))
    return Table(columns, (f"Scored on {kind} slices {where}.", *split.notes), name="U-Net scores")


def _tensors(weights: Weights, classes: PhaseNumbers, recipe: Recipe) -> dict[str, torch.Tensor]:
    config = read_config(weights)
    wanted = {"classes": len(classes), "context": recipe.context, "width": recipe.width, "depth": recipe.depth}
    if any(config.get(k) != v for k, v in wanted.items()):
        raise InputError(
            "the earlier weights have other sizes or another number of phases",
            where=weights.folder,
            remedy="Train from the start, or set the sizes of the earlier weights.",
        )
    model = load_weights(weights, build)
    assert isinstance(model, UNet)
    return dict(model.state_dict())


def _card(image: Stack, split: Split, table: Table, command: str) -> Card:
    rows = [
        {"phase": str(p), "IoU": float(i), "recall": float(r)}
        for p, i, r in zip(table["phase"], table["iou"], table["recall"], strict=True)
    ]
    return Card(
        title="Segmentation U-Net",
        summary="A 2D U-Net on normalised slices with their neighbours as channels.",
        data=f"Stack {image.name or 'without a name'}, {' x '.join(map(str, image.shape))} voxels.",
        splits=f"Training slices {split.train}, validation {split.validation}, test {split.test}; no slice twice.",
        scores=rows,
        limits=LIMITS,
        command=command,
        citation="Ronneberger et al., MICCAI 2015, doi 10.1007/978-3-319-24574-4_28.",
    )


def command_of(params: Mapping[str, Any]) -> str:
    """The command that repeats a training."""
    settings = " ".join(f"--{k} {_word(v)}" for k, v in params.items() if v not in ("", (), []))
    return f"porelab train_unet --in image=STACK --in labels=LABELS {settings}"


def _word(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
