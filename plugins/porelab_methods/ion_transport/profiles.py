"""Concentrations and potential through the pore of one solved sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport import closures
from porelab_methods.ion_transport.system import Problem, Solution, failure

Array = NDArray[np.float64]


def profiles(solution: Solution, row: int = 0, points: int = 101, temperature: float = 298.15) -> dict[str, Array]:
    """Of one sample through the pore: ``x`` [1] from feed to permeate, ``concentration`` (points, n) [mol/m3], and
    ``potential`` [V] against the solution at the feed side."""
    from porelab_methods.ion_transport.kernel import CONVERGED
    from porelab_methods.ion_transport.newton import profile

    p, n = solution.problem, len(solution.ions)
    c, psi = np.zeros((points, n)), np.zeros(points)
    parts = (
        p.z[row],
        p.w[row],
        p.gone[row],
        p.pe[row],
        p.kc[row],
        p.kf[row],
        p.soft,
        p.lnphi[row],
        p.x[row],
        p.activity,
    )
    if not solution.ok[row] or profile(solution.unknowns[row], *parts, 1e-10, points, c, psi) != CONVERGED:
        raise failure(solution.ions, p, row)
    shift = _feed_step(p, row, c[0], solution)
    volts = closures.GAS_CONSTANT * temperature / closures.FARADAY
    trace = (p.w[row] == 0) & (p.z[row] != 0)
    return {
        "x": np.linspace(0.0, 1.0, points),
        "concentration": np.where(trace, 0.0, c),
        "potential": (psi - psi[0] + shift) * volts,
    }


def _feed_step(p: Problem, row: int, inside: Array, solution: Solution) -> float:
    """psi just inside the feed face against the solution there, from one charged ion that passes."""
    side = np.where(solution.membrane_side[row] > 0, solution.membrane_side[row], np.nan)
    strength = 0.5e-3 * float(np.nansum(p.w[row] * p.z[row] * side))
    root = np.sqrt(strength)
    gamma = -p.activity * p.z[row] ** 2 * (root / (1 + root) - 0.3 * strength)
    usable = ~p.gone[row] & (p.w[row] != 0)
    if not usable.any():
        return 0.0
    i = int(np.argmax(np.where(usable, inside, 0.0)))
    return float((np.log(side[i]) + gamma[i] + p.lnphi[row, i] - np.log(inside[i])) / p.z[row, i])
