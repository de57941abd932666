"""Pairs of regions as the nets read them, in batches, on all threads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.transport.conduit.dns import Conduits
from porelab_gui.core.transport.conduit.pool import run_batches, thread_count
from porelab_methods.conduit_cnn.model import CHANNELS, HYDRAULIC, NUMBERS
from porelab_methods.conduit_cnn.priors import OK

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
CELLS = 16


@dataclass(frozen=True)
class Geometry:
    """What the kernel needs of all pairs; ``square`` squared wall distances [edge^2], empty without hydraulics."""

    conduits: Conduits
    pairs: I64
    low: I64
    high: I64
    centres: F64
    radii: F64
    counts: I64
    virtual: NDArray[np.bool_]
    square: F32
    cells: int
    threads: int

    @classmethod
    def of(cls, conduits: Conduits, pairs: I64, hydraulic: bool, cells: int = CELLS, threads: int = 0) -> Geometry:
        """Boxes, centroids and radii of label pairs (n, 2)."""
        geometry = conduits.geometry
        low, high = geometry.pair_boxes(pairs)
        centres = geometry.centres(pairs, low)
        radii = np.round(geometry.radius[pairs]) + 0.0
        square = wall_distance(conduits, thread_count(threads)) if hydraulic else np.zeros((0, 0, 0), np.float32)
        counts, virtual = geometry.count[pairs], conduits.virtual[pairs]
        return cls(conduits, pairs, low, high, centres, radii, counts, virtual, square, cells, thread_count(threads))

    def edge(self) -> I64:
        """Longest edge of every box [voxel]."""
        longest: I64 = (self.high - self.low).max(axis=1)
        return longest

    def represent(self, rows: I64, progress: Progress = silent) -> Represented:
        """Channels, numbers and priors of some of the pairs."""
        from porelab_methods.conduit_cnn import kernel

        n, c = len(rows), self.cells
        out = np.empty((n, kernel.CHANNELS, c, c, c), np.float32)
        numbers, priors = np.zeros((n, kernel.NUMBERS)), np.full((n, 2), np.nan)
        status = np.zeros(n, np.int64)
        low, high, pairs = self.low[rows], self.high[rows], self.pairs[rows]
        centres, radii, counts, virtual = (a[rows] for a in (self.centres, self.radii, self.counts, self.virtual))

        def work(part: I64) -> None:
            kernel.represent_many(
                self.conduits.image, self.square, low, high, pairs, centres, radii, counts, virtual,
                self.conduits.edges, c, part, out, numbers, priors, status,
            )  # fmt: skip

        cost = np.prod(high - low, axis=1) + 20.0 * c**3
        run_batches(work, cost, self.threads, progress, "coarse solves")
        return Represented(out, numbers, priors, status == OK)

    def batches(self, size: int) -> Iterator[I64]:
        """Rows in order, ``size`` at a time."""
        for start in range(0, len(self.pairs), size):
            yield np.arange(start, min(start + size, len(self.pairs)))


@dataclass(frozen=True)
class Represented:
    """Channels (n, 8, c, c, c), numbers (n, k), priors (n, 2) ln g in voxels; ``good``: the coarse solve is there."""

    channels: F32
    numbers: F64
    priors: F64
    good: NDArray[np.bool_]

    def of(self, physics: str) -> tuple[F32, F32, F64]:
        """Channels, numbers and prior that the net of ``physics`` reads."""
        numbers = self.numbers[:, list(NUMBERS[physics])].astype(np.float32)
        return self.channels[:, list(CHANNELS[physics])], numbers, self.priors[:, int(physics == HYDRAULIC)]


def wall_distance(conduits: Conduits, threads: int) -> F32:
    """Squared distance of every voxel to the solid or to the outside of the image [mean edge^2]."""
    import edt

    void = conduits.image > 0
    square: F32 = edt.edtsq(void, anisotropy=tuple(conduits.edges), black_border=True, parallel=threads)
    return square
