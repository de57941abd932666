"""What a linear solver must offer."""

from __future__ import annotations

from typing import Protocol

from porelab_gui.core.transport.pnm.circuit import Floats


class Solver(Protocol):
    """Solves A x = b for one pattern; ``update`` takes the values of the upper triangle.

    ``direct`` solvers reach rounding error in one go; the others stop at a relative residual of ``tolerance``.
    """

    name: str
    direct: bool

    def update(self, values: Floats) -> None:
        """Take new matrix values on the same pattern."""

    def solve(self, b: Floats, tolerance: float) -> Floats:
        """x for a right-hand side (n,) or several (n, k); NotConverged when the criterion is not met."""
