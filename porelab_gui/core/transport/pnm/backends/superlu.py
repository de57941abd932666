"""SciPy's SuperLU in symmetric mode: the direct solver that is always there."""

from __future__ import annotations

from porelab_gui.core.errors import NotConverged
from porelab_gui.core.transport.pnm.circuit import Floats
from porelab_gui.core.transport.pnm.pattern import Pattern


class SuperLU:
    """LU with a symmetric minimum-degree ordering; no analysis can be kept between updates."""

    name = "superlu"
    direct = True

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern

    def update(self, values: Floats) -> None:
        from scipy.sparse import csc_array
        from scipy.sparse.linalg import splu

        indptr, indices, source = self._pattern.full  # symmetric, so its rows are its columns
        matrix = csc_array((values[source], indices, indptr), shape=(self._pattern.n, self._pattern.n))
        try:
            self._factor = splu(
                matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
            )
        except RuntimeError as error:
            raise NotConverged(
                f"SuperLU stopped: {error}", remedy="Check the conductances for extreme values."
            ) from error

    def solve(self, b: Floats, tolerance: float) -> Floats:
        x: Floats = self._factor.solve(b)
        return x
