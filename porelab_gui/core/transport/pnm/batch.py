"""Many small networks solved as one block-diagonal system."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.transport.pnm.backends import make_batch_solver
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
        tails = [np.arange(s.circuit.n_edges) >= s.n_throats for s in systems]
        order = np.argsort(np.concatenate(tails), kind="stable")
        whole = circuits[0].stacked(circuits[1:])
        stacked = Circuit(whole.ends[order], whole.fixed)
        self._edge_owner = np.repeat(np.arange(len(systems)), [c.n_edges for c in circuits])[order]
        self._throat_scales = self.scales[self.owner]
        self._inlet, self._outlet = (self._ports(stacked, level) for level in (1.0, 0.0))
        tail = np.concatenate([s.tail for s in systems])
        maker = partial(make_batch_solver, members=len(systems)) if backend == "auto" else None
        self._system = PnmSystem(stacked, tail=tail, backend=backend, maker=maker)

    def _ports(self, circuit: Circuit, level: float) -> tuple[NDArray[np.int64], Floats]:
        """Edges at the nodes held at ``level`` and whether they leave (+1) or enter (-1) them."""
        sign = np.subtract(*(np.asarray(circuit.fixed == level, float)[end] for end in circuit.ends.T))
        edges = np.flatnonzero(sign)
        return edges, sign[edges]

    def __len__(self) -> int:
        return len(self.scales)

    def solve(self, g: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """(values (B,), gradients (sum of Nt,)) for conductances ``g`` (sum of Nt,).

        Raises NotConverged naming the network whose inflow, outflow and dissipation disagree by more than 1e-8.
        """
        solution = self._system.solve(g)
        flow = solution.flow
        total = np.bincount(self._edge_owner, flow * solution.drop, len(self)).astype(np.float64, copy=False)
        self._check(flow, total)
        gradient: Floats = solution.drop[: len(self.owner)] ** 2
        gradient *= self._throat_scales
        return self.scales * total, gradient

    def _check(self, flow: Floats, total: Floats) -> None:
        """Every network for itself, since a small one may fail unseen among large ones."""
        inflow, outflow = (
            np.bincount(self._edge_owner[edges], sign * flow[edges], len(self))
            for edges, sign in (self._inlet, self._outlet)
        )
        wrong = ~(np.maximum(np.abs(inflow + outflow), np.abs(inflow - total)) <= ACCEPTED * total)
        if wrong.any():
            raise NotConverged(
                f"networks {np.flatnonzero(wrong).tolist()} of the batch did not balance inflow and outflow",
                remedy="Check their conductances, and that inlet and outlet are joined.",
            )
