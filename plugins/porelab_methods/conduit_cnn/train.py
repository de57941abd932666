"""Training of the small nets on simulated conduits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from porelab_gui.core.errors import InputError
from porelab_gui.core.learning.fit import Fit, FitConfig, fit
from porelab_gui.core.learning.metrics import r2, share_beyond
from porelab_gui.core.progress import Progress, silent
from porelab_methods.conduit_cnn.dataset import Sample
from porelab_methods.conduit_cnn.features import CELLS, Geometry
from porelab_methods.conduit_cnn.model import CHANNELS, DIFFUSIVE, NUMBERS, SPAN, ConduitNet

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
# channels are kept as bytes: lowest value and step of each (shares, potential, dissipation, wall distance, ..., size)
LOWEST = np.array([0, 0, -1.5, 0, 0, -1, 0, -7], np.float32)
STEP = np.array([1, 1, 3, 6, 4, 2, 6, 12], np.float32) / 255
LOWER, UPPER = 0.05, 0.95


@dataclass(frozen=True)
class Recipe:
    """Sizes of a training; the defaults reach the stated scores on one processor core in under an hour."""

    width: int = 16
    blocks: int = 1
    epochs: int = 12
    head_epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 2e-3
    cells: int = CELLS
    seed: int = 0
    threads: int = 0


@dataclass
class Examples:
    """Conduits as bytes on the coarse grid, numbers, prior and truth (ln g in voxels)."""

    images: NDArray[np.uint8]
    numbers: F32
    prior: F64
    truth: F64
    physics: str

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> int:
        return row

    def batch(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Channels, numbers and target of some rows."""
        at = list(rows)
        chosen = list(CHANNELS[self.physics])
        scale = torch.from_numpy(STEP[chosen])[None, :, None, None, None]
        lowest = torch.from_numpy(LOWEST[chosen])[None, :, None, None, None]
        image = torch.from_numpy(self.images[at]).float() * scale + lowest
        image = image.contiguous(memory_format=torch.channels_last_3d)
        target = torch.from_numpy((self.truth[at] - self.prior[at]) / SPAN).float()
        return image, torch.from_numpy(self.numbers[at]), target


def examples(
    samples: Sequence[Sample], physics: str, cells: int, threads: int, progress: Progress = silent
) -> Examples:
    """All conduits of known conductance; InputError when there is none."""
    parts: list[tuple[Any, ...]] = []
    for k, one in enumerate(samples):
        progress(k, len(samples), "coarse solves")
        known = one.diffusive if physics == DIFFUSIVE else one.hydraulic
        rows = np.flatnonzero(np.isfinite(known) & (known > 0))
        if not len(rows):
            continue
        geometry = Geometry.of(one.conduits, one.pairs[rows], physics != DIFFUSIVE, cells, threads)
        for batch in geometry.batches(256):
            made = geometry.represent(batch)
            good = made.good
            image, numbers, prior = made.of(physics)
            parts.append((as_bytes(image[good], physics), numbers[good], prior[good], np.log(known[rows][batch][good])))
    if not parts:
        raise InputError(
            "no conduit of the training images has a conductance by direct simulation",
            where="train_conduit_cnn",
            remedy="Simulate some first (conductance_dns), or let the training make its own images.",
        )
    images, numbers, prior, truth = (np.concatenate(p) for p in zip(*parts, strict=True))
    return Examples(images, numbers, prior, truth, physics)


