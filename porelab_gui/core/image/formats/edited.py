"""Labels on disk with painted voxels laid over them: read as needed, changed where they were painted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.hashing import hash_arrays, origin_stamp


class EditedArray:
    """``base`` (lazy, z y x) with ``value`` in the voxels ``index`` (flat, C order, ascending)."""

    def __init__(self, base: Any, index: NDArray[np.int64], value: NDArray[Any]) -> None:
        self.base, self.index, self.value = base, index, value
        self.shape, self.dtype, self.ndim = tuple(base.shape), np.dtype(base.dtype), 3

    def stamp(self) -> str:
        """The state of the base, and the edits."""
        return f"{origin_stamp(self.base)} {hash_arrays(self.index, self.value)}"

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """What dask asks for: places, slices or lists along each axis."""
        simple = [isinstance(k, int | np.integer) or (isinstance(k, slice) and (k.step or 1) > 0) for k in key]
        whole = [
            range(n)[_as_slice(k) if ok else slice(None)] for k, ok, n in zip(key, simple, self.shape, strict=True)
        ]
        made = self._box(whole)
        for axis in (2, 1, 0):
            if not simple[axis]:
                made = made[(slice(None),) * axis + (key[axis],)]
            elif not isinstance(key[axis], slice):
                made = made.take(0, axis)
        return made

    def _box(self, box: list[range]) -> NDArray[Any]:
        """The base with the edits that fall into a box."""
        page = self.base[tuple(slice(r.start, r.stop, r.step) for r in box)]
        made = np.array(page.compute(scheduler="synchronous") if hasattr(page, "dask") else page)
        plane = self.shape[1] * self.shape[2]
        low, high = np.searchsorted(self.index, (box[0].start * plane, box[0].stop * plane))
        index = self.index[low:high]
        places = (index // plane, index % plane // self.shape[2], index % self.shape[2])
        inside = np.ones(len(index), bool)
        for place, part in zip(places, box, strict=True):
            inside &= (place >= part.start) & (place < part.stop) & ((place - part.start) % part.step == 0)
        local = tuple((p[inside] - part.start) // part.step for p, part in zip(places, box, strict=True))
        made[local] = self.value[low:high][inside]
        return made


def _as_slice(key: Any) -> slice:
    return key if isinstance(key, slice) else slice(int(key), int(key) + 1)


def edited(data: Any, index: NDArray[np.int64], value: NDArray[Any]) -> Any:
    """A dask array with voxels changed; nothing is read now."""
    import dask.array as da

    order = np.argsort(index, kind="stable")
    source = EditedArray(data, index[order], value[order].astype(data.dtype))
    return da.from_array(source, chunks=data.chunks, name=False)


def coarser(
    shape: tuple[int, ...], level: tuple[int, ...], index: NDArray[np.int64], value: NDArray[Any]
) -> tuple[tuple[NDArray[np.int64], ...], NDArray[Any]]:
    """Places and values of edits in a coarser level that holds every n-th voxel."""
    places = np.stack(np.unravel_index(index, shape))
    factor = np.array([max(1, round(n / m)) for n, m in zip(shape, level, strict=True)])
    kept = (places % factor[:, None] == 0).all(axis=0)
    return tuple(places[:, kept] // factor[:, None]), value[kept]


def edited_levels(levels: tuple[Any, ...], index: NDArray[np.int64], value: NDArray[Any]) -> tuple[Any, ...]:
    """The coarser levels of an image with its edits."""
    shape = levels[0].shape
    made = []
    for level in levels[1:]:
        places, values = coarser(shape, level.shape, index, value)
        flat = np.ravel_multi_index(places, level.shape).astype(np.int64)
        made.append(edited(level.astype(values.dtype), flat, values) if len(flat) else level)
    return tuple(made)
