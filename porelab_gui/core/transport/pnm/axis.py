"""Solves one axis of a network under one conductance and one boundary treatment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from porelab_gui.core.errors import NotConverged
from porelab_gui.core.nouns import AXES, Network
from porelab_gui.core.transport.laws.conduit import image_faces
from porelab_gui.core.transport.pnm.circuit import Bools, Floats, Ints
from porelab_gui.core.transport.pnm.faces import FaceCircuit, face_circuit
from porelab_gui.core.transport.pnm.kinds import Kind, conductance_column, scale_of
from porelab_gui.core.transport.pnm.notes import cut_off_notes
from porelab_gui.core.transport.pnm.refuse import RefusedNetwork, check_conductances
from porelab_gui.core.transport.pnm.solution import Solution
from porelab_gui.core.transport.pnm.spread import RATIO, merge_above, merge_rigid
from porelab_gui.core.transport.pnm.system import PnmSystem


@dataclass(frozen=True)
class AxisResult:
    """Along one axis: ``value`` K [m2] or D_eff [m2/s], NaN when the network does not span it.

    ``potential`` (Np,) between 1 at the inlet and 0 at the outlet, NaN where cut off; ``flow`` (Nt,) per unit drop
    from first to second pore; ``shares`` (Nt,) of the dissipation; ``face_shares`` (Np,) those of half conduits;
    ``gradient`` (Nt,) d value / d g.
    """

    axis: str
    value: float
    potential: Floats
    flow: Floats
    shares: Floats
    face_shares: Floats
    gradient: Floats
    flow_in: float = np.nan
    flow_out: float = np.nan
    residual: float = np.nan
    tortuosity: float = np.nan
    pores: int = 0
    solver: str = "none"
    notes: tuple[str, ...] = field(default=())


def network_system(
    network: Network, law: str, axis: str, boundary: str, kind: Kind, backend: str = "auto"
) -> PnmSystem:
    """A system on which ``solve(g)``, ``K``, ``gradient`` and ``what_if`` refer to the throats of ``network``.

    Raises RefusedNetwork or InputError, naming the pores, when the network has no flow along ``axis``.
    """
    _, column, fluid = conductance_column(network, law, kind)
    faces = face_circuit(network, column, axis, boundary)
    scale = scale_of(network, axis, kind, fluid)
    return PnmSystem(faces.circuit, tail=faces.tail, scale=scale, backend=backend, where=network.name or None)


def solve_axis(network: Network, law: str, axis: str, boundary: str, kind: Kind, backend: str = "auto") -> AxisResult:
    """One axis; an axis that the network does not span gives NaN and a note. Bad conductances are refused."""
    _, column, fluid = conductance_column(network, law, kind)
    g = np.asarray(column.values, dtype=np.float64)
    check_conductances(g, network.conns, network.name or None)
    scale = scale_of(network, axis, kind, fluid)
    try:
        faces = face_circuit(network, column, axis, boundary)
        every = np.concatenate([np.where(faces.dropped, 0.0, g), faces.tail])
        circuit, node, rigid = merge_rigid(faces.circuit, every)
        # closed throats become loops, which the solver leaves out, and results keep the network's numbering
        circuit = replace(circuit, ends=np.where((every > 0)[:, None], circuit.ends, 0))
        system = PnmSystem(circuit, scale=scale, backend=backend, where=network.name or None)
    except RefusedNetwork as error:
        return _no_flow(network, axis, f"axis {axis}: {error.sentence}")
    every = np.where(every > 0, every, 1.0)
    try:
        return _result(network, axis, faces, system.solve(every), node, rigid)
    except NotConverged:
        again = _stiffer(system, every)
        if again is None:
            raise
    solution, joined, stiff = again
    return _result(network, axis, faces, solution, joined[node], rigid | stiff)


def _stiffer(system: PnmSystem, g: Floats) -> tuple[Solution, Ints, Bools] | None:
    """A second try with every throat rigid whose drop double precision cannot hold; None when there is none."""
    if system.attempt is None or not system.attempt.total > 0:
        return None
    circuit, node, rigid = merge_above(system.circuit, g, system.attempt.total)
    if not rigid.any():
        return None
    return PnmSystem(circuit, scale=system.scale).solve(g), node, rigid


def _no_flow(network: Network, axis: str, note: str) -> AxisResult:
    pores, throats = np.full(network.n_pores, np.nan), np.zeros(network.n_throats)
    return AxisResult(axis, np.nan, pores, throats, throats, np.zeros(network.n_pores), throats, notes=(note,))


def _result(
    network: Network, axis: str, faces: FaceCircuit, solution: Solution, node: Ints, rigid: Bools
) -> AxisResult:
    m, n = network.n_throats, network.n_pores
    potential = solution.potential[node][:n]
    flow = solution.flow
    flow[rigid] = np.nan  # a rigid joint carries what its neighbours bring; its own drop is below rounding
    shares = solution.shares
    notes = (*faces.notes, *cut_off_notes(network, axis, potential), *_rigid_notes(axis, rigid), solution.note)
    return AxisResult(
        axis,
        solution.value,
        potential,
        flow[:m],
        shares[:m],
        np.bincount(faces.tail_pores, shares[m:], n).astype(np.float64),
        solution.scale * np.nan_to_num(potential[network.conns[:, 0]] - potential[network.conns[:, 1]]) ** 2,
        solution.flow_in,
        solution.flow_out,
        solution.residual,
        _tortuosity(network, axis, faces, flow),
        int(np.isfinite(potential).sum()),
        solution.solver,
        tuple(note for note in notes if note),
    )


def _rigid_notes(axis: str, rigid: Bools) -> tuple[str, ...]:
    if not rigid.any():
        return ()
    return (
        f"axis {axis}: {int(rigid.sum())} throats conduct more than {RATIO:.0e} times what passes them; they are taken "
        "as having no resistance, their own flow is left open",
    )


def _tortuosity(network: Network, axis: str, faces: FaceCircuit, flow: Floats) -> float:
    """Flow-weighted length of the paths over the way along the axis, sum |q| l / |sum q dx|."""
    m, k = network.n_throats, AXES.index(axis)
    a, b = network.conns.T
    along = network.coords[b, k] - network.coords[a, k]
    straight = np.linalg.norm(network.coords[b] - network.coords[a], axis=1)
    length = network.throats["total_length"].values if "total_length" in network.throats else straight
    path = float(np.nansum(np.abs(flow[:m]) * length))
    way = float(np.nansum(flow[:m] * along))
    centre = network.coords[faces.tail_pores, k]
    # half conduits lie along the axis: their length is their way
    near, far = image_faces(network)
    tail = np.where(faces.circuit.ends[m:, 0] >= network.n_pores, centre - near[k], far[k] - centre)
    outside = float(np.sum(np.abs(flow[m:]) * np.maximum(tail, 0.0)))
    total = abs(way + outside)
    return (path + outside) / total if total > 0 else np.nan
