"""The DSPM-DE parameters of a membrane from its own experiments."""

from __future__ import annotations

from porelab_methods.ion_transport.data import Experiments
from porelab_methods.ion_transport.feed import Feed
from porelab_methods.ion_transport.fit import Fit, Measurement, fit_membrane
from porelab_methods.ion_transport.system import Membrane

# where membranes of the field lie, and where the corrected equation looks for them: a correction that is to carry over
# from one membrane to another needs parameters that mean the same in both, and a free fit trades one for another
BOX = {
    "pore_radius": (0.30e-9, 0.70e-9),
    "thickness": (0.3e-6, 5e-6),
    "charge": (-150.0, 60.0),
    "permittivity": (30.0, 70.0),
}


def fit_experiments(
    data: Experiments,
    *,
    starts: int = 4,
    sigma: float = 0.02,
    bounds: dict[str, tuple[float, float]] | None = None,
    start: Membrane | None = None,
) -> Fit:
    """DSPM-DE fitted to all rows as those of one membrane; from ``start``, where it is known, and ``starts`` points."""
    measured = []
    for feed, flux, rejection in zip(data.feed, data.flux, data.rejection, strict=True):
        there = feed > 0
        kinds = tuple(i for i, on in zip(data.ions, there, strict=True) if on)
        measured.append(Measurement(Feed(kinds, feed[there]), float(flux), rejection[there], sigma))
    return fit_membrane(measured, start=start or Membrane(), starts=starts, bounds=bounds)
