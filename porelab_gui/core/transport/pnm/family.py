"""K as a function of one factor on a class of throats, quick enough to follow a slider.

The matrix is A(f) = A_rest + f A_class. Solutions for a few factors span a small space in which the solution for any
other factor lies nearly (a reduced basis); conjugate gradients with the Cholesky factor of one of them finish it.

By Dirichlet's principle the dissipation of any potentials with residual r exceeds K by r A(f)^-1 r exactly, and
A(f) >= min(1, f / a) A(a) for a class of conductors. So r A(a)^-1 r, which conjugate gradients have anyway with the
factor of A(a) as preconditioner, bounds the error of K; the solve ends when the bound is small enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.transport.pnm.circuit import Bools, Floats, Ints, dot, norm
from porelab_gui.core.transport.pnm.system import ACCEPTED, TOLERANCE, PnmSystem

MOST_STEPS = 7  # of conjugate gradients; what needs more gets a factor of its own
MOST_VECTORS, MOST_BYTES = 40, 1 << 30
# factors at which a class is solved before they are asked for: the ends first, the last near 1, where the factor stays
GRID = tuple(
    float(10.0 ** (sign * k / 16))
    for k in (48, 24, 12, 36, 42, 30, 45, 39, 33, 27, 18, 6, 21, 15, 9, 3)
    for sign in (1, -1)
)


@dataclass(frozen=True)
class Point:
    """``value`` K [m2] or D_eff [m2/s], at most ``bound`` (relative) above the true one; ``steps`` it took."""

    value: float
    bound: float
    steps: int


class Family:
    """The last ``solve`` of ``system`` with the conductances of the throats in ``mask`` (Nt,) times any factor.

    Needs a direct back end. Not to be shared between threads, nor used after another ``solve`` of the system.
    """

    def __init__(self, system: PnmSystem, mask: NDArray[np.bool_]) -> None:
        self._system, self._base = system, system.solution
        self._class: Ints = np.flatnonzero(mask)
        self._g_class = self._base.g[self._class]
        self._basis = np.zeros((0, len(self._base.potential)))
        self._drops = np.zeros((0, len(self._class)))
        self._load = self._drops @ self._g_class
        self._stiff = np.zeros((0, 0))
        self._anchor, self._kept = 1.0, system.factored(self._base.g)
        # what was solved, or is known otherwise (0 where closing the class cuts every path)
        self.known: dict[float, Point] = {1.0: Point(self._base.value, 0.0, 0)}

    @property
    def vectors(self) -> int:
        """Solutions that the reduced basis is made of, besides the base."""
        return len(self._basis)

    def point(self, factor: float) -> Point:
        """K for a ``factor`` >= 0; raises NotConverged like ``solve``."""
        if factor not in self.known:
            self.known[factor] = self._solve(factor) if factor > 0 else self._exact(factor)
        return self.known[factor]

    def next_unknown(self) -> float | None:
        """The factor at which the next solve helps most, None when the class is prepared."""
        return next((f for f in (0.0, *GRID) if f not in self.known), None)

    def prepare(self) -> None:
        """Solve at all factors of the grid, so that any other needs a few substitutions only."""
        while (factor := self.next_unknown()) is not None:
            self.point(factor)

    def _exact(self, factor: float) -> Point:
        return Point(self._system.what_if(self._class, factor).value, ACCEPTED, 0)

    def _changed(self, factor: float) -> Floats:
        g = self._base.g.copy()
        g[self._class] *= factor
        return g

    def _guess(self, factor: float) -> Floats:
        """The potentials of least dissipation in the space of known solutions."""
        more = factor - 1.0
        weights = np.linalg.solve(np.eye(self.vectors) + more * self._stiff, -more * self._load)
        return np.asarray(self._base.potential + weights @ self._basis, np.float64)

    def _solve(self, factor: float) -> Point:
        system, g = self._system, self._changed(factor)
        problem = self._kept
        system.refresh(problem)
        free = problem.solved
        potential = self._guess(factor)
        _, total, left = self._left(g, potential, free)
        goal = norm(problem.load)
        steps, toward, before, first = 0, np.zeros_like(left), np.inf, 0.0
        while True:
            step = system.correction(left, problem)
            product = dot(left, step)
            bound = max(1.0, self._anchor / factor) * product / total
            if bound <= TOLERANCE:
                break
            first = first or bound
            if _too_far(steps, first, bound):
                return self._anchored(factor, g, potential)
            toward = step + (product / before) * toward
            _, _, pull = self._left(g, toward, free)
            length = -product / dot(toward, pull)
            potential = potential + length * toward
            left = left + length * pull
            total -= length * product
            before, steps = product, steps + 1
        _, total, true = self._left(g, potential, free)
        if not (norm(true - left) <= TOLERANCE * goal and self._solved(step, left, free)):
            return self._exact(factor)
        if steps > 1:
            self._learn(potential)
        return Point(self._base.scale * total, bound, steps)

    def _solved(self, step: Floats, left: Floats, free: Bools) -> bool:
        """Whether ``step`` is what the factor's matrix asks for: the bound stands on it."""
        _, _, still = self._left(self._kept.g, step, free)
        return norm(still + left) <= 1e-6 * norm(left)

    def _left(self, g: Floats, potential: Floats, free: Bools) -> tuple[Floats, float, Floats]:
        """(drops, dissipation, what the balance of the free nodes leaves over)."""
        drop, flow, source = self._system.flows(g, potential)
        return drop, dot(flow, drop), np.where(free, -source, 0.0)

    def _anchored(self, factor: float, g: Floats, potential: Floats) -> Point:
        """A factorisation at ``factor``, from which the next solves go on."""
        problem = self._system.factored(g)
        self._anchor, self._kept = factor, problem
        for _ in range(3):
            _, total, left = self._left(g, potential, problem.solved)
            step = self._system.correction(left, problem)
            bound = dot(left, step) / total
            if bound <= TOLERANCE and self._solved(step, left, problem.solved):
                self._learn(potential)
                return Point(self._base.scale * total, bound, MOST_STEPS + 1)
            potential = potential + step
        return self._exact(factor)

    def _learn(self, potential: Floats) -> None:
        """Add a solution to the basis, orthonormal in A(1)."""
        room = MOST_BYTES // (8 * (self._basis.shape[1] + self._drops.shape[1]))
        if self.vectors >= min(MOST_VECTORS, room):
            return
        vector = np.nan_to_num(potential - self._base.potential)
        size = None
        for _ in range(2):
            drop, flow, source = self._system.flows(self._base.g, vector)
            size = dot(flow, drop) if size is None else size
            vector = vector - (self._basis @ source) @ self._basis
        drop, flow, _ = self._system.flows(self._base.g, vector)
        length = dot(flow, drop)
        if not length > 1e-20 * (size or 0.0):
            return
        vector, drop = vector / np.sqrt(length), drop[self._class] / np.sqrt(length)
        self._basis = np.vstack([self._basis, vector])
        self._drops = np.vstack([self._drops, drop])
        weighted = self._g_class * drop
        self._load = np.append(self._load, float(weighted @ self._base.drop[self._class]))
        row = self._drops @ weighted
        self._stiff = np.block([[self._stiff, row[:-1, None]], [row[None, :-1], row[-1:, None]]])


def _too_far(steps: int, first: float, bound: float) -> bool:
    """Whether conjugate gradients at their present pace take more than ``MOST_STEPS``; no pace shows before two."""
    if steps < 2:
        return False
    pace = np.log(first / bound) / steps
    return bool(pace <= 0 or steps + np.log(bound / TOLERANCE) / pace > MOST_STEPS)
