"""The targets of one rock, as the regression of the survey has them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_methods.rock_gan.bench import Bench, Trial
from porelab_methods.rock_gan.chances import ridge_steps
from porelab_methods.rock_gan.survey import Regression
from porelab_methods.rock_gan.tracking import Track

Floats = NDArray[np.float64]
TRIED, PATIENCE = 3, 6  # evaluations before a noise is given up that cannot lead to the goal, or is a long way off
COST = 8.0  # of a step in style, in squares of jumps: on the way of one unit that many more come in
SHORT, LEFT = 0.7, 2.0  # way left, in style and in tolerances beyond it, up to which a noise is kept
NO_PATH = -600.0  # logarithms below are of no permeability


class Goal:
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
        gap = -track.value
        step = ridge_steps(track.slopes[None], gap[None], self.cost)[0]
        left = gap - track.slopes @ step
        within_reach = bool(np.all(np.abs(left) <= LEFT * np.maximum(1.0, self.jitter)))
        return (within_reach or count < TRIED) and (count < PATIENCE or float(np.linalg.norm(step)) <= SHORT)


def usable(value: Floats) -> bool:
    """Whether a rock has all properties; one without a path has no logarithm of its permeability."""
    return bool(np.isfinite(value).all() and (value > NO_PATH).all())
