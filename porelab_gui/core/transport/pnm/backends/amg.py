"""Conjugate gradients preconditioned by Ruge-Stueben algebraic multigrid (pyamg): for large regular networks."""

from __future__ import annotations

import numpy as np

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.transport.pnm.circuit import Floats
from porelab_gui.core.transport.pnm.pattern import Pattern

_MOST = 1000
# pyamg's own 0.25 drops so many of four decades' couplings that CG needs twice the iterations
_STRENGTH = 0.02


def available() -> bool:
    """Whether pyamg is installed."""
    from importlib.util import find_spec

    return find_spec("pyamg") is not None


class MultigridCG:
    """Ruge-Stueben hierarchy rebuilt for every update, CG to the asked relative residual."""

    name = "amg"
    direct = False

    def __init__(self, pattern: Pattern) -> None:
        if not available():
            raise InputError("multigrid needs pyamg, and it is not installed", remedy="Install the package pyamg.")
        self._pattern = pattern

    def update(self, values: Floats) -> None:
        from pyamg import ruge_stuben_solver
        from scipy.sparse import csr_matrix

        indptr, indices, source = self._pattern.full
        self._matrix = csr_matrix((values[source], indices, indptr), shape=(self._pattern.n, self._pattern.n))
        hierarchy = ruge_stuben_solver(
            self._matrix,
            strength=("classical", {"theta": _STRENGTH}),
            presmoother=("gauss_seidel", {"sweep": "forward"}),
            postsmoother=("gauss_seidel", {"sweep": "backward"}),
            max_coarse=50,
        )
        self._cycle = hierarchy.aspreconditioner(cycle="V")

    def solve(self, b: Floats, tolerance: float) -> Floats:
        if b.ndim == 1:
            return self._one(b, tolerance)
        return np.stack([self._one(column, tolerance) for column in b.T], axis=1)

    def _one(self, b: Floats, tolerance: float) -> Floats:
        from scipy.sparse.linalg import cg

        if not b.any():
            return np.zeros_like(b)
        x, left = cg(self._matrix, b, rtol=tolerance, atol=0.0, maxiter=_MOST, M=self._cycle)
        if left:
            raise NotConverged(
                f"multigrid CG did not reach a residual of {tolerance:g} in {_MOST} iterations",
                remedy="Choose the back end pardiso, or check the conductances for extreme values.",
            )
        found: Floats = x
        return found
