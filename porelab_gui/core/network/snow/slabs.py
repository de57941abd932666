"""Work on an image slab by slab in threads, with progress and cancel between slabs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from porelab_gui.core.progress import Progress

SLAB_VOXELS = 1_500_000  # below 0.1 s in every kernel, so that a cancel is heard at once


def thread_count(wanted: int = 0) -> int:
    """How many threads to use; 0 takes those this process may run on."""
    if wanted > 0:
        return wanted
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return max(1, min(usable, 16))


def ranges(start: int, stop: int, layer: int, threads: int) -> list[tuple[int, int]]:
    """Slabs [a, b) of start..stop where one layer has ``layer`` voxels."""
    count = stop - start
    thick = max(1, min(SLAB_VOXELS // max(layer, 1), -(-count // threads)))
    return [(a, min(a + thick, stop)) for a in range(start, stop, thick)]


def each(
    work: Callable[..., Any], items: Iterable[tuple[Any, ...]], threads: int, progress: Progress, message: str
) -> list[Any]:
    """``work(*item)`` for all items in threads, results in order; Cancelled or an error stops those not begun."""
    tasks = list(items)
    if threads == 1 or len(tasks) == 1:
        results = []
        for done, item in enumerate(tasks):
            progress(done, len(tasks), message)
            results.append(work(*item))
        return results
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(work, *item) for item in tasks]
        try:
            pending: set[Future[Any]] = set(futures)
            while pending:
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                done += len(finished)
                progress(done, len(tasks), message)
                for future in finished:
                    future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [future.result() for future in futures]
