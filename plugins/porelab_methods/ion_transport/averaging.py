"""A few measurements leave a membrane open: predictions averaged over all membranes that agree with them.

Membranes are drawn from a box (Sobol points) and weighed by how well they meet the measured rejections; the size of
the misfit is not known beforehand and is integrated out. A learned correction takes part at several amplitudes, zero
among them, so that the membrane's own measurements say how much of it holds there. Without a correction this is
DSPM-DE, averaged in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.calibrate import BOX
from porelab_methods.ion_transport.data import Experiments
from porelab_methods.ion_transport.neural import SEGMENTS, Case, Correction, solve_neural, solve_with
from porelab_methods.ion_transport.system import Membrane

Array = NDArray[np.float64]
FLOOR = 0.02  # no misfit counts as better than this standard error of a rejection
AMPLITUDES = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Draws:
    """``membrane`` of (N,) values, the ``amplitude`` (N,) of the correction, and ``rejection`` (N, B, n) of each."""

    membrane: Membrane
    amplitude: Array
    rejection: Array

    def uncorrected(self) -> Draws:
        """Those of amplitude 0: DSPM-DE."""
        keep = self.amplitude == 0.0
        made = Membrane(*(np.asarray(v)[keep] for v in vars(self.membrane).values()))
        return Draws(made, self.amplitude[keep], self.rejection[keep])


def membranes(count: int, seed: int = 0) -> Membrane:
    """``count`` (a power of two) membranes of the box; radius and thickness on a log scale."""
    from scipy.stats import qmc

    u = qmc.Sobol(4, seed=seed).random(count)
    (r0, r1), (t0, t1), (x0, x1), (e0, e1) = BOX.values()
    return Membrane(
        r0 * (r1 / r0) ** u[:, 0], t0 * (t1 / t0) ** u[:, 1], x0 + (x1 - x0) * u[:, 2], e0 + (e1 - e0) * u[:, 3]
    )


def draw(
    data: Experiments,
    correction: Correction | None = None,
    *,
    count: int = 2048,
    amplitudes: Sequence[float] = AMPLITUDES,
    seed: int = 0,
) -> Draws:
    """All rows of ``data``, taken as those of one membrane, for every drawn membrane and amplitude."""
    made, size = membranes(count, seed), len(data)
    wide = Membrane(*(np.repeat(np.asarray(v), size) for v in vars(made).values()))
    case = Case(data.ions, np.tile(data.feed, (count, 1)), np.tile(data.flux, count), wide)
    plain = solve_with(case, np.zeros((len(case.feed), SEGMENTS, len(data.ions))))
    parts, chosen = [], tuple(amplitudes) if correction is not None else (0.0,)
    for a in chosen:
        state = plain
        if a != 0.0 and correction is not None:
            state = solve_neural(case, _scaled(correction, a), rounds=3, plain=plain)
        parts.append(state.solution.rejection.reshape(count, size, -1))
    every = Membrane(*(np.tile(np.asarray(v), len(chosen)) for v in vars(made).values()))
    return Draws(every, np.repeat(np.array(chosen), count), np.concatenate(parts))


def weigh(draws: Draws, measured: Array, rows: NDArray[np.bool_]) -> Array:
    """Weights (N,) that sum to one, from the measured rejections (B, n) of the marked rows."""
    known = np.isfinite(measured) & rows[:, None]
    gap = np.where(known, draws.rejection - np.nan_to_num(measured), 0.0)
    solved = np.isfinite(np.where(known, draws.rejection, 0.0)).all((1, 2))
    m = int(known.sum())
    misfit = np.where(solved, np.nan_to_num(gap**2).sum((1, 2)), np.inf)
    score = -0.5 * m * np.log(misfit + m * FLOOR**2)
    w = np.exp(score - score.max())
    return np.asarray(w / w.sum())


def mean(draws: Draws, weights: Array, row: int) -> Array:
    """Averaged rejection (n,) of one row."""
    value = draws.rejection[:, row]
    good = np.isfinite(value).all(1)
    return np.asarray((weights[good, None] * value[good]).sum(0) / weights[good].sum())


def row_by_row(draws: Draws, measured: Array) -> Array:
    """(B, n): each row predicted from the others."""
    size = len(measured)
    return np.array([mean(draws, weigh(draws, measured, np.arange(size) != k), k) for k in range(size)])


def _scaled(correction: Correction, amplitude: float) -> Correction:
    def scaled(features: NDArray[np.float32], present: NDArray[np.bool_]) -> Array:
        return amplitude * correction(features, present)

    return scaled
