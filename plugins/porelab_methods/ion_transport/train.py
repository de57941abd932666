"""Training of the neural differential equation by repeated linearisation of its solution.

Between two full solutions, ln c_p moves by the exact slopes of the implicit function theorem, d ln c_p / d h; the
network is stepped many times on that linear model, then the equation is solved anew. A step costs a matrix product
instead of a march, and the gradient at every new solution is the exact one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.learning.fit import threads
from porelab_gui.core.progress import Progress, silent
from porelab_methods.ion_transport.data import Experiments
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.neural import SEGMENTS, SHARE, Case, State, solve_with
from porelab_methods.ion_transport.system import Membrane

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. ``neutrality`` "hard", "soft"
    (``penalty`` weighs the square of the charge that the correction makes) or "none";
    ``noise`` is added to the rejections anew at every step (augmentation); ``ridge`` weighs the mean of h^2.
    Each step sees ``batch`` experiments drawn anew."""

    neutrality: str = "hard"
    attend: bool = True
    width: int = 32
    depth: int = 2
    rounds: int = 12
    steps: int = 80
    rate: float = 3e-3
    noise: float = 0.01
    ridge: float = 0.1
    penalty: float = 1.0
    decay: float = 1e-3
    batch: int = 96
    seed: int = 0


def case_of(data: Experiments, membranes: Sequence[Membrane], effects: Array | None = None) -> Case:
    """Experiments with the parameters of their membranes, and the strengths (M, m) of what is beyond DSPM-DE there."""
    chosen = [membranes[k] for k in data.membrane]
    values = [np.array([float(getattr(m, f)) for m in chosen]) for f in vars(Membrane())]
    wide = None if effects is None else np.asarray(effects, float)[data.membrane]
    return Case(data.ions, data.feed, data.flux, Membrane(*values), effects=wide)


@dataclass
class _Linear:
    """What the steps between two solutions need, as tensors (rows that were solved only)."""

    features: torch.Tensor
    present: torch.Tensor
    h: torch.Tensor
    y: torch.Tensor
    slopes: torch.Tensor
    feed: torch.Tensor
    target: torch.Tensor
    known: torch.Tensor
    charge: torch.Tensor

    def rows(self, part: torch.Tensor) -> _Linear:
        """The experiments of an index."""
        return _Linear(*(v if k == "charge" else v[part] for k, v in vars(self).items()))


def _linear(state: State, data: Experiments) -> _Linear:
    slopes = state.slopes()
    good = state.solution.ok & np.isfinite(state.solution.unknowns).all(1) & (np.abs(slopes).max((1, 2, 3)) < 1e3)
    known = np.isfinite(data.rejection) & (data.feed > 0)

    def number(a: Array) -> torch.Tensor:
        return torch.as_tensor(a[good].astype(np.float32))

    z = np.array([i.charge for i in data.ions], np.float32)
    return _Linear(
        torch.as_tensor(state.features[good]),
        torch.as_tensor(state.present[good]),
        number(state.h),
        number(state.solution.unknowns),
        number(slopes),
        number(np.where(data.feed > 0, data.feed, 1.0)),
        number(np.where(known, data.rejection, 0.0)),
        torch.as_tensor(known[good]),
        torch.as_tensor(z),
    )


def train(
    data: Experiments,
    membranes: Sequence[Membrane],
    recipe: Recipe = Recipe(),
    *,
    effects: Array | None = None,
    start: IonNet | None = None,
    progress: Progress = silent,
) -> tuple[IonNet, list[dict[str, float]]]:
    """The trained network, and per round the root mean square error of the full solution before its steps.

    ``start`` continues from a trained network (fine-tuning).
    """
    torch.manual_seed(recipe.seed)
    count = 0 if effects is None else effects.shape[1]
    net = start or IonNet(recipe.width, 4, recipe.depth, recipe.attend, count)
    if effects is not None and net.effects:
        net.strengths = torch.as_tensor(effects.mean(0).astype(np.float32))
    case = case_of(data, membranes, effects)
    total = recipe.rounds * recipe.steps
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, total, recipe.rate * 0.02)
    generator = torch.Generator().manual_seed(recipe.seed)
    soft, curves, best = recipe.neutrality != "hard", [], (np.inf, net.state_dict())
    state = solve_with(case, np.zeros((len(data), SEGMENTS, len(data.ions))), soft=soft)
    for k in range(recipe.rounds + 1):
        state = _renew(net, state.case, state, soft)
        error = float(np.sqrt(np.nanmean((_rejections(state) - data.rejection) ** 2)))
        curves.append({"round": float(k), "rmse": error})
        if error < best[0]:
            best = (error, {n: v.clone() for n, v in net.state_dict().items()})
        progress(k, recipe.rounds, "training", rmse=error)
        if k < recipe.rounds:
            with threads(1):
                _steps(net, _linear(state, data), recipe, optimiser, schedule, generator)
    net.load_state_dict(best[1])
    return net, curves


def _renew(net: IonNet, case: Case, state: State, soft: bool) -> State:
    """Solve at the network's own correction, features and h made consistent by one more pass."""
    start = np.where(state.solution.ok[:, None], state.solution.unknowns, np.nan)
    middle = solve_with(case, net.correction(state.features, state.present), soft=soft, start=start)
    start = np.where(middle.solution.ok[:, None], middle.solution.unknowns, np.nan)
    h = net.correction(middle.features, middle.present)
    return solve_with(case, h, soft=soft, sensitivities=True, start=start)


def _rejections(state: State) -> Array:
    return np.where(state.case.feed > 0, state.solution.rejection, np.nan)


def _steps(
    net: IonNet,
    lin: _Linear,
    recipe: Recipe,
    optimiser: torch.optim.Optimizer,
    schedule: object,
    generator: torch.Generator,
) -> None:
    every = lin
    for _ in range(recipe.steps):
        lin = every.rows(torch.randperm(len(every.y), generator=generator)[: recipe.batch])
        scale = max(int(lin.known.sum()), 1)
        h = net(lin.features, lin.present)
        move = torch.einsum("bikj,bkj->bi", lin.slopes, h - lin.h)
        y = lin.y + 6.0 * torch.tanh(move / 6.0)
        noise = recipe.noise * torch.randn(lin.target.shape, generator=generator)
        gap = (1.0 - torch.exp(y) / lin.feed - lin.target - noise) * lin.known
        loss = 100.0 * (_robust(gap)).sum() / scale + recipe.ridge * (h**2).mean()
        loss = loss + 0.02 * ((h - lin.h) ** 2).mean()  # stay where the linear model holds
        if recipe.neutrality == "soft":
            made = (lin.features[..., SHARE] * torch.sign(lin.charge) * h).sum(-1)  # charge made along the pore
            loss = loss + recipe.penalty * (made**2).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()  # type: ignore[attr-defined]


def _robust(gap: torch.Tensor) -> torch.Tensor:
    """Square up to 0.3, linear beyond: rejections far below zero do not rule the fit."""
    return torch.nn.functional.huber_loss(gap, torch.zeros_like(gap), reduction="none", delta=0.3)