def as_bytes(image: F32, physics: str) -> NDArray[np.uint8]:
    """Channels as bytes."""
    chosen = list(CHANNELS[physics])
    scaled = (image - LOWEST[chosen][None, :, None, None, None]) / STEP[chosen][None, :, None, None, None]
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def penalty(out: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Huber loss of the centre, and the pinball losses of the distances below and above it."""
    centre = functional.smooth_l1_loss(out[:, 0], target, beta=0.5)
    miss = target - out[:, 0].detach()
    return centre + 0.2 * (pinball(miss + out[:, 1], LOWER) + pinball(miss - out[:, 2], UPPER))


def loss(model: torch.nn.Module, batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """The penalty of one batch."""
    image, numbers, target = batch
    return penalty(model(image, numbers), target)


def learn_numbers(net: ConduitNet, seen: Examples, recipe: Recipe) -> None:
    """The head on the numbers alone, before the image is looked at: it takes seconds and most of the bias."""
    numbers = torch.from_numpy(seen.numbers)
    target = torch.from_numpy((seen.truth - seen.prior) / SPAN).float()
    generator = torch.Generator().manual_seed(recipe.seed)
    optimiser = torch.optim.AdamW(net.head.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.head_epochs)
    for _ in range(recipe.head_epochs):
        for rows in torch.split(torch.randperm(len(seen), generator=generator), 256):
            optimiser.zero_grad()
            penalty(net.from_numbers(numbers[rows]), target[rows]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        schedule.step()


def pinball(miss: torch.Tensor, level: float) -> torch.Tensor:
    """Quantile loss of truth minus estimate."""
    return torch.maximum(level * miss, (level - 1) * miss).mean()


@torch.no_grad()
def predict_examples(model: torch.nn.Module, data: Examples, size: int = 256) -> F64:
    """Centre and distances (n, 3) in ln g."""
    parts = []
    device = next(model.parameters()).device
    for start in range(0, len(data), size):
        image, numbers, _ = data.batch(range(start, min(start + size, len(data))))
        parts.append(model(image.to(device), numbers.to(device)).float().cpu().numpy())
    return np.concatenate(parts).astype(np.float64) * SPAN


def figures(model: torch.nn.Module, data: Examples) -> dict[str, float]:
    """Validation: mean absolute error of ln g, R2 of g and of ln g, share beyond 10 %, cover of the 90 % interval."""
    out = predict_examples(model, data)
    miss = data.truth - data.prior - out[:, 0]
    g, found = np.exp(data.truth), np.exp(data.prior + out[:, 0])
    return {
        "error": float(np.mean(np.abs(miss))),
        "r2": r2(g, found),
        "r2_ln": r2(data.truth, data.prior + out[:, 0]),
        "share_over_10pct": share_beyond(g, found),
        "cover": float(np.mean((miss >= -out[:, 1]) & (miss <= out[:, 2]))),
    }


def standardise(net: ConduitNet, numbers: F32) -> None:
    """Tell the net the mean, the deviation and the inverse correlations of the training numbers."""
    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0) + 1e-3
    plain = np.clip((numbers - mean) / deviation, -6, 6)
    precision = np.linalg.inv(np.cov(plain.T) + 0.02 * np.eye(plain.shape[1]))
    net.mean.copy_(torch.from_numpy(mean))
    net.deviation.copy_(torch.from_numpy(deviation))
    net.precision.copy_(torch.from_numpy(precision.astype(np.float32)))


def train(
    seen: Examples, held: Examples, recipe: Recipe, folder: Path, progress: Progress = silent,
    start: ConduitNet | None = None,
) -> tuple[ConduitNet, Fit]:  # fmt: skip
    """A net that has learned ``seen``; the best epoch by the error on ``held``, whose parent images are others."""
    torch.manual_seed(recipe.seed)
    physics = seen.physics
    net = start or ConduitNet(len(CHANNELS[physics]), len(NUMBERS[physics]), recipe.width, recipe.blocks)
    if start is None:
        standardise(net, seen.numbers)
        learn_numbers(net, seen, recipe)
    net.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    config = FitConfig(
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        final_learning_rate=recipe.learning_rate / 200,
        seed=recipe.seed,
        threads=recipe.threads,
        monitor="error",
    )
    return net, fit(net, loss, seen, lambda m: figures(m, held), config, folder, progress, collate=seen.batch)
