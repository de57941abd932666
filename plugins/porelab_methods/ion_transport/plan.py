"""The networks that ship: what each learns from, in which order. A finished one is kept, so a stop costs one network.

Pre-training: simulated membranes whose physics beyond DSPM-DE is drawn at random. Fine-tuning: noisy experiments of
the bench, six other membranes on six mixtures. The networks named ``strengths`` are told how strong that physics is in
each of many more simulated membranes; on a membrane with measurements, its strengths are fitted. Measured tables play
no part.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.atomic import writing
from porelab_gui.core.learning.fit import threads
from porelab_gui.core.progress import Progress, silent, within
from porelab_methods.ion_transport.calibrate import BOX, fit_experiments
from porelab_methods.ion_transport.data import (
    EFFECTS,
    PRETRAINING,
    SEEN,
    Experiments,
    Truth,
    drawn,
    scattered,
    simulate,
    truths,
)
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.store import describe
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.train import Recipe, train

Array = NDArray[np.float64]
NOISE = 0.01
PRETRAINED = Recipe(rounds=9, steps=150, ridge=0.03)
TUNED = Recipe(rounds=4, steps=80, rate=2e-3)
SCRATCH = Recipe(rounds=7, steps=80)
TOLD = Recipe(rounds=6, steps=150, ridge=0.003, noise=0.003, batch=192)
RANDOM, BENCH, STRENGTHS = "random", "bench", "strengths"  # what a network learns from


@dataclass(frozen=True)
class Plan:
    """Sizes, seeds and recipes. For a membrane with fitted strengths the ``told`` networks together are the model. For
    one that is only known by its DSPM-DE parameters, the pre-trained network, ``tuned`` ones that start from it and
    ``untaught`` ones that do not, each of another seed: they err in different ways."""

    tuned: int = 2
    untaught: int = 2
    pretraining_membranes: int = 96
    pretraining_count: int = 2
    pretraining_seed: int = 101
    bench_membranes: int = 6
    bench_seed: int = 7
    pretraining: Recipe = PRETRAINED
    tuning: Recipe = TUNED
    scratch: Recipe = SCRATCH
    told: int = 2
    told_membranes: int = 1536
    told_seed: int = 0
    telling: Recipe = TOLD


SHIPPED = Plan()


@dataclass(frozen=True)
class Part:
    """One network: its name, the one it starts from, its recipe, and what it learns from."""

    name: str
    start: str
    recipe: Recipe
    source: str


def parts(plan: Plan) -> list[Part]:
    """In the order of training."""
    made = [Part("pretrained0", "", plan.pretraining, RANDOM)]
    made += [Part(f"hard{k}", "pretrained0", replace(plan.tuning, seed=k), BENCH) for k in range(plan.tuned)]
    made += [Part(f"scratch{k}", "", replace(plan.scratch, seed=k), BENCH) for k in range(plan.untaught)]
    made.append(Part("soft", "pretrained0", replace(plan.tuning, neutrality="soft"), BENCH))
    made.append(Part("none", "pretrained0", replace(plan.tuning, neutrality="none"), BENCH))
    made.append(Part("pretrained_plain", "", replace(plan.pretraining, attend=False), RANDOM))
    made.append(Part("no_attention", "pretrained_plain", replace(plan.tuning, attend=False), BENCH))
    made += [Part(f"strengths{k}", "", replace(plan.telling, seed=k), STRENGTHS) for k in range(plan.told)]
    for name, changes in _CONTROLS.items():
        made.append(Part(f"strengths_{name}", "", replace(plan.telling, **changes), STRENGTHS))
    return made


_CONTROLS: dict[str, dict[str, Any]] = {
    "no_attention": {"attend": False},
    "soft": {"neutrality": "soft"},
    "none": {"neutrality": "none"},
}


def told(plan: Plan) -> list[str]:
    """Names of the networks that together are the model of a membrane with fitted strengths."""
    return [f"strengths{k}" for k in range(plan.told)]


def members(plan: Plan) -> list[str]:
    """Names of the networks that together are the model of a membrane known by its DSPM-DE parameters."""
    return ["pretrained0", *(f"hard{k}" for k in range(plan.tuned)), *(f"scratch{k}" for k in range(plan.untaught))]


def fitted(
    data: Experiments,
    starts: int = 2,
    progress: Progress = silent,
    box: bool = True,
    known: Sequence[Membrane] | None = None,
) -> list[Membrane]:
    """DSPM-DE fitted to the rows of each membrane, within ``BOX`` or (as what is compared) within wide bounds; from
    the ``known`` ones alone where they are given."""
    count, made, bounds = int(data.membrane.max()) + 1, [], BOX if box else None
    for k in range(count):
        progress(k, count, f"fitting membrane {k + 1} of {count}")
        rows, start = data.where(data.membrane == k), known[k] if known else None
        made.append(fit_experiments(rows, starts=0 if known else starts, bounds=bounds, start=start).membrane)
    return made


def pretraining_truths(plan: Plan) -> list[Truth]:
    """Membranes with random physics."""
    return truths(plan.pretraining_membranes, plan.pretraining_seed, None)


def pretraining_data(plan: Plan) -> Experiments:
    """Random compositions on membranes with random physics."""
    return drawn(pretraining_truths(plan), PRETRAINING, plan.pretraining_count, noise=NOISE, seed=plan.pretraining_seed)


def told_data(plan: Plan) -> tuple[Experiments, list[Truth]]:
    """Without noise, one experiment on each of many membranes with random physics."""
    return scattered(plan.told_membranes, plan.told_seed)


def bench_data(plan: Plan) -> Experiments:
    """The measurements of the bench."""
    return simulate(truths(plan.bench_membranes, plan.bench_seed), SEEN, noise=NOISE, seed=plan.bench_seed)


def run(plan: Plan, folder: Path, progress: Progress = silent, only: tuple[str, ...] = ()) -> dict[str, IonNet]:
    """Train what ``folder`` does not hold yet; all networks by name (``only`` those and what they start from)."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [p for p in parts(plan) if not only or p.name in only]
    wanted = [p for p in parts(plan) if p in wanted or p.name in {w.start for w in wanted}]
    made: dict[str, IonNet] = {}
    for k, part in enumerate(wanted):
        step = within(progress, k / len(wanted), (k + 1) / len(wanted))
        made[part.name] = _kept_net(folder, part, made, partial(_lesson, plan, folder, part.source), step)
    return made


