"""The trainings of the surrogate (or the direct net) and of the super-resolver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from porelab_gui.core.learning.fit import Fit, FitConfig, fit
from porelab_gui.core.learning.metrics import r2
from porelab_gui.core.learning.pictures import show_panels, show_parity
from porelab_gui.core.progress import Progress
from porelab_methods.superres.dataset import Example
from porelab_methods.superres.nets import Ensemble, SuperResolver
from porelab_methods.superres.pairs import Down, downsampled, turned

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
TURNS = 16


@dataclass(frozen=True)
class Lowering:
    """How low-resolution images are made."""

    factor: int
    how: Down
    noise: float
    seed: int = 0


class Pairs:
    """(low, high, log10 K) of examples, turned at random in each epoch when ``turn``."""

    def __init__(self, found: Sequence[Example], lowering: Lowering | None, turn: bool) -> None:
        self.found, self.lowering, self.turn, self.epoch = found, lowering, turn, 0

    def set_epoch(self, epoch: int) -> None:
        """Other turns and other noise."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, i: int) -> Batch:
        e, seed = self.found[i], self.lowering.seed if self.lowering else 0
        rng = np.random.default_rng((seed, self.epoch, i))
        void = turned(e.void, int(rng.integers(TURNS)) if self.turn else 0)
        high = torch.from_numpy(np.ascontiguousarray(void, np.float32))[None]
        low = high
        if self.lowering is not None:
            w = self.lowering
            shares = downsampled(np.ascontiguousarray(void), w.factor, w.how, w.noise, int(rng.integers(2**31)))
            low = torch.from_numpy(shares)[None]
        return low, high, torch.tensor(e.log_k, dtype=torch.float32)

    def batches(self, size: int) -> list[Batch]:
        """All examples as they stand."""
        every = [self[i] for i in range(len(self))]
        cut = [every[i : i + size] for i in range(0, len(every), size)]
        return [tuple(torch.stack(parts) for parts in zip(*c, strict=True)) for c in cut]  # type: ignore[misc]


def train_regression(
    net: Ensemble, data: tuple[Pairs, Pairs], high: bool, config: FitConfig, folder: Path, progress: Progress
) -> Fit:
    """Fit log10 K from the high-resolution image, or from the low one (``high`` False: the direct net)."""
    train, valid = data
    known = np.array([e.log_k for e in train.found])
    net.standardise(float(known.mean()), float(known.std()))
    place = 1 if high else 0

    def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        return ((model(batch[place]) - batch[2]) ** 2).mean()

    held = valid.batches(8)

    def validate(model: torch.nn.Module) -> Mapping[str, float]:
        truth, found = predicted_k(model, held, place)
        return {"loss": float(np.mean((found - truth) ** 2)), "r2_validation": r2(truth, found)}

    def draw(model: torch.nn.Module, watch: Progress) -> None:
        truth, found = predicted_k(model, held, place)
        show_parity(watch, "K of validation blocks", 10**truth, 10**found, "px2", log=True)

    return fit(net, loss, train, validate, config, folder, progress, draw=draw)


@torch.inference_mode()
def predicted_k(model: torch.nn.Module, held: Sequence[Batch], place: int) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted log10 K (mean over the members)."""
    device = next(model.parameters()).device
    found = [model(b[place].to(device)).mean(0).float().cpu().numpy() for b in held]
    return np.concatenate([b[2].numpy() for b in held]).astype(float), np.concatenate(found).astype(float)


def train_superresolver(
    net: SuperResolver, data: tuple[Pairs, Pairs], config: FitConfig, folder: Path, progress: Progress
) -> Fit:
    """Minimise the squared voxel error."""
    train, valid = data

    def loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        return functional.mse_loss(model(batch[0]), batch[1])

    held = valid.batches(4)
    return fit(net, loss, train, lambda m: voxel_figures(m, held), config, folder, progress,
               draw=lambda m, w: draw_slices(m, held, w))  # fmt: skip


@torch.inference_mode()
def voxel_figures(model: torch.nn.Module, held: Sequence[Batch]) -> dict[str, float]:
    """Mean squared error, its PSNR (peak 1), and the error of the porosity of the binarised image."""
    device = next(model.parameters()).device
    errors, porosity = [], []
    for low, high, _ in held:
        made = model(low.to(device)).float().cpu()
        errors += ((made - high) ** 2).mean((1, 2, 3, 4)).tolist()
        gap = (made > 0.5).float().mean((1, 2, 3, 4)) - high.mean((1, 2, 3, 4))
        porosity += gap.abs().tolist()
    mse = float(np.mean(errors))
    return {"loss": mse, "psnr": -10.0 * float(np.log10(max(mse, 1e-12))), "porosity_error": float(np.mean(porosity))}


@torch.inference_mode()
def draw_slices(model: torch.nn.Module, held: Sequence[Batch], progress: Progress) -> None:
    """The middle slice of one validation block: low, made, true."""
    low, high, _ = held[0]
    made = model(low[:1].to(next(model.parameters()).device)).float().cpu()
    middle = high.shape[2] // 2
    factor = high.shape[2] // low.shape[2]
    coarse = low[0, 0, middle // factor].repeat_interleave(factor, 0).repeat_interleave(factor, 1)
    images = {"low": coarse.numpy(), "super-resolved": made[0, 0, middle].numpy(), "true": high[0, 0, middle].numpy()}
    show_panels(progress, "slices", images)
