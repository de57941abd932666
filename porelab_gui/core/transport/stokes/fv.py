"""Stokes flow by finite volumes on the staggered grid: MINRES on velocity and pressure together.

Preconditioner: one multigrid cycle on each velocity component; for the pressure, identity plus one cycle on the Darcy
problem of guess.py, which is what the Schur complement becomes in narrow channels (Cahouet and Chabard 1988). The
permeability is read from 2 b.x - x.Mx, whose error is of second order in that of the solution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.transport.conduit.lattice import F32, F64
from porelab_gui.core.transport.conduit.poisson import Lattice
from porelab_gui.core.transport.stokes import saddle
from porelab_gui.core.transport.stokes.faces import Faces
from porelab_gui.core.transport.stokes.flow import Flow
from porelab_gui.core.transport.stokes.guess import SHAPE, Darcy, multigrid
from porelab_gui.core.transport.stokes.mac import Mac, Spacing, assemble


@dataclass
class Cycle:
    """One multigrid cycle with its single-precision vectors."""

    lattice: Lattice

    def __post_init__(self) -> None:
        n = self.lattice.n
        self.b, self.z = np.zeros(n, np.float32), saddle.nothing(n)
        self.diagonal: F32 = self.lattice.diagonal.astype(np.float32)

    def __call__(self, r: F64, scale: float, factor: float, own: float, out: F64) -> float:
        """out = factor cycle(r) + own r; returns r . out."""
        if not self.lattice.n:
            return 0.0
        saddle.single(r, scale, self.b)
        saddle.relieve(self.lattice, self.b, self.z, self.diagonal)
        return float(saddle.scaled(self.z, factor * scale, r, own, out))


class System:
    """The saddle-point system as one vector: velocities z, y, x, then pressures, each with a zero behind it."""

    def __init__(self, mac: Mac) -> None:
        self.mac = mac
        sizes = [*(part.nodes.n for part in mac.components), mac.voxels.n]
        self.cuts = np.cumsum([0, *(n + 1 for n in sizes)])
        self.inverse_edges = np.array([part.inverse_edge for part in mac.components])
        self.cycles = [Cycle(multigrid(p.nodes, p.weights, p.excess, mac.faces)) for p in mac.components]
        self.darcy = Cycle(Darcy.of(mac.void, mac.voxels, mac.faces, mac.spacing).lattice)
        self.right = np.zeros(self.cuts[4])
        for part, component in zip(self.parts(self.right), mac.components, strict=False):
            part[:-1] = component.force

    @property
    def nbytes(self) -> int:
        """What the equations, their levels and the ten vectors of MINRES take."""
        held: list[NDArray[Any]] = [self.mac.around, self.mac.voxels.links, self.mac.voxels.index]
        for part, cycle in zip((*self.mac.components, None), (*self.cycles, self.darcy), strict=True):
            if part is not None:
                held += [part.nodes.links, part.nodes.index, part.weights, part.diagonal, part.minus, part.plus]
            held += [cycle.b, cycle.z, cycle.lattice.weights, cycle.lattice.diagonal, *cycle.lattice.ladder]
        return sum(a.nbytes for a in {id(a): a for a in held}.values()) + 10 * self.right.nbytes

    def parts(self, x: F64) -> list[F64]:
        """Views of the four parts of a vector."""
        return [x[a:b] for a, b in zip(self.cuts[:-1], self.cuts[1:], strict=True)]

    def apply(self, x: F64, out: F64) -> float:
        """out = [[A, G], [G^T, 0]] x; returns x . out."""
        z, y, x_, p = self.parts(x)
        *pushes, rest = self.parts(out)
        total = saddle.balance(z, y, x_, self.mac.around, self.inverse_edges, p, rest)
        for u, part, goal in zip((z, y, x_), self.mac.components, pushes, strict=True):
            nodes, inverse = part.nodes, part.inverse_edge
            total += saddle.push(u, p, nodes.links, part.weights, part.diagonal, part.minus, part.plus, inverse, goal)
        return float(total)

    def precondition(self, r: F64, out: F64) -> float:
        """The block-diagonal preconditioner, symmetric and positive; returns r . out."""
        scale = max(saddle.largest(r), 1e-300)
        *momentum, mass = zip(self.parts(r), self.parts(out), strict=True)
        total = sum(c(a, scale, 1.0, 0.0, b) for c, (a, b) in zip(self.cycles, momentum, strict=True))
        return float(total + self.darcy(*mass[:1], scale, 1 / SHAPE, 1.0, mass[1]))

    def mean_velocity(self, x: F64) -> NDArray[np.float64]:
        """Mean velocity over the whole image per axis."""
        return np.array([c.mean @ u[:-1] for c, u in zip(self.mac.components, self.parts(x), strict=False)])


@dataclass(frozen=True)
class Step:
    """Where MINRES stands: the solution, b.x + x.r, and the relative residual in the preconditioner's norm."""

    x: F64
    functional: float
    residual: float


