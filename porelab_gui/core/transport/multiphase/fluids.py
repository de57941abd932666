"""Pairs of fluids, and the pressure at which the non-wetting one enters a throat."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Params, param
from porelab_gui.core.nouns import Network

Pair = Literal["mercury_air", "oil_brine", "custom"]
# interfacial tension [N/m] and contact angle through the invading fluid [deg]; the usual values of core analysis:
# mercury-air 480 mN/m and 140 deg, oil-brine 30 mN/m and 30 deg through the brine, hence 150 deg through the oil
PAIRS: dict[str, tuple[float, float]] = {"mercury_air": (0.480, 140.0), "oil_brine": (0.030, 150.0)}
Face = Literal["all", "z0", "z1", "y0", "y1", "x0", "x1"]


class FluidParams(Params):
    """The two fluids, and where the non-wetting one comes in."""

    fluids: Pair = param(
        "mercury_air",
        "Mercury into vacuum or air (480 mN/m, 140°), oil into brine (30 mN/m, 150° through the oil), or your own.",
    )
    surface_tension: float = param(0.48, "Interfacial tension of your own fluids.", unit="N/m", gt=0.0, le=5.0)
    contact_angle: float = param(
        140.0, "Contact angle through the invading fluid, for your own fluids.", unit="degree", gt=90.0, le=180.0
    )


def tension_and_angle(params: FluidParams) -> tuple[float, float]:
    """Interfacial tension [N/m] and contact angle through the invading fluid [deg]."""
    return PAIRS.get(params.fluids, (params.surface_tension, params.contact_angle))


def entry_pressure(diameter: NDArray[np.float64], tension: float, angle: float) -> NDArray[np.float64]:
    """Pressure [Pa] at which a meniscus passes a circular opening: -4 sigma cos(theta) / d (Washburn, 1921)."""
    pressure: NDArray[np.float64] = -4.0 * tension * np.cos(np.deg2rad(angle)) / diameter
    return pressure


def opening(pressure: NDArray[np.float64], tension: float, angle: float) -> NDArray[np.float64]:
    """Diameter [m] of the circular opening that a meniscus passes at this pressure [Pa]; ``entry_pressure`` undone."""
    return entry_pressure(pressure, tension, angle)  # the product of both is a constant


def diameters(network: Network) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inscribed diameters [m] of pores and throats; InputError naming the first that is not positive."""
    found = [np.asarray(f("inscribed_diameter"), float) for f in (network.pore, network.throat)]
    for kind, values in zip(("pore", "throat"), found, strict=True):
        bad = np.flatnonzero(~(values > 0))
        if bad.size:
            raise InputError(
                f"{len(bad)} {kind}s have no positive inscribed diameter, the first is {kind} {bad[0]}",
                where=network.name or None,
                remedy="Clean the network first.",
            )
    return found[0], found[1]
