"""What every analytic law sees of a network: two half pores and a throat per conduit, with diameters and spacing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Network

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Conduits:
    """Geometry of Nt conduits (half pore, throat, half pore), SI metres.

    ``d1``, ``dt``, ``d2`` (Nt,) diameters; ``spacing`` (Nt,) centre to centre; ``open1``, ``open2`` (Nt,) mark an
    end that is a face reservoir, which has no half pore. ``network`` is there for laws that need shapes.
    """

    network: Network
    d1: Floats
    dt: Floats
    d2: Floats
    spacing: Floats
    open1: Bools
    open2: Bools
    pore_key: str = "inscribed_diameter"
    notes: list[str] = field(default_factory=list)


class Factors(NamedTuple):
    """Size factors: g_hydraulic = ``hydraulic`` [m3] / viscosity and g_diffusive = diffusivity * ``diffusive`` [m]."""

    hydraulic: Floats
    diffusive: Floats


def conduits(network: Network, pore: str, throat: str, length: str) -> Conduits:
    """Conduits of ``network`` with the chosen diameters ("inscribed", ...) and length ("direct" or "total").

    Raises InputError naming the pores or throats whose size is not a positive finite number.
    """
    pore_key, throat_key = f"{pore}_diameter", f"{throat}_diameter"
    boundary = np.asarray(network.pores["boundary"].values, bool) if "boundary" in network.pores else None
    open_ = np.zeros(network.n_pores, bool) if boundary is None else boundary
    size = _positive(network.pore(pore_key), ~open_, f"pore {pore_key}", network)
    every = np.ones(network.n_throats, bool)
    throats = _positive(network.throat(throat_key), every, f"throat {throat_key}", network)
    spacing = _positive(_spacing(network, length), every, f"throat length ({length})", network)
    first, second = network.conns.T
    open1, open2 = open_[first], open_[second]
    return Conduits(
        network,
        np.where(open1, throats, size[first]),
        throats,
        np.where(open2, throats, size[second]),
        spacing,
        open1,
        open2,
        pore_key,
    )


def _spacing(network: Network, length: str) -> Floats:
    """Centre-to-centre lengths; the straight ones are computed here since PoreSpy truncates its own."""
    if length == "total":
        return np.asarray(network.throat("total_length"), float)
    ends = network.coords[network.conns]
    lengths: Floats = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    loops = network.conns[:, 0] == network.conns[:, 1]
    positive = lengths[lengths > 0]
    # a throat from a pore to itself carries nothing; it only needs some length until the solver drops it
    return np.where(loops, positive.min() if positive.size else 1.0, lengths)


def _positive(values: NDArray[Any], needed: Bools, what: str, network: Network) -> Floats:
    floats = np.asarray(values, float)
    bad = np.flatnonzero(needed & ~(np.isfinite(floats) & (floats > 0)))
    if bad.size:
        kind = what.split()[0]
        named = ", ".join(str(int(i)) for i in bad[:5]) + (", ..." if bad.size > 5 else "")
        raise InputError(
            f"{bad.size} {kind}s have a {what[len(kind) + 1:]} that is not a positive length ({kind} {named})",
            where=network.name or None,
            remedy="Remove them or choose another diameter or length.",
        )
    return floats


def in_series(*resistances: Floats) -> Floats:
    """Size factor of parts in series, 1 / (sum of their resistances)."""
    total: Floats = np.sum(resistances, axis=0)
    with np.errstate(divide="ignore"):
        return 1.0 / total
