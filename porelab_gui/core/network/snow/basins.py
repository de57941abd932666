"""Marker watershed of the distance map without a queue: steepest ascent, then the basins without a marker are filled.

Meyer's flooding gives a voxel the label of the neighbour that was flooded first. Flooding times are ordered by the
level e at which water coming from the markers first reaches a voxel (e is the level itself, except in a basin that
has no marker, which fills up from its pass) and on a plateau of e by the distance from where the water comes in.
Both are found without simulating the flood: basins without a marker are lowered to their pass, each voxel points to
its highest neighbour, and plateaus are crossed breadth first. Of neighbours of one level a queue serves first the one
whose own way up rises sooner; that is decided here by the rises of the next five steps, and where these are equal by
the whole ways. So the labels are those of scikit-image's masked watershed, plateaus included; what may differ are
voxels between two markers of equal height, for which its heap has no rule (a few in 100,000, as when the image is
mirrored).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.network.snow import flood_kernels as kernels
from porelab_gui.core.network.snow.peaks import Indices, neighbours
from porelab_gui.core.network.snow.slabs import each, ranges
from porelab_gui.core.progress import Progress, within

ROUNDS = 6  # one for each field of a key, and one that settles the ways
MOST_TURNS = 24  # of comparing whole ways; each makes five steps more of every way exact


def flood(level: NDArray[Any], label: NDArray[np.int32], threads: int, progress: Progress) -> None:
    """Spread the marker labels 1..n over the void (``level`` > 0) in place; both images have a shell.

    Void that no marker reaches keeps the label 0. ``level`` is changed.
    """
    if label.max(initial=0) == 0:
        return
    work = _Flood(level, label, threads)
    work.fill(within(progress, 0, 0.3), np.zeros(1, dtype=np.uint8))
    work.descend(within(progress, 0.3, 1))


def flood_block(
    level: NDArray[Any],
    label: NDArray[np.int32],
    low: NDArray[np.bool_],
    high: NDArray[np.bool_],
    threads: int,
    progress: Progress,
) -> NDArray[np.bool_]:
    """As ``flood`` for a block of a larger image that goes on where ``low`` and ``high`` (z, y, x) say.

    Returns where the label may not be that of the whole image.
    """
    doubt = np.zeros(level.shape, dtype=np.uint8)
    kernels.doubt_from_faces(level, doubt, low, high)
    before, rooted = level.copy(), label > 0
    work = _Flood(level, label, threads)
    work.fill(within(progress, 0, 0.3), doubt.reshape(-1))
    work.descend(within(progress, 0.3, 0.9))
    kernels.spread_doubt(
        work.level, before.reshape(-1), work.label, work.way, work.six, doubt.reshape(-1), rooted.reshape(-1)
    )
    return doubt > 0


class _Flood:
    """The images of one watershed and the rows they are worked through by."""

    def __init__(self, level: NDArray[Any], label: NDArray[np.int32], threads: int) -> None:
        nz, ny, nx = level.shape
        self.level, self.label = level.reshape(-1), label.reshape(-1)
        self.way = np.full(level.size, kernels.NONE, dtype=np.uint8)
        self.key = np.zeros(level.size, dtype=np.uint32)
        self.six = neighbours(level.shape, 6)
        self.width, self.threads = nx - 2, threads
        self.layer = ny * nx
        self.slabs = ranges(1, nz - 1, self.layer, threads)
        self.rows = {slab: self._rows(slab, ny, nx) for slab in self.slabs}

    def _rows(self, slab: tuple[int, int], ny: int, nx: int) -> Indices:
        z, y = np.mgrid[slab[0] : slab[1], 1 : ny - 1]
        return np.ascontiguousarray(((z * ny + y) * nx + 1).reshape(-1))

    def _each(self, work: Any, progress: Progress, message: str) -> list[Any]:
        return each(work, [(slab, self.rows[slab]) for slab in self.slabs], self.threads, progress, message)

    def _slopes(self, progress: Progress) -> None:
        def work(slab: tuple[int, int], rows: Indices) -> None:
            kernels.slopes_slab(self.level, self.label, self.way, self.key, self.six, rows, self.width)

        self._each(work, progress, "watershed: slopes")

    def _flats(self, progress: Progress) -> Indices:
        def work(slab: tuple[int, int], rows: Indices) -> Indices:
            return kernels.steepest_flats(self.way, slab[0] * self.layer, slab[1] * self.layer)

        return np.concatenate(self._each(work, progress, "watershed: plateaus"))

    def fill(self, progress: Progress, doubt: NDArray[np.uint8]) -> None:
        """Lower the basins that have no marker to their passes, so that every voxel drains to a marker."""
        self._slopes(within(progress, 0, 0.4))
        flats = self._flats(within(progress, 0.4, 0.5))
        seeds = kernels.drain_flats(self.level, self.way, self.six, flats)
        step = 5000
        for begin in range(0, len(seeds), step):
            within(progress, 0.5, 1)(begin, len(seeds), "watershed: basins without a marker")
            end = min(begin + step, len(seeds))
            kernels.fill_pits(self.level, self.label, self.six, seeds, begin, end, doubt)

    def _settle(self, progress: Progress) -> None:
        """Decide the ties that are left by comparing whole ways up, until nothing changes any more."""

        def open_ones(slab: tuple[int, int], rows: Indices) -> Indices:
            start = slab[0] * self.layer
            return np.flatnonzero(self.way[start : slab[1] * self.layer] & kernels.TIE) + start

        voxels = np.concatenate(self._each(open_ones, within(progress, 0, 0.05), "watershed: ties"))
        flats = self._flats(within(progress, 0.05, 0.1))
        self.way[voxels] &= 15
        kernels.drain_flats(self.level, self.way, self.six, flats)
        voxels = np.concatenate([voxels[self.way[voxels] < kernels.FLAT], flats[self.way[flats] < kernels.FLAT]])
        voxels = np.unique(voxels)
        out = np.empty(len(voxels), dtype=np.uint8)
        pieces = [(k, min(k + 100_000, len(voxels))) for k in range(0, len(voxels), 100_000)]

        def settle(a: int, b: int) -> int:
            return kernels.settle_ties(self.level, self.way, self.key, self.six, voxels[a:b], out[a:b])

        for turn in range(MOST_TURNS):
            part = within(progress, 0.1 + 0.9 * turn / MOST_TURNS, 0.1 + 0.9 * (turn + 1) / MOST_TURNS)
            changed = sum(each(settle, pieces, self.threads, part, "watershed: ties"))
            self.way[voxels] = out
            if not changed:
                return

    def descend(self, progress: Progress) -> None:
        """Label all void by the way its voxels drain."""
        self._slopes(within(progress, 0, 0.2))
        for k in range(ROUNDS):

            def carry(slab: tuple[int, int], rows: Indices, last: bool = k == ROUNDS - 1) -> None:
                kernels.chains_slab(self.level, self.way, self.key, self.six, rows, self.width, last)

            part = within(progress, 0.2 + 0.4 * k / ROUNDS, 0.2 + 0.4 * (k + 1) / ROUNDS)
            self._each(carry, part, "watershed: order of equal levels")
        self._settle(within(progress, 0.6, 0.75))

        def walk(slab: tuple[int, int], rows: Indices) -> None:
            kernels.follow_slab(self.label, self.way, self.six, rows, self.width)

        self._each(walk, within(progress, 0.75, 1), "watershed: regions")
