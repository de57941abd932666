"""The correction: gradients of the error of K, told by frozen surrogates, into the super-resolver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional

from porelab_gui.core.learning.fit import Fit, FitConfig, fit
from porelab_gui.core.progress import Progress
from porelab_methods.superres.critic import Adversary
from porelab_methods.superres.cutting import Rule, passed_on, rule_of
from porelab_methods.superres.learn import Batch, Pairs, draw_slices, voxel_figures
from porelab_methods.superres.nets import Ensemble, SuperResolver

Shown = Literal["soft", "cut"]
Aim = Literal["solved", "surrogate"]
CRITIC = "critic"


@dataclass(frozen=True)
class Weighing:
    """Weights of the terms of the correction, what surrogates see (the soft image or the cut one), and what their word
    is held against: the solved K, or their own word on the true image, so that their own error cancels."""

    surrogate: float = 1.0
    ensemble: float = 1.0
    voxel: float = 10.0
    porosity: float = 100.0
    critic: float = 0.0
    shown: Shown = "soft"
    aim: Aim = "solved"

    @property
    def shares(self) -> tuple[float, float, float, float]:
        """Weights of K by the first surrogate, K by the others, voxels, porosity."""
        return (self.surrogate, self.ensemble, self.voxel, self.porosity)


@dataclass(frozen=True)
class Jury:
    """What the made image is held against."""

    surrogate: Ensemble
    weighing: Weighing
    rule: Rule = "half"
    adversary: Adversary | None = None

    def terms(self, made: torch.Tensor, batch: Batch) -> torch.Tensor:
        """(4,): squared errors of log10 K by the first surrogate and by the others, of voxels, of the porosity."""
        low, high, k = batch
        self.surrogate.to(made.device)
        shown = passed_on(made, low, self.rule) if self.weighing.shown == "cut" else made
        with torch.no_grad():
            aim = k if self.weighing.aim == "solved" else self.surrogate(high)
        off = (self.surrogate(shown) - aim) ** 2
        gap = made.mean((1, 2, 3, 4)) - high.mean((1, 2, 3, 4))
        rest = off[1:].mean() if len(off) > 1 else 0.0 * off.mean()
        return torch.stack([off[0].mean(), rest, functional.mse_loss(made, high), (gap**2).mean()])

    def loss(self, model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """The weighted sum; with a critic also its word, after it has learned from this batch."""
        made = model(batch[0])
        terms = self.terms(made, batch)
        total = (torch.tensor(self.weighing.shares, dtype=terms.dtype, device=terms.device) * terms).sum()
        if self.adversary is not None:
            image = passed_on(made, batch[0], self.rule)
            self.adversary.learn(image, batch[1])
            total = total + self.weighing.critic * self.adversary.loss_of(image)
        return total

    @torch.inference_mode()
    def figures(self, model: torch.nn.Module, held: Sequence[Batch]) -> dict[str, float]:
        """Loss (without the critic, which changes), errors of voxels and of log10 K over the held-out batches."""
        device = next(model.parameters()).device
        sums = np.zeros(4)
        for batch in held:
            there: Any = tuple(t.to(device) for t in batch)
            sums += len(batch[0]) * self.terms(model(there[0]), there).double().cpu().numpy()
        terms = sums / sum(len(b[0]) for b in held)
        first, rest, voxel, _ = (float(t) for t in terms)
        total = float(np.dot(self.weighing.shares, terms))
        return voxel_figures(model, held) | {
            "loss": total, "voxel_error": voxel, "k_error": first, "k_error_ensemble": rest,
        }  # fmt: skip


def correct(
    net: SuperResolver, surrogate: Ensemble, data: tuple[Pairs, Pairs], weighing: Weighing, config: FitConfig,
    folder: Path, progress: Progress,
) -> Fit:  # fmt: skip
    """Send the gradient of the permeability error of the frozen surrogates into the super-resolver.

    loss = a (f1 - k)^2 + b mean_i (fi - k)^2 + c voxel MSE + d (porosity error)^2 + e critic with k = log10 K.
    The curves hold the voxel error and the error of log10 K, before the first step (epoch -1) and after each.
    """
    surrogate.requires_grad_(False).eval()
    train, valid = data
    rule = rule_of(train.lowering.how) if train.lowering else "half"
    jury = Jury(surrogate, weighing, rule, Adversary(config.seed) if weighing.critic > 0 else None)
    held = valid.batches(4)
    start = {"epoch": -1.0, **jury.figures(net, held)}
    result = fit(net, jury.loss, train, _validation(jury, held, folder / CRITIC), config, folder, progress,
                 draw=lambda m, w: draw_slices(m, held, w))  # fmt: skip
    result.curves.insert(0, start)
    return result


def _validation(
    jury: Jury, held: Sequence[Batch], folder: Path
) -> Callable[[torch.nn.Module], Mapping[str, float]]:  # fmt: skip
    """Figures at the end of an epoch; the critic is kept with them."""
    if jury.adversary is None:
        return lambda model: jury.figures(model, held)
    adversary, seen = jury.adversary, jury.adversary.resume(folder)

    def validate(model: torch.nn.Module) -> Mapping[str, float]:
        nonlocal seen
        seen += 1
        adversary.keep(folder, seen)
        return jury.figures(model, held)

    return validate
