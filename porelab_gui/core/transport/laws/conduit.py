"""What every analytic law sees of a network: two half pores and a throat per conduit, with diameters and spacing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Columns, Network

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

    A diameter that the network lacks (files of other programs know the inscribed one only) gives way to the
    inscribed one, with a note. Raises InputError naming the pores or throats whose size is no positive number.
    """
    notes: list[str] = []
    pore_key = _having(network.pores, f"{pore}_diameter", "pore", notes)
    throat_key = _having(network.throats, f"{throat}_diameter", "throat", notes)
    boundary = np.asarray(network.pores["boundary"].values, bool) if "boundary" in network.pores else None
    open_ = np.zeros(network.n_pores, bool) if boundary is None else boundary
    size = _positive(network.pore(pore_key), ~open_, f"pore {pore_key}", network)
    every = np.ones(network.n_throats, bool)
    throats = _positive(network.throat(throat_key), every, f"throat {throat_key}", network)
    spacing = _positive(_spacing(network, length, open_), every, f"throat length ({length})", network)
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
        notes,
    )


def _having(columns: Columns, key: str, kind: str, notes: list[str]) -> str:
    if key in columns or "inscribed_diameter" not in columns:
        return key
    notes.append(f"the network has no {kind} {key}; the inscribed diameter was taken")
    return "inscribed_diameter"


def _spacing(network: Network, length: str, open_: Bools) -> Floats:
    """Lengths of conduits; those of boundary pores end at the face, not in the pad of voxels behind it."""
    lengths = _between_centres(network, length)
    if not open_.any() or not all(s > 0 for s in network.size):
        return lengths
    low, high = image_faces(network)
    behind = np.maximum(np.maximum(low - network.coords, network.coords - high), 0.0).max(axis=1) * open_
    return np.maximum(lengths - behind[network.conns].max(axis=1), 0.1 * lengths)


def image_faces(network: Network) -> tuple[Floats, Floats]:
    """Coordinates (3,) of the low and the high faces: half a voxel off where positions count voxel centres."""
    half = (network.voxel_size or 0.0) / 2
    return np.full(3, -half), np.asarray(network.size) - half


def _between_centres(network: Network, length: str) -> Floats:
    """Centre-to-centre lengths; the straight ones are computed here, in double precision."""
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
            f"{bad.size} {kind}s have a {what[len(kind) + 1 :]} that is not a positive length ({kind} {named})",
            where=network.name or None,
            remedy="Remove them or choose another diameter or length.",
        )
    return floats


def in_series(*resistances: Floats) -> Floats:
    """Size factor of parts in series, 1 / (sum of their resistances)."""
    total: Floats = np.sum(resistances, axis=0)
    with np.errstate(divide="ignore"):
        return 1.0 / total
