"""The multigrid solver of ``poisson`` on a torch device: the same lattice, levels and cycle, as tensors.

Large levels run on the device; from ``HOST_BELOW`` nodes down a cycle is cheaper on the host, where it is one call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.conduit.ladder import cycle
from porelab_gui.core.transport.conduit.lattice import F32, F64, U32
from porelab_gui.core.transport.conduit.poisson import Lattice, Outcome

if TYPE_CHECKING:
    from torch import Tensor, device

HOST_BELOW = 20_000


def pick_device(asked: str) -> str:
    """ "cuda" when asked for or when there is one under "auto", else "cpu"; ParameterError when it is not there."""
    if asked == "cpu":
        return "cpu"
    import torch

    from porelab_gui.core.errors import ParameterError

    if torch.cuda.is_available():
        return "cuda"
    if asked == "cuda":
        raise ParameterError("there is no CUDA device on this machine", where="device", remedy="Choose auto or cpu.")
    return "cpu"


@dataclass
class Level:
    """One level on the device: links (6, n), weights (6, n) or (6, 1), diagonal, inverse, parent of the reds."""

    links: Tensor
    weights: Tensor
    diagonal: Tensor
    inverse: Tensor
    parent: Tensor
    reds: int
    coarse: int

    @property
    def n(self) -> int:
        """Number of nodes."""
        return int(self.links.shape[1])

    def inflow(self, x: Tensor, lo: int, hi: int) -> Tensor:
        """Weighted sum of the neighbours of nodes lo .. hi - 1; x ends in a zero."""
        weights = self.weights if self.weights.shape[1] == 1 else self.weights[:, lo:hi]
        return (weights.to(x.dtype) * x[self.links[:, lo:hi]]).sum(dim=0)

    def relax(self, x: Tensor, b: Tensor, lo: int, hi: int) -> None:
        """Gauss-Seidel on one colour."""
        x[lo:hi] = (b[lo:hi] + self.inflow(x, lo, hi)) * self.inverse[lo:hi]

    def restrict(self, residual: Tensor) -> Tensor:
        """Red residuals summed into the coarse cells."""
        return residual.new_zeros(self.coarse).index_add_(0, self.parent, residual)


def to_level(links: U32, weights: F32, diagonal: NDArray[np.floating], parent: U32, reds: int, coarse: int,
             where: device) -> Level:  # fmt: skip
    """Arrays of one level as tensors on the device ``where``."""
    import torch

    one = np.repeat(weights, 2)[:, None] if weights.ndim == 1 else weights
    d = torch.as_tensor(np.array(diagonal), device=where)
    single = d.to(torch.float32)
    return Level(
        links=torch.as_tensor(links.astype(np.int32), device=where),
        weights=torch.as_tensor(np.ascontiguousarray(one, dtype=np.float32), device=where),
        diagonal=d,
        inverse=torch.where(single > 0, 1 / single, torch.zeros_like(single)),
        parent=torch.as_tensor(parent[:reds].astype(np.int32), device=where),
        reds=reds,
        coarse=coarse,
    )


class DeviceLattice:
    """A lattice with its large coarse levels on a torch device."""

    def __init__(self, lattice: Lattice, where: str) -> None:
        import torch

        self.where = torch.device(where)
        ladder = lattice.ladder
        sizes = np.diff(ladder.start) - 1
        self.ladder = ladder
        self.large = int(np.count_nonzero(sizes > HOST_BELOW))
        self.fine = to_level(lattice.links, lattice.weights, lattice.diagonal, lattice.parent, lattice.reds,
                             int(sizes[0]), self.where)  # fmt: skip
        self.levels = []
        for k in range(self.large):
            s, n = int(ladder.start[k]), int(sizes[k])
            cut = slice(s, s + n)
            self.levels.append(
                to_level(ladder.links[:, cut], ladder.weights[:, cut], ladder.diagonal[cut], ladder.parent[cut],
                         int(ladder.reds[k]), int(sizes[k + 1]), self.where)
            )  # fmt: skip

    def coarse(self, k: int, b: Tensor) -> Tensor:
        """W-cycle on level k: the answer with a zero behind it."""
        import torch

        if k >= self.large:
            s, e = int(self.ladder.start[k]), int(self.ladder.start[k + 1])
            self.ladder.b[s : e - 1] = b.cpu().numpy()
            cycle(self.ladder, k)
            return torch.as_tensor(self.ladder.x[s:e].copy(), device=self.where)
        level = self.levels[k]
        x = b.new_zeros(level.n + 1)
        for _ in range(2):
            level.relax(x, b, 0, level.reds)
            level.relax(x, b, level.reds, level.n)
            residual = b[: level.reds] - level.diagonal[: level.reds] * x[: level.reds] + level.inflow(x, 0, level.reds)
            x[: level.reds] += self.coarse(k + 1, level.restrict(residual))[level.parent]
            level.relax(x, b, level.reds, level.n)
            level.relax(x, b, 0, level.reds)
        return x

    def precondition(self, r: Tensor) -> Tensor:
        """One symmetric cycle on the blacks' residual r (double precision): blacks' correction in double precision."""
        import torch

        f = self.fine
        z = torch.zeros(f.n + 1, dtype=torch.float32, device=self.where)
        single = r.to(torch.float32)
        z[f.reds : f.n] = single * f.inverse[f.reds :]
        down = self.coarse(0, f.restrict(f.inflow(z, 0, f.reds)))
        z[: f.reds] = down[f.parent]
        z[f.reds : f.n] = (single + f.inflow(z, f.reds, f.n)) * f.inverse[f.reds :]
        return z[f.reds : f.n].to(torch.float64)

    def eliminate(self, x: Tensor, b: Tensor) -> Tensor:
        """Set x on the reds to their balance; the blacks' residual."""
        f = self.fine
        x[: f.reds] = (b[: f.reds] + f.inflow(x, 0, f.reds)) / f.diagonal[: f.reds]
        return b[f.reds :] - f.diagonal[f.reds :] * x[f.reds : f.n] + f.inflow(x, f.reds, f.n)