Lesson = tuple[Experiments, list[Membrane], Array | None]


def _lesson(plan: Plan, folder: Path, source: str, progress: Progress) -> Lesson:
    """Experiments, the parameters of their membranes, and strengths where a network is told them."""
    if source == STRENGTHS:
        data, made = told_data(plan)
        return data, [t.membrane for t in made], np.array([t.effects() for t in made])
    if source == RANDOM:
        data, known = pretraining_data(plan), [t.membrane for t in pretraining_truths(plan)]
        return data, kept_fits(folder / "membranes_pretraining.json", data, progress, known), None
    data = bench_data(plan)
    return data, kept_fits(folder / "membranes_bench.json", data, progress), None


def kept_fits(
    path: Path, data: Experiments, progress: Progress = silent, known: Sequence[Membrane] | None = None
) -> list[Membrane]:
    """The fits in a file, made and written where it is not there."""
    if not path.exists():
        found = [[float(v) for v in vars(m).values()] for m in fitted(data, progress=progress, known=known)]
        with writing(path, "w") as handle:
            json.dump(found, handle)
    return [Membrane(*v) for v in json.loads(path.read_text(encoding="utf-8"))]


def _kept_net(
    folder: Path,
    part: Part,
    made: dict[str, IonNet],
    learn_from: Callable[[Progress], Lesson],
    progress: Progress,
) -> IonNet:
    """A network from its file, else trained and written."""
    from safetensors.torch import load_file, save_file

    count = EFFECTS if part.source == STRENGTHS else 0
    net = IonNet(part.recipe.width, 4, part.recipe.depth, part.recipe.attend, count)
    path = folder / f"{part.name}.safetensors"
    if path.exists():
        net.load_state_dict(load_file(path))
        return net.eval()
    start = None
    if part.start:
        start = net
        start.load_state_dict(made[part.start].state_dict())
    data, membranes, effects = learn_from(progress)
    with threads(1):
        trained, curves = train(data, membranes, part.recipe, effects=effects, start=start, progress=progress)
    _write_json(folder / f"{part.name}.json", {"curves": curves, "describe": describe(trained)})
    partial = path.with_suffix(".part")
    save_file(trained.state_dict(), partial)
    partial.replace(path)
    return trained.eval()


def _write_json(path: Path, value: Any) -> None:
    with writing(path, "w") as handle:
        json.dump(value, handle)
