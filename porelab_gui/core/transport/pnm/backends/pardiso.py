"""PARDISO of Intel MKL as a Cholesky solver whose symbolic analysis is done once per pattern.

MKL is called directly: pypardiso keeps the last factorisation by the matrix' hash and treats it as unsymmetric,
which makes a repeated solve look free and the first one twice as slow.
"""

from __future__ import annotations

import ctypes
import os
import sys
import weakref
from ctypes.util import find_library
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.transport.pnm.circuit import Floats
from porelab_gui.core.transport.pnm.pattern import Pattern

_SPD, _ANALYSE, _FACTORISE, _SOLVE, _FREE = 2, 11, 22, 33, -1
_STRICT = 0x10000
# strictly repeatable: AVX2 (Intel), what the processor does best (others), what every processor does
_BRANCHES = (10 | _STRICT, 2 | _STRICT, 3)
_FEW = 20_000  # unknowns below which a second thread brings less than it costs
_ERRORS = {
    -2: "not enough memory",
    -3: "the reordering failed",
    -4: "the matrix is not positive definite",
    -7: "the diagonal is singular",
    -8: "the factor is too large for 32-bit indices",
}


def _candidates() -> list[str]:
    names = ("libmkl_rt.so*", "libmkl_rt*.dylib", "mkl_rt*.dll")
    places = [Path(sys.prefix, sub) for sub in ("lib", "lib64", "Library/bin", "bin")]
    found = [str(p) for place in places for name in names for p in sorted(place.glob(name))]
    asked = os.environ.get("PYPARDISO_MKL_RT")
    system = find_library("mkl_rt")
    return [*([asked] if asked else []), *found, *([system] if system else [])]


@cache
def _entry() -> Any:
    """MKL's ``pardiso`` and what limits the threads of a call, or None where MKL is not installed."""
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            function = library.pardiso
        except (OSError, AttributeError):
            continue
        _make_repeatable(library)
        function.restype = None
        return function, getattr(library, "MKL_Set_Num_Threads_Local", lambda count: 0)
    return None


def _make_repeatable(library: Any) -> None:
    """Ask MKL for the same bits whatever the threads and the place of arrays in memory; a replay depends on it.

    It listens only before its first computation; a processor without one branch gets the next.
    """
    for branch in _BRANCHES:
        if hasattr(library, "MKL_CBWR_Set") and library.MKL_CBWR_Set(ctypes.c_int(branch)) == 0:
            return


def available() -> bool:
    """Whether MKL can be loaded."""
    return _entry() is not None


def _call(
    handle: NDArray[np.int64],
    control: NDArray[np.int32],
    phase: int,
    n: int,
    arrays: tuple[NDArray[Any], ...],
    columns: int = 1,
) -> int:
    """One call of PARDISO; returns its error code."""
    error = ctypes.c_int32(0)
    numbers = [ctypes.byref(ctypes.c_int32(v)) for v in (1, 1, _SPD, phase, n)]
    values, indptr, indices, b, x, order = (ctypes.c_void_p(a.ctypes.data) for a in arrays)
    function, limit = _entry()
    before = limit(1) if n < _FEW else None
    function(
        ctypes.c_void_p(handle.ctypes.data),
        *numbers,
        values,
        indptr,
        indices,
        order,
        ctypes.byref(ctypes.c_int32(columns)),
        ctypes.c_void_p(control.ctypes.data),
        ctypes.byref(ctypes.c_int32(0)),
        b,
        x,
        ctypes.byref(error),
    )
    if before is not None:
        limit(before)
    return int(error.value)


def _free(handle: NDArray[np.int64], control: NDArray[np.int32], n: int) -> None:
    nothing = np.zeros(1)
    index = np.zeros(1, np.int32)
    _call(handle, control, _FREE, n, (nothing, index, index, nothing, nothing, index))


class Pardiso:
    """Sparse Cholesky with nested dissection; the analysis of the pattern is done when it is made."""

    name = "pardiso"
    direct = True

    def __init__(self, pattern: Pattern) -> None:
        if not available():
            raise InputError(
                "PARDISO needs Intel MKL, and it is not installed",
                remedy="Install the package mkl, or choose the back end auto.",
            )
        self._pattern = pattern
        self._order = np.zeros(1, np.int32)
        self._handle = np.zeros(64, np.int64)
        self._control = self._settings()
        self._values = np.ones(len(pattern.indices))
        self._empty = np.zeros(1)
        self._run(_ANALYSE, self._empty, self._empty)
        self._cleanup = weakref.finalize(self, _free, self._handle, self._control, pattern.n)

    @staticmethod
    def _settings() -> NDArray[np.int32]:
        control = np.zeros(64, np.int32)
        control[0] = 1  # no defaults: what is 0 below is meant
        control[1] = 2  # nested dissection
        # control[23] stays 0: two-level factorisation ends the process on irregular networks once torch is loaded
        control[33] = os.cpu_count() or 1  # threads at most, in the reproducible mode
        control[17] = -1  # report the entries of the factor
        control[34] = 1  # indices count from 0
        return control

    @property
    def factor_bytes(self) -> int:
        """Memory that the factor takes, known after the analysis."""
        return 1024 * int(max(self._control[14], self._control[15] + self._control[16]))

    def _run(self, phase: int, b: Floats, x: Floats, columns: int = 1) -> None:
        p = self._pattern
        arrays = (self._values, p.indptr, p.indices, b, x, self._order)
        error = _call(self._handle, self._control, phase, p.n, arrays, columns)
        if error:
            raise NotConverged(
                f"PARDISO stopped: {_ERRORS.get(error, f'error {error}')}",
                remedy="Check the conductances for extreme values, or choose another back end.",
            )

    def update(self, values: Floats) -> None:
        self._values = np.ascontiguousarray(values, dtype=np.float64)
        self._run(_FACTORISE, self._empty, self._empty)

    def solve(self, b: Floats, tolerance: float) -> Floats:
        columns = 1 if b.ndim == 1 else b.shape[1]
        right = np.asfortranarray(b, dtype=np.float64)
        x = np.zeros_like(right, order="F")
        self._run(_SOLVE, right, x, columns)
        return x
