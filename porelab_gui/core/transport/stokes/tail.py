"""When a permeability that creeps towards its limit is close enough: the estimated remainder, not the last step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CALM = 2  # looks in a row that must agree


def remainder(history: Sequence[float]) -> float:
    """Estimated distance of the last of equally spaced values from their limit, relative to it.

    The second half of the history is cut in two; its two increments give the ratio of a geometric series, whose sum
    is what is still to come. Infinite while the increments grow or there are too few values.
    """
    quarter = len(history) // 4
    if quarter < 2:
        return float("inf")
    early, middle, last = history[-1 - 2 * quarter], history[-1 - quarter], history[-1]
    if last == 0 or not np.isfinite(last):
        return float("inf")
    before, now = middle - early, last - middle
    ratio = now / before if before else 0.0
    if abs(now) <= 4e-7 * abs(last):  # rounding of the sum, no trend left
        return abs(now / last)
    if ratio >= 0.98 or ratio < -0.5:
        return float("inf")
    # an oscillating or abruptly flat history is not trusted below half its last increment
    return abs(now / last) * max(ratio / (1 - ratio), 0.5)


class Settled:
    """Watches a value until its remainder has been below the tolerance on successive looks."""

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.history: list[float] = []
        self.remainder = float("inf")
        self._calm = 0

    def __call__(self, value: float) -> bool:
        """Take the next value; True once it has settled."""
        self.history.append(float(value))
        self.remainder = remainder(self.history)
        self._calm = self._calm + 1 if self.remainder < self.tolerance else 0
        return self._calm >= CALM
