"""The linear problem behind flow and diffusion: nodes, conductors, and nodes held at a potential of 1 or 0."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def dot(a: Floats, b: Floats) -> float:
    """Scalar product in one thread: those of BLAS would wait for the threads of the solver."""
    return float(np.einsum("i,i", a, b))


def norm(a: Floats) -> float:
    """Euclidean length, like ``dot`` in one thread."""
    return math.sqrt(dot(a, a))


@dataclass(frozen=True)
class Circuit:
    """``ends`` (m, 2) node pairs; ``fixed`` (n,) potential of held nodes (1 inlet, 0 outlet), NaN where free.

    An edge from a node to itself carries nothing: that is how dropped throats keep their place.
    """

    ends: Ints
    fixed: Floats

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.fixed)

    @property
    def n_edges(self) -> int:
        """Number of conductors, the dropped ones included."""
        return len(self.ends)

    def stacked(self, others: list[Circuit]) -> Circuit:
        """This circuit and ``others`` side by side as one block-diagonal circuit."""
        every = [self, *others]
        shifts = np.cumsum([0, *(c.n_nodes for c in every[:-1])])
        ends = np.concatenate([c.ends + s for c, s in zip(every, shifts, strict=True)])
        return Circuit(ends, np.concatenate([c.fixed for c in every]))


def still_nodes(circuit: Circuit, conducting: Bools) -> Floats:
    """(n,) NaN where potential is to be solved for, else the potential that a node has anyway.

    Held nodes have theirs; free nodes joined to held nodes of one potential only have that one (nothing flows
    there); free nodes joined to no held node at all get -inf, since no potential is defined for them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, held = circuit.n_nodes, ~np.isnan(circuit.fixed)
    a, b = circuit.ends[conducting].T
    inner = ~held[a] & ~held[b] & (a != b)
    graph = coo_array((np.ones(int(inner.sum()), np.int8), (a[inner], b[inner])), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    low, high = np.full(part.max() + 1, np.inf), np.full(part.max() + 1, -np.inf)
    for near, far in ((a, b), (b, a)):
        touch = held[near] & ~held[far]
        np.minimum.at(low, part[far[touch]], circuit.fixed[near[touch]])
        np.maximum.at(high, part[far[touch]], circuit.fixed[near[touch]])
    still = np.where(low < high, np.nan, np.where(np.isinf(low), -np.inf, low))
    return np.where(held, circuit.fixed, still[part])
