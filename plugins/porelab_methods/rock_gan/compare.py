"""Generated against real: distances of distributions with their uncertainty, correlations, curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = Mapping[str, Floats]


def usable(values: Floats, log: bool) -> Floats:
    """Finite values, as logarithms when ``log`` (zeros left out)."""
    good = values[np.isfinite(values) & ((values > 0) | (not log))]
    return np.log(good) if log else good


def offset(real: Floats, made: Floats) -> float:
    """How far the generated distribution is: difference of means and of the logarithms of the deviations, in units of
    the real deviation (0: the same)."""
    spread = float(real.std()) or 1.0
    width = float(made.std()) or 1e-12
    return abs(float(made.mean() - real.mean())) / spread + abs(float(np.log(width / spread)))


def wasserstein(real: Floats, made: Floats) -> float:
    """Wasserstein-1 distance in real standard deviations."""
    from scipy.stats import wasserstein_distance

    if not len(real) or not len(made):
        return float("nan")
    spread = float(real.std())
    return float(wasserstein_distance(real, made)) / spread if spread > 0 else float("nan")


def hellinger(real: Floats, made: Floats) -> float:
    """Hellinger distance of the normal distributions with these means and deviations, 0..1."""
    if not len(real) or not len(made):
        return float("nan")
    s, t = float(real.std()), float(made.std())
    if s <= 0 or t <= 0:
        return float("nan")
    gap = float(real.mean() - made.mean()) ** 2
    square = 1.0 - np.sqrt(2 * s * t / (s * s + t * t)) * np.exp(-gap / (4 * (s * s + t * t)))
    return float(np.sqrt(max(square, 0.0)))


def bias(real: Floats, made: Floats) -> float:
    """Relative difference of the means, made over real minus one; NaN without values or with a mean of zero."""
    if not len(real) or not len(made) or real.mean() == 0:
        return float("nan")
    return float(made.mean() / real.mean() - 1.0)


def correlation(rows: Rows, logs: Mapping[str, bool]) -> Floats:
    """Pearson matrix of the properties in their order (Eq. 12); logarithms where ``logs`` says so."""
    columns = []
    for name, values in rows.items():
        with np.errstate(divide="ignore"):
            columns.append(np.log(values) if logs.get(name) else np.asarray(values, float))
    table = np.array(columns)
    table = table[:, np.isfinite(table).all(axis=0)]
    if table.shape[1] < 3:
        return np.full((len(columns),) * 2, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(table)


def interval(
    score: Callable[[Floats, Floats], float],
    real: Floats,
    made: Floats,
    groups: NDArray[np.int64],
    draws: int = 400,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of ``score(real, made)`` when both sets are drawn anew.

    Overlapping crops are no independent samples: real ones are drawn by ``groups`` (one number per crop, the same for
    crops of one place), whole groups at a time. ``real`` and ``made`` are (n,) or (n, properties).
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    found = []
    for _ in range(draws):
        picks = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        found.append(score(real[picks], made[rng.integers(len(made), size=len(made))]))
    low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def groups_of(places: NDArray[np.int64], edge: int) -> NDArray[np.int64]:
    """Which box of ``edge`` voxels the centre of each crop lies in, as one number."""
    cell = (places + edge // 2) // edge
    _, number = np.unique(cell, axis=0, return_inverse=True)
    return np.asarray(number).reshape(-1).astype(np.int64)
