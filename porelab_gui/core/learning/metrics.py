"""Scores of predictions against truth, with confidence intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]


def r2(truth: Values, predicted: Values) -> float:
    """Coefficient of determination, 1 - SS_res / SS_tot; NaN when the truth does not vary."""
    spread = float(np.sum((truth - np.mean(truth)) ** 2))
    return 1.0 - float(np.sum((truth - predicted) ** 2)) / spread if spread > 0 else float("nan")


def rmse(truth: Values, predicted: Values) -> float:
    """Root of the mean squared error, in the unit of the values."""
    return float(np.sqrt(np.mean((truth - predicted) ** 2)))


def relative_error(truth: Values, predicted: Values) -> Values:
    """Signed (predicted - truth) / truth, per value."""
    return np.asarray((predicted - truth) / truth)


def share_beyond(truth: Values, predicted: Values, limit: float = 0.1) -> float:
    """Share of values whose absolute relative error is above ``limit``."""
    return float(np.mean(np.abs(relative_error(truth, predicted)) > limit))


def confusion(truth: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Counts[i, j] of voxels of class i that were called j."""
    pairs = truth.astype(np.int64).ravel() * classes + predicted.astype(np.int64).ravel()
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def iou(counts: NDArray[np.int64]) -> Values:
    """Intersection over union per class, TP / (TP + FP + FN); NaN for a class that neither has."""
    hit = np.diag(counts).astype(float)
    union = counts.sum(0) + counts.sum(1) - hit
    return np.divide(hit, union, out=np.full(len(hit), np.nan), where=union > 0)


def bootstrap(
    score: Callable[[Values, Values], float],
    truth: Values,
    predicted: Values,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a score under resampling of the cases."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(truth), (draws, len(truth)))
    found = [score(truth[p], predicted[p]) for p in picks]
    low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
