"""Conjugate gradients with a Jacobi preconditioner in torch, float64: on a CUDA device, or on the CPU for tests."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.transport.pnm.circuit import Floats
from porelab_gui.core.transport.pnm.pattern import Pattern

_CHECK = 25  # iterations between two looks at the residual: each look waits for the device


def cuda_available() -> bool:
    """Whether torch sees a CUDA device."""
    import torch

    return torch.cuda.is_available()


class TorchCG:
    """CG on ``device``; several right-hand sides run together."""

    direct = False

    def __init__(self, pattern: Pattern, device: str = "cuda") -> None:
        if device == "cuda" and not cuda_available():
            raise InputError("there is no CUDA device", remedy="Choose the back end auto, amg or pardiso.")
        self.name = f"torch_cg ({device})"
        self._pattern = pattern
        self._device = device

    def update(self, values: Floats) -> None:
        import torch

        indptr, indices, source = self._pattern.full
        rows, columns, data = (torch.as_tensor(part).to(self._device) for part in (indptr, indices, values[source]))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*Sparse")  # torch says once that CSR is in beta
            shape = (self._pattern.n, self._pattern.n)
            self._matrix = torch.sparse_csr_tensor(rows, columns, data, shape, check_invariants=False)
        self._inverse = 1.0 / torch.as_tensor(values[self._pattern.diagonal]).to(self._device)[:, None]

    def solve(self, b: Floats, tolerance: float) -> Floats:
        import torch

        right = torch.as_tensor(np.ascontiguousarray(b), device=self._device)
        flat = right[:, None] if right.ndim == 1 else right
        with torch.no_grad():
            x = self._iterate(flat, tolerance)
        found: Floats = x.reshape(right.shape).cpu().numpy()
        return found

    def _iterate(self, b: Any, tolerance: float) -> Any:
        import torch

        x = torch.zeros_like(b)
        r = b.clone()
        z = self._inverse * r
        p = z.clone()
        rz = (r * z).sum(0)
        goal = tolerance * torch.linalg.vector_norm(b, dim=0)
        most = 20 * int(self._pattern.n**0.5) + 5000
        for step in range(most):
            if step % _CHECK == 0 and bool((torch.linalg.vector_norm(r, dim=0) <= goal).all()):
                return x
            q = self._matrix @ p
            alpha = rz / (p * q).sum(0).clamp_min(torch.finfo(b.dtype).tiny)
            x += alpha * p
            r -= alpha * q
            z = self._inverse * r
            new = (r * z).sum(0)
            p = z + (new / rz.clamp_min(torch.finfo(b.dtype).tiny)) * p
            rz = new
        raise NotConverged(
            f"CG on {self._device} did not reach a residual of {tolerance:g} in {most} iterations",
            remedy="Choose the back end pardiso or amg.",
        )
