"""What a training shows of itself after each epoch: slices, and properties generated against real."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.learning.pictures import show_boxes, show_panels
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Progress
from porelab_methods.rock_gan.compare import offset, usable
from porelab_methods.rock_gan.data import Crops, cut
from porelab_methods.rock_gan.model import draw_latents, rocks_of
from porelab_methods.rock_gan.properties import PROPERTIES, measure

QUICK = ("porosity", "specific_surface", "euler_density")
SLOW = ("permeability", "pore_size", "throat_size")
SHORT = {"porosity": "porosity", "specific_surface": "surface", "euler_density": "Euler", "permeability": "K",
         "pore_size": "pores", "throat_size": "throats"}  # fmt: skip
AT_ONCE = 4
Values = dict[str, NDArray[np.float64]]


class Watcher:
    """Figures of the averaged generator against the training crops; ``samples`` rocks of each.

    ``distance`` is the mean over porosity, specific surface and Euler density of the difference of means and widths
    (compare.offset). Every ``draw_every`` epochs slices and box plots are shown, with permeability and sizes.
    """

    def __init__(
        self, crops: Crops, voxel: float, samples: int, draw_every: int, seed: int, progress: Progress, epochs: int
    ) -> None:
        self.crops, self.voxel, self.samples = crops, voxel, samples
        self.draw_every, self.seed, self.progress, self.epochs = draw_every, seed, progress, epochs
        rng = np.random.default_rng(seed)
        picks = rng.permutation(len(crops))[: 2 * samples]
        self.rocks = [cut(crops.mask, crops.places[i], crops.edge) for i in picks]
        self.real = self._measured(self.rocks, QUICK)
        self.real_slow: Values | None = None

    def __call__(self, generator: torch.nn.Module, epoch: int) -> Mapping[str, float]:
        rocks = generated(generator, self.samples, self.crops.edge, 1_000_000 + self.seed)
        made = self._measured([r > 0 for r in rocks], QUICK)
        parts = {k: offset(self.real[k], made[k]) for k in QUICK}
        if epoch % self.draw_every == 0 or epoch + 1 == self.epochs:
            self._show(rocks, made)
        return {
            "distance": float(np.mean(list(parts.values()))),
            "porosity_generated": float(made["porosity"].mean()),
            "porosity_real": float(self.real["porosity"].mean()),
        }

    def _show(self, rocks: list[NDArray[np.float32]], made: Values) -> None:
        middle = self.crops.edge // 2
        images = {f"real {i + 1}": self.rocks[i][middle].astype(np.uint8) for i in range(2)}
        images |= {f"generated {i + 1}": rocks[i][middle] for i in range(min(2, len(rocks)))}
        show_panels(self.progress, "slices", images, ("matrix", "pore"))
        few = slice(0, min(16, self.samples))
        if self.real_slow is None:
            self.real_slow = self._measured(self.rocks[few], SLOW)
        slow = self._measured([r > 0 for r in rocks[few]], SLOW)
        for title, names, real, found in (
            ("porosity and surface", QUICK, self.real, made),
            ("flow and sizes", SLOW, self.real_slow, slow),
        ):
            show_boxes(self.progress, title, {_heading(n): _both(n, real, found) for n in names})

    def _measured(self, rocks: list[NDArray[np.bool_]], names: tuple[str, ...]) -> Values:
        rows = [measure(Labels(r.astype(np.uint8), (self.voxel,) * 3), names) for r in rocks]
        return {name: np.array([row[name] for row in rows]) for name in names}


def _heading(name: str) -> str:
    return f"{SHORT[name]} [{PROPERTIES[name].label}]"


def _both(name: str, real: Values, found: Values) -> Values:
    """Both sets in the unit that people use."""
    sets = {"real": real, "made": found}
    return {key: usable(values[name], False) / PROPERTIES[name].factor for key, values in sets.items()}


@torch.no_grad()
def generated(generator: torch.nn.Module, count: int, edge: int, seed: int) -> list[NDArray[np.float32]]:
    """Grey rocks of a generator in the form it has now."""
    device = next(generator.parameters()).device
    source = torch.Generator().manual_seed(seed)
    made: list[NDArray[np.float32]] = []
    while len(made) < count:
        latents = draw_latents(generator, min(AT_ONCE, count - len(made)), edge, source, device)
        made += list(rocks_of(generator, latents, edge)[:, 0].float().cpu().numpy())
    return made
