"""The fit loop that all learned systems share."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.learning.checkpoint import TrainingState, load_state, save_state
from porelab_gui.core.learning.device import Precision, make_fabric
from porelab_gui.core.progress import Progress, silent

if TYPE_CHECKING:
    import torch

Batch = Any
Loss = Callable[["torch.nn.Module", Batch], "torch.Tensor"]
Validate = Callable[["torch.nn.Module"], Mapping[str, float]]
Draw = Callable[["torch.nn.Module", Progress], None]


class Examples(Protocol):
    """What is learned from: numbered examples."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


@dataclass(frozen=True)
class FitConfig:
    """How to train.

    ``monitor`` is the validation figure that early stopping and "best" follow, minimised unless ``maximise``.
    The learning rate rises over ``warmup`` epochs, then falls along a cosine. ``draw_every`` epochs a picture.
    """

    epochs: int = 50
    batch_size: int = 16
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    weight_decay: float = 1e-4
    patience: int = 20
    seed: int = 0
    precision: Precision = "auto"
    monitor: str = "loss"
    clip: float = 1.0
    threads: int = 0
    maximise: bool = False
    warmup: int = 0
    draw_every: int = 3


@dataclass
class Fit:
    """What a run gave: curves (one dictionary per epoch), the best epoch, whether it stopped early."""

    curves: list[dict[str, float]] = field(default_factory=list)
    best: float = math.inf
    best_epoch: int = -1
    stopped_early: bool = False
    batch_size: int = 0


def fit(
    model: torch.nn.Module,
    loss: Loss,
    train: Examples,
    validate: Validate,
    config: FitConfig,
    folder: Path,
    progress: Progress = silent,
    collate: Callable[[list[Any]], Batch] | None = None,
    draw: Draw | None = None,
) -> Fit:
    """Train ``model`` in place; on return it holds the weights of the best epoch.

    ``train[i]`` is one example (``train.set_epoch(n)``, where there is one, reseeds augmentation);
    ``loss(model, batch)`` is a scalar tensor; ``validate(model)`` gives figures. Every epoch ends with a sealed
    checkpoint in ``folder``; a run started again there goes on from it and gives the curve of an unbroken run.
    Cancel is heard at every batch. ``draw(model, progress)`` shows pictures (learning/pictures.py) every few epochs.
    Under ``torchrun`` every process takes its share of each batch and the first one writes.
    Raises InputError for an empty training set, NotConverged when the loss is not finite.
    """
    if len(train) == 0:
        raise InputError("there is nothing to train on", remedy="Add examples or lower the hold-out.")
    loop = _Loop(model, loss, train, validate, config, folder, progress, collate, draw)
    return loop.run()