def solve_on_device(
    lattice: Lattice, into: F32, x: F64, tolerance: float, limit: int, progress: Progress, where: str
) -> Outcome:
    """``poisson.solve`` on a torch device; x is improved in place."""
    import torch

    on = DeviceLattice(lattice, where)
    f, n = on.fine, on.fine.n
    b = torch.as_tensor(into.astype(np.float64), device=on.where)
    y = torch.as_tensor(x.copy(), device=on.where)
    scale = float((on.eliminate(torch.zeros_like(y), b) ** 2).sum())
    r = on.eliminate(y, b)
    p = torch.zeros_like(y)

    def energy() -> float:
        return float(b.sum() - b @ y[:n] - y[f.reds : n] @ r)

    rate, rho, it, error = energy(), 0.0, 0, np.inf
    drops = [np.inf] * 3
    left = float(r @ r)
    while it < limit and error > tolerance and left > 1e-28 * scale:
        it += 1
        z = on.precondition(r)
        rho_new = float(r @ z)
        p[f.reds : n] = z + (rho_new / rho if it > 1 else 0.0) * p[f.reds : n]
        rho = rho_new
        p[: f.reds] = f.inflow(p, 0, f.reds) / f.diagonal[: f.reds]
        q = f.diagonal[f.reds :] * p[f.reds : n] - f.inflow(p, f.reds, n)
        step = rho / float(p[f.reds : n] @ q)
        y[f.reds : n] += step * p[f.reds : n]
        r -= step * q
        left = float(r @ r)
        rate -= step * rho
        drops = [*drops[1:], step * rho]
        error = sum(drops) / rate
        far = np.log(max(min(error, 1.0), tolerance)) / np.log(tolerance)
        progress(far, 1, f"iteration {it}", residual=float(np.sqrt(left / scale)))
    r = on.eliminate(y, b)
    left = float(r @ r)
    x[:] = y.cpu().numpy()
    done = 0.0 if left <= 1e-28 * scale else float(error)
    return Outcome(float(np.sqrt(left / scale)) if scale > 0 else 0.0, it, energy(), done)
