"""WGAN-GP (Gulrajani et al. 2017): two nets against each other, on the shared bench."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.learning.checkpoint import TrainingState, load_state, save_state
from porelab_gui.core.learning.device import Precision, make_fabric
from porelab_gui.core.learning.fit import threads
from porelab_gui.core.progress import Progress, silent
from porelab_methods.rock_gan.data import Crops
from porelab_methods.rock_gan.model import draw_latents, rocks_of
from porelab_methods.rock_gan.moments import MomentPush, descriptors

Watch = Callable[[torch.nn.Module, int], Mapping[str, float]]
Keep = Callable[[torch.nn.Module, "Duel"], None]
FREE = ("epochs", "threads", "precision")  # may change between the parts of one run
TOLD = ("average", "whole_rate", "moments")  # may change too: each epoch's own stand in the curves
BETAS = (0.0, 0.9)  # of both optimisers (Gulrajani et al. 2017)
REAL = 512  # crops whose descriptors are the aim of the push
SETTLE = 4  # batches over which the averaged generator measures its normalisation anew
HELD = 16  # batches over which the generator measures the one that it then keeps


@dataclass(frozen=True)
class DuelConfig:
    """How to train; the defaults of penalty, rates and critic steps are the paper's.

    ``penalty_every`` > 1 penalises only every so many critic steps, that much harder. ``average`` is the decay per
    generator step of the running mean of the generator's weights, which is what is kept; 0 keeps the last weights.
    The first ``small_epochs`` see crops of ``small_edge`` only: they cost a fraction and teach the texture; with the
    whole crops both rates fall to ``whole_rate`` of themselves, as steps too large keep the two nets circling around
    each other. With one critic step both nets learn from the same generated rocks. ``moments`` is the weight of the
    push towards the descriptors of real crops (moments.MomentPush), for whole crops only.
    """

    epochs: int = 40
    steps: int = 100
    batch_size: int = 8
    critic_steps: int = 5
    penalty: float = 10.0
    penalty_every: int = 1
    rate_generator: float = 5e-4
    rate_critic: float = 1e-4
    average: float = 0.995
    small_edge: int = 0
    small_epochs: int = 0
    whole_rate: float = 0.25
    moments: float = 0.0
    seed: int = 0
    precision: Precision = "auto"
    threads: int = 0

    def edge(self, epoch: int, full: int) -> int:
        """Edge of the crops in an epoch."""
        return self.small_edge if epoch < self.small_epochs and self.small_edge else full

    def slowed(self, epoch: int) -> float:
        """Factor on both rates in an epoch."""
        return self.whole_rate if 0 < self.small_epochs <= epoch else 1.0


@dataclass
class Duel:
    """What a training gave so far: curves, one row per epoch, and the best epoch by ``distance`` where it is told."""

    curves: list[dict[str, float]] = field(default_factory=list)
    best: float = math.inf
    best_epoch: int = -1
    batch_size: int = 0


def gradient_penalty(critic: torch.nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Mean of (|d critic / d x| - 1)^2 at random points between real and generated rocks, one point per pair."""
    share = torch.rand((len(real), 1, 1, 1, 1), device=real.device, dtype=real.dtype)
    between = (share * real + (1.0 - share) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1.0).square().mean()


