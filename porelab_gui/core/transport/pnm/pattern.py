"""The sparsity pattern of a circuit's Laplacian and where every conductance goes in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.transport.pnm.circuit import Circuit, Floats, Ints


@dataclass(frozen=True)
class Pattern:
    """Upper triangle (diagonal included, CSR, int32) of the Laplacian on the ``nodes`` to be solved for.

    ``update(g)`` gives the matrix values in one pass, without sorting. ``inner`` are edges between two solved
    nodes, ``outer`` edges from a solved node to a held one.
    """

    nodes: Ints
    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    diagonal: Ints
    inner: Ints
    outer: Ints
    outer_node: Ints
    outer_held: Ints
    slots: Ints

    @property
    def n(self) -> int:
        """Number of unknowns."""
        return len(self.nodes)

    @cached_property
    def regular(self) -> bool:
        """Whether most nodes have the same number of neighbours, as on a lattice: separators are then large."""
        degree = np.diff(self.indptr) + np.bincount(self.indices, minlength=self.n)
        return bool(np.bincount(degree).max() > 0.5 * self.n)

    def update(self, g: Floats) -> Floats:
        """Values of the upper triangle for conductances ``g`` (m,)."""
        from porelab_gui.core.transport.pnm.kernels import fill_matrix  # compiles, so only when it is used

        values: Floats = fill_matrix(g, self.inner, self.outer, self.slots, len(self.indices))
        return values

    def load(self, g: Floats, held: Floats) -> Floats:
        """Right-hand side (n,) from the held potentials ``held`` (n_nodes,)."""
        load = np.bincount(self.outer_node, g[self.outer] * held[self.outer_held], self.n)
        return np.asarray(load, np.float64)

    @cached_property
    def full(self) -> tuple[NDArray[np.int32], NDArray[np.int32], Ints]:
        """(indptr, indices, source) of both triangles; values are ``upper[source]``."""
        from scipy.sparse import csr_array

        number = np.arange(1, len(self.indices) + 1, dtype=np.int64)
        upper = csr_array((number, self.indices, self.indptr), shape=(self.n, self.n))
        strict = upper.copy()
        strict.data[self.diagonal] = 0
        strict.eliminate_zeros()
        both = (upper + strict.T).tocsr()
        both.sort_indices()
        return both.indptr.astype(np.int32), both.indices.astype(np.int32), both.data - 1


def make_pattern(circuit: Circuit, solved: NDArray[np.bool_]) -> Pattern:
    """Pattern of ``circuit`` on the nodes marked in ``solved`` (n_nodes,)."""
    nodes = np.flatnonzero(solved)
    row = np.full(circuit.n_nodes, -1, np.int64)
    row[nodes] = np.arange(len(nodes))
    a, b = row[circuit.ends].T
    inner = np.flatnonzero((a >= 0) & (b >= 0) & (a != b))
    outer = np.flatnonzero((a >= 0) ^ (b >= 0))
    low, high = np.minimum(a[inner], b[inner]), np.maximum(a[inner], b[inner])
    outer_node = np.maximum(a[outer], b[outer])
    outer_held = np.where(a[outer] >= 0, circuit.ends[outer, 1], circuit.ends[outer, 0])
    n = len(nodes)
    own = np.arange(n, dtype=np.int64)
    keys, slot = np.unique(np.concatenate([own * n + own, low * n + high]), return_inverse=True)
    rows = keys // n if n else keys
    indptr = np.searchsorted(rows, np.arange(n + 1)).astype(np.int32)
    diagonal = slot[:n]
    slots = np.concatenate([slot[n:], diagonal[low], diagonal[high], diagonal[outer_node]])
    indices = (keys - rows * n).astype(np.int32)
    return Pattern(nodes, indptr, indices, diagonal, inner, outer, outer_node, outer_held, slots)
