"""Membrane parameters from measured rejections: bounded least squares with exact derivatives, several starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.progress import Progress, silent
from porelab_methods.ion_transport.feed import Feed
from porelab_methods.ion_transport.system import Conditions, Membrane

Array = NDArray[np.float64]
NAMES = ("pore_radius", "thickness", "charge", "permittivity")
BOUNDS = {
    "pore_radius": (0.25e-9, 2.0e-9),
    "thickness": (0.05e-6, 50e-6),
    "charge": (-400.0, 400.0),
    "permittivity": (20.0, 78.0),
}
_LOG = ("pore_radius", "thickness")


@dataclass(frozen=True)
class Measurement:
    """One experiment: a feed at a flux [m/s], and the observed ``rejection`` per ion (NaN where not measured).

    ``sigma`` is the standard error of each rejection, in the same unit (1)."""

    feed: Feed
    flux: float
    rejection: Array
    sigma: float | Array = 0.02


@dataclass(frozen=True)
class Fit:
    """``membrane`` with ``lower`` and ``upper`` ends of the confidence intervals, root mean square ``rmse`` of the
    residual rejections, the ``predicted`` ones per measurement, ``at_bound`` names of parameters that met a bound."""

    membrane: Membrane
    lower: dict[str, float]
    upper: dict[str, float]
    rmse: float
    predicted: tuple[Array, ...]
    confidence: float
    free: tuple[str, ...]
    at_bound: tuple[str, ...] = field(default=())
    covariance: Array | None = field(default=None, repr=False)


def fit_membrane(
    measurements: Sequence[Measurement],
    *,
    free: Sequence[str] = NAMES,
    start: Membrane = Membrane(),  # noqa: B008
    bounds: dict[str, tuple[float, float]] | None = None,
    conditions: Conditions = Conditions(),  # noqa: B008
    confidence: float = 0.95,
    starts: int = 12,
    seed: int = 0,
    progress: Progress = silent,
) -> Fit:
    """The membrane whose DSPM-DE rejections are nearest to the measured ones, by weighted least squares.

    ``starts`` Sobol points within the bounds (and ``start``) are ranked and the best few are refined by a trust-region
    method; with none, ``start`` alone is. Intervals are those of the linearised problem with Student's t; the residual
    spread is used where it is larger than ``sigma`` says. InputError where there are fewer numbers than parameters.
    """
    limits = {**BOUNDS, **(bounds or {})}
    task = _Task(tuple(measurements), tuple(free), start, conditions, limits)
    if task.target.size < len(task.free):
        raise InputError(
            f"{task.target.size} measured rejections cannot fix {len(task.free)} parameters",
            where="fit_membrane",
            remedy="Fit fewer parameters, or add measurements.",
        )
    best = _search(task, starts, seed, progress)
    return _report(task, best, confidence)


@dataclass(frozen=True)
class _Task:
    measurements: tuple[Measurement, ...]
    free: tuple[str, ...]
    start: Membrane
    conditions: Conditions
    limits: dict[str, tuple[float, float]]

    @property
    def target(self) -> Array:
        """All measured rejections in one row."""
        found = [np.asarray(m.rejection, float) for m in self.measurements]
        return np.concatenate([r[np.isfinite(r)] for r in found]) if found else np.zeros(0)

    def weights(self) -> Array:
        """1 / sigma of each."""
        parts = []
        for m in self.measurements:
            r = np.asarray(m.rejection, float)
            parts.append((np.zeros_like(r) + m.sigma)[np.isfinite(r)])
        return 1.0 / np.concatenate(parts)

    def box(self) -> tuple[Array, Array]:
        """Bounds in the fitted variables (logs of the lengths)."""
        lo, hi = (np.array([_to(n, self.limits[n][k]) for n in self.free]) for k in (0, 1))
        return lo, hi

    def membrane(self, u: Array) -> Membrane:
        """The membrane of fitted variables."""
        values = {n: getattr(self.start, n) for n in NAMES}
        values |= {n: _from(n, float(v)) for n, v in zip(self.free, u, strict=True)}
        return Membrane(**values)

    def rejections(self, u: Array) -> list[Array]:
        """Model rejections per measurement; NaN where there is none."""
        return [r for r, _ in self._solve(u, False)]

    def residuals(self, u: Array) -> Array:
        """Weighted differences; large where the model has no solution."""
        parts = [r[np.isfinite(m.rejection)] for r, m in zip(self.rejections(u), self.measurements, strict=True)]
        return np.nan_to_num((np.concatenate(parts) - self.target) * self.weights(), nan=1e3)

    def jacobian(self, u: Array) -> Array:
        """d residuals / d u by the sensitivities of the solver."""
        rows = [j[np.isfinite(m.rejection)] for (_, j), m in zip(self._solve(u, True), self.measurements, strict=True)]
        return np.nan_to_num(np.concatenate(rows)) * self.weights()[:, None]

    def _solve(self, u: Array, gradient: bool) -> list[tuple[Array, Array]]:
        """One batch per set of ions, in the order of the measurements."""
        found: dict[int, tuple[Array, Array]] = {}
        groups: dict[tuple[str, ...], list[int]] = {}
        for k, m in enumerate(self.measurements):
            groups.setdefault(m.feed.names, []).append(k)
        for members in groups.values():
            for k, value in zip(members, self._group(u, members, gradient), strict=True):
                found[k] = value
        return [found[k] for k in range(len(self.measurements))]

    def _group(self, u: Array, members: list[int], gradient: bool) -> list[tuple[Array, Array]]:
        from porelab_methods.ion_transport.gradient import rejection_jacobian
        from porelab_methods.ion_transport.system import solve

        chosen = [self.measurements[k] for k in members]
        ions = chosen[0].feed.ions
        feed, flux = np.array([m.feed.concentration for m in chosen]), np.array([m.flux for m in chosen])
        solution = solve(ions, feed, flux, self.membrane(u), self.conditions, sensitivities=gradient, rtol=1e-9)
        if not gradient:
            return [(r, np.zeros(0)) for r in solution.rejection]
        jac = rejection_jacobian(solution, self.membrane(u), self.conditions)  # (B, n, 4) by NAMES
        chain = np.array([_from(n, float(v)) if n in _LOG else 1.0 for n, v in zip(self.free, u, strict=True)])
        picked = jac[:, :, [NAMES.index(n) for n in self.free]] * chain
        return list(zip(solution.rejection, picked, strict=True))


def _to(name: str, value: float) -> float:
    return float(np.log(value)) if name in _LOG else float(value)


def _from(name: str, value: float) -> float:
    return float(np.exp(value)) if name in _LOG else value


def _search(task: _Task, starts: int, seed: int, progress: Progress) -> Array:
    from scipy.optimize import least_squares
    from scipy.stats import qmc

    lo, hi = task.box()
    begin = np.clip([_to(n, getattr(task.start, n)) for n in task.free], lo + 1e-6, hi - 1e-6)
    trials = [begin]
    if starts:
        power = int(np.ceil(np.log2(starts)))
        grid = qmc.scale(qmc.Sobol(len(lo), seed=seed).random_base2(power + 3), lo, hi)
        cost = [float(np.sum(np.tanh(task.residuals(u) / 20.0) ** 2)) for u in grid]
        trials += list(grid[np.argsort(cost)[: max(2, starts // 3)]])
    best, lowest = None, np.inf
    for k, u in enumerate(trials):
        result = least_squares(
            task.residuals, u, jac=task.jacobian, bounds=(lo, hi), x_scale=(hi - lo) / 10.0, max_nfev=60
        )
        if result.cost < lowest:
            best, lowest = result.x, result.cost
        progress(k + 1, len(trials), "fitting", cost=float(lowest))
    if best is None:
        raise NotConverged("no membrane within the bounds has a DSPM-DE solution", where="fit_membrane")
    return np.asarray(best)


def _report(task: _Task, u: Array, confidence: float) -> Fit:
    from scipy.stats import t as student

    lo, hi = task.box()
    r, jac = task.residuals(u), task.jacobian(u)
    freedom = max(r.size - u.size, 1)
    spread = max(1.0, float(r @ r) / freedom) if r.size > u.size else 1.0
    covariance = np.asarray(np.linalg.pinv(jac.T @ jac, rcond=1e-14) * spread, float)
    half = student.ppf(0.5 + confidence / 2.0, freedom) * np.sqrt(np.diag(covariance))
    stuck = tuple(n for n, v, a, b in zip(task.free, u, lo, hi, strict=True) if min(v - a, b - v) < 1e-3 * (b - a))
    ends = [
        {n: _from(n, float(v)) for n, v in zip(task.free, np.clip(u + s * half, lo, hi), strict=True)} for s in (-1, 1)
    ]
    predicted = tuple(task.rejections(u))
    rmse = float(np.sqrt(np.mean((r / task.weights()) ** 2)))
    return Fit(task.membrane(u), ends[0], ends[1], rmse, predicted, confidence, task.free, stuck, covariance)
