"""Compiled pieces of the staggered solver, on all threads: the operator, the multigrid cycle, the vectors of MINRES."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from porelab_gui.core.transport.conduit import wide
from porelab_gui.core.transport.conduit.ladder import inflow
from porelab_gui.core.transport.conduit.lattice import F32, F64, U32
from porelab_gui.core.transport.conduit.poisson import Lattice, coarse_cycle


@njit(**wide.Wide)
def push(
    u: F64, p: F64, links: U32, weights: F32, diagonal: F64, minus: U32, plus: U32, inverse: float, out: F64
) -> float:
    """out = A u + G p for one component; returns u . out. Vectors end in a zero."""
    total = 0.0
    for i in prange(links.shape[1]):
        out[i] = diagonal[i] * u[i] - inflow(u, links, weights, i) + inverse * (p[plus[i]] - p[minus[i]])
        total += u[i] * out[i]
    return total


@njit(**wide.Wide)
def balance(z: F64, y: F64, x: F64, around: U32, inverse: F64, p: F64, out: F64) -> float:
    """out = G^T u per voxel; returns p . out."""
    total = 0.0
    for i in prange(around.shape[1]):
        out[i] = (
            inverse[0] * (z[around[0, i]] - z[around[1, i]])
            + inverse[1] * (y[around[2, i]] - y[around[3, i]])
            + inverse[2] * (x[around[4, i]] - x[around[5, i]])
        )
        total += p[i] * out[i]
    return total


@njit(**wide.Wide)
def single(r: F64, scale: float, out: F32) -> None:
    """out = r / scale in single precision; what is far below it only makes slow denormal numbers."""
    for i in prange(len(out)):
        value = r[i] / scale
        out[i] = value if abs(value) > 1e-12 else 0.0


@njit(**wide.Wide)
def scaled(z: F32, factor: float, r: F64, own: float, out: F64) -> float:
    """out = factor z + own r; returns r . out."""
    total = 0.0
    for i in prange(len(z) - 1):
        out[i] = factor * z[i] + own * r[i]
        total += r[i] * out[i]
    return total


@njit(**wide.Wide)
def largest(r: F64) -> float:
    """Largest magnitude."""
    top = 0.0
    for i in prange(len(r)):
        top = max(top, abs(r[i]))
    return top


@njit(**wide.Wide)
def multiply(z: F64, factor: float) -> None:
    """z *= factor."""
    for i in prange(len(z)):
        z[i] *= factor


@njit(**wide.Wide)
def orthogonalise(new: F64, old: F64, older: F64, a: float, b: float) -> None:
    """new -= a old + b older."""
    for i in prange(len(new)):
        new[i] -= a * old[i] + b * older[i]


@njit(**wide.Wide)
def advance(x: F64, r: F64, w: F64, old: F64, v: F64, last: F64, c: F64) -> float:
    """One step of MINRES: the direction into ``w``, x and the residual r with it; returns x . r.

    ``old`` and ``w`` are the last direction and the one before, ``v`` the vector it is made from, ``last`` the newest
    Lanczos vector; ``c`` = epsilon, delta, 1 / gamma, step, what of r stays, what of ``last`` comes in.
    """
    total = 0.0
    for i in prange(len(x)):
        w[i] = (v[i] - c[0] * w[i] - c[1] * old[i]) * c[2]
        x[i] += c[3] * w[i]
        r[i] = c[4] * r[i] - c[5] * last[i]
        total += x[i] * r[i]
    return total


def relieve(lattice: Lattice, b: F32, z: F32, diagonal: F32) -> None:
    """z = one symmetric multigrid cycle on b; ``diagonal`` of the lattice in single precision."""
    links, weights, inverse, n, reds = lattice.links, lattice.weights, lattice.inverse, lattice.n, lattice.reds
    size = int(lattice.ladder.start[1]) - 1
    z[:] = 0
    wide.relax_wide(z, b, links, weights, inverse, 0, reds)
    wide.relax_wide(z, b, links, weights, inverse, reds, n)
    wide.restrict_wide(z, b, links, weights, diagonal, lattice.children[0], lattice.ladder.b[:size])
    coarse_cycle(lattice, 0)
    wide.correct_wide(z, lattice.parent, lattice.ladder.x[: size + 1], 0, reds)
    wide.relax_wide(z, b, links, weights, inverse, reds, n)
    wide.relax_wide(z, b, links, weights, inverse, 0, reds)


def nothing(n: int) -> F32:
    """A single-precision vector of ``n`` with its zero."""
    return np.zeros(n + 1, np.float32)
