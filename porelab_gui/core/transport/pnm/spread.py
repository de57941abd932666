"""Conductances that differ by more than double precision can hold: the overwhelming ones become rigid joints.

A cluster of nodes joined by conductances each above RATIO times all that leaves the cluster together has one
potential to 1/RATIO of the total drop. Merging it changes no potential and no total conductance by more than about
that (Rayleigh: the conductances that leave change by a factor 1 - 1/RATIO at most, per cluster).
"""

from __future__ import annotations

import numpy as np

from porelab_gui.core.transport.pnm.circuit import Bools, Circuit, Floats, Ints

RATIO = 1e9


def merge_rigid(circuit: Circuit, g: Floats) -> tuple[Circuit, Ints, Bools]:
    """(merged circuit, node of every old node, edges that became rigid); unchanged when the spread is moderate."""
    same: Ints = np.arange(circuit.n_nodes)
    live = (g > 0) & (circuit.ends[:, 0] != circuit.ends[:, 1])
    rigid = np.zeros(len(g), bool)
    if not live.any() or g[live].max() <= RATIO * g[live].min():
        return circuit, same, rigid
    label = same.copy()
    low, high = np.log10(g[live].min() * RATIO), np.log10(g[live].max())
    for threshold in 10.0 ** np.arange(np.floor(high), low - 1, -1.0):
        label = _merge_at(circuit, g, live, label, threshold)
    _, node = np.unique(label, return_inverse=True)
    return _merged(circuit, live, node)


def merge_above(circuit: Circuit, g: Floats, total: float) -> tuple[Circuit, Ints, Bools]:
    """Like ``merge_rigid``, for every conductance above RATIO times ``total``, an upper bound of the circuit's own.

    No edge carries more than the whole flow, so such an edge has less than 1/RATIO of the drop. The dissipation of
    any trial potentials is such a bound (Dirichlet's principle), that of a solve which failed included.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    live = (g > 0) & (circuit.ends[:, 0] != circuit.ends[:, 1])
    a, b = circuit.ends[live & (g > RATIO * total)].T
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(circuit.n_nodes,) * 2)
    return _merged(circuit, live, connected_components(graph, directed=False)[1].astype(np.int64))


def _merged(circuit: Circuit, live: Bools, node: Ints) -> tuple[Circuit, Ints, Bools]:
    rigid = live & (node[circuit.ends[:, 0]] == node[circuit.ends[:, 1]])
    fixed = np.full(int(node.max()) + 1, np.nan)
    held = ~np.isnan(circuit.fixed)
    fixed[node[held]] = circuit.fixed[held]
    return Circuit(node[circuit.ends], fixed), node, rigid


def _merge_at(circuit: Circuit, g: Floats, live: Bools, label: Ints, threshold: float) -> Ints:
    """Merge the clusters formed by conductances of at least ``threshold`` that little leaves."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = circuit.n_nodes
    a, b = label[circuit.ends].T
    strong = live & (g >= threshold)
    graph = coo_array((np.ones(int(strong.sum()), np.int8), (a[strong], b[strong])), shape=(n, n))
    count, part = connected_components(graph, directed=False)
    part = part[label]  # of every original node
    c, d = part[circuit.ends].T
    leaving = live & (c != d)
    out = np.bincount(c[leaving], g[leaving], count) + np.bincount(d[leaving], g[leaving], count)
    held = ~np.isnan(circuit.fixed)
    lowest, highest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(lowest, part[held], circuit.fixed[held])
    np.maximum.at(highest, part[held], circuit.fixed[held])
    fine = (threshold > RATIO * out) & ~(lowest < highest)
    first = np.full(count, n)
    np.minimum.at(first, part, label)
    return np.where(fine[part], first[part], label)
