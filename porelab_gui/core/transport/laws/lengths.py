"""How the spacing of two pores is shared between half pore, throat and half pore (OpenPNM's conduit lengths)."""

from __future__ import annotations

import numpy as np

from porelab_gui.core.transport.laws.conduit import Bools, Conduits, Floats

Lengths = tuple[Floats, Floats, Floats]


def meeting_plane(c: Conduits) -> Floats:
    """Distance from pore 1 to the plane where two overlapping spheres meet, kept between the two centres."""
    plane = (4 * c.spacing**2 + c.d1**2 - c.d2**2) / (8 * c.spacing)
    # one pore may swallow the plane: without the clip OpenPNM's formula gives a negative length, hence g < 0
    return np.clip(plane, 0.0, c.spacing)


def cone_lengths(c: Conduits) -> Lengths:
    """Half pores as long as the pore radius; overlapping pores meet in their common plane and leave no throat."""
    first, second = np.where(c.open1, 0.0, c.d1 / 2), np.where(c.open2, 0.0, c.d2 / 2)
    return _share(c, first, second, first + second > c.spacing)


def sphere_lengths(c: Conduits) -> Lengths:
    """Half pores up to the cap that the throat cuts off, sqrt(D^2 - Dt^2)/2 (``c.dt`` must not exceed a pore)."""
    first = np.where(c.open1, 0.0, np.sqrt(np.maximum(c.d1**2 - c.dt**2, 0.0)) / 2)
    second = np.where(c.open2, 0.0, np.sqrt(np.maximum(c.d2**2 - c.dt**2, 0.0)) / 2)
    return _share(c, first, second, first + second > c.spacing)


def _share(c: Conduits, first: Floats, second: Floats, overlap: Bools) -> Lengths:
    plane = meeting_plane(c)
    plane = np.where(c.open1, 0.0, np.where(c.open2, c.spacing, plane))
    first = np.where(overlap, plane, first)
    second = np.where(overlap, c.spacing - plane, second)
    throat = np.maximum(c.spacing - first - second, 0.0)
    return first, np.where(overlap, 0.0, throat), second
