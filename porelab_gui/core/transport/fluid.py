"""Properties of the fluid, declared once for every Method that needs them."""

from __future__ import annotations

from porelab_gui.core.method import Params, param


class Viscous(Params):
    """A fluid that flows."""

    viscosity: float = param(
        1e-3, "Dynamic viscosity of the fluid (water at 20 C: 1e-3).", unit="Pa s", ge=1e-7, le=1e4
    )


class Diffusing(Params):
    """A fluid in which a solute diffuses."""

    diffusivity: float = param(
        1e-9, "Diffusivity of the solute in the free fluid.", unit="m2/s", ge=1e-20, le=1.0, decimals=12
    )
