"""The D3Q19 lattice on void voxels only: where every population lives, in 76 bytes a voxel and a few more of index.

Void voxels are numbered in raster order and their populations stored in blocks of ``BLOCK`` voxels, direction after
direction. No list of neighbours is kept. The index is one entry per x run of at most ``LANES`` void voxels: in each of
the eight adjacent rows, the number of the first void voxel at or after the run's start, and a window of bits saying
which voxels of that row are void. From these follow all eighteen neighbours of every voxel of the run.

Directions 1..9 and 10..18 are opposites (q and q + 9), 0 is rest. Rows are (dz, dy) as in ``ROWS``, row 8 the run's
own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError

BLOCK = 4096
STRIDE = BLOCK + 16  # between directions of a block: a whole number of pages would crowd a few lines of the cache
LANES = 16
ROWS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0), (-1, -1), (-1, 1), (0, 0))
_HALF = ((0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, -1), (1, 0, 0), (1, 0, 1), (1, 0, -1), (1, 1, 0), (1, -1, 0))
VELOCITIES = np.array([(0, 0, 0), *_HALF, *(tuple(-v for v in c) for c in _HALF)], dtype=np.int64)
WEIGHTS = np.array([1 / 3] + [1 / 18 if np.abs(c).sum() == 1 else 1 / 36 for c in VELOCITIES[1:]])
OPPOSITE = np.array([0, *range(10, 19), *range(1, 10)])
MAX_CELLS = (2**31 - 1) // (19 * STRIDE) * BLOCK
Periodic = tuple[bool, bool, bool]


@dataclass(frozen=True)
class Lattice:
    """Fluid-only index of one void mask.

    ``starts`` (runs + 1) first voxel of every run; ``first`` (runs, 9) number of the first void voxel at or after the
    run's x in each row; ``window`` (runs, 9) bit 0 is the voxel before the run's x in that row, bit 1 at it, and so on;
    ``blocks`` first run of every block. ``swaps`` (n, 2) storage places joined through a periodic face.
    """

    cells: int
    starts: NDArray[np.int32]
    first: NDArray[np.int32]
    window: NDArray[np.int32]
    blocks: NDArray[np.int32]
    swaps: NDArray[np.int64]

    @property
    def n_blocks(self) -> int:
        """Blocks of storage."""
        return len(self.blocks) - 1

    @property
    def size(self) -> int:
        """Numbers to allocate for the populations; a vector may look past a block's end, not past its stride."""
        return self.n_blocks * 19 * STRIDE

    @property
    def index_bytes(self) -> int:
        """What is kept beside the populations."""
        return sum(a.nbytes for a in (self.starts, self.first, self.window, self.blocks, self.swaps))


def place(direction: int | NDArray[np.int64], cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the population of a direction of a cell is stored."""
    return (cell // BLOCK) * (19 * STRIDE) + np.asarray(direction) * STRIDE + cell % BLOCK


def build(void: NDArray[np.bool_], periodic: Periodic) -> Lattice:
    """Index the void voxels; ``periodic`` per axis joins opposite faces, otherwise they are walls.

    A diagonal link is open only when a voxel beside it is void too: void that meets at an edge is not connected.
    Raises InputError when there are more voxels than 32-bit places.
    """
    cells = int(np.count_nonzero(void))
    if cells > MAX_CELLS:
        raise InputError(
            f"{cells} void voxels are more than the {MAX_CELLS} that the lattice method indexes",
            remedy="Crop the image or coarsen it.",
        )
    padded = np.pad(void, ((1, 1), (1, 1), (1, LANES)))
    # number of the first void voxel at or after each voxel, in raster order of the padded image
    number = np.zeros(padded.size, dtype=np.int32)
    np.cumsum(padded.reshape(-1)[:-1], dtype=np.int32, out=number[1:])
    where = np.flatnonzero(padded)
    steps = np.array([dz * padded.shape[1] * padded.shape[2] + dy * padded.shape[2] for dz, dy in ROWS])
    starts = _starts(padded.reshape(-1), number, where, steps)
    heads = where[starts[:-1]]
    window = np.stack([_bits(padded.reshape(-1), heads + step) for step in steps], axis=1)
    edges = np.arange(0, max(cells, 1) + BLOCK, BLOCK)
    first = number[heads[:, None] + steps]
    blocks = np.searchsorted(starts[:-1], edges).astype(np.int32)
    return Lattice(cells, starts, first, window, blocks, _swaps(void, periodic))


def _starts(
    padded: NDArray[np.bool_], number: NDArray[np.int32], where: NDArray[np.int64], steps: NDArray[np.int64]
) -> NDArray[np.int32]:
    """First voxels of runs, cut so that what a run reads from a row lies within one block of storage."""
    cut = ~padded[where - 1]
    for step in steps:
        for dx in (-1, 0, 1):
            there = where + (step + dx)
            cut |= padded[there] & (number[there] % BLOCK == 0)
    position = np.arange(len(where))
    since = position - np.maximum.accumulate(np.where(cut, position, 0))
    cut |= since % LANES == 0
    return np.append(np.flatnonzero(cut), len(where)).astype(np.int32)


def _bits(padded: NDArray[np.bool_], heads: NDArray[np.int64]) -> NDArray[np.int32]:
    """Bits 0..17: the voxels from one before each head to sixteen after it."""
    out = np.zeros(len(heads), dtype=np.int32)
    for bit in range(LANES + 2):
        out |= padded[heads + (bit - 1)].astype(np.int32) << bit
    return out


def _swaps(void: NDArray[np.bool_], periodic: Periodic) -> NDArray[np.int64]:
    """Pairs of places to exchange around the streaming step, one per link that crosses a periodic face."""
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    if not any(periodic):
        return pairs[0]
    index = np.cumsum(void.reshape(-1), dtype=np.int64).reshape(void.shape) - 1
    coordinates = np.argwhere(_shell(void, periodic))
    for q in range(1, 10):
        goal = coordinates + VELOCITIES[q]
        wrapped = goal % void.shape
        crossing = goal != wrapped
        keep = crossing.any(axis=1) & ~(crossing & ~np.asarray(periodic)).any(axis=1)
        here, there = coordinates[keep], wrapped[keep]
        joined = void[tuple(there.T)] & _passable(void, here, VELOCITIES[q])
        a, b = index[tuple(here[joined].T)], index[tuple(there[joined].T)]
        pairs.append(np.stack([place(q + 9, a), place(q, b)], axis=1))
    return np.ascontiguousarray(np.concatenate(pairs))


def _shell(void: NDArray[np.bool_], periodic: Periodic) -> NDArray[np.bool_]:
    """Void voxels on the periodic faces."""
    shell = np.zeros_like(void)
    for axis in range(3):
        if periodic[axis]:
            for end in (0, -1):
                face = tuple(slice(None) if a != axis else end for a in range(3))
                shell[face] = void[face]
    return shell


def _passable(void: NDArray[np.bool_], here: NDArray[np.int64], c: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a voxel beside the link is void, around the faces (true for links along an axis)."""
    moved = np.flatnonzero(c)
    if len(moved) == 1:
        return np.ones(len(here), dtype=bool)
    out = np.zeros(len(here), dtype=bool)
    for a in moved:
        step = np.zeros(3, dtype=np.int64)
        step[a] = c[a]
        out |= void[tuple(((here + step) % void.shape).T)]
    return out
