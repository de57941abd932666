"""DSPM-DE as a differentiable torch function (implicit function theorem), float64.

Forward is the compiled solver; backward uses its sensitivities at the solution, so no march is kept in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from porelab_methods.ion_transport import closures
from porelab_methods.ion_transport.ions import Ion
from porelab_methods.ion_transport.system import Conditions, Membrane, Solution, pose, solve_problem

Tensor = torch.Tensor


class _Implicit(torch.autograd.Function):
    """(pe, kc, lnphi, x, film, ln feed) -> (ln c_p, ln c_m), columns of the sensitivities in that order."""

    @staticmethod
    def forward(ctx: Any, solution: Solution, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(torch.as_tensor(solution.dy), torch.as_tensor(solution.dcm))
        ctx.shapes = [i.shape for i in inputs]
        dead = solution.problem.gone
        log_cp = np.where(dead, -np.inf, solution.unknowns)
        with np.errstate(divide="ignore"):
            log_cm = np.log(np.where(solution.problem.w != 0, solution.membrane_side, 1.0))
        ctx.alive = torch.as_tensor(~dead)
        return torch.as_tensor(log_cp), torch.as_tensor(log_cm)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        dy, dcm = ctx.saved_tensors
        grad_p = torch.where(ctx.alive, grads[0], torch.zeros_like(grads[0]))
        total = torch.einsum("bi,bij->bj", grad_p, dy) + torch.einsum("bi,bij->bj", grads[1], dcm)
        n = dy.shape[1]
        parts = torch.split(total, [n, n, n, 1, n, n], dim=1)
        return (None, *(p.reshape(s) for p, s in zip(parts, ctx.shapes, strict=True)))


def rejection(
    ions: Sequence[Ion],
    feed: Tensor,
    flux: Tensor,
    pore_radius: Tensor,
    thickness: Tensor,
    charge: Tensor,
    permittivity: Tensor,
    conditions: Conditions = Conditions(),  # noqa: B008
) -> Tensor:
    """Observed rejection (B, n), differentiable with respect to ``feed`` (B, n) [mol/m3], ``flux`` (B,) [m/s] and the
    membrane (each (B,) or a scalar; SI). Feeds must be neutral and without zeros. Gradients with respect to an ion's
    concentration are at fixed concentrations of the others, so only neutral combinations of them have a meaning."""
    return 1.0 - permeate(ions, feed, flux, pore_radius, thickness, charge, permittivity, conditions)[0] / feed


def permeate(
    ions: Sequence[Ion],
    feed: Tensor,
    flux: Tensor,
    pore_radius: Tensor,
    thickness: Tensor,
    charge: Tensor,
    permittivity: Tensor,
    conditions: Conditions = Conditions(),  # noqa: B008
) -> tuple[Tensor, Tensor]:
    """Concentrations (B, n) [mol/m3] of the permeate and of the feed at the membrane; arguments of ``rejection``."""
    count = feed.shape[0]
    values = [v.double().expand(count) for v in (flux, pore_radius, thickness, charge, permittivity)]
    flat = [v.detach().numpy() for v in values]
    problem, j = pose(ions, feed.detach().numpy(), flat[0], Membrane(*flat[1:]), conditions)
    solution = solve_problem(tuple(ions), problem, j, sensitivities=True, strict=True)
    inputs = _reduced(ions, feed, values, conditions, solution)
    implicit: Any = _Implicit
    log_cp, log_cm = implicit.apply(solution, *inputs)
    return torch.exp(log_cp), torch.exp(log_cm)


def _reduced(
    ions: Sequence[Ion], feed: Tensor, values: list[Tensor], conditions: Conditions, solution: Solution
) -> list[Tensor]:
    """What the kernel takes, as torch functions of the membrane; the same closed forms as in ``pose``."""
    flux, radius, thickness, charge, eps = (v[:, None] for v in values)
    z, d, r = (torch.tensor([float(getattr(i, k)) for i in ions], dtype=torch.float64)
               for k in ("charge", "diffusivity", "radius"))  # fmt: skip
    d = closures.diffusivity_at(d, conditions.temperature)
    ratio = r / radius
    inside = torch.clamp(ratio, max=1.0 - 1e-12)
    pe = flux * thickness / (closures.diffusion_hindrance(inside, torch) * d)
    solved = torch.as_tensor(solution.problem.pe)
    pe = torch.where(pe > 1.000001 * solved, solved, pe)  # where the march was held to a largest number
    lnphi = closures.log_steric(inside, torch) + closures.log_born(
        z, r, eps, conditions.permittivity, conditions.temperature
    )
    film = flux / (conditions.transfer * (d / 1e-9))
    kc = closures.convection_hindrance(inside) * torch.ones_like(feed)
    live = torch.as_tensor(solution.problem.x != 0.0)[:, None]  # a pore without a pair of ions counts as uncharged
    x = torch.where(live, charge, torch.zeros_like(charge))
    return [pe, kc, lnphi * torch.ones_like(feed), x, film * torch.ones_like(feed), torch.log(feed)]
