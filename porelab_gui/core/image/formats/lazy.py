"""Arrays inside HDF5-like files, read when looked at; the file is open only while it is read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.formats.base import EAGER_BYTES, check_memory


class StoredArray:
    """A data set of an HDF5 file that can travel between processes: only its path and its shape do."""

    def __init__(self, path: Path, name: str, shape: tuple[int, ...], dtype: Any) -> None:
        self.path, self.name, self.shape, self.dtype = path, name, shape, np.dtype(dtype)
        self.ndim = len(shape)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        import h5py

        with h5py.File(self.path, "r") as file:
            made: NDArray[Any] = np.asarray(file[self.name][key])
        return made


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
