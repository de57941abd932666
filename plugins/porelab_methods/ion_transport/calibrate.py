"""The DSPM-DE parameters of a membrane from its own experiments."""

from __future__ import annotations

from porelab_methods.ion_transport.data import Experiments
from porelab_methods.ion_transport.feed import Feed
from porelab_methods.ion_transport.fit import Fit, Measurement, fit_membrane


def fit_experiments(data: Experiments, *, starts: int = 4, sigma: float = 0.02) -> Fit:
    """DSPM-DE fitted to all rows as those of one membrane."""
    measured = []
    for feed, flux, rejection in zip(data.feed, data.flux, data.rejection, strict=True):
        there = feed > 0
        kinds = tuple(i for i, on in zip(data.ions, there, strict=True) if on)
        measured.append(Measurement(Feed(kinds, feed[there]), float(flux), rejection[there], sigma))
    return fit_membrane(measured, starts=starts)
