"""Flow through networks as differentiable torch functions: float64 inside, gradients in the dtype of the input.

Permeability needs no second solve: dK/dg_e = scale * (p_i - p_j)^2 (Dirichlet's principle; Zhao and Xiao 2025 solve
an adjoint system for the same). Pressures and flows use the general adjoint with the factor of the forward solve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from porelab_gui.core.transport.pnm.batch import BatchSystem
from porelab_gui.core.transport.pnm.circuit import Floats
from porelab_gui.core.transport.pnm.system import PnmSystem


def permeability(system: PnmSystem, g: torch.Tensor) -> torch.Tensor:
    """K (0-dim tensor; m2, or D_eff in m2/s) of one axis for throat conductances ``g`` (Nt,)."""
    return _Value.apply(g, system)  # type: ignore[no-any-return, no-untyped-call]


def permeabilities(systems: Sequence[PnmSystem], g: torch.Tensor) -> torch.Tensor:
    """(k,) K along several axes of one network, each a ``PnmSystem``, for the same ``g`` (Nt,)."""
    return torch.stack([permeability(system, g) for system in systems])


def batch_permeability(batch: BatchSystem, g: torch.Tensor) -> torch.Tensor:
    """(B,) K of the networks of ``batch`` for their conductances one after another, ``g`` (sum of Nt,)."""
    return _BatchValue.apply(g, batch)  # type: ignore[no-any-return, no-untyped-call]


def potentials(system: PnmSystem, g: torch.Tensor) -> torch.Tensor:
    """(n,) potentials of the nodes (the pores come first) per unit drop, 0 where none is defined."""
    return _Potential.apply(g, system)  # type: ignore[no-any-return, no-untyped-call]


def flows(system: PnmSystem, g: torch.Tensor) -> torch.Tensor:
    """(Nt,) flow along every throat, from its first to its second pore, per unit drop."""
    level = potentials(system, g)
    ends = torch.as_tensor(system.circuit.ends[: system.n_throats], device=level.device)
    return g.to(level.dtype) * (level[ends[:, 0]] - level[ends[:, 1]])


def _plain(g: torch.Tensor) -> Floats:
    values: Floats = g.detach().to("cpu", torch.float64).numpy()
    return values


def _like(values: Any, g: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(values)).to(device=g.device, dtype=g.dtype)


class _Value(Function):
    """K and, from the same solve, its gradient."""

    @staticmethod
    def forward(ctx: Any, g: torch.Tensor, system: PnmSystem) -> torch.Tensor:
        solution = system.solve(_plain(g))
        if g.requires_grad:
            ctx.save_for_backward(_like(solution.gradient[: system.n_throats], g))
        return _like(np.float64(solution.value), g).reshape(())

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, outer: torch.Tensor) -> tuple[torch.Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return outer * gradient, None


class _BatchValue(Function):
    """K of every network of a batch; the gradient of each is spread over its own throats."""

    @staticmethod
    def forward(ctx: Any, g: torch.Tensor, batch: BatchSystem) -> torch.Tensor:
        values, ctx.gradient = batch.solve(_plain(g))
        ctx.batch, ctx.like = batch, g.detach()[:0]
        return _like(values, g)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, outer: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _like(ctx.gradient * _plain(outer)[ctx.batch.owner], ctx.like), None


class _Potential(Function):
    """Potentials by one solve; backward is one more solve with the same factor."""

    @staticmethod
    def forward(ctx: Any, g: torch.Tensor, system: PnmSystem) -> torch.Tensor:
        solution = system.solve(_plain(g))
        ctx.solution, ctx.system, ctx.like = solution, system, g.detach()[:0]
        return torch.as_tensor(np.nan_to_num(solution.potential)).to(g.device)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, outer: torch.Tensor) -> tuple[torch.Tensor, None]:
        system: PnmSystem = ctx.system
        weight = system.adjoint(_plain(outer), ctx.solution)
        ends = system.circuit.ends[: system.n_throats]
        gradient = -(weight[ends[:, 0]] - weight[ends[:, 1]]) * ctx.solution.drop[: system.n_throats]
        return _like(gradient, ctx.like), None
