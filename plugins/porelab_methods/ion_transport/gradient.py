"""Derivatives of rejections by the membrane parameters, from the sensitivities of a solution. Numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport import closures
from porelab_methods.ion_transport.system import Conditions, Membrane, Solution

Array = NDArray[np.float64]
_STEP = 1e-6  # relative, of the central differences on the closed forms (error about 1e-11)


def rejection_jacobian(solution: Solution, membrane: Membrane, conditions: Conditions) -> Array:
    """d (observed rejection) / d (pore radius, thickness, charge, permittivity), (B, n, 4); NaN where unsolved."""
    if solution.dy is None:
        raise ValueError("solve with sensitivities=True first")
    p, n = solution.problem, len(solution.ions)
    made = np.zeros((*p.feed.shape, 4))
    dlog = solution.dy
    for k, slopes in enumerate(_slopes(solution, membrane, conditions)):
        total = np.zeros(p.feed.shape)
        for block, slope in enumerate(slopes):  # pe, kc, lnphi
            total += np.einsum("bij,bj->bi", dlog[:, :, block * n : (block + 1) * n], slope)
        if k == 2:
            total += dlog[:, :, 3 * n] * (p.x != 0.0)[:, None]
        made[:, :, k] = -(1.0 - solution.rejection) * total
    made[p.gone] = 0.0
    return np.where(solution.ok[:, None, None], made, np.nan)


def _slopes(solution: Solution, membrane: Membrane, conditions: Conditions) -> list[tuple[Array, Array, Array]]:
    """d (pe, kc, lnphi) by each of the four parameters."""
    p = solution.problem
    r = np.array([i.radius for i in solution.ions])
    radius = np.broadcast_to(np.asarray(membrane.pore_radius, float), p.x.shape)[:, None]
    eps = np.broadcast_to(np.asarray(membrane.permittivity, float), p.x.shape)[:, None]
    thickness = np.broadcast_to(np.asarray(membrane.thickness, float), p.x.shape)[:, None]

    def forms(a: Array, e: Array) -> tuple[Array, Array, Array]:
        ratio = np.minimum(r / a, 1.0 - 1e-9)
        born = closures.log_born(p.z, r, e, conditions.permittivity, conditions.temperature)
        phi = closures.log_steric(ratio) + born
        return np.log(closures.diffusion_hindrance(ratio)), closures.convection_hindrance(ratio) + 0 * phi, phi

    held = p.pe * 1.000001 < solution.flux[:, None] * thickness / (
        np.exp(forms(radius, eps)[0])
        * closures.diffusivity_at(np.array([i.diffusivity for i in solution.ions]), conditions.temperature)
    )
    pe = np.where(held, 0.0, p.pe)  # a number held at its cap does not move
    up, down = forms(radius * (1 + _STEP), eps), forms(radius * (1 - _STEP), eps)
    by_radius = [(a - b) / (2 * _STEP * radius) for a, b in zip(up, down, strict=True)]
    up, down = forms(radius, eps * (1 + _STEP)), forms(radius, eps * (1 - _STEP))
    by_eps = (up[2] - down[2]) / (2 * _STEP * eps)
    none = np.zeros_like(p.pe)
    return [
        (-pe * by_radius[0], by_radius[1], by_radius[2]),
        (pe / thickness, none, none),
        (none, none, none),
        (none, none, by_eps),
    ]
