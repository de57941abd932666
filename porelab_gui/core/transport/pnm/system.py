"""A network prepared for many solves: pattern and symbolic analysis are kept, only the numbers change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.transport.pnm.backends import Solver, make_solver
from porelab_gui.core.transport.pnm.circuit import Bools, Circuit, Floats, dot, norm, still_nodes
from porelab_gui.core.transport.pnm.pattern import Pattern, make_pattern
from porelab_gui.core.transport.pnm.refuse import RefusedNetwork, check_conductances
from porelab_gui.core.transport.pnm.solution import Solution

TOLERANCE = 1e-10  # asked of the relative residual and of the balance of the flows
ACCEPTED = 1e-8  # a result worse than this in either is refused
_REFINEMENTS = 5


@dataclass(frozen=True)
class Problem:
    """Numbers of one solve: edge conductances, matrix values, right-hand side; ``solved`` marks the nodes to solve
    for, ``held`` is the potential of the others (NaN where none is defined)."""

    g: Floats
    values: Floats
    load: Floats
    solved: Bools
    held: Floats


class PnmSystem:
    """One axis of one network, solved again and again for changed conductances.

    ``circuit`` holds the throats first; ``tail`` are conductances of further edges that stay as they are (half
    conduits to a face). ``scale`` turns total conductance into K or D_eff; ``maker`` builds a solver of one's own.
    Not to be shared between threads.
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        tail: Floats | None = None,
        scale: float = 1.0,
        backend: str = "auto",
        tolerance: float = TOLERANCE,
        maker: Callable[[Pattern], Solver] | None = None,
        where: str | None = None,
    ) -> None:
        self.circuit = circuit
        self.tail = np.zeros(0) if tail is None else np.asarray(tail, float)
        self.n_throats = circuit.n_edges - len(self.tail)
        self.scale, self.tolerance, self._where = scale, tolerance, where
        self._still = still_nodes(circuit, np.ones(circuit.n_edges, bool))
        self._solved: Bools = np.isnan(self._still)
        self._check_path()
        self.pattern: Pattern = make_pattern(circuit, self._solved)
        self._solver, self.note = self._make(maker, backend)
        self._base: Solution | None = None
        self.attempt: Solution | None = None  # the latest solve, be it refused or not
        self._current: Floats | None = None  # the conductances that the solver's factor belongs to
        self._inlet, self._outlet = np.flatnonzero(circuit.fixed == 1), np.flatnonzero(circuit.fixed == 0)
        self._first, self._second = (np.ascontiguousarray(c) for c in circuit.ends.T)

    def _make(self, maker: Callable[[Pattern], Solver] | None, backend: str) -> tuple[Solver | None, str]:
        if not self.pattern.n:
            return None, ""
        return (maker(self.pattern), "") if maker is not None else make_solver(self.pattern, backend)

    def _check_path(self) -> None:
        """Refuse a circuit in which nothing joins inlet and outlet."""
        held = self._still[self.circuit.ends]
        direct = np.isfinite(held).all(axis=1) & (held[:, 0] != held[:, 1])
        if not np.isnan(self._still).any() and not direct.any():
            raise RefusedNetwork(
                "no path of throats joins inlet and outlet",
                where=self._where,
                remedy="Choose another axis, or check the faces and the segmentation.",
            )

    def solve(self, g: NDArray[np.floating]) -> Solution:
        """Solve for throat conductances ``g`` (Nt,), zero meaning closed; becomes the base of ``what_if``.

        Raises RefusedNetwork for NaN, infinite or negative values, NotConverged when the residual or the balance
        of the flows is worse than 1e-8.
        """
        self._base = self._solve(np.asarray(g, dtype=np.float64))
        return self._base

    @property
    def solution(self) -> Solution:
        """The last ``solve``."""
        if self._base is None:
            raise InputError("nothing has been solved yet", remedy="Call solve(g) first.")
        return self._base

    @property
    def direct(self) -> bool:
        """Whether there is a matrix and its back end keeps a factor of it."""
        return self._solver is not None and self._solver.direct

    @property
    def K(self) -> float:
        """Permeability [m2] (or effective diffusivity [m2/s]) of the last ``solve``."""
        return self.solution.value

    @property
    def gradient(self) -> Floats:
        """dK/dg (Nt,) of the last ``solve``, from the same solve."""
        return self.solution.gradient[: self.n_throats]

    def what_if(self, indices: NDArray[np.integer] | NDArray[np.bool_] | list[int], factor: float) -> Solution:
        """The solution if the throats ``indices`` conducted ``factor`` times as well as in the last ``solve``."""
        g = self.solution.g[: self.n_throats].copy()
        g[indices] *= factor
        return self._solve(g)

    def adjoint(self, right: Floats, solution: Solution) -> Floats:
        """lambda (n_nodes,) or (n_nodes, k) with A lambda = ``right`` on solved nodes, 0 elsewhere.

        ``right`` is dJ/d potential at ``solution``; then dJ/dg_e = explicit part - (lambda_i - lambda_j) * drop_e.
        Raises NotConverged like ``solve``.
        """
        found = np.zeros(right.shape)
        if self._solver is None:
            return found
        problem = self.factored(solution.g)
        solved = problem.solved
        nodes = self.pattern.nodes[solved[self.pattern.nodes]]
        goal = float(np.linalg.norm(right[nodes])) or 1.0
        left = np.zeros(right.shape)
        left[nodes] = right[nodes]
        for _ in range(_REFINEMENTS):
            step = self._solver.solve(np.ascontiguousarray(left[self.pattern.nodes]), self.tolerance)
            found[self.pattern.nodes] += step
            found[~solved] = 0.0
            left[nodes] = right[nodes] - self._apply(found, problem.g)[nodes]
            if np.linalg.norm(left[nodes]) <= self.tolerance * goal:
                return found
        if not np.linalg.norm(left[nodes]) <= ACCEPTED * goal:
            raise NotConverged("the adjoint solve did not reach its residual", where=self._where)
        return found

    def factored(self, g: Floats) -> Problem:
        """The problem of all conductances ``g`` (n_edges,), after which ``correction`` solves with its matrix."""
        problem = self._assemble(g)
        self.refresh(problem)
        return problem

    def refresh(self, problem: Problem) -> None:
        """Factorise again where the back end has another matrix by now."""
        if self._solver is not None and self._current is not problem.g:
            self._solver.update(problem.values)
            self._current = problem.g

    def flows(self, g: Floats, potential: Floats) -> tuple[Floats, Floats, Floats]:
        """(drop along every edge, its flow, what leaves every node)."""
        from porelab_gui.core.transport.pnm.kernels import edge_flows  # compiles, so only when it is used

        drop, flow, source = edge_flows(self._first, self._second, g, potential)
        return drop, flow, source

    def _apply(self, level: Floats, g: Floats) -> Floats:
        """The Laplacian times ``level``, edge by edge: sharper than with the rounded diagonal."""
        drop = level[self._first] - level[self._second]
        flow = g * drop if level.ndim == 1 else g[:, None] * drop
        if level.ndim == 1:
            return self._sources(flow)
        return np.stack([self._sources(np.ascontiguousarray(column)) for column in flow.T], axis=1)

    def _solve(self, g: Floats) -> Solution:
        if g.shape != (self.n_throats,):
            raise InputError(f"{g.shape} conductances were given for {self.n_throats} throats", where=self._where)
        check_conductances(g, self.circuit.ends, self._where)
        problem = self._assemble(np.concatenate([g, self.tail]))
        potential = self._potentials(problem)
        return self._finish(problem, potential)

    def _assemble(self, g: Floats) -> Problem:
        """Matrix and right-hand side; what closed throats cut off is tied to the potential that it has anyway."""
        pattern, still, solved = self.pattern, self._still, self._solved
        values, load = pattern.update(g), pattern.load(g, still)
        if not g.all():
            now = still_nodes(self.circuit, g > 0)
            cut = np.flatnonzero(~np.isnan(now[pattern.nodes]))
            tie = np.maximum(values[pattern.diagonal[cut]], g.max())
            values[pattern.diagonal[cut]] += tie
            load[cut] += tie * np.maximum(now[pattern.nodes[cut]], 0.0)
            solved = solved & np.isnan(now)
            still = np.where(self._solved, now, still)
        held = np.where(np.isneginf(still), np.nan, still)
        return Problem(g, values, load, solved, held)

    def _potentials(self, problem: Problem) -> Floats:
        potential = problem.held
        if self._solver is None:
            return potential
        self._solver.update(problem.values)
        self._current = problem.g
        x = self._solver.solve(problem.load, self.tolerance)
        nodes = self.pattern.nodes
        potential[nodes] = x if problem.solved is self._solved else np.where(problem.solved[nodes], x, potential[nodes])
        return potential

    def _finish(self, problem: Problem, potential: Floats) -> Solution:
        """Refine until residual and balance are met, or refuse."""
        scale = norm(problem.load) or 1.0
        best: Solution | None = None
        for _ in range(_REFINEMENTS):
            drop, flow, source = self.flows(problem.g, potential)
            left = np.where(problem.solved, -source, 0.0)
            now = self._measure(problem, potential, drop, flow, source, norm(left) / scale)
            if best is None or _faults(now).max() < _faults(best).max():
                best = now
            residual, balance, energy = _faults(now)
            if self._solver is None or (max(residual, balance) <= self.tolerance and energy <= ACCEPTED):
                break
            step = self._shift(left, problem) if residual <= self.tolerance else self.correction(left, problem)
            potential = potential + step
        assert best is not None
        if _faults(best)[1:].max() > self.tolerance and self._solver is not None and problem.solved is self._solved:
            best = min(best, self._two_sided(problem, best), key=lambda s: float(_faults(s).max()))
        self.attempt = best
        if not _faults(best).max() <= ACCEPTED:
            raise NotConverged(
                f"the network solve by {best.solver} left a residual of {best.residual:.1e}, and inflow, outflow and "
                f"dissipation disagree by {_faults(best)[1:].max():.1e} of the flow",
                where=self._where,
                remedy="Check the conductances for extreme values, or choose another back end.",
            )
        return best

    def _two_sided(self, problem: Problem, rough: Solution) -> Solution:
        """The same solve, with drops near the inlet taken from potentials that count down from the inlet.

        Beside very conductive throats potentials crowd at 1 and 0; double precision resolves the crowd at 0 only.
        """
        assert self._solver is not None
        down = 1.0 - problem.held
        down[self.pattern.nodes] = self._solver.solve(self.pattern.load(problem.g, 1.0 - self._still), self.tolerance)
        up = rough.potential
        near_inlet = up[self._first] + up[self._second] > 1.0
        drop = np.where(near_inlet, down[self._second] - down[self._first], rough.drop)
        drop[np.isnan(drop)] = 0.0
        flow = problem.g * drop
        source = self._sources(flow)
        residual = float(np.linalg.norm(source[problem.solved]) / (np.linalg.norm(problem.load) or 1.0))
        return self._measure(problem, up, drop, flow, source, residual)

    def _sources(self, flow: Floats) -> Floats:
        n = self.circuit.n_nodes
        gone, come = np.bincount(self._first, flow, n), np.bincount(self._second, flow, n)
        return np.asarray(gone - come, np.float64)

    def _measure(
        self, problem: Problem, potential: Floats, drop: Floats, flow: Floats, source: Floats, residual: float
    ) -> Solution:
        return Solution(
            potential,
            drop,
            problem.g,
            dot(flow, drop),
            float(source[self._inlet].sum()),
            float(-source[self._outlet].sum()),
            residual,
            self._solver.name if self._solver is not None else "none needed",
            self.note,
            self.scale,
        )

    def correction(self, left: Floats, problem: Problem) -> Floats:
        """One step of iterative refinement: the potentials that the left-over sources cause."""
        assert self._solver is not None
        nodes = self.pattern.nodes
        step = np.zeros_like(left)
        step[nodes] = self._solver.solve(left[nodes], 1e-6)
        step[~problem.solved] = 0.0
        return step

    def _shift(self, left: Floats, problem: Problem) -> Floats:
        """All solved nodes moved alike so that what flows in flows out: removes the sum of the left-over sources."""
        outer = float(problem.g[self.pattern.outer].sum())
        return np.where(problem.solved, float(left.sum()) / outer, 0.0)


def _faults(s: Solution) -> Floats:
    """(residual, inflow against outflow, inflow against dissipation), the last two relative to the flow."""
    if not s.total > 0:
        return np.full(3, np.inf)
    return np.array([s.residual, abs(s.flow_in - s.flow_out) / s.total, abs(s.flow_in - s.total) / s.total])
