"""The networks that ship: what each learns from, in which order. A finished one is kept, so a stop costs one network.

Pre-training: simulated membranes whose physics beyond DSPM-DE is drawn at random. Fine-tuning: noisy experiments of
the bench, six other membranes on six mixtures. Measured tables play no part.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from porelab_gui.core.atomic import writing
from porelab_gui.core.learning.fit import threads
from porelab_gui.core.progress import Progress, silent, within
from porelab_methods.ion_transport.calibrate import BOX, fit_experiments
from porelab_methods.ion_transport.data import PRETRAINING, SEEN, Experiments, Truth, drawn, simulate, truths
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.store import describe
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.train import Recipe, train

NOISE = 0.01
PRETRAINED = Recipe(rounds=9, steps=150, ridge=0.03)
TUNED = Recipe(rounds=4, steps=80, rate=2e-3)
SCRATCH = Recipe(rounds=7, steps=80)


@dataclass(frozen=True)
class Plan:
    """Sizes, seeds and recipes. The pre-trained network, ``tuned`` ones that start from it and ``untaught`` ones that
    do not, each of another seed, are together the model: they err in different ways."""

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


SHIPPED = Plan()


@dataclass(frozen=True)
class Part:
    """One network: its name, the one it starts from, its recipe, and whether it learns from the bench."""

    name: str
    start: str
    recipe: Recipe
    bench: bool


def parts(plan: Plan) -> list[Part]:
    """In the order of training."""
    made = [Part("pretrained0", "", plan.pretraining, False)]
    made += [Part(f"hard{k}", "pretrained0", replace(plan.tuning, seed=k), True) for k in range(plan.tuned)]
    made += [Part(f"scratch{k}", "", replace(plan.scratch, seed=k), True) for k in range(plan.untaught)]
    made.append(Part("soft", "pretrained0", replace(plan.tuning, neutrality="soft"), True))
    made.append(Part("none", "pretrained0", replace(plan.tuning, neutrality="none"), True))
    made.append(Part("pretrained_plain", "", replace(plan.pretraining, attend=False), False))
    made.append(Part("no_attention", "pretrained_plain", replace(plan.tuning, attend=False), True))
    return made


def members(plan: Plan) -> list[str]:
    """Names of the networks that together are the model."""
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


def bench_data(plan: Plan) -> Experiments:
    """The measurements of the bench."""
    return simulate(truths(plan.bench_membranes, plan.bench_seed), SEEN, noise=NOISE, seed=plan.bench_seed)


def run(plan: Plan, folder: Path, progress: Progress = silent, only: tuple[str, ...] = ()) -> dict[str, IonNet]:
    """Train what ``folder`` does not hold yet; all networks by name (``only`` those and what they start from)."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [p for p in parts(plan) if not only or p.name in only]
    wanted = [p for p in parts(plan) if p in wanted or p.name in {w.start for w in wanted}]
    data = {False: pretraining_data(plan), True: bench_data(plan)}
    known = [t.membrane for t in pretraining_truths(plan)]
    fits = {
        False: kept_fits(folder / "membranes_pretraining.json", data[False], progress, known),
        True: kept_fits(folder / "membranes_bench.json", data[True], progress),
    }
    made: dict[str, IonNet] = {}
    for k, part in enumerate(wanted):
        step = within(progress, k / len(wanted), (k + 1) / len(wanted))
        made[part.name] = _kept_net(
            folder, part, made, partial(lambda bench: (data[bench], fits[bench]), part.bench), step
        )
    return made


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
    learn_from: Callable[[], tuple[Experiments, list[Membrane]]],
    progress: Progress,
) -> IonNet:
    """A network from its file, else trained and written."""
    from safetensors.torch import load_file, save_file

    net = IonNet(part.recipe.width, 4, part.recipe.depth, part.recipe.attend)
    path = folder / f"{part.name}.safetensors"
    if path.exists():
        net.load_state_dict(load_file(path))
        return net.eval()
    start = None
    if part.start:
        start = net
        start.load_state_dict(made[part.start].state_dict())
    data, membranes = learn_from()
    with threads(1):
        trained, curves = train(data, membranes, part.recipe, start=start, progress=progress)
    _write_json(folder / f"{part.name}.json", {"curves": curves, "describe": describe(trained)})
    partial = path.with_suffix(".part")
    save_file(trained.state_dict(), partial)
    partial.replace(path)
    return trained.eval()


def _write_json(path: Path, value: Any) -> None:
    with writing(path, "w") as handle:
        json.dump(value, handle)
