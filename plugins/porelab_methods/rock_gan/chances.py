"""Several properties at once: the rock and the step from it by which all of them most likely come right.

How wide throats are at a given porosity and permeability hardly depends on the style, and near the goal every step
makes properties jump by about a tolerance. So each step is a bet. A rock under a changing style is a random path
(Gaussian process: Rasmussen and Williams 2006, chapter 2): it follows the slopes of the regression, which may be
wrong, and wanders off as a Brownian path does, by the jumps that the survey measured. Every evaluation pins the path
of its noise down. Of all rocks of the survey and all styles near what was evaluated, the one is made next that most
likely lies within all tolerances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from porelab_methods.rock_gan.tracking import DOUBT

Floats = NDArray[np.float64]
COSTS = (0.1, 1.0, 10.0, 100.0, 1e9)  # of a step in style, in squares of tolerances: the last one stays where it is
ASIDE = (0.003, 0.01, 0.03, 0.1, 0.3)  # how far a candidate also lies off at random
DRAWS = 6  # of each candidate
REACH = 1.5  # longest step
MEMORY = 1.0  # distance in style over which a path forgets
ANYWHERE = 1e4  # variance of where a path starts, in squares of tolerances


class Path:
    """One noise under changing styles: what is known of its gaps (m,) to the goal, in tolerances.

    ``slopes`` (m, k) are those of the properties at its first style, ``jumps`` (m,) the variance per length of style.
    """

    def __init__(self, style: Floats, gap: Floats, slopes: Floats, jumps: Floats) -> None:
        self.slopes, self.jumps = slopes, jumps
        self.styles, self.gaps = style[None], gap[None]
        self.failing = 1.0  # how likely all bets on this path had failed, if the chances were right

    def add(self, style: Floats, gap: Floats, chance: float = 0.0) -> None:
        """One more evaluation, which had that chance."""
        self.styles = np.concatenate([self.styles, style[None]])
        self.gaps = np.concatenate([self.gaps, gap[None]])
        if np.abs(gap).max() > 1.0:
            self.failing *= 1.0 - chance

    @property
    def trust(self) -> float:
        """From 1 to 0: that this path goes as believed. Beforehand as likely as that there is nothing to win on it;
        then by Bayes' rule."""
        return 2.0 * self.failing / (1.0 + self.failing)

    def chances(self, styles: Floats) -> Floats:
        """How likely each of the styles (n, k) meets all targets."""
        chance = np.full(len(styles), self.trust)
        for j, slope in enumerate(self.slopes):
            mean, width = self._property(j, slope, styles)
            chance *= within(mean, width)
        return chance

    def _property(self, j: int, slope: Floats, styles: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of one gap at styles, given what was evaluated."""
        origin = self.styles[0]
        known, asked = self.styles - origin, styles - origin
        cross, prior = self._together(j, slope, asked, known), self._alone(j, slope, asked)
        full = self._together(j, slope, known, known) + 1e-6 * np.eye(len(known))
        weights = np.linalg.solve(full, cross.T).T
        mean = -asked @ slope + weights @ (self.gaps[:, j] + known @ slope)
        return mean, np.sqrt(np.maximum(prior - np.sum(weights * cross, axis=1), 0.0)) + 1e-3

    def _together(self, j: int, slope: Floats, a: Floats, b: Floats) -> Floats:
        """Covariance of the gap at places ``a`` and ``b``, relative to the first style."""
        apart = np.linalg.norm(a[:, None] - b[None], axis=2)
        wander = 0.5 * self.jumps[j] * MEMORY * np.exp(-apart / MEMORY)
        return np.asarray(ANYWHERE + doubt(slope) * a @ b.T + wander)

    def _alone(self, j: int, slope: Floats, a: Floats) -> Floats:
        """The same of each place with itself."""
        return np.asarray(ANYWHERE + doubt(slope) * np.sum(a**2, axis=1) + 0.5 * self.jumps[j] * MEMORY)

    def candidates(self, rng: np.random.Generator) -> Floats:
        """Styles worth a look: from every evaluation some way towards the goal, and off it at random."""
        slopes = np.broadcast_to(self.slopes, (len(self.styles), *self.slopes.shape))
        steps = np.concatenate([self.styles + towards(slopes, self.gaps, cost) for cost in COSTS])
        off = rng.standard_normal((len(ASIDE), DRAWS, *steps.shape))
        off *= np.reshape(ASIDE, (-1, 1, 1, 1)) / np.linalg.norm(off, axis=-1, keepdims=True)
        return np.asarray((steps + off).reshape(-1, steps.shape[1]))


@dataclass(frozen=True)
class Bet:
    """Which of the rocks, the style under which its noise is tried, and its chance."""

    start: int
    style: Floats
    chance: float


def best_start(styles: Floats, gaps: Floats, slopes: Floats, jumps: Floats) -> Bet:
    """Of rocks (n) that were measured once: which, and how far towards the goal. ``slopes`` (n, m, k)."""
    found: Bet | None = None
    for cost in COSTS:
        steps = towards(slopes, gaps, cost)
        led = np.einsum("nmk,nk->nm", slopes, steps)
        length = np.linalg.norm(steps, axis=1)[:, None]
        wander = jumps * MEMORY * (1.0 - np.exp(-length / MEMORY))
        width = np.sqrt(wander + doubt(slopes) * length**2) + 1e-3
        chance = within(gaps - led, width).prod(axis=1)
        k = int(np.argmax(chance))
        if found is None or chance[k] > found.chance:
            found = Bet(k, styles[k] + steps[k], float(chance[k]))
    assert found is not None
    return found


def within(gap: Floats, width: Floats) -> Floats:
    """How likely a normal gap is at most one tolerance."""
    return np.asarray(ndtr((1.0 - gap) / width) - ndtr((-1.0 - gap) / width))


def doubt(slopes: Floats) -> Floats:
    """Variance of each derivative of slopes (..., k) that may be wrong."""
    return np.asarray(DOUBT**2 * np.sum(slopes**2, axis=-1) / slopes.shape[-1])


def towards(slopes: Floats, gaps: Floats, cost: float) -> Floats:
    """The steps of ``ridge_steps``, at most ``REACH`` long."""
    steps = ridge_steps(slopes, gaps, cost)
    length = np.linalg.norm(steps, axis=1, keepdims=True)
    return np.asarray(steps * np.minimum(1.0, REACH / np.maximum(length, 1e-12)))


def ridge_steps(slopes: Floats, gaps: Floats, cost: float) -> Floats:
    """Steps (n, k) that close gaps (n, m) and are short: the square of a unit of style costs ``cost`` squares of
    tolerances, so that slopes (n, m, k) which are hardly there move nothing far."""
    square = slopes @ slopes.transpose(0, 2, 1) + cost * np.eye(slopes.shape[1])
    return np.einsum("nmk,nm->nk", slopes, np.linalg.solve(square, gaps[:, :, None])[:, :, 0])
