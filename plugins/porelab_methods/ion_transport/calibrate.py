"""The parameters of a membrane from its own measurements, with DSPM-DE or under a learned correction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.data import Experiments
from porelab_methods.ion_transport.feed import Feed
from porelab_methods.ion_transport.fit import BOUNDS, NAMES, Fit, Measurement, fit_membrane
from porelab_methods.ion_transport.neural import Correction, solve_neural
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.train import case_of

Array = NDArray[np.float64]


def fit_experiments(data: Experiments, *, starts: int = 4, sigma: float = 0.02) -> Fit:
    """DSPM-DE fitted to all rows as those of one membrane."""
    measured = []
    for feed, flux, rejection in zip(data.feed, data.flux, data.rejection, strict=True):
        there = feed > 0
        kinds = tuple(i for i, on in zip(data.ions, there, strict=True) if on)
        measured.append(Measurement(Feed(kinds, feed[there]), float(flux), rejection[there], sigma))
    return fit_membrane(measured, starts=starts)


def calibrate(data: Experiments, correction: Correction, start: Membrane, *, soft: bool = False) -> Membrane:
    """The four parameters that bring the neural equation nearest to the rows, all of one membrane, from ``start``.

    Half a per cent of pull towards ``start`` (in units of a tenth of the bounds) keeps what the data do not fix.
    """
    from scipy.optimize import least_squares

    lo, hi = (np.array([_to(n, BOUNDS[n][k]) for n in NAMES]) for k in (0, 1))
    begin = np.clip([_to(n, float(getattr(start, n))) for n in NAMES], lo + 1e-4 * (hi - lo), hi - 1e-4 * (hi - lo))
    size = (hi - lo) / 10.0

    def gaps(u: Array) -> Array:
        made = rejections(data, [_membrane(u)], correction, soft=soft) - data.rejection
        fit = np.nan_to_num(made[np.isfinite(data.rejection)], nan=3.0)
        return np.concatenate([fit, 0.005 * (u - begin) / size])

    found = least_squares(gaps, begin, bounds=(lo, hi), x_scale=size, diff_step=1e-4, max_nfev=25)
    return _membrane(found.x)


def rejections(
    data: Experiments, membranes: Sequence[Membrane], correction: Correction, *, soft: bool = False
) -> Array:
    """Rejections (B, n) by the neural equation; one membrane stands for all rows. NaN where an ion is absent."""
    if len(membranes) == 1:
        membranes = [membranes[0]] * (int(data.membrane.max(initial=0)) + 1)
    state = solve_neural(case_of(data, list(membranes)), correction, soft=soft)
    return np.where(data.feed > 0, state.solution.rejection, np.nan)


def _to(name: str, value: float) -> float:
    return float(np.log(value)) if name in ("pore_radius", "thickness") else value


def _membrane(u: Array) -> Membrane:
    return Membrane(float(np.exp(u[0])), float(np.exp(u[1])), float(u[2]), float(u[3]))
