"""What jobs have freed goes back to the system: the memory of a program that rests does not grow with its past jobs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from porelab_gui.core.heap import give_back_heap
from porelab_gui.core.method import Method, Params, param
from porelab_gui.core.nouns import Column, Table
from porelab_gui.session.jobs import FINISHED, JobQueue

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library of Linux")
BLOCK, BLOCKS = 1 << 16, 1600  # bytes, too few for a map of their own; 105 MB in all
FREED = BLOCK * BLOCKS
SECONDS = 15.0


class LitterParams(Params):
    blocks: int = param(BLOCKS, "How many blocks it uses.", unit="1", ge=0, le=BLOCKS)


KEPT: list[np.ndarray] = []  # of each process its own


def litter(inputs, params, progress):
    """Uses blocks, and keeps 64 kB that lie behind them."""
    used = [np.ones(BLOCK // 8) for _ in range(params.blocks)]
    KEPT.append(np.ones(BLOCK // 8 - 32))
    return {"table": Table({"blocks": Column(np.array([len(used)]))}, name="used")}


METHODS = {
    lane: Method("litter", "Litter", "", "Learn", "", LitterParams, {}, {"table": Table}, litter, lane=lane)
    for lane in ("gpu", "process")
}


def private(process):
    return process.memory_full_info().uss


def settles(process, limit):
    """Whether the private memory falls below a limit in time."""
    end = time.monotonic() + SECONDS
    while private(process) > limit and time.monotonic() < end:
        time.sleep(0.02)
    return private(process) <= limit


def run(queue, lane, **params):
    job = queue.submit(METHODS[lane], {}, METHODS[lane].validate(params))
    while job.state not in FINISHED:
        time.sleep(0.02)
    assert job.state.value == "done", job.error


def alone(case):
    """Run a function of this module in a process of its own, where nothing else comes and goes."""
    code = f"import test_memory_at_rest as t; t.{case.__name__}()"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True,
                          timeout=240)  # fmt: skip
    assert done.returncode == 0, done.stderr


def heap_gives_back():
    before = private(psutil.Process())
    thread = threading.Thread(target=litter, args=({}, LitterParams(), None))
    thread.start()
    thread.join()
    assert private(psutil.Process()) > before + FREED / 2  # else there is nothing to give back
    assert give_back_heap()
    assert private(psutil.Process()) < before + FREED / 4


def thread_gives_back():
    queue = JobQueue()
    run(queue, "gpu", blocks=0)
    before = private(psutil.Process())
    run(queue, "gpu")
    assert settles(psutil.Process(), before + FREED / 4)
    queue.close()


def worker_gives_back():
    queue = JobQueue()
    others = {c.pid for c in psutil.Process().children()}
    run(queue, "process", blocks=0)
    worker = next(c for c in psutil.Process().children() if c.pid not in others and "spawn_main" in str(c.cmdline()))
    before = private(worker)
    run(queue, "process")
    assert settles(worker, before + FREED / 4)
    queue.close()


def test_what_lies_below_the_last_block_goes_back():
    alone(heap_gives_back)


def test_a_thread_at_rest_holds_nothing_of_its_jobs():
    alone(thread_gives_back)


def test_a_worker_at_rest_holds_nothing_of_its_jobs():
    alone(worker_gives_back)
