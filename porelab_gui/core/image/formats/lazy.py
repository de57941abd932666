"""Arrays that stay in their file and are read when looked at; the file is open only while it is read.

They know a path and a shape, so they travel between processes at no cost, and what was read leaves the memory again.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.hashing import file_stamp, source_of
from porelab_gui.core.image.formats.base import EAGER_BYTES, check_memory

SLAB_BYTES = 1 << 26
COARSEST = 128
COARSEST_BYTES = 1 << 24
READERS = 16  # reads at once: a disk answers many small ones together


class StoredArray:
    """A data set of an HDF5 file that can travel between processes: only its path and its shape do."""

    def __init__(self, path: Path, name: str, shape: tuple[int, ...], dtype: Any) -> None:
        self.path, self.name, self.shape, self.dtype = path, name, shape, np.dtype(dtype)
        self.ndim = len(shape)

    def stamp(self) -> str:
        """The state of the file."""
        return file_stamp(self.path)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        import h5py

        with h5py.File(self.path, "r") as file:
            made: NDArray[Any] = np.asarray(file[self.name][key])
        return made


class PlainArray:
    """Voxels that lie in a file one after the other, x fastest."""

    def __init__(self, path: Path, dtype: np.dtype[Any], offset: int, shape: tuple[int, ...]) -> None:
        self.path, self.dtype, self.offset, self.shape = path, dtype, offset, shape
        self.ndim = len(shape)

    def stamp(self) -> str:
        """The state of the file."""
        return file_stamp(self.path)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        if _few_columns(key, self.shape):
            return self._page_by_page(key)
        if _scattered(key, self.shape) and hasattr(os, "posix_fadvise"):
            return self._row_by_row(key)
        return np.array(np.memmap(self.path, self.dtype, "r", self.offset, self.shape)[key])

    def _row_by_row(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Rows far from each other: the system hears of all of them first, and the disk answers many together."""
        zs, ys, xs = [*key, slice(None)][:3]
        pages, rows = _places(zs, self.shape[0]), _places(ys, self.shape[1])
        run = max(1, len(rows)) if rows.step == 1 else 1  # rows that follow each other are read at once
        width = self.shape[2] * self.dtype.itemsize
        starts = [[self.offset + (z * self.shape[1] + y) * width for y in rows[::run]] for z in pages]
        made = np.empty((len(pages), len(rows), len(_places(xs, self.shape[2]))), self.dtype)
        part = np.empty((len(rows), self.shape[2]), self.dtype)
        records = part.view(np.uint8).reshape(-1, run * width)
        with self.path.open("rb", buffering=0) as handle:
            for start in (s for page in starts for s in page):
                os.posix_fadvise(handle.fileno(), start, run * width, os.POSIX_FADV_WILLNEED)
            for page, into in zip(starts, made, strict=True):
                for start, record in zip(page, records, strict=True):
                    if os.preadv(handle.fileno(), [record.data], start) != run * width:
                        raise OSError(f"{self.path} became shorter while it was read")
                into[...] = part[:, xs if isinstance(xs, slice) else slice(xs, xs + 1)]
        return made[tuple(0 if isinstance(k, int) else slice(None) for k in (zs, ys, xs))]

    def _page_by_page(self, key: tuple[Any, Any, Any]) -> NDArray[Any]:
        """A cut across x touches every page of the file: reading on is faster than one fault per page."""
        page = np.empty(self.shape[1:], self.dtype)
        chosen = range(self.shape[0])[key[0]]
        made = []
        with self.path.open("rb", buffering=0) as handle:
            for z in [chosen] if isinstance(chosen, int) else chosen:
                handle.seek(self.offset + z * page.nbytes)
                if handle.readinto(page.reshape(-1).view(np.uint8).data) != page.nbytes:
                    raise OSError(f"{self.path} became shorter while it was read")
                made.append(page[key[1:]].copy())
        return made[0] if isinstance(chosen, int) else np.stack(made)


def _places(key: slice | int, count: int) -> range:
    """The places along an axis that a key takes."""
    return range(count)[key if isinstance(key, slice) else slice(key, key + 1)]


def _few_columns(key: Any, shape: tuple[int, ...]) -> bool:
    """Whether a key takes many rows of each slice and few voxels of each row."""
    if not (isinstance(key, tuple) and len(key) == 3 and all(isinstance(k, slice | int) for k in key)):
        return False
    few = isinstance(key[2], int) or len(range(*key[2].indices(shape[2]))) < shape[2] // 8
    return few and not _few_rows(key, shape)


