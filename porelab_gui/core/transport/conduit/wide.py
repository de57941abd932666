"""The kernels of multigrid on all threads: each splits its nodes and calls the serial kernel on every part."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from porelab_gui.core.transport.conduit.ladder import Fast, correct, inflow, relax
from porelab_gui.core.transport.conduit.lattice import F32, U32

F64 = NDArray[np.float64]
Wide = {**Fast, "parallel": True}
PARTS = 32


@njit(**Wide)
def relax_wide(x: F32, b: F32, links: U32, weights: F32, inverse: F32, lo: int, hi: int) -> None:
    """``relax`` on all threads."""
    for part in prange(PARTS):
        relax(x, b, links, weights, inverse, lo + (hi - lo) * part // PARTS, lo + (hi - lo) * (part + 1) // PARTS)


@njit(**Wide)
def correct_wide(x: F32, parent: U32, coarse: F32, lo: int, hi: int) -> None:
    """``correct`` on all threads."""
    for part in prange(PARTS):
        correct(x, parent, coarse, lo + (hi - lo) * part // PARTS, lo + (hi - lo) * (part + 1) // PARTS)


@njit(**Wide)
def restrict_wide(x: F32, b: F32, links: U32, weights: F32, diagonal: F32, children: U32, coarse: F32) -> None:
    """Sum the red residuals into their coarse cells, cell by cell; without ``b`` and x on the reds when b is empty."""
    n = links.shape[1]
    for c in prange(children.shape[1]):
        total = np.float32(0)
        for k in range(4):
            i = children[k, c]
            if i < n:
                total += inflow(x, links, weights, i)
                if len(b):
                    total += b[i] - diagonal[i] * x[i]
        coarse[c] = total


@njit(**Wide)
def schur_wide(p: F64, links: U32, weights: F32, diagonal: F64, reds: int, q: F64) -> float:
    """q = (blacks' operator with the reds eliminated) p, filling in p's reds; returns p . q over the blacks."""
    for i in prange(reds):
        p[i] = inflow(p, links, weights, i) / diagonal[i]
    dot = 0.0
    for i in prange(reds, links.shape[1]):
        q[i] = diagonal[i] * p[i] - inflow(p, links, weights, i)
        dot += p[i] * q[i]
    return dot


@njit(**Wide)
def black_step_wide(z: F32, r: F64, links: U32, weights: F32, inverse: F32, reds: int) -> float:
    """Relax the blacks from corrected reds; returns r . z over the blacks."""
    dot = 0.0
    for i in prange(reds, links.shape[1]):
        z[i] = (np.float32(r[i]) + inflow(z, links, weights, i)) * inverse[i]
        dot += r[i] * z[i]
    return dot


@njit(**Wide)
def first_step_wide(z: F32, r: F64, inverse: F32, reds: int) -> None:
    """Relax the blacks from zero."""
    for i in prange(reds, len(r)):
        z[i] = np.float32(r[i]) * inverse[i]


@njit(**Wide)
def direct_wide(p: F64, z: F32, beta: float, reds: int, n: int) -> None:
    """p = z + beta p over the blacks."""
    for i in prange(reds, n):
        p[i] = z[i] + beta * p[i]


@njit(**Wide)
def advance_wide(x: F64, r: F64, p: F64, q: F64, step: float, reds: int, z: F32, inverse: F32) -> float:
    """x += step p, r -= step q, z = blacks relaxed from zero; over the blacks; returns r . r."""
    total = 0.0
    for i in prange(reds, len(q)):
        x[i] += step * p[i]
        r[i] -= step * q[i]
        z[i] = np.float32(r[i]) * inverse[i]
        total += r[i] * r[i]
    return total


@njit(**Wide)
def eliminate_wide(x: F64, b: F64, links: U32, weights: F32, diagonal: F64, reds: int, r: F64) -> float:
    """Set x on the reds to their balance and r to the blacks' residual; returns r . r."""
    for i in prange(reds):
        x[i] = (b[i] + inflow(x, links, weights, i)) / diagonal[i]
    total = 0.0
    for i in prange(reds, links.shape[1]):
        r[i] = b[i] - diagonal[i] * x[i] + inflow(x, links, weights, i)
        total += r[i] * r[i]
    return total
