"""What the networks that ship were trained on, and what of a feed lies outside."""

from __future__ import annotations

import numpy as np

from porelab_gui.core.nouns import Weights
from porelab_methods.ion_transport.data import KINDS
from porelab_methods.ion_transport.feed import Feed

CHARGE = (10.0, 200.0)  # mol/m3 of charge of either sign
FLUX = (3e-6, 2.5e-5)  # m/s
SLACK = 1.001


def outside(feed: Feed, flux: float, weights: Weights) -> tuple[str, ...]:
    """A sentence that names what is beyond the simulations of the shipped networks; none within them, or for networks
    of one's own, whose card says what they saw."""
    from porelab_gui.core.learning.weights import read_config

    if not read_config(weights).get("bench"):
        return ()
    z = np.array([i.charge for i in feed.ions], float)
    total = float(feed.concentration @ np.maximum(z, 0.0))
    said = []
    if not CHARGE[0] / SLACK <= total <= CHARGE[1] * SLACK:
        said.append(f"{total:.3g} mol/m3 of charge ({CHARGE[0]:g} to {CHARGE[1]:g})")
    if not FLUX[0] / SLACK <= flux <= FLUX[1] * SLACK:
        said.append(f"{flux * 1e6:.3g} um/s ({FLUX[0] * 1e6:g} to {FLUX[1] * 1e6:g})")
    said += [n for n in feed.names if n not in {i.name for i in KINDS}]
    return (f"outside the training: {', '.join(said)}",) if said else ()
