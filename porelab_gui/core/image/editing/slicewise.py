"""Work that goes slice by slice: as many threads as there are processors, in order, with progress."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.nouns import Stack
from porelab_gui.core.progress import Progress

Page = NDArray[Any]


def by_slice(stack: Stack, work: Callable[[Page], Page], dtype: Any, message: str, progress: Progress) -> Page:
    """``work`` on every z slice; ``work`` should release the interpreter lock to gain from the threads."""
    out = np.empty(stack.shape, dtype)
    depth = stack.shape[0]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        step = 4 * (os.cpu_count() or 1)
        for start in range(0, depth, step):
            progress(start, depth, message)
            pages = [np.asarray(stack.data[k]) for k in range(start, min(start + step, depth))]
            for k, page in enumerate(pool.map(work, pages)):
                out[start + k] = page
    progress(depth, depth, message)
    return out


def as_type(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Rounded and clipped into an integer type, or cast to a float type."""
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return np.clip(np.rint(values), info.min, info.max).astype(kind)
    return values.astype(kind)
