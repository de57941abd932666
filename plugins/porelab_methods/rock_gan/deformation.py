"""Gradual Gaussian deformation: Algorithm 1 of the paper as written, and the well-posed line search."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from porelab_methods.rock_gan.bench import Bench, Trial
from porelab_methods.rock_gan.maker import Latent

RATE = 0.01  # the paper does not give its learning rate
LARGEST = 1e3  # tolerances; a rock without a value counts as this far off in the gradient
ANGLES = tuple(math.pi * s for s in (1 / 4, -1 / 4, 1 / 2, -1 / 2, 1 / 8, -1 / 8, 1.0))
REFINEMENTS = 3


def algorithm_1(bench: Bench, rng: np.random.Generator) -> None:
    """Algorithm 1: t ~ U(0, 2 pi) and a fresh u in every step, one gradient step on t, and no comparison.

    Line 15 subtracts from the number t the vector dz/dt = -z sin t + u cos t times dO/df: taken here component by
    component, which makes t a vector. dO/df is in tolerances. See METHODS of the docs: the result is close to drawing
    at random until a rock fits.
    """
    z = bench.maker.draw(rng)
    while bench.open:
        angle = float(rng.uniform(0.0, 2.0 * math.pi))
        u = bench.maker.draw(rng)
        trial = bench(z.mixed(u, angle))
        slope = float(np.clip(np.sum(trial.misses), -LARGEST, LARGEST))
        z = Latent(*(_stepped(a, b, angle, slope) for a, b in ((z.style, u.style), (z.noise, u.noise))))


def _stepped(z: np.ndarray, u: np.ndarray, angle: float, slope: float) -> np.ndarray:
    """Lines 15 and 16: t - eta dO/df dz/dt, and z(t) with it."""
    t = angle - RATE * slope * (-z * math.sin(angle) + u * math.cos(angle))
    return np.asarray(z * np.cos(t) + u * np.sin(t), np.float32)


def line_search(bench: Bench, rng: np.random.Generator) -> None:
    """Along each random direction the best angle; the angle 0 is among them, so the cost never rises.

    With one target the misfit has a sign: two neighbouring angles with different signs bracket a solution, which
    is then found by false position. Otherwise the lowest point of the parabola through the best three.
    """
    here = bench(bench.maker.draw(rng))
    while bench.open:
        u = bench.maker.draw(rng)
        here = _along(bench, here, u)


def _along(bench: Bench, start: Trial, u: Latent) -> Trial:
    """The best rock on the circle through ``start`` and ``u``."""
    known: dict[float, Trial] = {0.0: start}
    for angle in ANGLES:
        if not bench.open:
            break
        known[angle] = bench(start.latent.mixed(u, angle))
        bracket = _bracket(known) if len(bench.targets) == 1 else None
        if bracket is not None:
            _false_position(bench, start, u, known, *bracket)
            break
    else:
        _parabola(bench, start, u, known)
    return min(known.values(), key=lambda t: t.cost)


def _bracket(known: dict[float, Trial]) -> tuple[float, float] | None:
    """The narrowest pair of neighbouring angles whose misfits differ in sign."""
    places = sorted(known)
    pairs = [(a, b) for a, b in pairwise(places) if _signed(known[a]) * _signed(known[b]) < 0]
    return min(pairs, key=lambda p: p[1] - p[0], default=None)


def _signed(trial: Trial) -> float:
    value = trial.misses[0]
    return value if math.isfinite(value) else 0.0


def _false_position(bench: Bench, start: Trial, u: Latent, known: dict[float, Trial], low: float, high: float) -> None:
    """Illinois variant: an end that stays twice counts half, so that both ends move."""
    f_low, f_high = _signed(known[low]), _signed(known[high])
    for _ in range(REFINEMENTS):
        if not bench.open:
            return
        angle = (low * f_high - high * f_low) / (f_high - f_low)
        known[angle] = bench(start.latent.mixed(u, angle))
        f = _signed(known[angle])
        if f * f_low > 0:
            low, f_low, f_high = angle, f, f_high / 2
        else:
            high, f_high, f_low = angle, f, f_low / 2


def _parabola(bench: Bench, start: Trial, u: Latent, known: dict[float, Trial]) -> None:
    """One more point, where the parabola through the best angle and its neighbours is lowest."""
    places = sorted(known)
    costs = [known[a].cost for a in places]
    k = int(np.argmin(costs))
    if not bench.open or k in (0, len(places) - 1) or not np.isfinite(costs[k - 1 : k + 2]).all():
        return
    bent = np.polyfit(places[k - 1 : k + 2], costs[k - 1 : k + 2], 2)
    if bent[0] <= 0:
        return
    angle = float(np.clip(-bent[1] / (2 * bent[0]), places[k - 1], places[k + 1]))
    if angle not in known:
        known[angle] = bench(start.latent.mixed(u, angle))
