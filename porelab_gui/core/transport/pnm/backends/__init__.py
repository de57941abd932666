"""Linear solvers for the symmetric positive definite Laplacian, one file each; ``choose`` picks one."""

from __future__ import annotations

from porelab_gui.core.transport.pnm.backends.base import Solver
from porelab_gui.core.transport.pnm.backends.choose import BACKENDS, available, make_batch_solver, make_solver

__all__ = ["BACKENDS", "Solver", "available", "make_batch_solver", "make_solver"]
