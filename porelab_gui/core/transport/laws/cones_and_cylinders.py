"""Cones and cylinders: each half pore narrows as a cone from the pore's to the throat's diameter.

Resistance is mu times 8 pi F, F = integral dx/A^2; for a cone of length L between d and t
F = (16/3) L (d^2 + d t + t^2) / (pi^2 d^3 t^3); diffusive integral dx/A = 4 L / (pi d t).
Source: OpenPNM's size factors; Misaghian et al. 2022, Eq. 7, without its surplus product of areas and lengths.
"""

from __future__ import annotations

import numpy as np

from porelab_gui.core.transport.laws.conduit import Conduits, Factors, Floats, in_series
from porelab_gui.core.transport.laws.cylinder import tube_diffusive, tube_hydraulic
from porelab_gui.core.transport.laws.lengths import cone_lengths


def cone_hydraulic(wide: Floats, narrow: Floats, length: Floats) -> Floats:
    """8 pi integral dx/A^2 of a cone [1/m3]."""
    shape = (wide**2 + wide * narrow + narrow**2) / (wide**3 * narrow**3)
    return 128 / (3 * np.pi) * length * shape


def cone_diffusive(wide: Floats, narrow: Floats, length: Floats) -> Floats:
    """Integral dx/A of a cone [1/m]."""
    return 4 * length / (np.pi * wide * narrow)


def factors(c: Conduits) -> Factors:
    """Size factors (Nt,) of cone, cylinder, cone in series."""
    first, throat, second = cone_lengths(c)
    hydraulic = in_series(
        cone_hydraulic(c.d1, c.dt, first), tube_hydraulic(c.dt, throat), cone_hydraulic(c.d2, c.dt, second)
    )
    diffusive = in_series(
        cone_diffusive(c.d1, c.dt, first), tube_diffusive(c.dt, throat), cone_diffusive(c.d2, c.dt, second)
    )
    return Factors(hydraulic, diffusive)