class _Ring:
    """State of one run."""

    def __init__(
        self,
        generator: torch.nn.Module,
        critic: torch.nn.Module,
        crops: Crops,
        config: DuelConfig,
        folder: Path,
        watch: Watch,
        keep: Keep,
        progress: Progress,
    ) -> None:
        self.crops, self.config, self.folder = crops, config, folder
        self.watch, self.keep, self.progress = watch, keep, progress
        self.fabric = make_fabric(config.precision)
        if self.fabric.world_size > 1:
            raise InputError("a rock generator trains on one device", remedy="Start it without torchrun.")
        first = torch.optim.Adam(generator.parameters(), lr=config.rate_generator, betas=BETAS)
        second = torch.optim.Adam(critic.parameters(), lr=config.rate_critic, betas=BETAS)
        self.raw = {"generator": generator, "critic": critic, "average": copy.deepcopy(generator)}
        self.generator, self.by_generator = self.fabric.setup(generator, first)
        self.critic, self.by_critic = self.fabric.setup(critic, second)
        self.average = self.raw["average"].to(self.fabric.device).eval()
        self.push = MomentPush().to(self.fabric.device)
        self.raw["push"] = self.push
        self.pushes = False
        self.source = torch.Generator()
        self.result = Duel(batch_size=config.batch_size)
        self.count, self.edge = 0, crops.edge
        self.started = time.monotonic()

    # -- one update

    def fakes(self, count: int) -> torch.Tensor:
        """Generated rocks (count, 1, edge, edge, edge)."""
        made = draw_latents(self.raw["generator"], count, self.edge, self.source, self.fabric.device)
        return rocks_of(self.generator, made, self.edge).float()

    def update_critic(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[float, float]:
        """One step of the critic; its estimate of the distance, and the penalty (NaN when this step has none)."""
        fake = fake.detach()
        self.by_critic.zero_grad(set_to_none=True)
        score_real, score_fake = self.critic(torch.cat([real, fake])).float().chunk(2)
        distance = score_real.mean() - score_fake.mean()
        loss, penalty = -distance, math.nan
        if self.count % self.config.penalty_every == 0:
            with torch.autocast(self.fabric.device.type, enabled=False):  # slopes of slopes need single precision
                extra = gradient_penalty(self.raw["critic"], real, fake)
            loss = loss + self.config.penalty * self.config.penalty_every * extra
            penalty = float(extra.detach())
        self.count += 1
        self.fabric.backward(loss)
        self.by_critic.step()
        return float(distance.detach()), penalty

    def update_generator(self, fake: torch.Tensor) -> float:
        """One step of the generator; the critic's part of its loss."""
        self.by_generator.zero_grad(set_to_none=True)
        loss = -self.critic(fake).float().mean()
        told = float(loss.detach())
        if self.pushes:
            loss = loss + self.config.moments * self.push(fake)
        self.fabric.backward(loss)
        self.by_generator.step()
        self._follow()
        return told

    @torch.no_grad()
    def _unlearned(self, count: int) -> torch.Tensor:
        return self.fakes(count)

    @torch.no_grad()
    def _follow(self) -> None:
        decay = self.config.average
        for mean, now in zip(self.average.parameters(), self.raw["generator"].parameters(), strict=True):
            mean.lerp_(now.detach(), 1.0 - decay)

    @torch.no_grad()
    def settle(self, net: torch.nn.Module, batches: int = SETTLE) -> None:
        """Measure the activations by which a net normalises: averaged weights have others than those they are the
        mean of."""
        for norm in _norms(net):
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over the batches that follow
        net.train()
        for _ in range(batches):
            count, full = self.result.batch_size, self.crops.edge
            net(draw_latents(net, count, full, self.source, self.fabric.device))
        net.eval()

    def _hold(self) -> None:
        """Normalise by fixed figures from here on. By those of each batch, rocks come out otherwise than from the
        finished net, and what is pushed right in the batch would be wrong there."""
        own = self.raw["generator"]
        momenta = [norm.momentum for norm in _norms(own)]
        self.settle(own, HELD)
        for norm, momentum, mean in zip(_norms(own), momenta, _norms(self.average), strict=True):
            norm.momentum = momentum
            mean.load_state_dict({**mean.state_dict(), **dict(norm.named_buffers())})

    # -- epochs

    def run(self) -> Duel:
        with threads(self.config.threads):
            for epoch in range(self._resume(), self.config.epochs):
                self._epoch(epoch)
        return self.result

    def _epoch(self, epoch: int) -> None:
        self.source.manual_seed(1_000_003 * (self.config.seed + 1) + epoch)
        torch.manual_seed(7_368_787 * (self.config.seed + 1) + epoch)
        self.count, self.edge = 0, self.config.edge(epoch, self.crops.edge)
        self._set_rates(self.config.slowed(epoch))
        self._aim()
        self.raw["generator"].train(not self.pushes)
        began = time.monotonic()
        rows = [self._step(epoch, step) for step in range(self.config.steps)]
        mean = {k: _mean([row[k] for row in rows]) for k in rows[0]}
        spent = time.monotonic() - began
        if not self.pushes:
            self.settle(self.average)
        figures = dict(self.watch(self.average, epoch))
        told = {"rate": self.config.slowed(epoch), "average": self.config.average}
        told["moments"] = self.config.moments if self.pushes else 0.0
        self.result.curves.append({"epoch": float(epoch), **mean, "seconds": spent, **figures, **told})
        if figures.get("distance", math.inf) < self.result.best:
            self.result.best, self.result.best_epoch = figures["distance"], epoch
        save_state(self.folder, self._state(epoch))
        self.keep(self.average, self.result)
        live = {k: v for k, v in {**mean, **figures}.items() if math.isfinite(v)}
        self.progress(epoch + 1, self.config.epochs, f"epoch {epoch + 1} of {self.config.epochs}", **live)

    def _aim(self) -> None:
        """Show the push what real crops are like, when its time begins."""
        self.pushes = self.config.moments > 0 and self.edge == self.crops.edge
        if not self.pushes or self.push.begun:
            return
        self._hold()
        many = min(REAL, 8 * len(self.crops))
        parts = [self.crops.batch(REAL, k, self.result.batch_size) for k in range(-(-many // self.result.batch_size))]
        self.push.aim(torch.cat([descriptors(part > 0)[0] for part in parts]))

    def _set_rates(self, factor: float) -> None:
        pairs = ((self.by_generator, self.config.rate_generator), (self.by_critic, self.config.rate_critic))
        for optimizer, rate in pairs:
            for group in optimizer.param_groups:
                group["lr"] = rate * factor

    def _step(self, epoch: int, step: int) -> dict[str, float]:
        """Some steps of the critic and one of the generator; half the batch when the device's memory is full."""
        self.progress(epoch + step / self.config.steps, self.config.epochs, f"epoch {epoch + 1}, step {step + 1}")
        while True:
            try:
                return self._round(epoch, step)
            except torch.cuda.OutOfMemoryError:
                if self.result.batch_size <= 1:
                    raise
                self.result.batch_size = max(1, self.result.batch_size // 2)
                torch.cuda.empty_cache()

    def _round(self, epoch: int, step: int) -> dict[str, float]:
        each, size = self.config.critic_steps, self.result.batch_size
        told = []
        shared = self.fakes(size) if each == 1 else None
        for k in range(each):
            real = self.fabric.to_device(self.crops.batch(epoch, step * each + k, size, self.edge))
            told.append(self.update_critic(real, shared if shared is not None else self._unlearned(size)))
        loss = self.update_generator(shared if shared is not None else self.fakes(size))
        row = {
            "critic_loss": -_mean([d for d, _ in told]),
            "generator_loss": loss,
            "gradient_penalty": _mean([p for _, p in told]),
        }
        if self.pushes:
            row["moment_distance"] = self.push.distance()
        if not all(math.isfinite(row[k]) for k in ("critic_loss", "generator_loss")):
            raise NotConverged("a loss is not a finite number", remedy="Lower the learning rates.")
        return row

    # -- memory of the run

    def _state(self, epoch: int) -> TrainingState:
        tensors = {f"{part}.{k}": v for part, net in self.raw.items() for k, v in net.state_dict().items()}
        both = {"generator": self.by_generator.state_dict(), "critic": self.by_critic.state_dict()}
        return TrainingState(
            epoch=epoch,
            model=tensors,
            optimizer=both,
            scheduler=None,
            rng=torch.get_rng_state(),
            batch_size=self.result.batch_size,
            best=self.result.best,
            best_epoch=self.result.best_epoch,
            curves=self.result.curves,
            config=self._settings(),
        )

    def _settings(self) -> dict[str, float | str]:
        own = {k: v for k, v in self.config.__dict__.items() if k not in (*FREE, *TOLD)}
        voxels = int(self.crops.mask.sum())
        return {**own, "edge": self.crops.edge, "crops": len(self.crops), "void": voxels}

    def _resume(self) -> int:
        state = load_state(self.folder)
        if state is None:
            return 0
        if not _same_run(state.config, self._settings(), state.epoch):
            remedy = "Train in another folder, or remove this one."
            raise InputError("the run begun here had other settings or another stack", where=self.folder, remedy=remedy)
        for part, net in self.raw.items():
            own = {k.removeprefix(f"{part}."): v for k, v in state.model.items() if k.startswith(f"{part}.")}
            net.load_state_dict(own, strict=part != "push")  # runs begun before there was a push know nothing of it
        self.by_generator.load_state_dict(dict(state.optimizer["generator"]))
        self.by_critic.load_state_dict(dict(state.optimizer["critic"]))
        self.result = Duel(list(state.curves), state.best, state.best_epoch, state.batch_size)
        return state.epoch + 1


def duel(
    generator: torch.nn.Module,
    critic: torch.nn.Module,
    crops: Crops,
    config: DuelConfig,
    folder: Path,
    watch: Watch,
    keep: Keep,
    progress: Progress = silent,
) -> Duel:
    """Train both nets in place.

    After every epoch ``watch(averaged generator, epoch)`` gives figures ("distance" decides which epoch is best) and
    ``keep(averaged generator, result so far)`` may write weights; the run itself is sealed in ``folder`` and goes on
    from there. Cancel is heard at every step. Raises InputError when ``folder`` holds another run, NotConverged when
    a loss is not finite.
    """
    return _Ring(generator, critic, crops, config, folder, watch, keep, progress).run()


def _same_run(before: Mapping[str, Any], now: Mapping[str, Any], epoch: int) -> bool:
    """Whether a run with the settings ``now`` would have trained just so until ``epoch``: the point where it goes on
    to whole crops may move as long as it lies ahead."""
    moved = before.get("small_epochs") != now.get("small_epochs")
    ahead = min(float(s.get("small_epochs", 0)) for s in (before, now)) > epoch
    rest = [{k: v for k, v in s.items() if k not in (*TOLD, "small_epochs")} for s in (before, now)]
    return rest[0] == rest[1] and (not moved or ahead)


def _norms(net: torch.nn.Module) -> list[torch.nn.modules.batchnorm._BatchNorm]:
    return [m for m in net.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]


def _mean(values: list[float]) -> float:
    good = [v for v in values if math.isfinite(v)]
    return sum(good) / len(good) if good else math.nan


def settings_text(values: Mapping[str, Any]) -> str:
    """Parameters as words of a command line."""

    def word(value: Any) -> str:
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

    return " ".join(f"--{k} {word(v)}" for k, v in values.items() if v not in ("", (), []))
