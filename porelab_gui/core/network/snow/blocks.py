"""Blocks of an image: which voxels a block answers for, and what it must see around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Job:
    """What all blocks of one extraction share; ``folder`` holds phases.npy, regions.npy and d2.npy."""

    folder: str
    shape: Shape
    phases: int
    sigma: float
    r_max: int
    pad: int
    threads: int
    reach: int = 0

    def open(self, name: str, mode: Any = "r") -> NDArray[Any]:
        """One of the images on disk, mapped into memory."""
        found: NDArray[Any] = np.load(Path(self.folder) / f"{name}.npy", mmap_mode=mode)
        return found

    def create(self, name: str, shape: Iterable[int], dtype: Any) -> NDArray[Any]:
        """A new image of zeros on disk."""
        path = Path(self.folder) / f"{name}.npy"
        made: NDArray[Any] = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=tuple(shape))
        return made


def cores(shape: Shape, edge: int) -> list[Box]:
    """Boxes of about that edge that tile the image, in raster order."""
    cuts = []
    for n in shape:
        parts = max(1, round(n / edge))
        bounds = [n * k // parts for k in range(parts + 1)]
        cuts.append(list(pairwise(bounds)))
    return [(z, y, x) for z, y, x in product(*cuts)]


def widened(box: Box, by: int, shape: Shape) -> Box:
    """The box with a margin, cut at the image."""
    wide = [(max(a - by, 0), min(b + by, n)) for (a, b), n in zip(box, shape, strict=True)]
    return wide[0], wide[1], wide[2]


def in_frame(box: Box, shape: Shape, pad: int) -> Box:
    """The box of an image block in the frame with pads, pads included where the block meets a face."""
    made = [(a + pad if a else 0, b + pad if b < n else n + 2 * pad) for (a, b), n in zip(box, shape, strict=True)]
    return made[0], made[1], made[2]


def slices(box: Box, origin: Box | None = None) -> tuple[slice, slice, slice]:
    """The box as slices, counted from the start of ``origin``."""
    start = [a for a, _ in origin] if origin else [0, 0, 0]
    made = [slice(a - s, b - s) for (a, b), s in zip(box, start, strict=True)]
    return made[0], made[1], made[2]


def goes_on(box: Box, shape: Shape) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Per axis whether the image goes on below and above the box."""
    low = np.array([a > 0 for a, _ in box])
    high = np.array([b < n for (_, b), n in zip(box, shape, strict=True)])
    return low, high


def framed(image: NDArray[Any], box: Box, pad: int) -> NDArray[Any]:
    """A box of the frame cut from the image without pads, the pads repeating the faces."""
    inside, margins = [], []
    for (a, b), n in zip(box, image.shape, strict=True):
        first, last = max(a - pad, 0), min(b - pad, n)
        inside.append(slice(first, last))
        margins.append((first - (a - pad), (b - pad) - last))
    return np.pad(np.asarray(image[tuple(inside)]), margins, mode="edge")


def run_blocks(
    work: Callable[..., Any],
    items: list[tuple[Any, ...]],
    client: Any,
    progress: Progress,
    message: str,
) -> list[Any]:
    """``work(*item)`` for all items in order; on the workers of a Dask client, or one after another without one."""
    if client is None:
        results = []
        for done, item in enumerate(items):
            progress(done, len(items), message)
            results.append(work(*item, progress=heartbeat(progress, done, len(items), message)))
        return results
    futures = [client.submit(work, *item, pure=False) for item in items]
    try:
        while not all(f.done() for f in futures):
            progress(sum(f.done() for f in futures), len(futures), message)
            sleep(0.05)
    except BaseException:
        client.cancel(futures)
        raise
    return list(client.gather(futures))


def heartbeat(progress: Progress, done: int, total: int, message: str) -> Progress:
    """A Progress for the inside of one block: it can cancel, and shows the count of blocks."""

    def beat(inner: float, of: float, text: str = "", /, **metrics: float) -> None:
        progress(done, total, f"{message}: {done + 1} of {total}")

    return beat
