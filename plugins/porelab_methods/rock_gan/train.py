"""From a segmented stack to a Weights folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from porelab_gui.core.learning.pictures import show_boxes
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Column, Labels, Table, Weights
from porelab_gui.core.progress import Progress
from porelab_methods.rock_gan.adversarial import Duel, DuelConfig, duel, settings_text
from porelab_methods.rock_gan.data import Crops, Slabs, split
from porelab_methods.rock_gan.model import Generator, Sizes, config_of, make_critic, make_generator, training_edge
from porelab_methods.rock_gan.watch import Watcher

CITATION = "Ren and Srinivasan, arXiv 2409.11541 (2024); WGAN-GP: Gulrajani et al., NeurIPS 2017, arXiv 1704.00028."
LIMITS = (
    "It knows one rock at one voxel size. Rocks larger than the crops repeat the texture of the crops: nothing larger "
    "than a crop was learned. Its permeability and sizes depend on the voxel size."
)


@dataclass(frozen=True)
class Plan:
    """All that a training needs besides the stack."""

    kind: str
    edge: int
    stride: int
    hold_out: float
    samples: int
    draw_every: int
    sizes: Sizes
    config: DuelConfig
    given: Mapping[str, Any]
    source: str = ""


def train(labels: Labels, plan: Plan, folder: Path, progress: Progress) -> tuple[Weights, Table]:
    """Train (or go on), write weights after every epoch, and those of the best epoch at the end.

    The folder is a Weights folder from the first epoch on: a stopped or killed training leaves the generator of its
    last epoch there, and goes on from ``folder/run`` when it is started again.
    """
    edge = training_edge(plan.kind, plan.edge)
    slabs = split(labels, edge, plan.hold_out)
    crops = Crops(slabs.train, edge, plan.stride, plan.config.seed)
    _show_porosities(crops, slabs, progress)
    torch.manual_seed(plan.config.seed)
    nets = make_generator(plan.kind, plan.sizes), make_critic(plan.kind, plan.sizes)
    start_at_porosity(nets[0], float(slabs.train.mean()))
    voxel = float(np.mean(labels.voxel_size))
    watcher = Watcher(crops, voxel, plan.samples, plan.draw_every, plan.config.seed, progress, plan.config.epochs)
    book = _Book(labels, plan, edge, voxel, slabs, crops, folder)
    result = duel(*nets, crops, plan.config, folder / "run", watcher, book.keep, progress)
    return book.close(nets[0], result), curve_table(result)


def start_at_porosity(generator: torch.nn.Module, porosity: float) -> None:
    """Let the first rocks have about the porosity of the stack, so that no step is spent on finding it."""
    if isinstance(generator, Generator) and generator.head.bias is not None:
        torch.nn.init.constant_(generator.head.bias, float(np.arctanh(np.clip(2.0 * porosity - 1.0, -0.95, 0.95))))


class _Book:
    """Writes the Weights folder after each epoch."""

    def __init__(
        self, labels: Labels, plan: Plan, edge: int, voxel: float, slabs: Slabs, crops: Crops, folder: Path
    ) -> None:
        self.labels, self.plan, self.edge, self.voxel = labels, plan, edge, voxel
        self.slabs, self.crops, self.folder = slabs, crops, folder

    def keep(self, generator: torch.nn.Module, result: Duel) -> None:
        """The generator of this epoch, and a copy of the best one."""
        epoch = int(result.curves[-1]["epoch"])
        self._write(self.folder, generator, result, f"epoch {epoch + 1}, the last one trained")
        if result.best_epoch == epoch:
            self._write(self.folder / "run" / "best", generator, result, f"epoch {epoch + 1}, the best by distance")

    def close(self, generator: torch.nn.Module, result: Duel) -> Weights:
        """The best generator in place of the last one."""
        from porelab_gui.core.learning.weights import load_weights
        from porelab_methods.rock_gan.model import build

        best = self.folder / "run" / "best"
        if best.is_dir():
            generator = load_weights(Weights(best), build)
        words = f"epoch {result.best_epoch + 1} of {len(result.curves)}, the one with the smallest distance"
        return self._write(self.folder, generator, result, words)

    def _write(self, folder: Path, generator: torch.nn.Module, result: Duel, words: str) -> Weights:
        config = config_of(self.plan.kind, self.plan.sizes) | {
            "voxel_size": self.voxel,
            "edge": self.edge,
            "hold_out": self.plan.hold_out,
            "porosity": float(self.slabs.train.mean()),
        }
        folder.mkdir(parents=True, exist_ok=True)
        return save_weights(folder, generator, config, self._card(result, words), result.curves, half=True)

    def _card(self, result: Duel, words: str) -> Card:
        shape = " x ".join(map(str, self.labels.shape))
        held = f"the last {self.slabs.held.shape[0]} planes along z" if self.slabs.held.size else "nothing"
        last = result.curves[-1]
        rows = [{"figure": k, "last epoch": float(v)} for k, v in last.items() if k not in ("epoch", "seconds")]
        return Card(
            title=f"Rock generator ({self.plan.kind})",
            summary=f"WGAN-GP on crops of {self.edge}^3 voxels of {self.voxel * 1e6:.4g} um. Weights: {words}.",
            data=f"Stack {self.labels.name or 'without a name'}, {shape} voxels, {len(self.crops)} crops, "
            f"{self.plan.stride} voxels apart, porosity {self.slabs.train.mean():.4f}, turned and mirrored at random.",
            splits=f"By plane: {self.slabs.train.shape[0]} planes for training, held out: {held}. The figures below "
            "compare with training crops and chose the epoch; the hold-out is for `porelab score rock_gan`.",
            scores=rows,
            limits=LIMITS,
            command=f"porelab train_rock_gan --in labels=STACK --voxel-size {self.voxel:.6g} "
            f"{settings_text(self.plan.given)}",
            citation=CITATION,
            sources=(self.plan.source,) if self.plan.source else (),
        )


def _show_porosities(crops: Crops, slabs: Slabs, progress: Progress) -> None:
    from porelab_methods.rock_gan.data import corners, crop_porosities

    sets = {"training": crops.porosities()}
    if slabs.held.size:
        places = corners(slabs.held.shape, crops.edge, crops.edge // 4)
        sets["held out"] = crop_porosities(slabs.held, places, crops.edge)
    show_boxes(progress, "porosity of crops", {"porosity [1]": sets}, histogram=True)


def curve_table(result: Duel) -> Table:
    """Curves as a table, one row per epoch."""
    keys = list(dict.fromkeys(k for row in result.curves for k in row))
    units = {"seconds": "s"}
    columns = {k: Column(np.array([row.get(k, np.nan) for row in result.curves]), units.get(k, "1")) for k in keys}
    return Table(columns, name="training of the rock generator")
