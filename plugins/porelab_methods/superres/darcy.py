"""Darcy flow on a coarse grid, differentiable in the conductivities of its cells."""

from __future__ import annotations

import torch

TOLERANCE = 1e-5  # of the residual, relative and in the norm of the preconditioner; K is right to its square
TURNS_PER_CELL = 40  # of the conjugate gradients, times the cells along the flow, at most

Faces = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def effective(conductivity: torch.Tensor) -> torch.Tensor:
    """Conductivity along z (B,) of grids of cells (B, 3, D, H, W); one channel per axis, all positive.

    Two-point fluxes with harmonic means between cells, pressure 1 and 0 on the faces across z, no flow through the
    other four. The gradient is exact for a solved pressure p: with energy E(k) = min_p sum T (dp)^2 the derivative
    of E is (dp)^2 for each transmissibility T (envelope theorem), so that nothing passes through the solver.
    """
    faces = _faces(conductivity)
    p = pressure(conductivity)
    inner = ((faces[0], -p.diff(dim=1)), (faces[1], p.diff(dim=2)), (faces[2], p.diff(dim=3)))
    energy = sum((t * d.square()).sum((1, 2, 3)) for t, d in inner)
    energy = energy + (faces[3] * (1.0 - p[:, 0]).square() + faces[4] * p[:, -1].square()).sum((1, 2))
    depth, height, width = conductivity.shape[2:]
    out: torch.Tensor = energy * depth / (height * width)
    return out


@torch.no_grad()
def pressure(conductivity: torch.Tensor) -> torch.Tensor:
    """Pressures (B, D, H, W) by conjugate gradients with the diagonal as preconditioner, in double precision."""
    exact = torch.float32 if conductivity.device.type == "mps" else torch.float64
    faces = tuple(f.to(exact) for f in _faces(conductivity))
    depth = conductivity.shape[2]
    tiny = torch.finfo(exact).tiny
    diagonal, load = _diagonal(faces), torch.zeros_like(conductivity[:, 0], dtype=exact)
    load[:, 0] = faces[3]
    fall = 1.0 - (torch.arange(depth, dtype=exact, device=load.device) + 0.5) / depth
    p = fall[None, :, None, None].expand(load.shape).clone()
    r = load - _leaving(faces, p)
    z = r / diagonal
    way, rz = z.clone(), _dot(r, z)
    enough = TOLERANCE**2 * _dot(load, load / diagonal)
    for turn in range(TURNS_PER_CELL * depth):
        if turn % 8 == 0 and bool((rz <= enough).all()):  # not in each turn: it waits for the device
            break
        along = _leaving(faces, way)
        step = rz / _dot(way, along).clamp_min(tiny)
        p += step * way
        r -= step * along
        z = r / diagonal
        before, rz = rz, _dot(r, z)
        way = z + rz / before.clamp_min(tiny) * way
    return p.to(conductivity.dtype)


def _faces(k: torch.Tensor) -> Faces:
    """Transmissibilities between neighbours along z, y, x, and of the half cells at both ends of z."""
    z, y, x = k.unbind(1)
    return (
        _harmonic(z[:, :-1], z[:, 1:]),
        _harmonic(y[:, :, :-1], y[:, :, 1:]),
        _harmonic(x[..., :-1], x[..., 1:]),
        2.0 * z[:, 0],
        2.0 * z[:, -1],
    )


def _harmonic(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return 2.0 * a * b / (a + b)


def _leaving(faces: tuple[torch.Tensor, ...], p: torch.Tensor) -> torch.Tensor:
    """Net flow out of each cell, with zero pressure at both ends."""
    out = torch.zeros_like(p)
    for axis, t in zip((1, 2, 3), faces[:3], strict=True):
        flow = -t * p.diff(dim=axis)
        count = p.shape[axis] - 1
        out.narrow(axis, 0, count).add_(flow)
        out.narrow(axis, 1, count).sub_(flow)
    out[:, 0] += faces[3] * p[:, 0]
    out[:, -1] += faces[4] * p[:, -1]
    return out


def _diagonal(faces: tuple[torch.Tensor, ...]) -> torch.Tensor:
    first = faces[0]
    out = first.new_zeros((first.shape[0], first.shape[1] + 1, *first.shape[2:]))
    for axis, t in zip((1, 2, 3), faces[:3], strict=True):
        count = out.shape[axis] - 1
        out.narrow(axis, 0, count).add_(t)
        out.narrow(axis, 1, count).add_(t)
    out[:, 0] += faces[3]
    out[:, -1] += faces[4]
    return out


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum((1, 2, 3), keepdim=True)
