"""OpenPNM and torch-sla on the circuits of the network benchmark."""

from __future__ import annotations

import numpy as np


class OpenPnmPeer:
    """OpenPNM's StokesFlow with its default solver; ``flow`` solves for new conductances."""

    def __init__(self, coords: np.ndarray, conns: np.ndarray, fixed: np.ndarray) -> None:
        import openpnm as op

        op.Workspace().settings.loglevel = 50
        self.network = op.network.Network(coords=coords, conns=conns)
        self.phase = op.phase.Phase(network=self.network)
        self.phase["throat.hydraulic_conductance"] = np.ones(len(conns))
        self.inlet = np.flatnonzero(fixed == 1)
        self.algorithm = op.algorithms.StokesFlow(network=self.network, phase=self.phase)
        self.algorithm.settings["cache"] = False  # its default keeps the old matrix when conductances change
        self.algorithm.set_value_BC(pores=self.inlet, values=1.0)
        self.algorithm.set_value_BC(pores=np.flatnonzero(fixed == 0), values=0.0)

    def flow(self, g: np.ndarray) -> float:
        """Total flow for conductances ``g``."""
        self.phase["throat.hydraulic_conductance"] = g
        self.algorithm.run(verbose=False)
        return abs(float(self.algorithm.rate(pores=self.inlet)[0]))


class TorchSlaPeer:
    """Total flow by torch-sla's ``spsolve`` and its gradient by torch, one assembly for all its back ends."""

    def __init__(self, conns: np.ndarray, fixed: np.ndarray) -> None:
        import torch

        free = np.isnan(fixed)
        row = np.cumsum(free) - 1
        a, b = conns.T
        inner, outer = free[a] & free[b], free[a] ^ free[b]
        near, far = np.where(free[a], a, b)[outer], np.where(free[a], b, a)[outer]
        self.n = int(free.sum())
        ra, rb = row[a[inner]], row[b[inner]]
        # one entry per (row, column): the diagonal is summed here, not by the peer
        self.rows = torch.as_tensor(np.r_[np.arange(self.n), ra, rb])
        self.columns = torch.as_tensor(np.r_[np.arange(self.n), rb, ra])
        self.inner, self.outer = torch.as_tensor(np.flatnonzero(inner)), torch.as_tensor(np.flatnonzero(outer))
        self.ra, self.rb, self.near = torch.as_tensor(ra), torch.as_tensor(rb), torch.as_tensor(row[near])
        self.held = torch.as_tensor(fixed[far])
        self.fixed, self.free = torch.as_tensor(np.nan_to_num(fixed)), torch.as_tensor(np.flatnonzero(free))
        self.a, self.b = torch.as_tensor(a), torch.as_tensor(b)

    def value_and_gradient(self, g: np.ndarray, backend: str, method: str) -> tuple[float, np.ndarray]:
        """Total flow and d total / d g."""
        import torch
        from torch_sla import spsolve

        x = torch.tensor(g, requires_grad=True)
        inside, outside = x[self.inner], x[self.outer]
        diagonal = torch.zeros(self.n, dtype=x.dtype).index_add(0, self.ra, inside).index_add(0, self.rb, inside)
        diagonal = diagonal.index_add(0, self.near, outside)
        load = torch.zeros(self.n, dtype=x.dtype).index_add(0, self.near, outside * self.held)
        values = torch.cat([diagonal, -inside, -inside])
        p = spsolve(
            values, self.rows, self.columns, (self.n, self.n), load, backend=backend, method=method, is_spd=True
        )
        level = self.fixed.index_put((self.free,), p)
        total = (x * (level[self.a] - level[self.b]) ** 2).sum()
        total.backward()
        return float(total.detach()), x.grad.numpy()
