"""What flows: fluid driven by pressure, or a solute driven by concentration, as numbers on the same circuit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import AXES, Column, Network


@dataclass(frozen=True)
class Kind:
    """Names and units of one transport process; ``prefix`` of its conductances, ``fluid`` the key in their meta.

    ``flow`` and ``share`` name its throat columns, so that both processes can lie on one network.
    """

    prefix: str
    fluid: str
    fluid_unit: str
    potential: str
    potential_unit: str
    flow_unit: str
    verb: str
    flow: str
    share: str


FLOW = Kind("g_hydraulic", "viscosity", "Pa s", "pressure", "Pa", "m3/s", "flow", "flow", "dissipation_share")
DIFFUSION = Kind(
    "g_diffusive", "diffusivity", "m2/s", "concentration", "mol/m3", "mol/s", "diffusion", "flux", "diffusion_share"
)
KINDS = (FLOW, DIFFUSION)


def conductance_column(network: Network, law: str, kind: Kind) -> tuple[str, Column, float]:
    """(key, column, viscosity or diffusivity) of ``law``, which is a law's name or a whole column key.

    An empty ``law`` takes the first conductance of that kind. Raises InputError when it is not there or does not
    say for which fluid it holds.
    """
    having = [k for k in network.throats if k.startswith(kind.prefix + ".")]
    law = law or next(iter(having), "")
    key = law if law in network.throats else f"{kind.prefix}.{law}"
    if key not in network.throats:
        have = ", ".join(having) or "none"
        raise InputError(
            f"the network has no {kind.verb} conductance {law!r} (it has {have})",
            where=network.name or None,
            remedy="Compute conductances first, and name the law.",
        )
    column = network.throats[key]
    fluid = float(column.meta.get(kind.fluid, np.nan))
    if not fluid > 0:
        raise InputError(
            f"the column {key!r} does not say for which {kind.fluid} it holds",
            where=network.name or None,
            remedy=f'Give the column the meta {{"{kind.fluid}": ...}} in {kind.fluid_unit}.',
        )
    return key, column, fluid


def length_and_area(network: Network, axis: str) -> tuple[float, float]:
    """Length of the sample along ``axis`` [m] and its cross-section [m2]; InputError when the size is not known."""
    if not all(np.isfinite(s) and s > 0 for s in network.size):
        raise InputError(
            f"the size of the sample is {network.size}, so there is no area to divide the flow by",
            where=network.name or None,
            remedy="Give the network its size along z, y and x in metres.",
        )
    k = AXES.index(axis)
    length = float(network.size[k])
    return length, float(np.prod(network.size)) / length


def scale_of(network: Network, axis: str, kind: Kind, fluid: float) -> float:
    """What turns total conductance into K [m2] (mu L / A) or D_eff [m2/s] (L / A)."""
    length, area = length_and_area(network, axis)
    return length / area * (fluid if kind is FLOW else 1.0)
