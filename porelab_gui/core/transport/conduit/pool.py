"""Runs compiled work that releases the interpreter lock on several threads, biggest pieces first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress


def thread_count(asked: int) -> int:
    """The number of threads to use: as asked, at most what this process may run on; 0 takes them all."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return min(asked, there) if asked else there


@contextmanager
def compiled_threads(asked: int, worth: bool) -> Iterator[None]:
    """Compiled loops inside run on so many threads (0: all), or on one where more are not worth their cost."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(min(thread_count(asked), numba.config.NUMBA_NUM_THREADS) if worth else 1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def batches(cost: NDArray[np.float64], threads: int, most: int = 32) -> list[NDArray[np.int64]]:
    """Rows in batches of falling cost, small enough to balance the threads and to cancel soon."""
    order = np.argsort(-cost, kind="stable").astype(np.int64)
    share = cost.sum() / (threads * 16) if len(cost) else 0.0
    made: list[NDArray[np.int64]] = []
    start, load = 0, 0.0
    for k, row in enumerate(order):
        load += cost[row]
        if load >= share or k + 1 - start == most or k + 1 == len(order):
            made.append(order[start : k + 1])
            start, load = k + 1, 0.0
    return made


def run_batches(
    work: Callable[[NDArray[np.int64]], None],
    cost: NDArray[np.float64],
    threads: int,
    progress: Progress,
    message: str,
) -> None:
    """Call ``work`` on batches of rows; when progress raises, nothing more is started and the error goes on."""
    total, done = float(cost.sum()), 0.0
    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting = {pool.submit(work, rows): rows for rows in batches(cost, threads)}
        try:
            for future in as_completed(waiting):
                future.result()
                done += float(cost[waiting[future]].sum())
                progress(done, total, message)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