def _few_rows(key: Any, shape: tuple[int, ...]) -> bool:
    """Whether a key takes few of the rows of each slice: the pages between them are not wanted."""
    rows = key[1] if isinstance(key, tuple) and len(key) > 1 else slice(None)
    return not isinstance(rows, slice) or len(range(*rows.indices(shape[1]))) < shape[1] // 8


def _scattered(key: Any, shape: tuple[int, ...]) -> bool:
    """Whether a key takes few rows of several slices, or few that do not follow each other."""
    if not (isinstance(key, tuple) and 1 < len(key) <= 3 and all(isinstance(k, slice | int) for k in key)):
        return False
    apart = isinstance(key[0], slice) or (isinstance(key[1], slice) and key[1].step not in (None, 1))
    return apart and _few_rows(key, shape)


def in_slabs(data: Any) -> bool:
    """Whether a lazy array lies on disk slice by slice, and not in cubes."""
    chunks = getattr(data, "chunksize", None)
    return chunks is not None and chunks[1:] == data.shape[1:]


def plain(path: Path, dtype: Any, offset: int, shape: tuple[int, ...]) -> Any:
    """Voxels that lie in a file as they are: a map of it when small, a dask array of z slabs otherwise.

    Only the pages that a slice touches are read, along any axis.
    """
    nbytes = math.prod(shape) * np.dtype(dtype).itemsize
    if nbytes <= EAGER_BYTES or len(shape) != 3:
        return np.memmap(path, dtype, "r", offset, shape)
    import dask.array as da

    slab = max(1, SLAB_BYTES // (nbytes // shape[0]))
    return da.from_array(PlainArray(path, np.dtype(dtype), offset, shape), chunks=(slab, *shape[1:]), name=False)


class Strided:
    """Every ``step``-th voxel of a lazy array; a cut of it asks the array for just the voxels of the cut.

    (dask does not join a cut to the strides before it, and would read whole chunks.)
    """

    def __init__(self, data: Any, step: int) -> None:
        self.data, self.step = data, step
        self.shape, self.dtype, self.ndim = tuple(-(-n // step) for n in data.shape), np.dtype(data.dtype), data.ndim

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return np.asarray(self.data[tuple(self._place(k, n) for k, n in zip(key, self.shape, strict=True))])

    def _place(self, key: Any, count: int) -> Any:
        if isinstance(key, slice):
            start, stop, step = key.indices(count)
            return slice(
                start * self.step, max(start, stop - 1) * self.step + 1 if stop > start else 0, step * self.step
            )
        return np.asarray(key) * self.step if np.ndim(key) else int(key) * self.step


def strided(data: Any) -> tuple[Any, ...]:
    """Coarser versions of a lazy array for display: every 2nd, 4th ... voxel until all edges are short.

    Of an image in slabs the coarsest is read now: it is what is shown while a slow slice is read.
    """
    import dask.array as da
    from dask.threaded import get

    made, step = [], 2
    while max(data.shape) // step >= COARSEST:
        source = Strided(source_of(data), step)
        chunks = tuple(
            max(1, c // step) if c < n else m for c, n, m in zip(data.chunksize, data.shape, source.shape, strict=True)
        )
        made.append(da.from_array(source, chunks=chunks, name=False))
        step *= 2
    if made and in_slabs(data):
        # by name dask would import distributed
        whole = isinstance(source_of(data), PlainArray)
        made[-1] = source[:, :, :] if whole else made[-1].compute(scheduler=get, num_workers=READERS)
    return tuple(made)


def resident(levels: tuple[Any, ...]) -> tuple[Any, ...]:
    """Levels of an image on disk with the coarsest in memory: it is what is shown while a finer one is read."""
    if len(levels) < 2 or isinstance(levels[-1], np.ndarray) or levels[-1].nbytes > COARSEST_BYTES:
        return levels
    return (*levels[:-1], np.asarray(levels[-1]))


def stored(path: Path, dataset: Any) -> Any:
    """The data set in memory when small, else as a dask array along its own chunks."""
    nbytes = math.prod(dataset.shape) * dataset.dtype.itemsize
    if nbytes <= EAGER_BYTES:
        check_memory(path, nbytes)
        return dataset[()]
    import dask.array as da

    chunks = dataset.chunks or (max(1, EAGER_BYTES // 16 // max(1, nbytes // dataset.shape[0])), *dataset.shape[1:])
    source = StoredArray(path, dataset.name, dataset.shape, dataset.dtype)
    return da.from_array(source, chunks=chunks, name=False)
