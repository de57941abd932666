"""Training on one number per network and axis: the solver is part of the net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.learning.fit import Fit, FitConfig, fit
from porelab_gui.core.learning.metrics import r2
from porelab_gui.core.learning.pictures import show_parity
from porelab_gui.core.progress import Progress, silent, within
from porelab_methods.gnn_pnm.features import Variant
from porelab_methods.gnn_pnm.labels import Sample
from porelab_methods.gnn_pnm.model import Ensemble, Tensors, ThroatNet
from porelab_methods.gnn_pnm.systems import Batch, Prepared, Task, prepare


@dataclass(frozen=True)
class Recipe:
    """How to train. ``diffusion``, ``flow`` and ``dns`` weigh the loss of ln F, of the flow through throats and of ln g
    against simulated conduits; that of ln K weighs 1."""

    variant: Variant = "full"
    members: int = 3
    width: int = 32
    rounds: int = 2
    hidden: int = 32
    epochs: int = 40
    batch: int = 12
    learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    diffusion: float = 0.5
    flow: float = 0.0
    dns: float = 0.0
    seed: int = 0
    threads: int = 0


class Groups:
    """Networks in batches that are dealt anew every epoch; each brings its K targets and one of its F."""

    def __init__(self, members: Sequence[Prepared], size: int, seed: int) -> None:
        self.members, self.size, self.seed, self.epoch = list(members), size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Deal other batches."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.members) // self.size)

    def __getitem__(self, index: int) -> Batch:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.members))
        chosen = [self.members[i] for i in order[index * self.size : (index + 1) * self.size]]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        return Batch([m.only(_drawn(m.tasks, rng)) for m in chosen])


def _drawn(tasks: Sequence[Task], rng: np.random.Generator) -> list[Task]:
    """All targets of flow and one of diffusion."""
    flow, diffusion = ([t for t in tasks if t.kind == k] for k in (0, 1))
    return flow + ([diffusion[rng.integers(len(diffusion))]] if diffusion else [])


def loss_of(recipe: Recipe) -> Callable[[torch.nn.Module, Batch], torch.Tensor]:
    """Half the square of the errors of ln K and ln F, growing linearly beyond 1, and the optional parts."""
    weights = torch.tensor([1.0, recipe.diffusion], dtype=torch.float64)

    def loss(net: torch.nn.Module, batch: Batch) -> torch.Tensor:
        device = next(net.parameters()).device
        ratio = net(batch.tensors.to(device)).float()
        target = batch.target.to(device)
        error = torch.nn.functional.huber_loss(batch.logs(ratio), target, reduction="none")
        total = (error * weights.to(device)[batch.kind.to(device)]).sum() / len(batch.target)
        if recipe.flow:
            total = total + recipe.flow * batch.flow_gap(ratio)
        if recipe.dns:
            total = total + recipe.dns * batch.dns_gap(ratio)
        return total

    return loss


@dataclass(frozen=True)
class Outcome:
    """Predictions of a set: per target its network, kind (0 K, 1 F), axis, ln of truth and of prediction."""

    names: list[str]
    families: list[str]
    kind: NDArray[np.int64]
    axis: NDArray[np.int64]
    truth: NDArray[np.float64]
    found: NDArray[np.float64]

    def part(self, kind: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(truth, found) of one kind."""
        return self.truth[self.kind == kind], self.found[self.kind == kind]

    def figures(self) -> dict[str, float]:
        """Median error and R2 of ln K and ln F."""
        made: dict[str, float] = {}
        for kind, name in enumerate(("K", "F")):
            truth, found = self.part(kind)
            if len(truth):
                made[f"median_error_{name}"] = median_error(truth, found)
                made[f"r2_ln{name}"] = r2(truth, found)
        return made


