"""Invasion percolation by OpenPNM: in which order the non-wetting fluid takes pores and throats, at what pressure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import AXES, Network
from porelab_gui.core.transport.multiphase.fluids import diameters, entry_pressure

SHUT = 1e30  # Pa: the doors to the reservoir behind the outlet let only the wetting fluid through


@dataclass(frozen=True)
class Invasion:
    """Per pore and throat the number in the sequence and the capillary pressure [Pa]; inf where never invaded."""

    pore_sequence: NDArray[np.float64]
    throat_sequence: NDArray[np.float64]
    pore_pressure: NDArray[np.float64]
    throat_pressure: NDArray[np.float64]


def face_pores(network: Network, face: str) -> NDArray[np.bool_]:
    """Pores that touch a face ("z0" ... or "all"); InputError where none does."""
    keys = [f"face_{a}{end}" for a in AXES for end in (0, 1)] if face == "all" else [f"face_{face}"]
    mask = np.logical_or.reduce([np.asarray(network.pore(k), bool) for k in keys])
    if not mask.any():
        raise InputError(f"no pore touches the face {face}", where=network.name or None, remedy="Choose another face.")
    found: NDArray[np.bool_] = mask
    return found


def invade(network: Network, tension: float, angle: float, inlet: str = "all", trapping: bool = False) -> Invasion:
    """Slow invasion from a reservoir beside the inlet face: OpenPNM's invasion percolation.

    The reservoir opens into each pore of the face through that pore's inscribed diameter. With ``trapping`` the other
    fluid leaves into a reservoir behind the opposite face, and what is cut off from it stays. (OpenPNM takes the pores
    of its outlet for the last to be invaded, so that these must not be pores of the network.) Pressures are the highest
    that the invasion had needed so far, so that they never fall.
    """
    import openpnm

    pore_d, throat_d = diameters(network)
    inlets = np.flatnonzero(face_pores(network, inlet))
    outlets = np.flatnonzero(face_pores(network, _opposite(inlet))) if trapping else np.empty(0, np.int64)
    n = network.n_pores
    doors = [np.column_stack([pores, np.full(len(pores), n + k)]) for k, pores in enumerate((inlets, outlets))]
    outside = np.asarray(network.size) * np.array([[-1.0], [2.0]])[: 2 if trapping else 1]
    net = openpnm.network.Network(coords=np.vstack([network.coords, outside]), conns=np.vstack([network.conns, *doors]))
    phase = openpnm.phase.Phase(network=net)
    entry = entry_pressure(np.concatenate([throat_d, pore_d[inlets]]), tension, angle)
    phase["throat.entry_pressure"] = np.concatenate([entry, np.full(len(outlets), SHUT)])
    run = openpnm.algorithms.InvasionPercolation(network=net, phase=phase)
    run.set_inlet_BC(pores=np.array([n]))
    if trapping:
        run.set_outlet_BC(pores=np.array([n + 1]))
    run.run()
    if trapping:
        run.apply_trapping()
    return _read(run, n, network.n_throats)


def _opposite(face: str) -> str:
    if face == "all":
        raise InputError(
            "with trapping the other fluid needs a face to leave through",
            where="inlet",
            remedy="Choose one inlet face.",
        )
    return face[0] + ("1" if face[1] == "0" else "0")


def _read(run: Any, pores: int, throats: int) -> Invasion:
    sequences = []
    for kind in ("pore", "throat"):
        sequence = np.asarray(run[f"{kind}.invasion_sequence"], float)
        sequences.append(np.where((sequence < 0) | np.asarray(run[f"{kind}.trapped"], bool), np.inf, sequence))
    entry = np.asarray(run["throat.entry_pressure"], float)
    order = np.argsort(sequences[1], kind="stable")
    order = order[np.isfinite(sequences[1][order])]
    steps, needed = sequences[1][order], np.maximum.accumulate(entry[order])

    def pressure(sequence: NDArray[np.float64]) -> NDArray[np.float64]:
        place = np.searchsorted(steps, sequence, side="right") - 1
        known = np.isfinite(sequence) & (place >= 0)
        return np.where(known, needed[np.clip(place, 0, None)] if len(needed) else 0.0, np.inf)

    pore, throat = sequences[0][:pores], sequences[1][:throats]
    return Invasion(pore, throat, pressure(pore), pressure(throat))
