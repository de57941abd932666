"""Stokes flow by finite volumes on the staggered grid: MINRES on velocity and pressure together.

Preconditioner: one algebraic multigrid cycle on each velocity component; for the pressure, identity plus one cycle on
the Darcy problem of guess.py, which is what the Schur complement becomes in narrow channels (Cahouet and Chabard 1988).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.transport.stokes.faces import Faces
from porelab_gui.core.transport.stokes.flow import Flow
from porelab_gui.core.transport.stokes.guess import darcy
from porelab_gui.core.transport.stokes.mac import Mac, Spacing, assemble
from porelab_gui.core.transport.stokes.tail import Settled

Vector = NDArray[np.float64]


class _Done(Exception):
    """Ends the iteration of scipy's solver from its callback."""


class System:
    """The saddle-point system as one vector: velocities z, y, x, then pressures."""

    def __init__(self, mac: Mac, spacing: Spacing) -> None:
        self.mac = mac
        self.cuts = np.cumsum([0, *(a.shape[0] for a in mac.laplacians), int(np.count_nonzero(mac.void))])
        self.right = np.concatenate([*mac.force, np.zeros(self.cuts[4] - self.cuts[3])])
        self.transposed = [g.T.tocsr() for g in mac.gradients]
        self.cycles = [_cycle(a) for a in mac.laplacians]
        self.darcy = _cycle(darcy(mac.void, mac.faces, spacing)[0])

    def parts(self, x: Vector) -> list[Vector]:
        """Views of the four parts of a vector."""
        return [x[a:b] for a, b in zip(self.cuts[:-1], self.cuts[1:], strict=True)]

    def apply(self, x: Vector) -> Vector:
        """[[A, G], [G^T, 0]] x."""
        *u, p = self.parts(x)
        momentum = [a @ v + g @ p for a, g, v in zip(self.mac.laplacians, self.mac.gradients, u, strict=True)]
        return np.concatenate([*momentum, sum(t @ v for t, v in zip(self.transposed, u, strict=True))])

    def precondition(self, r: Vector) -> Vector:
        """The block-diagonal preconditioner, symmetric and positive."""
        *u, p = self.parts(r)
        pressure = p + self.darcy(p) / DARCY
        return np.concatenate([*(cycle(v) for cycle, v in zip(self.cycles, u, strict=True)), pressure])

    def permeability(self, x: Vector) -> NDArray[np.float64]:
        """Mean velocity over the whole image per axis."""
        return np.array([w @ v for w, v in zip(self.mac.weights, self.parts(x)[:3], strict=True)])


DARCY = 0.85  # permeability of a channel over the mean square of its distances from the wall


def _cycle(matrix) -> Callable[[Vector], Vector]:  # type: ignore[no-untyped-def]
    """One symmetric multigrid V-cycle (nothing for a component without faces)."""
    if matrix.shape[0] == 0:
        return lambda r: r
    from pyamg import smoothed_aggregation_solver

    # local weights spare the estimate of spectral radii, which costs more than all else in the set-up
    smooth = ("jacobi", {"omega": 4 / 3, "weighting": "local"})
    levels = smoothed_aggregation_solver(matrix, max_coarse=100, smooth=smooth)
    return levels.aspreconditioner(cycle="V").matvec


class _Watch:
    """Looks at the permeability after every iteration, and ends them when it has settled."""

    def __init__(self, system: System, tolerance: float, limit: int, progress: Progress) -> None:
        self.system, self.limit, self.progress = system, limit, progress
        self.settled = Settled(tolerance)
        self.latest = np.zeros(int(system.cuts[4]))
        self.count = 0

    def __call__(self, x: Vector) -> None:
        self.count += 1
        self.latest = x
        k = float(self.system.permeability(x)[self.system.mac.faces.axis])
        done = self.settled(k)
        text, remainder = f"iteration {self.count}", self.settled.remainder
        self.progress(self.count, self.limit, text, permeability_voxel2=k, remainder=remainder)
        if done:
            raise _Done


def solve(
    void: NDArray[np.bool_],
    faces: Faces,
    spacing: Spacing,
    tolerance: float,
    max_iterations: int,
    progress: Progress = silent,
) -> Flow:
    """Iterate until the estimated remainder of the permeability is below ``tolerance`` (relative).

    ``spacing`` of the voxels in units of the one along the driven axis; the permeability comes in its square.
    """
    from scipy.sparse.linalg import LinearOperator, minres

    progress(0, max_iterations, "assembling")
    system = System(assemble(void, faces, spacing), spacing)
    watch = _Watch(system, tolerance, max_iterations, progress)
    n = int(system.cuts[4])
    operator = LinearOperator((n, n), matvec=system.apply)
    inverse = LinearOperator((n, n), matvec=system.precondition)
    try:
        x, _ = minres(operator, system.right, M=inverse, rtol=1e-12, maxiter=max_iterations, callback=watch)
    except _Done:
        return _flow(system, watch.latest, watch.count, watch.settled.remainder, True)
    # solved outright before the permeability could be watched, or given up: the residual decides
    residual = float(np.linalg.norm(system.apply(x) - system.right) / np.linalg.norm(system.right))
    return _flow(system, x, watch.count, residual, residual < 1e-3 * tolerance)


def _flow(system: System, x: Vector, iterations: int, remainder: float, converged: bool) -> Flow:
    mac = system.mac
    velocity = np.zeros((3, *mac.void.shape), dtype=np.float32)
    for axis, values in enumerate(system.parts(x)[:3]):
        on_faces = np.zeros(mac.open_faces[axis].shape)
        on_faces[mac.open_faces[axis]] = values
        if mac.faces.periodic:
            velocity[axis] = (on_faces + np.roll(on_faces, -1, axis=axis)) / 2
        else:
            velocity[axis] = (np.delete(on_faces, -1, axis=axis) + np.delete(on_faces, 0, axis=axis)) / 2
    pressure = np.zeros(mac.void.shape, dtype=np.float32)
    pressure[mac.void] = system.parts(x)[3]
    held = sum(m.data.nbytes + m.indices.nbytes + m.indptr.nbytes for m in (*mac.laplacians, *mac.gradients))
    return Flow(system.permeability(x), velocity, pressure, iterations, remainder, converged, held)
