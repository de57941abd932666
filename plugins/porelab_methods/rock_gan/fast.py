"""The fast search: a regression proposes a style, true evaluations correct it; CMA-ES where that fails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from porelab_methods.rock_gan.bench import Bench
from porelab_methods.rock_gan.bets import Bets
from porelab_methods.rock_gan.chances import towards
from porelab_methods.rock_gan.goal import PATIENCE, Goal, usable
from porelab_methods.rock_gan.maker import Latent
from porelab_methods.rock_gan.survey import Regression, Survey, regression
from porelab_methods.rock_gan.tracking import Track

Floats = NDArray[np.float64]
SHARE = 0.7  # of the evaluations before CMA-ES takes over, where nothing near was found
NEAR = 4.0  # tolerances within which the search goes on with its evaluations
WANDER = 0.1  # how far a step also goes where nothing should change
SIGMA = 0.4
CANDIDATES = 64


class Fast:
    """Search with a regression that a survey gave; ``names`` are the properties asked for.

    One property is reached from any noise. Several at once are a matter of the noise too: how wide throats are at a
    given porosity and permeability hardly depends on the style. The search then bets on the rocks of the survey
    (``bets.py``).
    """

    def __init__(self, found: Survey, names: Sequence[str]) -> None:
        self.model: Regression = regression(found, names)
        self.found = found
        columns = np.array([found.values[n] for n in names]).T
        self.known = np.array([self.model.fitted(row) for row in columns])

    def __call__(self, bench: Bench, rng: np.random.Generator) -> None:
        """Regression first, then CMA-ES with what is left where that came nowhere near."""
        until = max(1, int(SHARE * bench.limit)) if bench.limit > PATIENCE else bench.limit
        goal = Goal(self.model, bench)
        bets = Bets(self.found, self.known, goal, bench, self.guess) if len(bench.targets) > 1 else None
        while bench.open and (bench.count < until or _near(bench)):
            if bets is None:
                self._one_noise(bench, rng, goal)
            else:
                bets.evaluate_next(rng)
        if bench.open:
            cma_es(bench, rng)

    def _one_noise(self, bench: Bench, rng: np.random.Generator, goal: Goal) -> None:
        """Steps in style with the noise held fast, for as long as it leads to the goal."""
        latent = self.guess(bench, rng, goal)
        style = latent.style.astype(float).ravel()
        track: Track | None = None
        for count in range(bench.limit):
            if not bench.open or (track is not None and not goal.leads(track, count)):
                return
            value = goal.fitted(bench(latent.with_style(style)))
            if not usable(value):
                return  # no path through this rock: another noise
            if track is None:
                track = Track(style, -goal.gap(value), goal.slopes(style), goal.jitter)
            else:
                track.moved(style, -goal.gap(value))
            style = track.style + _step(track.slopes, -track.value, goal.cost, rng)

    def guess(self, bench: Bench, rng: np.random.Generator, goal: Goal) -> Latent:
        """A random rock under a random style, moved to where the regression meets the goal."""
        latent = bench.maker.draw(rng)
        styles = [latent.style.astype(float).ravel()]
        styles += [rng.standard_normal(latent.style.size) for _ in range(CANDIDATES)]
        off = [float(np.sum(np.square(goal.gap(self.model.predict(s)) * goal.unit / self.model.scale))) for s in styles]
        style = styles[int(np.argsort(off)[rng.integers(4)])]
        for _ in range(4):
            gap = goal.gap(self.model.predict(style))
            style = style + towards(goal.slopes(style)[None], gap[None], goal.cost)[0]
        return latent.with_style(style)


def _near(bench: Bench) -> bool:
    return bench.best is not None and bench.best.worst <= NEAR


def _step(slopes: Floats, gap: Floats, cost: float, rng: np.random.Generator) -> Floats:
    """The way that closes the gap, and a short one at random along which nothing should change: a rock of almost the
    same style is another draw of what jumps."""
    step = towards(slopes[None], gap[None], cost)[0]
    if slopes.shape[1] > len(gap):
        free = np.asarray(rng.standard_normal(slopes.shape[1]))
        free -= np.linalg.lstsq(slopes, slopes @ free, rcond=1e-6)[0]
        step += free * (WANDER / max(float(np.linalg.norm(free)), 1e-12))
    return step


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
