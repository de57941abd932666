"""Sentences about what was left out of a solve, and why that is no fault of the result."""

from __future__ import annotations

import numpy as np

from porelab_gui.core.nouns import Network
from porelab_gui.core.transport.pnm.circuit import Floats
from porelab_gui.core.transport.pnm.refuse import named


def cut_off_notes(network: Network, axis: str, potential: Floats) -> tuple[str, ...]:
    """Pores joined to neither face."""
    cut = np.flatnonzero(np.isnan(potential))
    if not cut.size:
        return ()
    return (f"axis {axis}: {cut.size} pores are joined to neither face and were left out (pores {named(cut)})",)


def throat_notes(network: Network, g: Floats) -> tuple[str, ...]:
    """Closed throats, self loops and pairs of pores with several throats."""
    a, b = np.sort(network.conns, axis=1).T
    loops = a == b
    notes = []
    if loops.any():
        notes.append(f"{int(loops.sum())} throats join a pore to itself and were left out (pores {named(a[loops])})")
    closed = (g == 0) & ~loops
    if closed.any():
        which = np.flatnonzero(closed)
        notes.append(f"{which.size} throats have zero conductance and count as closed (throats {named(which)})")
    _, first, count = np.unique(a[~loops] * network.n_pores + b[~loops], return_index=True, return_counts=True)
    double = first[count > 1]
    if double.size:
        pairs = ", ".join(f"{p}-{q}" for p, q in zip(a[~loops][double[:5]], b[~loops][double[:5]], strict=True))
        notes.append(f"{double.size} pairs of pores have more than one throat ({pairs}); their conductances add up")
    return tuple(notes)