def minres(system: System) -> Iterator[Step]:
    """Steps of the minimum residual method (Paige and Saunders 1975), without end; x is the same array throughout."""
    size = len(system.right)
    x, z, v, r = np.zeros(size), np.zeros(size), np.zeros(size), system.right.copy()
    older, old, new = np.zeros(size), system.right.copy(), np.zeros(size)
    w, w_old = np.zeros(size), np.zeros(size)
    beta = first = phi = np.sqrt(system.precondition(old, z))
    beta_old, cosine, sine, delta_next, epsilon = 0.0, -1.0, 0.0, 0.0, 0.0
    while beta > 0:
        v, z = z, v
        saddle.multiply(v, 1 / beta)
        alpha = system.apply(v, new)
        saddle.orthogonalise(new, old, older, alpha / beta, beta / beta_old if beta_old else 0.0)
        older, old, new = old, new, older
        beta_old, beta = beta, np.sqrt(max(system.precondition(old, z), 0.0))
        delta = cosine * delta_next + sine * alpha
        gamma_bar = sine * delta_next - cosine * alpha
        before, epsilon, delta_next = epsilon, sine * beta, -cosine * beta
        gamma = max(np.hypot(gamma_bar, beta), 1e-300)
        cosine, sine = gamma_bar / gamma, beta / gamma
        step, phi = cosine * phi, sine * phi
        w, w_old = w_old, w
        c = np.array([before, delta, 1 / gamma, step, sine * sine, phi * cosine / beta if beta > 0 else 0.0])
        overlap = saddle.advance(x, r, w, w_old, v, old, c)
        yield Step(x, float(system.right @ x) + overlap, abs(phi) / first)


class Watch:
    """Says when the permeability has settled: the spread of its last fifth, since it swings about its limit."""

    LEAST = 6  # values

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.history: list[float] = []
        self.remainder = float("inf")

    def __call__(self, step: Step) -> bool:
        """Take the next step; True once it is settled, or solved outright."""
        self.history.append(step.functional)
        recent = self.history[-max(self.LEAST, len(self.history) // 5) :]
        if len(recent) >= self.LEAST:
            self.remainder = (max(recent) - min(recent)) / max(abs(recent[-1]), 1e-300)
        if step.residual < 1e-3 * self.tolerance:
            self.remainder = min(self.remainder, step.residual)
        return self.remainder < self.tolerance


def solve(
    void: NDArray[np.bool_],
    faces: Faces,
    spacing: Spacing,
    tolerance: float,
    max_iterations: int,
    progress: Progress = silent,
) -> Flow:
    """Iterate until the last values of the permeability lie within ``tolerance`` (relative).

    ``spacing`` of the voxels in units of the one along the driven axis; the permeability comes in its square.
    """
    progress(0, max_iterations, "assembling")
    system = System(assemble(_twice_where_thin(void, faces), faces, spacing))
    watch, count, step, done = Watch(tolerance), 0, None, False
    for count, step in zip(range(1, max_iterations + 1), minres(system), strict=False):
        done = watch(step)
        k = step.functional / system.mac.void.size
        progress(count, max_iterations, f"iteration {count}", permeability_voxel2=k, remainder=watch.remainder)
        if done or not np.isfinite(k):
            break
    flow, own = _flow(system, step, count, watch.remainder, done), tuple(slice(n) for n in void.shape)
    return replace(flow, velocity=flow.velocity[:, *own], pressure=flow.pressure[own])


def _twice_where_thin(void: NDArray[np.bool_], faces: Faces) -> NDArray[np.bool_]:
    """The same periodic medium without voxels that neighbour themselves, which red-black smoothing cannot part."""
    return np.tile(void, [2 if ring and n == 1 else 1 for n, ring in zip(void.shape, faces.rings, strict=True)])


def _flow(system: System, step: Step | None, iterations: int, remainder: float, converged: bool) -> Flow:
    mac, axis = system.mac, system.mac.faces.axis
    x = step.x if step is not None else np.zeros(len(system.right))
    permeability = system.mean_velocity(x)
    permeability[axis] = step.functional / mac.void.size if step is not None else np.nan
    velocity = np.stack([_at_centres(system, x, a) for a in range(3)])
    pressure = mac.voxels.spread(system.parts(x)[3], mac.void.shape)
    return Flow(permeability, velocity, pressure, iterations, remainder, converged, system.nbytes)


def _at_centres(system: System, x: F64, axis: int) -> F32:
    """A velocity component as the mean of the two faces of every voxel, zero in the solid."""
    u = system.parts(x)[axis]
    one, two = system.mac.around[2 * axis], system.mac.around[2 * axis + 1]
    return system.mac.voxels.spread((u[one] + u[two]) / 2, system.mac.void.shape)
