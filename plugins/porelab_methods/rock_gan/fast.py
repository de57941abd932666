"""The fast search: a regression proposes a style, true evaluations correct it; CMA-ES where that fails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from porelab_methods.rock_gan.bench import Bench, Trial
from porelab_methods.rock_gan.maker import Latent
from porelab_methods.rock_gan.survey import Regression, Survey, regression
from porelab_methods.rock_gan.tracking import Track

Floats = NDArray[np.float64]
LONGEST = 1.5  # step in style
TRIED, PATIENCE = 3, 6  # evaluations before a noise is given up that cannot lead to the goal, or is a long way off
SHARE = 0.7  # of the evaluations before CMA-ES takes over, where nothing near was found
NEAR = 4.0  # tolerances within which the search goes on with its evaluations
COST = 8.0  # of a step in style, in squares of jumps: on the way of one unit that many more come in
SHORT, LEFT = 0.7, 2.0  # way left, in style and in tolerances beyond it, up to which a noise is kept
WANDER = 0.1  # how far a step also goes where nothing should change
SIGMA = 0.4
CANDIDATES = 64
SIGHT, TINY, FAILURES = 2.5, 0.02, 4  # tolerances from which on steps are tiny, how tiny, and how often in vain
NO_PATH = -600.0  # logarithms below are of no permeability


class Fast:
    """Search with a regression that a survey gave; ``names`` are the properties asked for.

    One property is reached from any noise. Several at once are a matter of the noise too: how wide throats are at a
    given porosity and permeability hardly depends on the style. The search then starts at the rock of the survey that
    has the shortest way to go, at each of them once.
    """

    def __init__(self, found: Survey, names: Sequence[str]) -> None:
        self.model: Regression = regression(found, names)
        self.found, self.used = found, set[int]()
        columns = np.array([found.values[n] for n in names]).T
        self.known = np.array([self.model.fitted(row) for row in columns])

    def __call__(self, bench: Bench, rng: np.random.Generator) -> None:
        """Regression first, then CMA-ES with what is left where that came nowhere near."""
        until = max(1, int(SHARE * bench.limit)) if bench.limit > PATIENCE else bench.limit
        goal = _Goal(self.model, bench)
        while bench.open and (bench.count < until or _near(bench)):
            self._one_noise(bench, rng, goal)
        if bench.open:
            cma_es(bench, rng)

    def _one_noise(self, bench: Bench, rng: np.random.Generator, goal: _Goal) -> None:
        """Steps in style with the noise held fast, for as long as it leads to the goal."""
        latent = self._start(bench, rng, goal)
        style = latent.style.astype(float).ravel()
        track: Track | None = None
        for count in range(bench.limit):
            if not bench.open or (track is not None and not goal.leads(track, count)):
                return
            trial = bench(latent.with_style(style))
            value = goal.fitted(trial)
            if not _usable(value):
                return  # no path through this rock: another noise
            if track is None:
                track = Track(style, -goal.gap(value), goal.slopes(style), goal.jitter)
            else:
                track.moved(style, -goal.gap(value))
            if len(bench.targets) > 1 and trial is bench.best and trial.worst <= SIGHT:
                self._closer(bench, rng, goal)
            style = track.style + _step(track.slopes, -track.value, goal.cost, rng)

    def _closer(self, bench: Bench, rng: np.random.Generator, goal: _Goal) -> None:
        """Around a rock that is all but right: with tiny steps its own jumps stay, and a few new ones come in. The
        nearer it is the tinier they are; every gain starts anew from there."""
        failures = 0
        while bench.open and failures < FAILURES:
            best = bench.best
            assert best is not None
            style = best.latent.style.astype(float).ravel()
            length = TINY * (best.worst - 0.8)
            aside = rng.standard_normal(len(style))
            step, _ = _way(goal.slopes(style), goal.gap(goal.fitted(best)), goal.cost)
            step *= min(1.0, 2.0 * length / max(float(np.linalg.norm(step)), 1e-12))
            bench(best.latent.with_style(style + step + length * aside / np.linalg.norm(aside)))
            failures = 0 if bench.best is not best else failures + 1

    def _start(self, bench: Bench, rng: np.random.Generator, goal: _Goal) -> Latent:
        """Where the search begins, for one noise."""
        near = self._nearest(goal) if len(goal.unit) > 1 else None
        if near is None:
            return self._guess(bench, rng, goal)
        style = self.found.styles[near]
        step = _least(goal.slopes(style), goal.gap(self.known[near]), goal.cost)
        return self.found.latent(bench.maker, near).with_style(style + step)

    def _nearest(self, goal: _Goal) -> int | None:
        """The rock of the survey from which the way to the goal is shortest, of those not taken yet."""
        free = [i for i in range(len(self.known)) if i not in self.used and _usable(self.known[i])]
        if not free:
            return None
        ways = [_way(goal.slopes(self.found.styles[i]), goal.gap(self.known[i]), goal.cost) for i in free]
        price = [goal.cost * np.sum(np.square(step)) + np.sum(np.square(left)) for step, left in ways]
        near = free[int(np.argmin(price))]
        self.used.add(near)
        return near

    def _guess(self, bench: Bench, rng: np.random.Generator, goal: _Goal) -> Latent:
        """A random rock under a random style, moved to where the regression meets the goal."""
        latent = bench.maker.draw(rng)
        styles = [latent.style.astype(float).ravel()]
        styles += [rng.standard_normal(latent.style.size) for _ in range(CANDIDATES)]
        off = [float(np.sum(np.square(goal.gap(self.model.predict(s)) * goal.unit / self.model.scale))) for s in styles]
        style = styles[int(np.argsort(off)[rng.integers(4)])]
        for _ in range(4):
            style = style + _least(goal.slopes(style), goal.gap(self.model.predict(style)), goal.cost)
        return latent.with_style(style)


class _Goal:
    """The targets of one rock as the regression has them, in their tolerances: metres and logarithms weigh alike."""

    def __init__(self, model: Regression, bench: Bench) -> None:
        self.model, self.names = model, [t.property.name for t in bench.targets]
        self.value = model.fitted(np.array([t.value for t in bench.targets]))
        self.unit = model.fitted(np.array([t.value + t.tolerance for t in bench.targets])) - self.value
        self.jitter = model.jitter / self.unit
        self.cost = 1.0 + COST * float(np.sum(np.square(self.jitter)))

    def fitted(self, trial: Trial) -> Floats:
        """The properties of a rock, as they are fitted."""
        return self.model.fitted(np.array([trial.values[n] for n in self.names]))

    def gap(self, value: Floats) -> Floats:
        """From fitted properties to the goal."""
        return (self.value - value) / self.unit

    def slopes(self, style: Floats) -> Floats:
        """Of the regression."""
        return self.model.slopes(style) / self.unit[:, None]

    def leads(self, track: Track, count: int) -> bool:
        """Whether to go on with a noise after ``count`` evaluations: some style must close the gap, but for jumps (no
        style makes every noise into every rock), and after a while the way must be short."""
        step, left = _way(track.slopes, -track.value, self.cost)
        within_reach = bool(np.all(np.abs(left) <= LEFT * np.maximum(1.0, self.jitter)))
        return (within_reach or count < TRIED) and (count < PATIENCE or float(np.linalg.norm(step)) <= SHORT)


def _usable(value: Floats) -> bool:
    """Whether a rock has all properties; one without a path has no logarithm of its permeability."""
    return bool(np.isfinite(value).all() and (value > NO_PATH).all())


def _near(bench: Bench) -> bool:
    return bench.best is not None and bench.best.worst <= NEAR


def _step(slopes: Floats, gap: Floats, cost: float, rng: np.random.Generator) -> Floats:
    """The way that closes the gap, and a short one at random along which nothing should change: a rock of almost the
    same style is another draw of what jumps."""
    step: Floats = _least(slopes, gap, cost)
    if slopes.shape[1] > len(gap):
        free = np.asarray(rng.standard_normal(slopes.shape[1]))
        free -= np.linalg.lstsq(slopes, slopes @ free, rcond=1e-6)[0]
        step += free * (WANDER / max(float(np.linalg.norm(free)), 1e-12))
    return step


def _least(slopes: Floats, gap: Floats, cost: float) -> Floats:
    """The way to close a gap, at most ``LONGEST`` of it."""
    step, _ = _way(slopes, gap, cost)
    length = float(np.linalg.norm(step))
    shorter: Floats = step * min(1.0, LONGEST / max(length, 1e-300))
    return shorter


def _way(slopes: Floats, gap: Floats, cost: float) -> tuple[Floats, Floats]:
    """The step and what it leaves of a gap (tolerances), both short: the square of a unit of style costs ``cost``
    squares of tolerances, so that slopes which are hardly there move nothing far."""
    step = slopes.T @ np.linalg.solve(slopes @ slopes.T + cost * np.eye(len(gap)), gap)
    return step, gap - slopes @ step


def cma_es(bench: Bench, rng: np.random.Generator) -> None:
    """CMA-ES (pycma) on the style, from the best rock so far, with its noise."""
    import cma

    start = bench.best.latent if bench.best is not None else bench.maker.draw(rng)
    options = {"seed": int(rng.integers(1, 2**31 - 1)), "verbose": -9, "popsize": 6, "maxfevals": bench.limit}
    size = start.style.size
    guess = np.concatenate([start.style.astype(float).ravel(), np.zeros(max(0, 2 - size))])  # pycma needs two
    strategy = cma.CMAEvolutionStrategy(guess, SIGMA, options)
    while bench.open and not strategy.stop():
        asked = strategy.ask()
        costs = []
        for one in asked:
            if not bench.open:
                return
            trial = bench(start.with_style(one[:size]))
            costs.append(min(trial.cost, 1e6) + 0.5 * float(np.sum(np.square(one))) * 1e-3)
        strategy.tell(asked, costs)
