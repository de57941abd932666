"""The fast search: a regression proposes a style, a true evaluation corrects it; CMA-ES where that fails."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_methods.rock_gan.bench import Bench, Trial
from porelab_methods.rock_gan.maker import Latent
from porelab_methods.rock_gan.survey import Regression

Floats = NDArray[np.float64]
LONGEST = 1.5  # step in style
PATIENCE = 6  # evaluations with one noise before another is drawn
SHARE = 0.7  # of the evaluations before CMA-ES takes over
NEAR, WANDER = 4.0, 0.15  # tolerances from which on, and how far, it also moves where nothing should change
BELIEVED = 0.05  # shorter steps tell more of the rock's voxels than of the slope
SIGMA = 0.4
CANDIDATES = 64


class Fast:
    """Search with a regression that a survey gave."""

    def __init__(self, model: Regression) -> None:
        self.model = model

    def __call__(self, bench: Bench, rng: np.random.Generator) -> None:
        """Regression first, then CMA-ES with what is left."""
        until = max(1, int(SHARE * bench.limit)) if bench.limit > PATIENCE else bench.limit
        goal = self.model.fitted(np.array([t.value for t in bench.targets]))
        while bench.open and bench.count < until:
            self._one_noise(bench, rng, goal, until)
        if bench.open:
            cma_es(bench, rng)

    def _one_noise(self, bench: Bench, rng: np.random.Generator, goal: Floats, until: int) -> None:
        """Broyden's method in style with the noise held fast, from the likeliest of some styles."""
        latent = self._start(bench, rng, goal)
        style = latent.style.astype(float).ravel()
        slopes = self.model.slopes(style)
        last: tuple[Floats, Floats] | None = None
        for _ in range(PATIENCE):
            if not bench.open or bench.count >= until:
                return
            trial = bench(latent.with_style(style))
            value = self.model.fitted(np.array([trial.values[t.property.name] for t in bench.targets]))
            if not np.isfinite(value).all() or (value < -600).any():
                return  # no path through this rock: another noise
            if last is not None:
                slopes = _secant(slopes, style - last[0], value - last[1])
            last = (style, value)
            style = style + self._step(slopes, goal - value, trial, rng)

    def _start(self, bench: Bench, rng: np.random.Generator, goal: Floats) -> Latent:
        """A random rock under a random style, moved to where the regression meets the goal."""
        latent = bench.maker.draw(rng)
        styles = [latent.style.astype(float).ravel()]
        styles += [rng.standard_normal(latent.style.size) for _ in range(CANDIDATES)]
        off = [float(np.sum(((self.model.predict(s) - goal) / self.model.scale) ** 2)) for s in styles]
        style = styles[int(np.argsort(off)[rng.integers(4)])]
        for _ in range(4):
            style = style + _least(self.model.slopes(style), goal - self.model.predict(style))
        return latent.with_style(style)

    def _step(self, slopes: Floats, gap: Floats, trial: Trial, rng: np.random.Generator) -> Floats:
        """The shortest step that closes the gap; near the goal also a random one along which nothing should change,
        since properties of voxels and networks jump a little whatever the style does."""
        step = _least(slopes, gap)
        if 1.0 < trial.worst < NEAR and len(step) > len(gap):
            free = WANDER * rng.standard_normal(len(step))
            step = step + free - _least(slopes, slopes @ free, limit=np.inf)
        return step


def _least(slopes: Floats, gap: Floats, limit: float = LONGEST) -> Floats:
    """Least-norm solution of slopes step = gap, at most ``limit`` long."""
    step: Floats = np.asarray(np.linalg.lstsq(slopes, gap, rcond=1e-3)[0], np.float64)
    length = float(np.linalg.norm(step))
    return step * min(1.0, limit / length) if length > 0 else step


def _secant(slopes: Floats, moved: Floats, changed: Floats) -> Floats:
    """Broyden's update, when the step was long enough to tell a slope."""
    square = float(moved @ moved)
    if square < BELIEVED**2:
        return slopes
    return slopes + np.outer(changed - slopes @ moved, moved) / square


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
