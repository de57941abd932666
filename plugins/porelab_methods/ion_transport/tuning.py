"""A membrane fitted through the corrected equation: its parameters and the strengths of what is beyond DSPM-DE there.

The network stays as it is. What is fitted is small (four parameters and one strength per effect) and is held near
where the pre-training lay, so that a few measurements do not pull it away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress, silent
from porelab_methods.ion_transport.calibrate import BOX
from porelab_methods.ion_transport.data import Experiments
from porelab_methods.ion_transport.neural import SEGMENTS, Case, Correction, State, solve_neural, solve_with
from porelab_methods.ion_transport.system import Membrane

Array = NDArray[np.float64]
STEP = 1e-3  # of the unit box, of one-sided differences
FAR = 0.2  # largest move of a parameter in a step; far outside, solutions are hard to find
SIGMA = 0.02  # standard error of a rejection, against which the prior is weighed
ROUNDS = 3


@dataclass(frozen=True)
class Prior:
    """Normal prior of the strengths: ``mean`` (m,) and ``spread`` (m,)."""

    mean: Array
    spread: Array


# of strengths between 0 and 1.5, 1.75 and 2 (activities, regulated charge, permittivity), where pre-training lies
PRIOR = Prior(np.array([0.75, 0.875, 1.0]), np.array([0.45, 0.5, 0.6]))


@dataclass(frozen=True)
class Tuned:
    """A ``membrane``, its ``effects`` (m,), and the root mean square error on its rows."""

    membrane: Membrane
    effects: Array
    rmse: float


def tune(
    data: Experiments,
    correction: Correction,
    start: Membrane,
    prior: Prior,
    *,
    soft: bool = False,
    steps: int = 8,
    progress: Progress = silent,
) -> Tuned:
    """Levenberg-Marquardt on all rows of ``data``, taken as those of one membrane, from ``start`` and the prior's mean.

    Parameters run over ``BOX`` in units of its sides (lengths by their logarithms), held weakly to its middle. Where
    the rows are met no better than to ``SIGMA``, other starts are tried: the middle of the box, and charges of either
    sign.
    """
    task = _Task(data, correction, prior, soft)
    best = None
    for begin in (_unit(start), *_OTHERS):
        found = _descend(task, np.concatenate([begin, prior.mean]), steps, progress)
        if best is None or found[1] < best[1]:
            best = found
        if task.rmse(best[0]) < SIGMA:
            break
    assert best is not None
    membrane, effects = task.parts(best[0][None])
    return Tuned(Membrane(*(float(v[0]) for v in vars(membrane).values())), effects[0], task.rmse(best[0]))


_OTHERS = (np.full(4, 0.5), np.array([0.5, 0.5, 0.3, 0.5]), np.array([0.5, 0.5, 0.85, 0.5]))


def _descend(task: _Task, u: Array, steps: int, progress: Progress) -> tuple[Array, float]:
    """The parameters that ``u`` leads to, and their cost."""
    task.start = None
    best, damping = task.residuals(u[None])[0], 1e-2
    for k in range(steps):
        jac = task.jacobian(u, best)
        normal, slope = jac.T @ jac, jac.T @ best
        dampings = damping * 10.0 ** np.arange(-1, 2)
        scale = np.diag(np.diag(normal))
        moves = np.array([-np.linalg.solve(normal + d * scale, slope) for d in dampings])
        trials = np.array([task.clipped(u + np.clip(m, -FAR, FAR)) for m in moves])
        found = task.residuals(trials)
        cost = (found**2).sum(1)
        pick = int(np.argmin(cost))
        gain = float(best @ best) - float(cost[pick])
        progress(k, steps, "fitting through the correction")
        if gain <= 0:
            damping *= 100.0
            if damping > 1e4:
                break
            continue
        u, best, damping = trials[pick], found[pick], float(np.clip(dampings[pick], 1e-6, 1e3))
        if gain < 1e-3 * float(best @ best):
            break
    return u, float(best @ best)


def _unit(membrane: Membrane) -> Array:
    """Parameters in units of the box."""
    made = []
    for name, (lo, hi) in BOX.items():
        v = float(getattr(membrane, name))
        made.append(np.log(v / lo) / np.log(hi / lo) if lo > 0 and hi < 1 else (v - lo) / (hi - lo))
    return np.clip(made, 0.0, 1.0)


@dataclass
class _Task:
    data: Experiments
    correction: Correction
    prior: Prior
    soft: bool
    start: Array | None = None

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.isfinite(self.data.rejection) & (self.data.feed > 0)

    def rmse(self, u: Array) -> float:
        """Root mean square error on the measured rows."""
        gap = self.residuals(u[None])[0, : int(self.known.sum())] * SIGMA
        return float(np.sqrt(np.mean(gap**2)))

    def clipped(self, u: Array) -> Array:
        """Parameters stay in the box, strengths within two spreads."""
        lo = np.r_[np.zeros(4), self.prior.mean - 2 * self.prior.spread]
        hi = np.r_[np.ones(4), self.prior.mean + 2 * self.prior.spread]
        return np.clip(u, lo, hi)

    def parts(self, u: Array) -> tuple[Membrane, Array]:
        """Membrane of (T,) values and strengths (T, m) of trials (T, 4 + m)."""
        made = []
        for k, (lo, hi) in enumerate(BOX.values()):
            logs = lo > 0 and hi < 1
            made.append(lo * (hi / lo) ** u[:, k] if logs else lo + (hi - lo) * u[:, k])
        return Membrane(*made), u[:, 4:]

    def residuals(self, u: Array) -> Array:
        """(T, R) weighted differences and departures from the prior, of trials (T, 4 + m)."""
        membrane, effects = self.parts(u)
        state = solve_many(self.data, membrane, effects, self.correction, self.soft, self.start)
        if len(u) == 1:  # the next ones are near
            self.start = np.where(state.solution.ok[:, None], state.solution.unknowns, np.nan)
        rejection = state.solution.rejection.reshape(len(u), *self.data.feed.shape)
        known = self.known
        gap = np.nan_to_num((rejection - self.data.rejection)[:, known] / SIGMA, nan=1e3)
        return np.c_[gap, (u[:, :4] - 0.5) / 0.5, (effects - self.prior.mean) / self.prior.spread]

    def jacobian(self, u: Array, at: Array) -> Array:
        """(R, 4 + m) by one-sided differences towards the inside of the box, all in one batch."""
        signs = np.where(u + STEP > np.r_[np.ones(4), np.full(len(u) - 4, np.inf)], -STEP, STEP)
        return ((self.residuals(u + np.diag(signs)) - at) / signs[:, None]).T


def solve_many(
    data: Experiments,
    membrane: Membrane,
    effects: Array | None,
    correction: Correction,
    soft: bool = False,
    start: Array | None = None,
) -> State:
    """All rows of ``data`` for each of T membranes with strengths (T, m), as one batch (T rows outermost)."""
    count, size = len(np.asarray(membrane.pore_radius)), len(data)
    wide = Membrane(*(np.repeat(np.asarray(v), size) for v in vars(membrane).values()))
    spread = None if effects is None else np.repeat(effects, size, axis=0)
    case = Case(data.ions, np.tile(data.feed, (count, 1)), np.tile(data.flux, count), wide, effects=spread)
    near = None if start is None else np.tile(start, (count, 1))
    plain = solve_with(case, np.zeros((len(case.feed), SEGMENTS, len(data.ions))), start=near)
    return solve_neural(case, correction, soft=soft, rounds=ROUNDS, plain=plain)
