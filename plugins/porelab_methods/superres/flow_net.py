"""A surrogate that solves: a net gives the conductivity of coarse cells, Darcy's law on them gives K.

What a net of features must learn from examples, that K is ruled by the narrowest way through, the solve knows; the
net is left with what is local. It needs a fraction of the blocks (docs/superres.md).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from porelab_gui.core.errors import InputError
from porelab_methods.superres.darcy import effective
from porelab_methods.superres.residual import Residual

SLOPE = 0.1
FLOOR = 1e-5  # of phi^2, so that a cell without void has a logarithm
FIRST_GUESS = 3.0  # conductivity of a cell over the square of its porosity [px2]; of no weight after the first steps
REACH = 3.0  # logarithms that one unit of the last layer moves a conductivity
LIMITS = (-14.0, 6.0)  # of the logarithm of a conductivity; a solid cell is e^-14 of an open one
CELLS = (1, 2, 4, 8)


class FlowSurrogate(nn.Module):
    """log10 K [px2] along z (B,) from probability of void (B, 1, D, H, W).

    Convolutions give three conductivities to each cell of ``cell``^3 voxels; Darcy flow through the grid of cells
    gives K. Edges that are no multiple of the cell lose the rest.
    """

    def __init__(self, cell: int = 4, width: int = 24, blocks: int = 2) -> None:
        super().__init__()
        if cell not in CELLS:
            raise InputError(f"a cell of {cell} voxels is not one of {CELLS}", where="cell")
        self.cell = cell
        stages = round(math.log2(cell))
        widths = [1, *[max(2, width >> (stages - 1 - k)) for k in range(stages)]] if stages else [1, width]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            small = nn.Conv3d(before, after, 4, stride=2, padding=1) if stages else nn.Conv3d(1, after, 3, padding=1)
            layers += [small, nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*layers, *[Residual(widths[-1], SLOPE) for _ in range(blocks)])
        self.tail = nn.Conv3d(widths[-1], 3, 1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def conductivity(self, void: torch.Tensor) -> torch.Tensor:
        """Of each cell along z, y, x [px2] (B, 3, D / cell, H / cell, W / cell)."""
        d, h, w = (n - n % self.cell for n in void.shape[2:])
        if min(d, h, w) < 2 * self.cell:
            raise InputError(f"{tuple(void.shape[2:])} voxels are too few", where="surrogate")
        whole = void[:, :, :d, :h, :w]
        features = self.body((2.0 * whole - 1.0).contiguous(memory_format=torch.channels_last_3d))
        share = functional.avg_pool3d(whole, self.cell) if self.cell > 1 else whole
        guess = torch.log(FIRST_GUESS * share.square() + FLOOR)
        # single precision or better: the solve bears no half precision
        logs = guess.float() if guess.dtype == torch.bfloat16 else guess
        logs = logs + REACH * self.tail(features).to(logs.dtype)
        return torch.exp(logs.clamp(*LIMITS))

    def forward(self, void: torch.Tensor) -> torch.Tensor:
        """log10 of K in squared voxels of the image given."""
        return torch.log10(effective(self.conductivity(void)))

    def standardise(self, mean: float, deviation: float) -> None:
        """Nothing to set: the first guess of the conductivities is near enough to begin at."""
