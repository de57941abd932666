"""Score rows of the networks that are told strengths: each membrane is fitted through them first, then judged.

The perceptron and the trees are given the same simulations, strengths included. They see a membrane either as fitted
through the perceptron itself, in the same way, or as fitted through the neural equation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.baselines import Direct, Rows, inputs, perceptron, rows
from porelab_methods.ion_transport.boosting import Boosting
from porelab_methods.ion_transport.data import Experiments
from porelab_methods.ion_transport.kept import Kept
from porelab_methods.ion_transport.neural import State, solve_neural
from porelab_methods.ion_transport.plan import Plan, told_data
from porelab_methods.ion_transport.store import Ensemble, IonNets, pick
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.train import case_of
from porelab_methods.ion_transport.tuning import PRIOR, Tuned, fit_through, tune

Array = NDArray[np.float64]
MAIN = "neural, fitted strengths"
CONTROLS = {
    "strengths_no_attention": ("one network without attention", False),
    "strengths_soft": ("one network, soft neutrality", True),
    "strengths_none": ("one network, no neutrality", True),
}
NEAR = 4  # steps from what the main model found, for another network of the same kind
PERCEPTRONS, STEPS = 2, 3000


@dataclass(frozen=True)
class Known:
    """Fitted ``membranes`` and their strengths (M, m)."""

    membranes: list[Membrane]
    effects: Array

    @staticmethod
    def of(found: Sequence[dict[str, list[float]]]) -> Known:
        """From what was kept."""
        return Known([Membrane(*f["membrane"]) for f in found], np.array([f["effects"] for f in found]))


@dataclass(frozen=True)
class Task:
    """``own`` are the measured rows of the membranes to judge, ``unseen`` the rows to predict, ``start`` their DSPM-DE
    fits within the box, ``name`` what the parts are kept by."""

    own: Experiments
    unseen: Experiments
    start: Sequence[Membrane]
    name: str


def fitted_membranes(task: Task, fit: Callable[[Experiments, int], Tuned], kept: Kept, name: str) -> Known:
    """Every membrane of a task by ``fit(rows, k)``."""
    found = []
    for k in range(len(task.start)):
        mine = task.own.where(task.own.membrane == k)
        found.append(kept(f"{name}_{task.name}_{k}", partial(_listed, fit, mine, k)))
    return Known.of(found)


def _listed(fit: Callable[[Experiments, int], Tuned], data: Experiments, k: int) -> dict[str, Any]:
    found = fit(data, k)
    membrane = [float(v) for v in vars(found.membrane).values()]
    return {"membrane": membrane, "effects": [float(v) for v in found.effects], "rmse": found.rmse}


def main_fit(nets: IonNets, task: Task, kept: Kept) -> Known:
    """Membranes fitted through the networks that ship for this."""
    correction = pick(nets, nets.told).correction
    return fitted_membranes(task, lambda data, k: tune(data, correction, task.start[k], PRIOR), kept, "strengths")


def main_state(nets: IonNets, task: Task, known: Known) -> State:
    """The unseen rows by the networks that ship for this."""
    return _solved(task, known, pick(nets, nets.told), False)


def judged(nets: IonNets, task: Task, known: Known, kept: Kept) -> dict[str, State]:
    """States of the unseen rows by title: the model, and networks that are only there to be compared."""
    made = {MAIN: main_state(nets, task, known)}
    chosen = {nets.told[0]: ("one network", False), **CONTROLS}
    for name, (words, soft) in chosen.items():
        if name in nets.nets:
            one = pick(nets, [name])
            own = fitted_membranes(task, partial(_near, one, known, soft), kept, name)
            made[f"{MAIN}, {words}"] = _solved(task, own, one, soft)
    return made


def _near(one: Ensemble, known: Known, soft: bool, data: Experiments, k: int) -> Tuned:
    start, effects = known.membranes[k], known.effects[k]
    return tune(data, one.correction, start, PRIOR, effects=effects, soft=soft, steps=NEAR, others=False)


def _solved(task: Task, known: Known, ensemble: Ensemble, soft: bool) -> State:
    return solve_neural(case_of(task.unseen, known.membranes, known.effects), ensemble.correction, soft=soft)


def rivals(plan: Plan, task: Task, known: Known, kept: Kept, steps: int = STEPS) -> dict[str, Array]:
    """Rejections (B, n) of the unseen rows by perceptron and trees on the same simulations, NaN where unknown."""
    data, made = told_data(plan)
    lesson = rows(data, [t.membrane for t in made], np.array([t.effects() for t in made]))
    simulated, both = _joined(lesson), _joined(lesson, rows(task.own, known.membranes, known.effects))
    alone = Direct(task.own, [perceptron(*simulated, seed=k, steps=steps) for k in range(PERCEPTRONS)])
    own = fitted_membranes(
        task, lambda d, k: fit_through(d, Direct(d, alone.nets), task.start[k], PRIOR), kept, "perceptron"
    )
    theirs = inputs(case_of(task.unseen, known.membranes, known.effects))
    mixed = Direct(task.own, [perceptron(*both, seed=k, steps=steps) for k in range(PERCEPTRONS)])
    trees = Boosting().fit(*both)
    found = {
        "MLP, same simulations, fitted through it": alone.of(inputs(case_of(task.unseen, own.membranes, own.effects))),
        "MLP, same simulations and bench": mixed.of(theirs),
        "gradient boosting, same simulations and bench": 1.0
        - np.exp(trees.predict(theirs.reshape(-1, theirs.shape[-1]))).reshape(theirs.shape[:-1]),
    }
    wanted = np.isfinite(task.unseen.rejection) & (task.unseen.feed > 0)
    return {title: np.where(wanted, value, np.nan) for title, value in found.items()}


def _joined(*parts: Rows) -> tuple[Array, Array]:
    """Known rows of all, flat."""
    return np.concatenate([x[k] for x, _, k in parts]), np.concatenate([y[k] for _, y, k in parts])