def median_error(truth: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Median of |K / K* - 1| from logarithms."""
    return float(np.median(np.abs(np.expm1(found - truth)))) if len(truth) else float("nan")


Predict = Callable[[Tensors], torch.Tensor]


def device_of(net: Any) -> torch.device:
    """Where a net is; the processor for a plain function."""
    first = next(net.parameters(), None) if isinstance(net, torch.nn.Module) else None
    return torch.device("cpu") if first is None else first.device


def predict(net: Predict, members: Sequence[Prepared], size: int = 16) -> Outcome:
    """All targets of all members; ln K [m2] (unit of length restored) and ln (D_eff / D)."""
    found, truth, kind, axis = [], [], [], []
    names: list[str] = []
    families: list[str] = []
    with torch.no_grad():
        for start in range(0, len(members), size):
            part = members[start : start + size]
            batch = Batch(part)
            found.append(batch.logs(net(batch.tensors.to(device_of(net))).float()).cpu().numpy())
            for member in part:
                shift = 2 * np.log(member.graph.unit)
                for task in member.tasks:
                    names.append(member.name)
                    families.append(member.family)
                    kind.append(task.kind)
                    axis.append(task.axis)
                    truth.append((task.target, shift if task.kind == 0 else 0.0))
    goal = np.array(truth).reshape(-1, 2)
    values = np.concatenate(found) if found else np.zeros(0)
    return Outcome(
        names, families, np.array(kind, np.int64), np.array(axis, np.int64), goal.sum(axis=1), values + goal[:, 1]
    )


def imbalance(net: Predict, members: Sequence[Prepared]) -> float:
    """Largest |inflow - outflow| over the flow, among the flow targets."""
    worst = 0.0
    with torch.no_grad():
        for member in members:
            tensors = Tensors.of([member.graph]).to(device_of(net))
            g = (net(tensors) + tensors.base).double().clamp(-60, 60).exp()[:, 0].cpu().numpy()
            for task in member.tasks:
                if task.kind == 0:
                    s = task.system.solve(g)
                    worst = max(worst, abs(s.flow_in - s.flow_out) / max(abs(s.flow_in), 1e-300))
    return worst


def prepared(samples: Sequence[Sample], variant: Variant, progress: Progress = silent) -> list[Prepared]:
    """All samples that the solver can take."""
    made = []
    for done, sample in enumerate(samples):
        progress(done, len(samples), "preparing networks")
        one = prepare(sample, variant)
        if one is not None:
            made.append(one)
    return made


def train_one(
    members: Sequence[Prepared], held: Sequence[Prepared], recipe: Recipe, seed: int, folder: Path,
    progress: Progress = silent,
) -> tuple[ThroatNet, Fit]:  # fmt: skip
    """One net, the best epoch by its validation loss, with a parity plot of the held networks as it goes."""
    if not members:
        raise InputError("no network of the data set spans its sample", remedy="Build a data set of more media.")
    torch.manual_seed(seed)
    net = ThroatNet(recipe.variant, recipe.width, recipe.rounds, recipe.hidden)
    net.learn_scales(Tensors.of([m.graph for m in members]))
    config = FitConfig(
        epochs=recipe.epochs, batch_size=1, learning_rate=recipe.learning_rate,
        final_learning_rate=recipe.learning_rate / 50, weight_decay=recipe.weight_decay, patience=recipe.epochs,
        seed=seed, precision="float32", monitor="loss", threads=recipe.threads,
    )  # fmt: skip
    held = held or members

    def validate(model: torch.nn.Module) -> dict[str, float]:
        outcome = predict(model, held)
        gap = (outcome.found - outcome.truth) ** 2
        weight = np.where(outcome.kind == 0, 1.0, recipe.diffusion)
        loss = float((gap * weight).sum() / max(weight.sum(), 1e-9))
        return {"loss": loss, **outcome.figures(), "mass_residual": imbalance(model, held[:8])}

    def draw(model: torch.nn.Module, shown: Progress) -> None:
        truth, found = predict(model, held).part(0)
        title = f"K of {len(truth)} networks held out, voxels of 1 um"
        show_parity(shown, title, np.exp(truth), np.exp(found), unit="m2", log=True)

    groups = Groups(members, recipe.batch, seed)
    return net, fit(net, loss_of(recipe), groups, validate, config, folder, progress, collate=_first, draw=draw)


def _first(batches: list[Any]) -> Any:
    return batches[0]


def train(
    members: Sequence[Prepared], held: Sequence[Prepared], recipe: Recipe, folder: Path, progress: Progress = silent
) -> tuple[Ensemble, list[Fit]]:
    """An ensemble of nets that differ by their seed."""
    nets, fits = [], []
    for k in range(recipe.members):
        step = within(progress, k / recipe.members, (k + 1) / recipe.members, f"net {k + 1} of {recipe.members}")
        net, run = train_one(members, held, recipe, recipe.seed + k, folder / f"net{k}", step)
        nets.append(net.eval())
        fits.append(run)
    return Ensemble(nets).eval(), fits
