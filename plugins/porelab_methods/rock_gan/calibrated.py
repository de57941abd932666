"""From a Weights folder and a stack to the folder of a calibrated generator."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from porelab_gui.core.cache import key_of
from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.generated import table
from porelab_gui.core.learning.weights import load_weights, read_config, save_weights
from porelab_gui.core.nouns import Labels, Table, Weights
from porelab_gui.core.progress import Progress
from porelab_methods.rock_gan.calibrate import Calibration, Round, calibrate, nearest, round_table
from porelab_methods.rock_gan.data import Slabs, split
from porelab_methods.rock_gan.likeness import MOMENTS
from porelab_methods.rock_gan.model import Generator, build

CURVES = "curves.csv"


@dataclass(frozen=True)
class Amended:
    """A card with something added at its end."""

    text: str
    more: str

    def markdown(self) -> str:
        """The card as Markdown."""
        return f"{self.text.rstrip()}\n\n{self.more.rstrip()}\n"


def calibrated(
    weights: Weights, labels: Labels, params: Any, folder: Path, progress: Progress
) -> tuple[Weights, Table]:
    """Weights that were turned towards the training slab of a stack, and a row per moment.

    ParameterError for crops that do not fit, InputError for the paper's generator, whose rocks have one size.
    """
    config = read_config(weights)
    net = load_weights(weights, build)
    if not isinstance(net, Generator):
        raise InputError(
            "the paper's generator cannot be calibrated: it makes rocks of one size only", where=weights.folder,
            remedy="Take a convolutional generator.",
        )  # fmt: skip
    slabs = slabs_of(labels, params.crops, float(config.get("hold_out", 0.0)))
    plan = Calibration(params.crops, params.pairs, params.samples, params.step, params.stride, params.seed)
    voxel = float(np.mean(labels.voxel_size))
    run = folder / "run" / _run_key(weights, labels, plan)
    rounds = calibrate(net, slabs.train, voxel, plan, run, progress)
    config |= {"voxel_size": voxel, "porosity": float(slabs.train.mean())}
    card = Amended(_card(weights), _section(labels, slabs, rounds, params))
    made = save_weights(folder, net, config, card, half=True)
    if (weights.folder / CURVES).is_file() and weights.folder != folder:
        shutil.copyfile(weights.folder / CURVES, folder / CURVES)
    return made, round_table(rounds)


def _run_key(weights: Weights, labels: Labels, plan: Calibration) -> str:
    """Names what measured rows depend on, but for the edges of the rounds, which their files name: a folder that was
    used before gives no rows of another generator or stack, and more rounds go on from the first ones."""
    settings = (min(plan.edges), plan.pairs, plan.samples, plan.step, plan.stride, plan.seed)
    return key_of("rock_gan calibration", weights.content_hash, labels.content_hash, *settings)[:12]


def slabs_of(labels: Labels, crops: tuple[int, ...], hold_out: float) -> Slabs:
    """The slab to compare with; the held-out one is not looked at, and may be thinner than a crop."""
    if not crops or min(crops) < 32 or max(crops) > 256:
        raise ParameterError(
            f"the crops {crops} are not edges of 32 to 256 voxels", where="crops", remedy="Give one edge per round."
        )
    return split(labels, max(crops), hold_out, held_edge=1)


def _card(weights: Weights) -> str:
    path = weights.folder / "card.md"
    return path.read_text(encoding="utf-8") if path.is_file() else "# Rock generator"


def _section(labels: Labels, slabs: Slabs, rounds: list[Round], params: Any) -> str:
    """What the card says of a calibration."""
    best, before = nearest(rounds), rounds[0]
    given = params.model_dump(exclude={"folder"}, exclude_defaults=True)
    command = [
        "porelab calibrate_rock_gan --in weights=FOLDER --in labels=STACK",
        f"--voxel-size {np.mean(labels.voxel_size):.6g}",
        *(f"--{k} {','.join(map(str, v)) if isinstance(v, tuple) else v}" for k, v in given.items()),
    ]
    rows = [[name, f"{a:.3f}", f"{b:.3f}"] for name, a, b in zip(MOMENTS, before.gap, best.gap, strict=True)]
    return "\n\n".join(
        [
            "## Calibration",
            "After the training, scales and offsets of the normalised channels and gains of the latents were turned "
            f"towards the measured properties of {labels.name or 'a stack'} (its first {slabs.train.shape[0]} planes); "
            f"weights of round {best.number} of {rounds[-1].number}. What rocks of {best.edge}^3 voxels lack on "
            "average, in standard deviations of crops of the stack:",
            table(["moment", "before", "after"], rows),
            f"```\n{' '.join(command)}\n```",
        ]
    )
