"""Many small networks solved as one block-diagonal system."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.transport.pnm.circuit import Circuit, Floats
from porelab_gui.core.transport.pnm.system import ACCEPTED, PnmSystem


class BatchSystem:
    """The axes or networks of ``systems`` side by side; conductances follow one another in the same order.

    ``owner`` (sum of Nt,) says which network a throat belongs to. One analysis, one factorisation and one solve
    serve them all.
    """

    def __init__(self, systems: Sequence[PnmSystem], backend: str = "auto") -> None:
        if not systems:
            raise InputError("a batch needs at least one network")
        circuits = [s.circuit for s in systems]
        counts = np.array([s.n_throats for s in systems])
        self.owner: NDArray[np.int64] = np.repeat(np.arange(len(systems)), counts)
        self.scales: Floats = np.array([s.scale for s in systems])
        self.splits: NDArray[np.int64] = np.cumsum(counts)[:-1]
        nodes = [c.n_nodes for c in circuits]
        self._node_owner = np.repeat(np.arange(len(systems)), nodes)
        tails = [np.arange(s.circuit.n_edges) >= s.n_throats for s in systems]
        order = np.argsort(np.concatenate(tails), kind="stable")
        whole = circuits[0].stacked(circuits[1:])
        stacked = Circuit(whole.ends[order], whole.fixed)
        self._edge_owner = np.repeat(np.arange(len(systems)), [c.n_edges for c in circuits])[order]
        self._system = PnmSystem(stacked, tail=np.concatenate([s.tail for s in systems]), backend=backend)

    def __len__(self) -> int:
        return len(self.scales)

    def solve(self, g: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """(values (B,), gradients (sum of Nt,)) for conductances ``g`` (sum of Nt,).

        Raises NotConverged naming the network whose inflow, outflow and dissipation disagree by more than 1e-8.
        """
        solution = self._system.solve(g)
        total = self._sum(solution.flow * solution.drop)
        self._check(solution.flow, total)
        gradient: Floats = solution.drop[: len(self.owner)] ** 2
        gradient *= self.scales[self.owner]
        return self.scales * total, gradient

    def _sum(self, values: Floats) -> Floats:
        return np.bincount(self._edge_owner, values, len(self)).astype(np.float64, copy=False)

    def _check(self, flow: Floats, total: Floats) -> None:
        fixed = self._system.circuit.fixed
        first, second = self._system.circuit.ends.T
        inflow = self._sum(np.where(fixed[first] == 1, flow, 0.0) - np.where(fixed[second] == 1, flow, 0.0))
        outflow = self._sum(np.where(fixed[second] == 0, flow, 0.0) - np.where(fixed[first] == 0, flow, 0.0))
        wrong = ~(np.maximum(np.abs(inflow - outflow), np.abs(inflow - total)) <= ACCEPTED * total)
        if wrong.any():
            raise NotConverged(
                f"networks {np.flatnonzero(wrong).tolist()} of the batch did not balance inflow and outflow",
                remedy="Check their conductances, and that inlet and outlet are joined.",
            )
