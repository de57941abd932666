"""A membrane fitted through the corrected equation: its parameters and the strengths of what is beyond DSPM-DE there.

The network stays as it is. What is fitted is small (four parameters and one strength per effect) and is held near
where the pre-training lay, so that a few measurements do not pull it away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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
Limits = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Prior:
    """Normal prior of the strengths: ``mean`` (m,) and ``spread`` (m,)."""

    mean: Array
    spread: Array


# of strengths between 0 and 1.5, 1.75 and 2 (activities, regulated charge, permittivity), where pre-training lies
PRIOR = Prior(np.array([0.75, 0.875, 1.0]), np.array([0.45, 0.5, 0.6]))


Forward = Callable[[Membrane, Array], Array]  # T membranes of (T,) values, strengths (T, m): rejections (T, B, n)


@dataclass(frozen=True)
class Tuned:
    """A ``membrane``, its ``effects`` (m,), the root mean square error on its rows, and the ``cost`` with the prior."""

    membrane: Membrane
    effects: Array
    rmse: float
    cost: float


def tune(
    data: Experiments,
    correction: Correction,
    start: Membrane,
    prior: Prior,
    *,
    effects: Array | None = None,
    soft: bool = False,
    steps: int = 8,
    others: bool = True,
    bounds: Limits = BOX,
    progress: Progress = silent,
) -> Tuned:
    """A membrane fitted through the corrected equation to all rows of ``data``, taken as those of one membrane."""
    forward = _Neural(data, correction, soft)
    return fit_through(data, forward, start, prior, effects, steps, others, bounds, progress)


def fit_through(
    data: Experiments,
    forward: Forward,
    start: Membrane,
    prior: Prior,
    effects: Array | None = None,
    steps: int = 8,
    others: bool = True,
    bounds: Limits = BOX,
    progress: Progress = silent,
) -> Tuned:
    """Levenberg-Marquardt through any ``forward`` model, from ``start`` and ``effects`` (else the prior's mean).

    Parameters run over ``bounds`` in units of the sides of ``BOX`` (lengths by their logarithms), held weakly to its
    middle. Where the rows are met no better than to ``SIGMA``, ``others`` are tried: the middle of the box, and charges
    of either sign.
    """
    task = _Task(data, forward, prior, np.stack([_unit(bounds, k) for k in (0, 1)]))
    best = None
    for begin in (_to_unit(start), *(_OTHERS if others else ())):
        first = np.concatenate([begin, prior.mean if effects is None else effects])
        found = _descend(task, task.clipped(first), steps, progress)
        if best is None or found[1] < best[1]:
            best = found
        if task.rmse(best[0]) < SIGMA:
            break
    assert best is not None
    membrane, strengths = task.parts(best[0][None])
    one = Membrane(*(float(v[0]) for v in vars(membrane).values()))
    return Tuned(one, strengths[0], task.rmse(best[0]), best[1])


def intervals(data: Experiments, correction: Correction, found: Tuned, prior: Prior) -> tuple[Array, Array]:
    """Two standard errors below and above (4 + m,) the parameters and strengths of a fit within ``BOX``, from the
    linearised problem with its priors; the residual spread is used where it is larger than ``SIGMA``."""
    task = _Task(data, _Neural(data, correction, False), prior, np.stack([_unit(BOX, k) for k in (0, 1)]))
    u = task.clipped(np.concatenate([_to_unit(found.membrane), found.effects]))
    jac = task.jacobian(u, task.residuals(u[None])[0])
    half = 2.0 * np.sqrt(np.diag(np.linalg.inv(jac.T @ jac))) * max(1.0, found.rmse / SIGMA)
    ends = []
    for end in (task.clipped(u - half), task.clipped(u + half)):
        membrane, effects = task.parts(end[None])
        ends.append(np.array([*(float(v[0]) for v in vars(membrane).values()), *effects[0]]))
    return ends[0], ends[1]


_OTHERS = (np.full(4, 0.5), np.array([0.5, 0.5, 0.3, 0.5]), np.array([0.5, 0.5, 0.85, 0.5]))


def _descend(task: _Task, u: Array, steps: int, progress: Progress) -> tuple[Array, float]:
    """The parameters that ``u`` leads to, and their cost."""
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


def _logs(name: str) -> bool:
    return name in ("pore_radius", "thickness")


def _unit(bounds: Limits, end: int) -> Array:
    """One end of the bounds in units of the box."""
    return _scaled({name: bounds[name][end] for name in BOX})


def _to_unit(membrane: Membrane) -> Array:
    """Parameters in units of the box."""
    return _scaled({name: float(getattr(membrane, name)) for name in BOX})


def _scaled(values: dict[str, float]) -> Array:
    made = []
    for name, (lo, hi) in BOX.items():
        v = values[name]
        made.append(np.log(v / lo) / np.log(hi / lo) if _logs(name) else (v - lo) / (hi - lo))
    return np.array(made)


@dataclass
class _Neural:
    """The corrected equation as a forward model; solutions start from those of the last single membrane."""

    data: Experiments
    correction: Correction
    soft: bool
    start: Array | None = field(default=None, init=False)

    def __call__(self, membrane: Membrane, effects: Array) -> Array:
        state = solve_many(self.data, membrane, effects, self.correction, self.soft, self.start)
        if len(effects) == 1:  # the next ones are near
            self.start = np.where(state.solution.ok[:, None], state.solution.unknowns, np.nan)
        return state.solution.rejection.reshape(len(effects), *self.data.feed.shape)


@dataclass
class _Task:
    data: Experiments
    forward: Forward
    prior: Prior
    limits: Array  # (2, 4) in units of the box

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.isfinite(self.data.rejection) & (self.data.feed > 0)

    def rmse(self, u: Array) -> float:
        """Root mean square error on the measured rows."""
        gap = self.residuals(u[None])[0, : int(self.known.sum())] * SIGMA
        return float(np.sqrt(np.mean(gap**2)))

    def clipped(self, u: Array) -> Array:
        """Parameters stay within bounds, strengths within two spreads."""
        lo = np.r_[self.limits[0], self.prior.mean - 2 * self.prior.spread]
        hi = np.r_[self.limits[1], self.prior.mean + 2 * self.prior.spread]
        return np.clip(u, lo, hi)

    def parts(self, u: Array) -> tuple[Membrane, Array]:
        """Membrane of (T,) values and strengths (T, m) of trials (T, 4 + m)."""
        made = []
        for k, (name, (lo, hi)) in enumerate(BOX.items()):
            made.append(lo * (hi / lo) ** u[:, k] if _logs(name) else lo + (hi - lo) * u[:, k])
        return Membrane(*made), u[:, 4:]

    def residuals(self, u: Array) -> Array:
        """(T, R) weighted differences and departures from the prior, of trials (T, 4 + m)."""
        membrane, effects = self.parts(u)
        rejection, known = self.forward(membrane, effects), self.known
        gap = np.nan_to_num((rejection - self.data.rejection)[:, known] / SIGMA, nan=1e3)
        return np.c_[gap, (u[:, :4] - 0.5) / 0.5, (effects - self.prior.mean) / self.prior.spread]

    def jacobian(self, u: Array, at: Array) -> Array:
        """(R, 4 + m) by one-sided differences towards the inside of the bounds, all in one batch."""
        signs = np.where(u + STEP > np.r_[self.limits[1], np.full(len(u) - 4, np.inf)], -STEP, STEP)
        return ((self.residuals(u + np.diag(signs)) - at) / signs[:, None]).T


def many(data: Experiments, membrane: Membrane, effects: Array | None) -> Case:
    """All rows of ``data`` for each of T membranes with strengths (T, m), as one batch (T rows outermost)."""
    count, size = len(np.asarray(membrane.pore_radius)), len(data)
    wide = Membrane(*(np.repeat(np.asarray(v), size) for v in vars(membrane).values()))
    spread = None if effects is None else np.repeat(effects, size, axis=0)
    return Case(data.ions, np.tile(data.feed, (count, 1)), np.tile(data.flux, count), wide, effects=spread)


def solve_many(
    data: Experiments,
    membrane: Membrane,
    effects: Array | None,
    correction: Correction,
    soft: bool = False,
    start: Array | None = None,
) -> State:
    """The corrected equation for ``many``."""
    case = many(data, membrane, effects)
    near = None if start is None else np.tile(start, (len(case.feed) // len(data), 1))
    plain = solve_with(case, np.zeros((len(case.feed), SEGMENTS, len(data.ions))), start=near)
    return solve_neural(case, correction, soft=soft, rounds=ROUNDS, plain=plain)
