"""Whether a network can be computed on: what is wrong with it, pore by pore and throat by throat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.nouns import AXES, Network

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Problem:
    """One kind of fault: a sentence, how serious it is, and the pores and throats that have it."""

    key: str
    sentence: str
    serious: bool
    pores: Mask
    throats: Mask

    @property
    def count(self) -> int:
        """How many throats have it, or pores where it is a fault of pores."""
        return int(self.throats.sum()) or int(self.pores.sum())


@dataclass(frozen=True)
class Health:
    """The state of a network.

    ``cluster`` (Np,) numbers the connected clusters from 0, largest first; ``spans`` says per axis whether some
    cluster joins its two faces; ``spanning`` per axis marks the pores of such clusters; ``problems`` holds the
    faults found, each with the masks of its pores and throats.
    """

    cluster: NDArray[np.int64]
    spans: Mapping[str, bool]
    spanning: Mapping[str, Mask]
    problems: tuple[Problem, ...]

    @property
    def good(self) -> bool:
        """No serious fault."""
        return not any(p.serious for p in self.problems)

    @property
    def spanning_any(self) -> Mask:
        """Pores of clusters that join two opposite faces along some axis."""
        return np.logical_or.reduce([self.spanning[a] for a in AXES])

    def __getitem__(self, key: str) -> Problem:
        return next(p for p in self.problems if p.key == key)

    def __contains__(self, key: str) -> bool:
        return any(p.key == key for p in self.problems)


def clusters(network: Network) -> NDArray[np.int64]:
    """The connected cluster of each pore, numbered from 0 by falling size."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = network.n_pores
    ends = network.conns
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    order = np.argsort(-np.bincount(label, minlength=1), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[label].astype(np.int64)


def check(network: Network) -> Health:
    """All faults of a network, as masks and sentences; never raises on a bad network."""
    cluster = clusters(network) if network.n_pores else np.zeros(0, dtype=np.int64)
    spanning = {axis: _spanning(network, cluster, axis) for axis in AXES}
    spans = {axis: bool(mask.any()) for axis, mask in spanning.items()}
    found = [*_not_finite(network), *_sizes(network), *_wiring(network), *_islands(network, cluster, spanning)]
    problems = [p for p in found if p.pores.any() or p.throats.any()]
    return Health(cluster, spans, spanning, (*problems, *_emptiness(network, spans)))


def _spanning(network: Network, cluster: NDArray[np.int64], axis: str) -> Mask:
    """Pores of the clusters that touch both faces of the axis."""
    ends = [network.pores.get(f"face_{axis}{k}") for k in (0, 1)]
    if ends[0] is None or ends[1] is None or not len(cluster):
        return np.zeros(network.n_pores, dtype=bool)
    both = np.intersect1d(cluster[ends[0].values.astype(bool)], cluster[ends[1].values.astype(bool)])
    return np.isin(cluster, both)


def _nowhere(network: Network) -> tuple[Mask, Mask]:
    return np.zeros(network.n_pores, dtype=bool), np.zeros(network.n_throats, dtype=bool)


def _not_finite(network: Network) -> list[Problem]:
    pores, throats = _nowhere(network)
    pores |= ~np.isfinite(network.coords).all(axis=1)
    for mask, columns in ((pores, network.pores), (throats, network.throats)):
        for column in columns.values():
            if column.values.dtype.kind == "f":
                mask |= ~np.isfinite(column.values.reshape(len(mask), -1)).all(axis=1)
    return [Problem("not_finite", "values that are not numbers (NaN or infinite)", True, pores, throats)]


def _sizes(network: Network) -> list[Problem]:
    """Lengths, diameters, areas and volumes that are zero or negative (virtual pores may have any volume)."""
    small_pores, small_throats = _nowhere(network)
    no_length = small_throats.copy()
    for key, column in network.pores.items():
        if key.endswith("diameter") or key == "volume":
            small_pores |= column.values <= 0
    for key, column in network.throats.items():
        if key.endswith(("diameter", "_area")):
            small_throats |= column.values <= 0
        if key.endswith("_length"):
            no_length |= column.values <= 0
    none = np.zeros(network.n_pores, dtype=bool)
    return [
        Problem("bad_size", "a diameter, area or volume that is zero or negative", True, small_pores, small_throats),
        Problem("bad_length", "a length that is zero or negative", True, none, no_length),
    ]


def _wiring(network: Network) -> list[Problem]:
    """Throats that join a pore with itself, or a pair of pores that is joined already."""
    none = np.zeros(network.n_pores, dtype=bool)
    ends = np.sort(network.conns, axis=1)
    loops = ends[:, 0] == ends[:, 1]
    again = np.ones(len(ends), dtype=bool)
    again[np.unique(ends, axis=0, return_index=True)[1]] = False
    return [
        Problem("self_loop", "throats that join a pore with itself", True, none, loops),
        Problem("duplicate", "throats that repeat the pore pair of another", True, none, again),
    ]


def _islands(network: Network, cluster: NDArray[np.int64], spanning: Mapping[str, Mask]) -> list[Problem]:
    """Pores that carry no flow along any axis, and pores without throats."""
    none = np.zeros(network.n_throats, dtype=bool)
    lonely = np.bincount(network.conns.ravel(), minlength=network.n_pores) == 0
    apart = ~np.logical_or.reduce([spanning[a] for a in AXES])
    if apart.all():  # nothing spans: then the largest cluster is what there is
        apart = cluster > 0
    inside = apart[network.conns].all(axis=1) if network.n_throats else none
    return [
        Problem("no_throat", "pores without a throat", False, lonely, none),
        Problem("isolated", "pores in clusters that join no two opposite faces", False, apart, inside),
    ]


def _emptiness(network: Network, spans: Mapping[str, bool]) -> list[Problem]:
    pores, throats = _nowhere(network)
    if not network.n_pores or not network.n_throats:
        what = "no pores" if not network.n_pores else "no throats"
        return [Problem("empty", f"the network has {what}", True, pores, throats)]
    shut = [axis for axis in AXES if not spans[axis]]
    if len(shut) == 3:
        return [Problem("no_span", "no cluster joins two opposite faces along any axis", True, pores, throats)]
    if shut:
        return [Problem("no_span", f"no cluster joins the two faces along {', '.join(shut)}", False, pores, throats)]
    return []
