"""Cylinder: the whole conduit is one tube of the throat's diameter.

Hagen-Poiseuille g = pi d^4 / (128 mu L); Fick g = pi D d^2 / (4 L).
"""

from __future__ import annotations

import numpy as np

from porelab_gui.core.transport.laws.conduit import Conduits, Factors, Floats


def tube_hydraulic(diameter: Floats, length: Floats) -> Floats:
    """Resistance over viscosity of a tube, 128 L / (pi d^4) [1/m3]."""
    return 128 * length / (np.pi * diameter**4)


def tube_diffusive(diameter: Floats, length: Floats) -> Floats:
    """Resistance times diffusivity of a tube, 4 L / (pi d^2) [1/m]."""
    return 4 * length / (np.pi * diameter**2)


def factors(c: Conduits) -> Factors:
    """Size factors (Nt,) of a tube of diameter ``c.dt`` from centre to centre."""
    return Factors(1 / tube_hydraulic(c.dt, c.spacing), 1 / tube_diffusive(c.dt, c.spacing))
