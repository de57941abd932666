"""An image on disk that is read when it is looked at, and travels between processes as its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class LazyFile:
    """A .npy file as an array that is opened anew for every read."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        head = self._open()
        self.shape, self.dtype, self.ndim = head.shape, head.dtype, head.ndim

    def _open(self) -> NDArray[Any]:
        opened: NDArray[Any] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return opened

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return np.array(self._open()[key])


def as_dask(image: LazyFile, edge: int) -> Any:
    """The file as a dask array with chunks of that edge."""
    import dask.array

    return dask.array.from_array(image, chunks=edge, name=f"{image.path}", asarray=False)
