"""The solver in the loop: prepared networks, and batches of them solved as one block-diagonal system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.nouns import AXES, Column, Network
from porelab_gui.core.transport.pnm.autograd import batch_permeability, flows, permeability
from porelab_gui.core.transport.pnm.batch import BatchSystem
from porelab_gui.core.transport.pnm.faces import face_circuit
from porelab_gui.core.transport.pnm.kinds import DIFFUSION, FLOW, Kind, scale_of
from porelab_gui.core.transport.pnm.refuse import RefusedNetwork
from porelab_gui.core.transport.pnm.system import PnmSystem
from porelab_methods.gnn_pnm.features import Graph, Variant, graph_of
from porelab_methods.gnn_pnm.labels import Sample
from porelab_methods.gnn_pnm.model import Tensors

KINDS = (FLOW, DIFFUSION)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One target of one network: ``kind`` 0 flow, 1 diffusion; ``target`` ln K [unit^2] or ln of D_eff / D."""

    kind: int
    axis: int
    system: PnmSystem
    target: float


@dataclass(frozen=True)
class Prepared:
    """A sample ready for training: features, and a system per target.

    ``shares`` (3, Nt) flow through throats over that through the sample, ``dns`` (Nt, 2) ln of simulated conductances
    in the unit of length; both NaN where not known.
    """

    name: str
    family: str
    role: str
    graph: Graph
    tasks: tuple[Task, ...]
    shares: Floats
    dns: Floats

    def only(self, tasks: Sequence[Task]) -> Prepared:
        """The same network with some of its targets."""
        return replace(self, tasks=tuple(tasks))


def system_of(network: Network, axis: str, kind: Kind, unit: float) -> PnmSystem:
    """A system for size factors in the unit of length: its K comes in unit^2, or as D_eff / D."""
    meta = {"pore_diameter": pore_diameter(network), kind.fluid: 1.0}
    faces = face_circuit(network, Column(np.zeros(0), meta=meta), axis, "reservoirs")
    power = 3 if kind is FLOW else 1
    scale = scale_of(network, axis, kind, 1.0) * unit ** (power - (2 if kind is FLOW else 0))
    return PnmSystem(faces.circuit, tail=faces.tail / unit**power, scale=scale, where=network.name or None)


def pore_diameter(network: Network) -> str:
    """Which diameter half conduits to a face take: that of the base law, or the inscribed one for want of it."""
    return "equivalent" if "equivalent_diameter" in network.pores else "inscribed"


def prepare(sample: Sample, variant: Variant) -> Prepared | None:
    """Features and systems of a sample; None when the network spans along none of its labelled axes."""
    network = sample.network
    graph = graph_of(network, variant)
    tasks = []
    for kind, process in enumerate(KINDS):
        for axis, name in enumerate(AXES):
            goal = _target(sample, kind, axis, graph.unit)
            if goal is None:
                continue
            try:
                tasks.append(Task(kind, axis, system_of(network, name, process, graph.unit), goal))
            except RefusedNetwork:
                continue
    if not tasks:
        return None
    dns = np.stack([_simulated(network, k, graph.unit) for k in KINDS], axis=1)
    return Prepared(network.name, sample.family, sample.role, graph, tuple(tasks), sample.shares, dns)


def _simulated(network: Network, kind: Kind, unit: float) -> Floats:
    """ln of the conductances by direct simulation in the unit of length, NaN where there is none."""
    key = f"{kind.prefix}.dns"
    if key not in network.throats:
        return np.full(network.n_throats, np.nan)
    column = network.throats[key]
    fluid = column.meta[kind.fluid]
    size = column.values * fluid / unit**3 if kind is FLOW else column.values / fluid / unit
    return np.log(np.where(np.isfinite(size) & (size > 0), size, np.nan))


def _target(sample: Sample, kind: int, axis: int, unit: float) -> float | None:
    """ln of the label in the unit of length; None where there is none or it is zero."""
    value = sample.k[axis] / unit**2 if kind == 0 else 1 / sample.f[axis]
    return float(np.log(value)) if np.isfinite(value) and value > 0 else None


class Batch:
    """Prepared networks side by side: one pass of the net, one solve for all their targets."""

    def __init__(self, members: Sequence[Prepared]) -> None:
        self.tensors = Tensors.of([m.graph for m in members])
        tasks = [(n, task) for n, m in enumerate(members) for task in m.tasks]
        starts = np.cumsum([0, *(len(m.graph.conns) for m in members)])
        every = [np.arange(starts[n], starts[n + 1]) for n, _ in tasks]
        self.throats = torch.as_tensor(np.concatenate(every))
        self.columns = torch.repeat_interleave(
            torch.tensor([task.kind for _, task in tasks]), torch.tensor([len(e) for e in every])
        )
        self.kind = torch.tensor([task.kind for _, task in tasks])
        self.target = torch.tensor([task.target for _, task in tasks], dtype=torch.float64)
        self.tasks = [task for _, task in tasks]
        self.starts, self.members = starts, [n for n, _ in tasks]
        self.system = BatchSystem([task.system for task in self.tasks])
        self.dns = torch.as_tensor(np.concatenate([m.dns for m in members]))
        self.shares = [torch.as_tensor(members[n].shares[task.axis]) for n, task in tasks]

    def conductances(self, ratio: torch.Tensor) -> torch.Tensor:
        """(sum of Nt, 2) size factors in the unit of length for ln ratios to the analytic law."""
        return (ratio + self.tensors.base.to(ratio.device)).double().clamp(-60, 60).exp()

    def logs(self, ratio: torch.Tensor) -> torch.Tensor:
        """(tasks,) ln K and ln (D_eff / D) for ln ratios to the analytic law, (sum of Nt, 2)."""
        g = self.conductances(ratio)[self.throats.to(ratio.device), self.columns.to(ratio.device)]
        return torch.log(batch_permeability(self.system, g))

    def flow_gap(self, ratio: torch.Tensor) -> torch.Tensor:
        """Mean of |predicted - voxel flow| through throats over the voxel flow, of the flow targets that have one."""
        g = self.conductances(ratio)[:, 0]
        gaps = []
        for task, n, truth in zip(self.tasks, self.members, self.shares, strict=True):
            known = torch.isfinite(truth)
            if task.kind or not known.any():
                continue
            found = flows(task.system, g[self.starts[n] : self.starts[n + 1]])
            total = permeability(task.system, g[self.starts[n] : self.starts[n + 1]]) / task.system.scale
            truth = truth.to(found.device)
            gaps.append((found / total - truth)[known].abs().sum() / truth[known].abs().sum())
        return torch.stack(gaps).mean() if gaps else g.sum() * 0

    def dns_gap(self, ratio: torch.Tensor) -> torch.Tensor:
        """Mean square of ln g over the simulated conductance, where there is one."""
        gap = (ratio + self.tensors.base.to(ratio.device)).double() - self.dns.to(ratio.device)
        known = torch.isfinite(gap)
        return (gap[known] ** 2).mean() if known.any() else ratio.sum().double() * 0
