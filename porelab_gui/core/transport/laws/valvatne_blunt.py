"""Valvatne-Blunt: pores and throats are ducts of constant section whose shape factor G = A/P^2 sets the friction.

g = k A^2 G / (mu L) per part, k = 3/5 for triangles (G <= sqrt(3)/36), 0.5 for circles (G >= 0.07), 0.5623 between
(squares); diffusive D A / L. Sources: Valvatne and Blunt, Water Resour. Res. 40 (2004); Patzek and Silin (2001).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from porelab_gui.core.nouns import Network
from porelab_gui.core.transport.laws.conduit import Conduits, Factors, Floats, in_series
from porelab_gui.core.transport.laws.lengths import Lengths, cone_lengths

_CIRCLE = 1 / (4 * np.pi)  # the largest A/P^2 there is; voxel perimeters can be too short for it
_PARTS = ("conduit_lengths.pore1", "conduit_lengths.throat", "conduit_lengths.pore2")


def friction(shape: Floats) -> Floats:
    """k of a section by its class: triangle, square or circle."""
    return np.where(shape <= np.sqrt(3) / 36, 3 / 5, np.where(shape >= 0.07, 0.5, 0.5623))


def duct_hydraulic(area: Floats, shape: Floats, length: Floats) -> Floats:
    """Resistance over viscosity of a duct [1/m3]."""
    return length / (friction(shape) * area**2 * shape)


def factors(c: Conduits) -> Factors:
    """Size factors (Nt,) of duct, duct, duct in series.

    Reads ``shape_factor`` columns where the network has them (networks read from Statoil files). Otherwise a
    throat's G comes from its area and perimeter, and a pore's is the mean of its throats' weighted by area;
    a pore's area is R^2/(4 G). R is the inscribed radius by the law's definition, whatever diameter was chosen:
    an area R^2/(4 G) of the equivalent sphere would be several times that of the pore.
    """
    c = _inscribed(c)
    area_t, shape_t = _throats(c)
    shape_p = _pore_shapes(c.network, shape_t, area_t)
    first, throat, second = _lengths(c)
    one, two = c.network.conns.T
    hydraulic = [duct_hydraulic(area_t, shape_t, throat)]
    diffusive = [throat / area_t]
    for pore, diameter, length in ((one, c.d1, first), (two, c.d2, second)):
        area = diameter**2 / (16 * shape_p[pore])
        hydraulic.append(duct_hydraulic(area, shape_p[pore], length))
        diffusive.append(length / area)
    return Factors(in_series(*hydraulic), in_series(*diffusive))


def _inscribed(c: Conduits) -> Conduits:
    """The same conduits with the inscribed diameter of every pore, where the network knows it."""
    if "inscribed_diameter" not in c.network.pores:
        return c
    diameter = np.asarray(c.network.pore("inscribed_diameter"), float)
    one, two = c.network.conns.T
    return replace(c, d1=np.where(c.open1, c.d1, diameter[one]), d2=np.where(c.open2, c.d2, diameter[two]))


def _throats(c: Conduits) -> tuple[Floats, Floats]:
    """Area and shape factor of every throat."""
    columns = c.network.throats
    if "shape_factor" in columns:
        shape = np.clip(columns["shape_factor"].values.astype(float), 1e-6, _CIRCLE)
        return c.dt**2 / (16 * shape), shape
    area = np.asarray(c.network.throat("cross_sectional_area"), float)
    perimeter = np.asarray(c.network.throat("perimeter"), float)
    measured = (area > 0) & (perimeter > 0) & np.isfinite(area) & np.isfinite(perimeter)
    if not measured.all():
        c.notes.append(f"{int((~measured).sum())} throats without area or perimeter were taken as circular")
    area = np.where(measured, area, np.pi / 4 * c.dt**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        shape = np.where(measured, area / perimeter**2, _CIRCLE)
    return area, np.clip(shape, 1e-6, _CIRCLE)


def _pore_shapes(network: Network, shape_t: Floats, area_t: Floats) -> Floats:
    """Shape factor of every pore, its own or its throats' mean weighted by their area."""
    if "shape_factor" in network.pores:
        return np.clip(network.pores["shape_factor"].values.astype(float), 1e-6, _CIRCLE)
    ends = network.conns.ravel()
    weight = np.bincount(ends, np.repeat(area_t, 2), network.n_pores)
    total = np.bincount(ends, np.repeat(area_t * shape_t, 2), network.n_pores)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1), _CIRCLE)


def _lengths(c: Conduits) -> Lengths:
    """Lengths that the network file states, else those of cones and cylinders."""
    if all(key in c.network.throats for key in _PARTS):
        first, throat, second = (c.network.throats[key].values.astype(float) for key in _PARTS)
        return np.where(c.open1, 0.0, first), throat, np.where(c.open2, 0.0, second)
    return cone_lengths(c)
