"""Which solver for which network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from porelab_gui.core.errors import ParameterError
from porelab_gui.core.transport.pnm.backends import amg, pardiso, torch_cg
from porelab_gui.core.transport.pnm.backends.base import Solver
from porelab_gui.core.transport.pnm.backends.superlu import SuperLU
from porelab_gui.core.transport.pnm.pattern import Pattern

# beyond these the factor of a regular (lattice-like) or an irregular network outgrows multigrid in time and memory
_LATTICE_MOST, _IRREGULAR_MOST, _SUPERLU_MOST = 50_000, 1_500_000, 50_000

_SMALL = 1000  # unknowns per network of a batch up to which the plain L D L^T wins


def _ldl(pattern: Pattern) -> Solver:
    from porelab_gui.core.transport.pnm.backends.ldl import SimplicialLDL  # compiles, so only when it is used

    return SimplicialLDL(pattern)


_MAKERS: dict[str, Callable[[Pattern], Solver]] = {
    "pardiso": pardiso.Pardiso,
    "superlu": SuperLU,
    "ldl": _ldl,
    "amg": amg.MultigridCG,
    "cuda": torch_cg.TorchCG,
    "torch_cpu": lambda pattern: torch_cg.TorchCG(pattern, "cpu"),
}
BACKENDS: tuple[str, ...] = ("auto", *_MAKERS)


def available() -> tuple[str, ...]:
    """The back ends that this machine has."""
    having = {"pardiso": pardiso.available(), "amg": amg.available(), "cuda": torch_cg.cuda_available()}
    return tuple(name for name in BACKENDS if having.get(name, True))


def make_solver(pattern: Pattern, backend: str = "auto") -> tuple[Solver, str]:
    """A solver and, when a better one was missing, a sentence that says so."""
    if backend != "auto":
        if backend not in _MAKERS:
            raise ParameterError(f"there is no back end {backend!r}", remedy=f"Choose one of {', '.join(BACKENDS)}.")
        return _MAKERS[backend](pattern), ""
    most = _LATTICE_MOST if pattern.n > _LATTICE_MOST and pattern.regular else _IRREGULAR_MOST
    if pattern.n > most and amg.available():
        return amg.MultigridCG(pattern), ""
    if pardiso.available():
        return pardiso.Pardiso(pattern), ""
    if pattern.n > _SUPERLU_MOST and amg.available():
        return amg.MultigridCG(pattern), "PARDISO (Intel MKL) is not installed; multigrid CG was used, which is slower."
    return SuperLU(pattern), "PARDISO (Intel MKL) is not installed; SuperLU was used, which is slower."


def largest_part(pattern: Pattern) -> int:
    """Unknowns of the largest connected part."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pattern.indices), np.int8)
    graph = csr_array((ones, pattern.indices, pattern.indptr), shape=(pattern.n, pattern.n))
    return int(np.bincount(connected_components(graph, directed=False)[1]).max(initial=0))


def make_batch_solver(pattern: Pattern, members: int) -> Solver:
    """A direct solver for ``members`` networks side by side."""
    if pattern.n <= _SMALL * members and largest_part(pattern) <= 4 * _SMALL:
        return _ldl(pattern)
    return pardiso.Pardiso(pattern) if pardiso.available() else SuperLU(pattern)
