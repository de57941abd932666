"""Writes the conductances of chosen laws into a network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from porelab_gui.core.nouns import Column, Network
from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.transport.laws import LAWS, Factors, conduits


def assign(
    network: Network,
    laws: Iterable[str],
    *,
    viscosity: float,
    diffusivity: float,
    pore_diameter: str,
    throat_diameter: str,
    length: str,
    progress: Progress = silent,
) -> Network:
    """``network`` with ``g_hydraulic.<law>`` [m3/(Pa s)] and ``g_diffusive.<law>`` [m3/s] of every law named.

    ``viscosity`` in Pa s, ``diffusivity`` in m2/s. Raises InputError when a size is missing or not positive.
    """
    columns: dict[str, Column] = {}
    chosen = tuple(dict.fromkeys(laws))
    for done, law in enumerate(chosen):
        progress(done, len(chosen), f"conductance by {law}")
        parts = conduits(network, pore_diameter, throat_diameter, length)
        factors = LAWS[law](parts)
        shared = {
            "law": law,
            "pore_diameter": parts.pore_key.removesuffix("_diameter"),
            "throat_diameter": throat_diameter,
            "length": length,
            "notes": list(parts.notes),
        }
        columns |= _columns(law, factors, viscosity, diffusivity, shared)
    progress(len(chosen), len(chosen), "done")
    return network.with_throats(columns)


def _columns(
    law: str, factors: Factors, viscosity: float, diffusivity: float, shared: dict[str, Any]
) -> dict[str, Column]:
    title = law.replace("_", " ")
    return {
        f"g_hydraulic.{law}": Column(
            factors.hydraulic / viscosity,
            "m3/(Pa s)",
            f"hydraulic conductance, {title}",
            {**shared, "viscosity": viscosity},
        ),
        f"g_diffusive.{law}": Column(
            factors.diffusive * diffusivity,
            "m3/s",
            f"diffusive conductance, {title}",
            {**shared, "diffusivity": diffusivity},
        ),
    }
