"""Conductance laws, one file each: ``LAWS[name](conduits)`` gives the size factors of that law."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from porelab_gui.core.transport.laws import (
    cones_and_cylinders,
    cylinder,
    spheres_and_cylinders,
    valvatne_blunt,
)
from porelab_gui.core.transport.laws.conduit import Conduits, Factors, conduits

LAWS: MappingProxyType[str, Callable[[Conduits], Factors]] = MappingProxyType(
    {
        "cylinder": cylinder.factors,
        "cones_and_cylinders": cones_and_cylinders.factors,
        "spheres_and_cylinders": spheres_and_cylinders.factors,
        "valvatne_blunt": valvatne_blunt.factors,
    }
)

__all__ = ["LAWS", "Conduits", "Factors", "conduits"]
