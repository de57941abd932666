"""Training on a few corrected slices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from porelab_gui.core.learning.fit import Fit, FitConfig, fit
from porelab_gui.core.learning.metrics import confusion, iou
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import Progress
from porelab_methods.shale_unet.data import Patches, Slices
from porelab_methods.shale_unet.infer import predict_slices
from porelab_methods.shale_unet.model import UNet

SMOOTH = 1.0
Loss = Callable[[torch.nn.Module, tuple[torch.Tensor, torch.Tensor]], torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """Sizes of a training; the defaults reach the stated scores on two processor cores."""

    context: int = 3
    width: int = 16
    depth: int = 3
    patch: int = 128
    patches: int = 160
    epochs: int = 16
    batch_size: int = 8
    learning_rate: float = 3e-3
    seed: int = 0
    threads: int = 0


def class_image(labels: Labels) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """Label values as class numbers 0..n-1 in the order of the phases, and those values."""
    values = tuple(sorted(labels.phases))
    lookup = np.zeros(max(values) + 1, dtype=np.uint8)
    for number, value in enumerate(values):
        lookup[value] = number
    return lookup[labels.array()], values


def cross_entropy_and_dice(weights: torch.Tensor) -> Loss:
    """Loss of a batch: weighted cross entropy plus one minus the mean soft Dice of the classes that occur."""

    def loss(model: torch.nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        image, truth = batch
        scores = model(image).float()
        shares = scores.softmax(dim=1)
        hot = functional.one_hot(truth, scores.shape[1]).movedim(-1, 1).to(shares.dtype)
        overlap = (shares * hot).sum((0, 2, 3))
        total = shares.sum((0, 2, 3)) + hot.sum((0, 2, 3))
        present = hot.sum((0, 2, 3)) > 0
        dice = ((2 * overlap + SMOOTH) / (total + SMOOTH))[present].mean()
        return functional.cross_entropy(scores, truth, weight=weights.to(scores.device)) + 1.0 - dice

    return loss


def class_weights(classes: torch.Tensor, count: int) -> torch.Tensor:
    """Inverse square root of the class shares, mean 1: rare pores count more, but not a thousand times more."""
    shares = torch.bincount(classes.flatten(), minlength=count).float() / classes.numel()
    weights = torch.where(shares > 0, shares.clamp_min(1e-4).rsqrt(), torch.zeros_like(shares))
    return weights / weights[weights > 0].mean()


def scores(model: torch.nn.Module, slices: Slices) -> NDArray[np.int64]:
    """Confusion matrix of whole slices."""
    count = model.head.out_channels if isinstance(model, UNet) else int(slices.classes.max()) + 1
    found = predict_slices(model, slices.images).argmax(1)
    return confusion(slices.classes.numpy(), found.numpy(), count)


def train(
    image: Stack,
    classes: NDArray[np.uint8],
    count: int,
    chosen: tuple[int, ...],
    validation: tuple[int, ...],
    recipe: Recipe,
    folder: Path,
    progress: Progress,
    start: Mapping[str, torch.Tensor] | None = None,
) -> tuple[UNet, Fit]:
    """A U-Net that has learned the slices ``chosen``; the best epoch by mean IoU on ``validation``."""
    torch.manual_seed(recipe.seed)
    model = UNet(count, recipe.context, recipe.width, recipe.depth)
    if start is not None:
        model.load_state_dict(dict(start))
    seen = Slices.of(image, classes, chosen, recipe.context)
    held = Slices.of(image, classes, validation, recipe.context)
    patches = Patches(seen, recipe.patches, recipe.patch, recipe.seed)
    config = FitConfig(
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        final_learning_rate=recipe.learning_rate / 100,
        seed=recipe.seed,
        threads=recipe.threads,
        monitor="one_minus_iou",
    )

    def validate(net: torch.nn.Module) -> dict[str, float]:
        per_class = iou(scores(net, held))
        figures = {f"iou_{i}": float(v) for i, v in enumerate(per_class) if np.isfinite(v)}
        return {"one_minus_iou": 1.0 - float(np.nanmean(per_class)), **figures}

    loss = cross_entropy_and_dice(class_weights(seen.classes, count))
    return model, fit(model, loss, patches, validate, config, folder, progress)
