"""Spheres and cylinders: each half pore is a sphere, cut where the throat enters.

F = integral dx/A^2 = 4 / (D^3 pi^2) [2 D L/(D^2 - 4 L^2) + atanh(2 L/D)]; integral dx/A = 2/(pi D) atanh(2 L/D).
Source: OpenPNM's size factors. A throat wider than one of its pores is narrowed to it, and the result says so.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from porelab_gui.core.transport.laws.conduit import Conduits, Factors, Floats, in_series
from porelab_gui.core.transport.laws.cylinder import tube_diffusive, tube_hydraulic
from porelab_gui.core.transport.laws.lengths import sphere_lengths

_NEAR = 1 - 1e-9  # how far a half pore may reach towards its own surface, where the integral diverges


def sphere_hydraulic(diameter: Floats, length: Floats) -> Floats:
    """8 pi integral dx/A^2 from the centre of a sphere to ``length`` [1/m3]."""
    reach = np.minimum(2 * length / diameter, _NEAR)
    return 32 / (np.pi * diameter**3) * (reach / (1 - reach**2) + np.arctanh(reach))


def sphere_diffusive(diameter: Floats, length: Floats) -> Floats:
    """Integral dx/A from the centre of a sphere to ``length`` [1/m]."""
    reach = np.minimum(2 * length / diameter, _NEAR)
    return 2 / (np.pi * diameter) * np.arctanh(reach)


def factors(c: Conduits) -> Factors:
    """Size factors (Nt,) of sphere, cylinder, sphere in series."""
    narrowest = np.minimum(c.d1, c.d2)
    wide = c.dt > narrowest
    if wide.any():
        c.notes.append(f"{int(wide.sum())} throats are wider than a pore they join and were narrowed to it")
        c = replace(c, dt=np.minimum(c.dt, narrowest))
    first, throat, second = sphere_lengths(c)
    hydraulic = in_series(sphere_hydraulic(c.d1, first), tube_hydraulic(c.dt, throat), sphere_hydraulic(c.d2, second))
    diffusive = in_series(sphere_diffusive(c.d1, first), tube_diffusive(c.dt, throat), sphere_diffusive(c.d2, second))
    return Factors(hydraulic, diffusive)
