"""The tie to the image: a pore network's throats as membranes side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Labels, Network
from porelab_methods.ion_transport.feed import Feed
from porelab_methods.ion_transport.system import Conditions, Membrane, solve

Array = NDArray[np.float64]


def membrane_from_network(
    network: Network,
    *,
    charge: float = -27.0,
    permittivity: float | None = None,
    thickness: float | None = None,
    axis: int = 0,
    scale: float = 1.0,
) -> Membrane:
    """One parallel pore per throat: radius from its inscribed diameter, effective thickness from image and porosity.

    ``thickness`` [m] replaces the extent of the image along ``axis`` (0, 1, 2 for z, y, x); either is divided by the
    porosity. ``permittivity`` None takes one ordered water layer on the wall. ``scale`` shrinks the radii, to read a
    scanned structure as a model of a finer one. InputError for a network without throats, size or porosity.
    """
    radius = 0.5 * scale * np.asarray(network.throat("inscribed_diameter"), float)
    if not radius.size or not (radius > 0).all():
        raise InputError("the network has no throats with a diameter", where=network.name or None,
                         remedy="Extract a network first.")  # fmt: skip
    length = network.size[axis] if thickness is None else thickness
    if not network.porosity or not length > 0:
        raise InputError(
            "the network says neither porosity nor size",
            where=network.name or None,
            remedy="Extract it from an image, or give the thickness of the membrane.",
        )
    from porelab_methods.ion_transport.closures import pore_permittivity

    inside = (
        pore_permittivity(np.maximum(radius, 0.28e-9)) if permittivity is None else np.full_like(radius, permittivity)
    )
    return Membrane(radius, length / network.porosity, charge, inside)


@dataclass(frozen=True)
class Geometry:
    """``pore_radius`` [m], ``porosity`` [1] and ``length`` [m] along the flow of an image, and how they were found."""

    pore_radius: float
    porosity: float
    length: float
    how: str

    def membrane(self, like: Membrane, scale: float = 1.0) -> Membrane:
        """One membrane of this geometry, lengths times ``scale``, with charge and permittivity of another."""
        radius, thickness = scale * self.pore_radius, scale * self.length / self.porosity
        return Membrane(radius, thickness, like.charge, like.permittivity)


def geometry_of(image: Network | Labels, axis: int = 0) -> Geometry:
    """Of a network: the radius whose parallel tubes let as much water through, sqrt(sum r^4 / sum r^2) over throats.

    Of a segmented image: the radius of tubes with its porosity and surface, 2 porosity / S_v. InputError where there
    is no pore space.
    """
    if isinstance(image, Network):
        made = membrane_from_network(image, axis=axis)
        r = np.asarray(made.pore_radius)
        how = f"{len(r):,} throats, radius of equal flow"
        return Geometry(float(np.sqrt(np.sum(r**4) / np.sum(r**2))), float(image.porosity or 0), image.size[axis], how)
    from porelab_gui.core.image.morphology.minkowski import surface_density

    porosity, surface = image.porosity(), surface_density(image.void_mask(), image.voxel_size)
    if not (porosity > 0 and surface > 0):
        raise InputError("the image has no pore space with a surface", where=image.name or None,
                         remedy="Segment it so that some voxels are void.")  # fmt: skip
    length = image.shape[axis] * image.voxel_size[axis]
    return Geometry(2.0 * porosity / surface, porosity, length, "twice the porosity over the surface per volume")


@dataclass(frozen=True)
class Distribution:
    """Per throat: ``radius`` [m], ``flux`` [m/s], ``share`` of the flow [1], ``rejection`` (Nt, n); and ``mixed`` (n,),
    the rejection of the permeates together. Throats without a solution have NaN and are left out of ``mixed``."""

    radius: Array
    flux: Array
    share: Array
    rejection: Array
    mixed: Array


def through_throats(
    membrane: Membrane,
    feed: Feed,
    flux: float,
    conditions: Conditions = Conditions(),  # noqa: B008
) -> Distribution:
    """Rejection of every parallel pore at one pressure gradient: velocity goes with r^2, flow with r^4 (Poiseuille).

    ``flux`` [m/s] is per area of the membrane, as in ``solve`` (the thickness is over the porosity).
    """
    r = np.atleast_1d(np.asarray(membrane.pore_radius, float))
    share = r**4 / np.sum(r**4)
    speed = flux * r**2 * np.sum(r**2) / np.sum(r**4)
    solution = solve(feed.ions, feed.concentration, speed, membrane, conditions, rtol=1e-8)
    known = np.where(solution.ok, share, 0.0)
    mixed = (known[:, None] * np.where(solution.ok[:, None], solution.rejection, 0.0)).sum(0) / known.sum()
    return Distribution(r, speed, share, solution.rejection, mixed)
