"""Training on a few corrected slices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from porelab_gui.core.learning.fit import Fit, FitConfig, fit
from porelab_gui.core.learning.metrics import confusion, iou
from porelab_gui.core.learning.pictures import show_panels
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import Progress
from porelab_methods.shale_unet.data import Distortions, Patches, Slices
from porelab_methods.shale_unet.infer import predict_slice, predict_slices
from porelab_methods.shale_unet.kinds import decided, surroundings
from porelab_methods.shale_unet.model import UNet, folded
from porelab_methods.shale_unet.recipe import Recipe
from porelab_methods.shale_unet.slices import Split

SMOOTH = 1.0
Loss = Callable[[torch.nn.Module, tuple[torch.Tensor, torch.Tensor]], torch.Tensor]


class PhaseNumbers:
    """Labels as class numbers 0..n-1 in the order of ``values``, one slice at a time."""

    def __init__(self, labels: Labels) -> None:
        self.values = tuple(sorted(labels.phases))
        self.names = tuple(labels.phases[v] for v in self.values)
        self.pores = tuple(k for k, v in enumerate(self.values) if v in labels.void)
        self._labels = labels
        self._lookup = np.zeros(max(max(self.values) + 1, 256), dtype=np.uint8)
        for number, value in enumerate(self.values):
            self._lookup[value] = number

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, z: int) -> NDArray[np.integer]:
        return self._lookup[np.asarray(self._labels.data[z])]


def cross_entropy_and_dice(weights: torch.Tensor) -> Loss:
    """Loss of a batch: cross entropy plus one minus the mean soft Dice of the classes that occur."""

    def loss(model: torch.nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        image, truth = batch
        scores = model(image.contiguous(memory_format=torch.channels_last)).float()
        shares = scores.softmax(dim=1)
        hot = functional.one_hot(truth, scores.shape[1]).movedim(-1, 1).to(shares.dtype)
        overlap = (shares * hot).sum((0, 2, 3))
        total = shares.sum((0, 2, 3)) + hot.sum((0, 2, 3))
        present = hot.sum((0, 2, 3)) > 0
        dice = ((2 * overlap + SMOOTH) / (total + SMOOTH))[present].mean()
        return functional.cross_entropy(scores, truth, weight=weights.to(scores.device)) + 1.0 - dice

    return loss


def class_weights(classes: torch.Tensor, count: int, balance: float) -> torch.Tensor:
    """Class shares to the power of minus ``balance``, mean 1: 0 leaves boundaries where they are likeliest."""
    shares = torch.bincount(classes.flatten(), minlength=count).float() / classes.numel()
    weights = torch.where(shares > 0, shares.clamp_min(1e-4) ** -balance, torch.zeros_like(shares))
    return weights / weights[weights > 0].mean()


def scores(model: UNet, slices: Slices, pores: tuple[int, ...], mirrors: bool = False) -> NDArray[np.int64]:
    """Confusion matrix of whole slices; ``pores`` are the numbers of the void classes."""
    shares = predict_slices(folded(model), slices.images, mirrors)
    found = np.stack([decided(page, pores, model.hosts.cpu()) for page in shares])
    return confusion(slices.classes.numpy(), found, model.head.out_channels)


def train(
    image: Stack,
    classes: PhaseNumbers,
    split: Split,
    recipe: Recipe,
    folder: Path,
    progress: Progress,
    start: Mapping[str, torch.Tensor] | None = None,
) -> tuple[UNet, Fit]:
    """A U-Net that has learned the training slices; the best epoch by mean IoU on the validation slices."""
    torch.manual_seed(recipe.seed)
    model = UNet(len(classes), recipe.context, recipe.width, recipe.depth).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if start is not None:
        model.load_state_dict(dict(start))
    seen, held = (
        Slices.of(image, classes, z, recipe.context, recipe.destripe) for z in (split.train, split.validation)
    )
    model.hosts.copy_(torch.from_numpy(surroundings(seen.classes.numpy(), classes.pores, len(classes))))
    patches = Patches(seen, recipe.patches, recipe.patch, recipe.seed, Distortions())
    config = FitConfig(
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        final_learning_rate=recipe.learning_rate / 100,
        warmup=1 if start is None and recipe.epochs > 4 else 0,
        patience=max(20, recipe.epochs // 2),
        seed=recipe.seed,
        threads=recipe.threads,
        monitor="mean IoU",
        maximise=True,
    )

    def validate(net: torch.nn.Module) -> dict[str, float]:
        per_class = iou(scores(model, held, classes.pores))
        figures = {f"IoU {n}": float(v) for n, v in zip(classes.names, per_class, strict=True) if np.isfinite(v)}
        return {"mean IoU": float(np.nanmean(per_class)), **figures}

    def draw(net: torch.nn.Module, progress: Progress) -> None:
        found = decided(predict_slice(folded(model), held.images[0]), classes.pores, model.hosts.cpu())
        truth, middle = held.classes[0].numpy().astype(np.uint8), recipe.context // 2
        shown = {"grey": held.images[0, middle].numpy(), "truth": truth, "prediction": found}
        show_panels(progress, f"slice {split.validation[0]}", shown, classes.names)

    loss = cross_entropy_and_dice(class_weights(seen.classes, len(classes), recipe.balance))
    return model, fit(model, loss, patches, validate, config, folder, progress, draw=draw)