class _Loop:
    """State of one run; split in short steps so that each can be read alone."""

    def __init__(
        self,
        model: torch.nn.Module,
        loss: Loss,
        train: Examples,
        validate: Validate,
        config: FitConfig,
        folder: Path,
        progress: Progress,
        collate: Callable[[list[Any]], Batch] | None,
        draw: Draw | None = None,
    ) -> None:
        import torch

        self.loss, self.train, self.validate = loss, train, validate
        self.config, self.folder, self.progress = config, folder, progress
        self.collate = collate or torch.utils.data.default_collate
        self.draw = draw
        self.fabric = make_fabric(config.precision)
        optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: _rate(config, epoch))
        self.raw = model
        self.model, self.optimizer = self.fabric.setup(model, optimizer)
        self.result = Fit(batch_size=config.batch_size)
        self.started = time.monotonic()

    def run(self) -> Fit:
        with threads(self.config.threads):
            return self._run(self._resume())

    def _run(self, first: int) -> Fit:
        for epoch in range(first, self.config.epochs):
            if self._exhausted(epoch):
                self.result.stopped_early = True
                break
            self._epoch(epoch)
        self._restore_best()
        return self.result

    def _exhausted(self, epoch: int) -> bool:
        return self.result.best_epoch >= 0 and epoch - 1 - self.result.best_epoch >= self.config.patience

    def _epoch(self, epoch: int) -> None:
        _seed(self.config.seed, epoch, self.fabric.global_rank)
        if hasattr(self.train, "set_epoch"):
            self.train.set_epoch(epoch)
        self.model.train()
        mean = self._batches(epoch)
        self.model.eval()
        figures = self.fabric.broadcast({k: float(v) for k, v in self.validate(self.raw).items()})
        rate = float(self.scheduler.get_last_lr()[0])
        row = {"epoch": float(epoch), "train_loss": mean, "learning_rate": rate, **figures}
        self.scheduler.step()
        self.result.curves.append(row)
        self._keep(epoch, figures)
        if self.draw and (epoch % self.config.draw_every == 0 or epoch + 1 == self.config.epochs):
            self.draw(self.raw, self.progress)
        live = {k: v for k, v in row.items() if k != "epoch"}
        self.progress(epoch + 1, self.config.epochs, f"epoch {epoch + 1} of {self.config.epochs}", **live)

    def _batches(self, epoch: int) -> float:
        total, seen = 0.0, 0
        order = _order(len(self.train), self.config.seed, epoch)
        start = 0
        while start < len(order):
            picks = order[start : start + self.config.batch_size]
            total += self._step([self.train[i] for i in picks]) * len(picks)
            seen += len(picks)
            start += len(picks)
            done = epoch + start / len(order)
            self.progress(done, self.config.epochs, f"epoch {epoch + 1} of {self.config.epochs}")
        return total / seen

    def _step(self, examples: list[Any]) -> float:
        """One update. On a full GPU the batch is cut in halves whose gradients add up to the same update."""
        import torch

        while True:
            try:
                return self._update(examples)
            except torch.cuda.OutOfMemoryError:
                if self.result.batch_size <= 1 or self.fabric.world_size > 1:
                    raise  # other processes wait for this one's gradients
                self.result.batch_size = max(1, self.result.batch_size // 2)
                torch.cuda.empty_cache()

    def _update(self, examples: list[Any]) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        total, size = 0.0, self.result.batch_size
        mine, scale = self._mine(examples)
        for start in range(0, len(mine), size):
            part = mine[start : start + size]
            with self.fabric.no_backward_sync(self.model, enabled=start + size < len(mine)):
                value = self.loss(self.model, self.fabric.to_device(self.collate(part))) * (scale * len(part))
                self.fabric.backward(value)
            total += float(value.detach())
        total = self._mean(total)
        if not math.isfinite(total):
            raise NotConverged("the loss is not a finite number", remedy="Lower the learning rate.")
        if self.config.clip > 0:
            self.fabric.clip_gradients(self.model, self.optimizer, max_norm=self.config.clip, error_if_nonfinite=False)
        self.optimizer.step()
        return total

    def _mine(self, examples: list[Any]) -> tuple[list[Any], float]:
        """This process's share of a batch, and the weight of one example when gradients are averaged over processes."""
        world, rank = self.fabric.world_size, self.fabric.global_rank
        if len(examples) < world:
            return examples, 1.0 / len(examples)
        return examples[rank::world], world / len(examples)

    def _mean(self, value: float) -> float:
        if self.fabric.world_size == 1:
            return value
        import torch

        return float(self.fabric.all_reduce(torch.tensor(value, device=self.fabric.device), reduce_op="mean"))

    def _keep(self, epoch: int, figures: Mapping[str, float]) -> None:
        watched = figures.get(self.config.monitor, self.result.curves[-1]["train_loss"])
        better = watched > self.result.best if self.config.maximise else watched < self.result.best
        first = self.fabric.is_global_zero
        if better or self.result.best_epoch < 0:
            self.result.best, self.result.best_epoch = watched, epoch
            if first:
                _write_weights(self.folder / "best.safetensors", self.raw)
        if first:
            save_state(self.folder, self._state(epoch))
        self.fabric.barrier()

    def _state(self, epoch: int) -> TrainingState:
        import torch

        return TrainingState(
            epoch=epoch,
            model=self.raw.state_dict(),
            optimizer=self.optimizer.state_dict(),
            scheduler=self.scheduler.state_dict(),
            rng=torch.get_rng_state(),
            batch_size=self.result.batch_size,
            best=self.result.best,
            best_epoch=self.result.best_epoch,
            curves=self.result.curves,
            config=_settings(self.config),
        )

    def _resume(self) -> int:
        import torch

        state = load_state(self.folder)
        if state is None:
            return 0
        if state.config != _settings(self.config):
            remedy = "Train in another folder, or remove this one."
            raise InputError("the run begun here had other settings", where=self.folder, remedy=remedy)
        self.raw.load_state_dict(dict(state.model))
        self.optimizer.load_state_dict(dict(state.optimizer))
        if state.scheduler is not None:
            self.scheduler.load_state_dict(dict(state.scheduler))
        torch.set_rng_state(state.rng)
        self.result.curves, self.result.batch_size = list(state.curves), state.batch_size
        self.result.best, self.result.best_epoch = state.best, state.best_epoch
        return state.epoch + 1

    def _restore_best(self) -> None:
        from safetensors.torch import load_file

        path = self.folder / "best.safetensors"
        if path.exists():
            self.raw.load_state_dict(load_file(path))


def _settings(config: FitConfig) -> dict[str, float | str]:
    """What must not change between the parts of one run; the length may."""
    free = ("epochs", "threads", "patience", "precision", "draw_every")
    return {k: v for k, v in config.__dict__.items() if k not in free}


def _write_weights(path: Path, model: torch.nn.Module) -> None:
    from safetensors.torch import save

    from porelab_gui.core.atomic import writing

    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as handle:
        handle.write(save({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}))


def _order(count: int, seed: int, epoch: int) -> list[int]:
    """The order of an epoch depends on seed and epoch alone, so that a resumed run sees what an unbroken one would."""
    import torch

    generator = torch.Generator().manual_seed(1_000_003 * seed + epoch)
    return [int(i) for i in torch.randperm(count, generator=generator)]


def _seed(seed: int, epoch: int, rank: int) -> None:
    import torch

    torch.manual_seed(7_368_787 * (seed + 1) + epoch + 104_729 * rank)


def _rate(config: FitConfig, epoch: int) -> float:
    """Learning rate of an epoch as a share of the first: a rise, then a cosine down to the final one."""
    if epoch < config.warmup:
        return (epoch + 1) / (config.warmup + 1)
    last = config.final_learning_rate / config.learning_rate if config.learning_rate > 0 else 1.0
    done = min(1.0, (epoch - config.warmup) / max(1, config.epochs - config.warmup))
    return last + (1.0 - last) * (1.0 + math.cos(math.pi * done)) / 2.0


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch's processor threads for the time of a block; 0 leaves them."""
    import torch

    before = torch.get_num_threads()
    if count > 0:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
