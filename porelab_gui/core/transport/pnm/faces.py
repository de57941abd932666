"""From a network and an axis to a circuit: where the reservoirs are and how the pores hang on them.

Two treatments, named in every result. "reservoirs": the faces of the image are held at a potential; pores that
touch a face are joined to it by a half conduit, a tube of the pore's diameter from its centre to the face, or by
the network's own boundary pores where it has them. "centres": the centres of the pores that touch a face are held
themselves, as OpenPNM users do; this leaves out the way from the face to the centre.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import AXES, Column, Network
from porelab_gui.core.transport.laws.conduit import image_faces
from porelab_gui.core.transport.laws.cylinder import tube_diffusive, tube_hydraulic
from porelab_gui.core.transport.pnm.circuit import Bools, Circuit, Floats, Ints
from porelab_gui.core.transport.pnm.refuse import RefusedNetwork, named


@dataclass(frozen=True)
class FaceCircuit:
    """A circuit whose first Nt edges are the network's throats; ``tail`` conductances of the half conduits after them.

    ``tail_pores`` the pore of each half conduit; ``dropped`` marks throats left out; ``notes`` say what was done.
    """

    circuit: Circuit
    tail: Floats
    tail_pores: Ints
    dropped: Bools
    notes: tuple[str, ...] = field(default=())


def face_circuit(network: Network, column: Column, axis: str, boundary: str) -> FaceCircuit:
    """The circuit of ``network`` along ``axis`` ("z", "y", "x") under ``boundary`` ("reservoirs" or "centres").

    Raises RefusedNetwork when no pore touches one of the two faces, or when one pore is held at both.
    """
    low, high = (_flag(network, f"face_{axis}{side}") for side in "01")
    virtual = _flag(network, "boundary", optional=True)
    for touch, side in ((low, "0"), (high, "1")):
        if not touch.any():
            raise RefusedNetwork(f"no pore touches the face {axis}{side}", where=network.name or None)
    if boundary == "centres":
        return _centres(network, low, high, virtual)
    if (low & virtual).any() and (high & virtual).any():
        return _held(network, low & virtual, high & virtual, np.zeros(network.n_throats, bool), ())
    return _half_conduits(network, column, axis, low & ~virtual, high & ~virtual)


def _flag(network: Network, key: str, optional: bool = False) -> Bools:
    if optional and key not in network.pores:
        return np.zeros(network.n_pores, bool)
    return np.asarray(network.pore(key), bool)


def _centres(network: Network, low: Bools, high: Bools, virtual: Bools) -> FaceCircuit:
    """Pores at the faces held at their centres; boundary pores, if any, are left out."""
    dropped: Bools = virtual[network.conns[:, 0]] | virtual[network.conns[:, 1]]
    low, high = (_real_pores(network, touch, virtual) for touch in (low, high))
    note = f"{int(virtual.sum())} boundary pores are left out with pore centres at the faces"
    return _held(network, low, high, dropped, (note,) if virtual.any() else ())


def _real_pores(network: Network, touch: Bools, virtual: Bools) -> Bools:
    """The pores of the image at a face: those flagged, else the neighbours of the boundary pores flagged."""
    if (touch & ~virtual).any() or not virtual.any():
        return touch & ~virtual
    near = np.zeros(network.n_pores, bool)
    a, b = network.conns.T
    near[b[touch[a]]] = True
    near[a[touch[b]]] = True
    return near & ~virtual


def _held(network: Network, low: Bools, high: Bools, dropped: Bools, notes: tuple[str, ...]) -> FaceCircuit:
    both = np.flatnonzero(low & high)
    if both.size:
        raise RefusedNetwork(
            f"{both.size} pores touch both faces and, held at their centres, short-circuit the sample "
            f"(pores {named(both)})",
            where=network.name or None,
            remedy="Use face reservoirs, or a larger sample.",
            pores=both,
        )
    fixed = np.where(low, 1.0, np.where(high, 0.0, np.nan))
    ends = np.where(dropped[:, None], 0, network.conns)
    return FaceCircuit(Circuit(ends, fixed), np.zeros(0), np.zeros(0, np.int64), dropped, notes)


def _half_conduits(network: Network, column: Column, axis: str, low: Bools, high: Bools) -> FaceCircuit:
    """Two reservoir nodes after the pores, joined to the pores at the faces by tubes."""
    k, n = AXES.index(axis), network.n_pores
    pores_low, pores_high = np.flatnonzero(low), np.flatnonzero(high)
    pores = np.concatenate([pores_low, pores_high])
    near, far = image_faces(network)
    away = np.concatenate([network.coords[pores_low, k] - near[k], far[k] - network.coords[pores_high, k]])
    tail = _tubes(network, column, pores, np.maximum(away, 0.0))
    reservoirs = np.concatenate([np.full(len(pores_low), n), np.full(len(pores_high), n + 1)])
    # from the inlet into the pore and from the pore into the outlet, so that flows count along the axis
    tail_ends = np.where((reservoirs == n)[:, None], np.c_[reservoirs, pores], np.c_[pores, reservoirs])
    fixed = np.concatenate([np.full(n, np.nan), [1.0, 0.0]])
    circuit = Circuit(np.concatenate([network.conns, tail_ends]), fixed)
    return FaceCircuit(circuit, tail, pores, np.zeros(network.n_throats, bool))


def _tubes(network: Network, column: Column, pores: Ints, length: Floats) -> Floats:
    """Conductance of a tube of the pore's diameter and the given length, for the fluid of ``column``."""
    key = f"{column.meta.get('pore_diameter', 'inscribed')}_diameter"
    diameter = np.asarray(network.pore(key), float)[pores]
    bad = pores[~(np.isfinite(diameter) & (diameter > 0))]
    if bad.size:
        raise RefusedNetwork(
            f"{bad.size} pores at the faces have no {key} (pores {named(bad)})", where=network.name or None, pores=bad
        )
    length = np.maximum(length, 1e-6 * diameter)  # a centre on the face: next to no resistance, yet finite
    if "viscosity" in column.meta:
        return 1 / (tube_hydraulic(diameter, length) * float(column.meta["viscosity"]))
    if "diffusivity" in column.meta:
        return float(column.meta["diffusivity"]) / tube_diffusive(diameter, length)
    raise InputError(
        "the conductance column does not say for which viscosity or diffusivity it holds",
        where=column.title or network.name or None,
        remedy='Give the column the meta {"viscosity": ...} or {"diffusivity": ...}.',
    )
