"""From a training to a Weights folder with an honest card, and from weights to a segmented stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.learning.device import best_device
from porelab_gui.core.learning.metrics import iou
from porelab_gui.core.learning.weights import Card, load_weights, read_config, save_weights
from porelab_gui.core.nouns import Column, Labels, Stack, Table, Weights
from porelab_gui.core.progress import Progress
from porelab_methods.shale_unet.data import Slices
from porelab_methods.shale_unet.infer import segment
from porelab_methods.shale_unet.model import UNet, build
from porelab_methods.shale_unet.slices import Split, choose
from porelab_methods.shale_unet.train import Recipe, class_image, scores, train

LIMITS = (
    "It knows the microscope, the voxel size and the phases of this stack only. Slices far from the training slices, "
    "other noise or other minerals need new corrections; the uncertainty layer shows where."
)


def learn(
    image: Stack,
    labels: Labels,
    params: Any,
    recipe: Recipe,
    folder: Path,
    earlier: Weights | None,
    progress: Progress,
) -> tuple[Weights, Table]:
    """Train, score on the held-out slices, write the folder; the table has one row per class and the mean."""
    split = choose(image.shape[0], params.n_slices, params.tests, params.gap, params.slices)
    classes, values = class_image(labels)
    start = None if earlier is None else _tensors(earlier, values, recipe)
    model, result = train(
        image, classes, len(values), split.train, split.validation, recipe, folder / "run", progress, start
    )
    table = _score(model, image, classes, split, labels, values, recipe.context)
    config = {
        "system": "shale_unet",
        "classes": len(values),
        "context": recipe.context,
        "width": recipe.width,
        "depth": recipe.depth,
        "values": list(values),
        "phases": {str(k): v for k, v in labels.phases.items()},
        "void": list(labels.void),
        "voxel_size": list(image.voxel_size),
        "split": {"train": list(split.train), "validation": list(split.validation), "test": list(split.test)},
    }
    weights = save_weights(folder, model, config, _card(image, split, table, params), result.curves, half=True)
    return weights, table


def apply(image: Stack, weights: Weights, progress: Progress) -> tuple[Labels, Stack]:
    """Phases and uncertainty (0 sure, 255 undecided) of a whole stack."""
    config = read_config(weights)
    if config.get("system") != "shale_unet":
        raise FormatError("these weights are not a segmentation U-Net", where=weights.folder)
    model = load_weights(weights, build).to(best_device())
    numbers, unsure = segment(model, image, int(config["context"]), progress)
    values = np.array(config["values"], dtype=np.uint8)
    phases = {int(k): str(v) for k, v in config["phases"].items()}
    named = {"source": image.source}
    labels = Labels(
        values[numbers], image.voxel_size, phases=phases, void=tuple(config["void"]), name="labels", **named
    )
    return labels, Stack(unsure, image.voxel_size, name="uncertainty", **named)


def next_slice(uncertainty: Stack, used: tuple[int, ...], gap: int = 1) -> int:
    """The slice with the most to gain: highest mean uncertainty among those at least ``gap`` from a used one."""
    mean = np.array([float(np.mean(uncertainty.data[z])) for z in range(uncertainty.shape[0])])
    for z in used:
        mean[max(0, z - gap + 1) : z + gap] = -1.0
    if mean.max() < 0:
        raise InputError("every slice has been corrected or lies beside one", remedy="Lower the gap.")
    return int(mean.argmax())


def _score(
    model: torch.nn.Module,
    image: Stack,
    classes: NDArray[np.uint8],
    split: Split,
    labels: Labels,
    values: tuple[int, ...],
    context: int,
) -> Table:
    """IoU and accuracy per class on the test slices, or on the validation slices when none were held out."""
    chosen, kind = (split.test, "test") if split.test else (split.validation, "validation")
    counts = scores(model, Slices.of(image, classes, chosen, context))
    per_class = iou(counts)
    recall = np.diag(counts) / np.maximum(counts.sum(1), 1)
    names = [*(labels.phases[v] for v in values), "mean"]
    columns = {
        "phase": Column(np.array(names)),
        "iou": Column(np.append(per_class, np.nanmean(per_class)), "1", f"IoU on {kind} slices"),
        "recall": Column(np.append(recall, recall.mean()), "1", f"recall on {kind} slices"),
        "voxels": Column(np.append(counts.sum(1), counts.sum()), "1", "voxels of the truth"),
    }
    where = ", ".join(map(str, chosen))
    return Table(columns, (f"Scored on {kind} slices {where}.", *split.notes), name="U-Net scores")


def _tensors(weights: Weights, values: tuple[int, ...], recipe: Recipe) -> dict[str, torch.Tensor]:
    config = read_config(weights)
    wanted = {"classes": len(values), "context": recipe.context, "width": recipe.width, "depth": recipe.depth}
    if any(config.get(k) != v for k, v in wanted.items()):
        raise InputError(
            "the earlier weights have other sizes or another number of phases",
            where=weights.folder,
            remedy="Train from the start, or set the sizes of the earlier weights.",
        )
    model = load_weights(weights, build)
    assert isinstance(model, UNet)
    return dict(model.state_dict())


def _card(image: Stack, split: Split, table: Table, params: Any) -> Card:
    rows = [
        {"phase": str(p), "IoU": float(i), "recall": float(r)}
        for p, i, r in zip(table["phase"], table["iou"], table["recall"], strict=True)
    ]
    settings = " ".join(f"--{k} {_word(v)}" for k, v in params.model_dump().items() if v not in ("", (), []))
    return Card(
        title="Segmentation U-Net",
        summary="A 2D U-Net on normalised slices with their neighbours as channels.",
        data=f"Stack {image.name or 'without a name'}, {' x '.join(map(str, image.shape))} voxels.",
        splits=f"Training slices {split.train}, validation {split.validation}, test {split.test}; no slice twice.",
        scores=rows,
        limits=LIMITS,
        command=f"porelab train_unet --in image=STACK --in labels=LABELS {settings}",
        citation="Ronneberger et al., MICCAI 2015, doi 10.1007/978-3-319-24574-4_28.",
    )


def _word(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
