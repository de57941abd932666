"""Hundreds of queued jobs with cancels at random moments: ``porelab bench soak``.

Real Methods through a real session with all four lanes; about a third of the jobs is cancelled, while it waits or at
a random moment of its work; in some the file is missing, the graphics card is full, or the worker process is killed or
stopped from outside, as a system without memory does. Memory is private memory (USS),
measured at rest after one run of each Method without a cancel: after the first 50 jobs and at the end.
``PORELAB_SOAK`` sets how many jobs (500). Target: memory within 5 %, and zeros for what is left.
"""

from __future__ import annotations

import gc
import os
import queue
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from porelab_gui.assets import find
from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Table
from porelab_gui.session.jobs import FINISHED, Job, JobQueue, State
from porelab_gui.session.session import Session

JOBS, FIRST, SEED, WAITING = 500, 50, 20261128, 4
STUCK = 600.0  # seconds without any news after which a job counts as stuck
CANCELLED, AT_ONCE, WRONG = 0.5, 0.3, 0.06  # share that is cancelled; of these at once; share that goes wrong
LONGEST = 0.4  # seconds until a job is cancelled, from its submission, or killed, from its start
EDGE = 40
PHANTOM = {"kind": "sandstone", "depth": EDGE, "height": EDGE, "width": EDGE, "seed": 7, "voxel": 5e-6}
REAL: dict[str, dict[str, Any]] = {
    "make_phantom": PHANTOM,
    "filter_median": {}, "segment_threshold": {}, "segment_local_otsu": {}, "fill_holes": {}, "remove_islands": {},
    "extract_network": {"block_size": 32}, "trim_network": {},
    "conductance_analytic": {}, "solve_flow": {}, "solve_diffusion": {},
    "rank_throats": {}, "network_health": {}, "morphology": {}, "voxel_diffusion": {}, "drainage": {},
    "effective_properties": {}, "load_weights": {}, "export": {},
}  # fmt: skip


class DeviceParams(Params):
    """Nothing to choose."""


def fill_device(inputs: Any, params: DeviceParams, progress: Any) -> dict[str, Table]:
    """What torch raises when the graphics card is full, in the lane that owns the device."""
    import torch

    held = torch.zeros(1 << 20)
    raise torch.cuda.OutOfMemoryError(f"CUDA out of memory after {held.numel()}")


FULL = Method("fill_device", "Fill", "", "Learn", "", DeviceParams, {}, {}, fill_device, lane="gpu")
ENDING = 10.0  # s: what is just ending at the close has that long
SEEN: set[int] = set()  # workers that there have been
FAULTS = ("refused", "killed", "stopped", "device")


class Soak:
    """One session under load; ``pump`` carries what its lanes say to this thread."""

    def __init__(self, methods: dict[str, dict[str, Any]], out: Path, seed: int = SEED) -> None:
        self.calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.session = Session(JobQueue(deliver=self.calls.put))
        self.rng = np.random.default_rng(seed)
        weights = {"path": str(find("weights", "gnn_pnm"))}
        self.real = {**methods, "load_weights": weights, "export": {"path": str(out / "grey.tif")}}
        self.ends: Counter[str] = Counter()
        self.due: list[tuple[Job, float, Callable[[Job], None]]] = []
        self.news = time.monotonic()
        self.stopped: psutil.Process | None = None
        self.cancel_s: list[float] = []
        self.asked: dict[int, float] = {}
        self.session.queue.finished.connect(self._on_finished)

    def settle(self) -> None:
        """Every Method once, without a cancel, on the same data; then only what is kept is in memory."""
        for name, params in self.real.items():
            job = self._run(name, params)
            self.wait(job)
            if job.state is not State.DONE:
                raise RuntimeError(f"{name}: {job.error}\n{job.trace}")
        self.wait(self._fill())
        gc.collect()

    def _fill(self) -> Job:
        return self.session.queue.submit(FULL, {}, FULL.validate({}))

    def load(self, count: int) -> None:
        """That many jobs, a few of them waiting at any time."""
        for _ in range(count):
            while len(self.session.queue.active) >= WAITING:
                self.turn()
            self._submit()
        while self.session.queue.active:
            self.turn()

    def _run(self, name: str, params: dict[str, Any]) -> Job:
        return self.session.run(name, params, {"data": "image"} if name == "export" else None)

    def _submit(self) -> None:
        """The next job, and what will happen to it."""
        rng = self.rng
        fate: Callable[[Job], None] | None = self._cancel if rng.random() < CANCELLED else None
        at_once, after = rng.random() < AT_ONCE, float(rng.uniform(0, LONGEST))
        name = str(rng.choice(list(self.real)))
        fault = str(rng.choice(FAULTS)) if rng.random() < WRONG else ""
        if fault == "device":
            job = self._fill()
        elif fault == "refused":
            job = self._run("load", {"path": "/nowhere/rock.tif"})
        else:
            job = self._run(name, self.real[name])
        if fault in ("killed", "stopped") and job.method.lane == "process":
            fate, at_once = (self._kill if fault == "killed" else self._stop), False
        if fate is not None and at_once:
            fate(job)
        elif fate is not None:
            self.due.append((job, after + (time.monotonic() if fate == self._cancel else 0.0), fate))

    def _kill(self, job: Job) -> None:
        """As a system without memory does."""
        for worker in workers():
            worker.kill()

    def _stop(self, job: Job) -> None:
        """A worker that does not listen any more."""
        for worker in workers():
            worker.suspend()
            self.stopped = worker
        self._cancel(job)

    def _free_stopped(self) -> None:
        """Cancel what has come to a stopped worker since, until its lane has replaced it."""
        if self.stopped is None:
            return
        if not self.stopped.is_running() or self.stopped.status() == psutil.STATUS_ZOMBIE:
            self.stopped = None
            return
        for job in self.session.queue.active:
            if job.method.lane == "process" and job.state is State.RUNNING and job.seconds > LONGEST:
                self._cancel(job)

    def _cancel(self, job: Job) -> None:
        if job.number in self.asked:
            return
        self.asked[job.number] = time.monotonic()
        self.session.queue.cancel(job)

    def turn(self) -> None:
        """One turn of the owner's loop: news, cancels that are due, and the watch on stuck jobs."""
        try:
            call = self.calls.get(timeout=0.005)
            self.news = time.monotonic()
            call()
        except queue.Empty:
            if time.monotonic() - self.news > STUCK:
                stuck = [f"{j.title} ({j.state.value})" for j in self.session.queue.active]
                raise RuntimeError(f"stuck: {', '.join(stuck)}") from None
        self._free_stopped()
        now = [d for d in self.due if self._is_time(*d)]
        self.due = [d for d in self.due if d not in now and d[0].state not in FINISHED]
        for job, _, fate in now:
            fate(job)

    def _is_time(self, job: Job, at: float, fate: Callable[[Job], None]) -> bool:
        if fate == self._cancel:
            return job.state not in FINISHED and time.monotonic() >= at
        return job.state is State.RUNNING and time.monotonic() >= (job.started or 0.0) + at

    def wait(self, job: Job) -> None:
        """Until this job has ended."""
        while job.state not in FINISHED:
            self.turn()

    def _on_finished(self, job: Job) -> None:
        self.ends[job.state.value] += 1
        if job.number in self.asked and job.state is State.CANCELLED:
            self.cancel_s.append(time.monotonic() - self.asked.pop(job.number))


def private_memory() -> dict[str, float]:
    """Private bytes of this process and of its worker, with its threads and open files."""
    me = psutil.Process()
    return {
        "memory": float(me.memory_full_info().uss),
        "worker_memory": float(sum(w.memory_full_info().uss for w in workers())),
        "threads": float(me.num_threads()),
        "files": float(me.num_fds()) if hasattr(me, "num_fds") else 0.0,
    }


def workers() -> list[psutil.Process]:
    """The worker processes of this one."""
    found = [c for c in psutil.Process().children() if _is_worker(c)]
    SEEN.update(c.pid for c in found)
    return found


def _is_worker(process: psutil.Process) -> bool:
    return process.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(process.cmdline())


def left_over(folder: Path) -> dict[str, int]:
    """Zombies, workers, temporary files, shared memory of ours and of its workers that are there now."""
    children = psutil.Process().children(recursive=True)
    return {
        "zombies": sum(c.status() == psutil.STATUS_ZOMBIE for c in children),
        "workers": sum(_is_worker(c) for c in children),
        "temporary": sum(p.name != "out" for p in folder.rglob("*")),
        "shared": _shared_memory(),
    }


def _shared_memory() -> int:
    """Files in shared memory that belong to this process or to one of its workers."""
    place = Path("/dev/shm")
    if not place.is_dir():
        return 0
    gone = [pid for pid in SEEN if not psutil.pid_exists(pid)]  # a number that lives again is somebody else's
    marks = [place / f"__KMP_REGISTERED_LIB_{pid}_{os.getuid()}" for pid in gone]
    return len(list(place.glob(f"porelab-*-{os.getpid()}-*"))) + sum(mark.exists() for mark in marks)


@contextmanager
def own_temporary_folder() -> Iterator[Path]:
    """A fresh folder for everything temporary, so that what stays can be counted."""
    with tempfile.TemporaryDirectory(prefix="porelab-soak-") as name:
        before, tempfile.tempdir = tempfile.tempdir, name
        try:
            yield Path(name)
        finally:
            tempfile.tempdir = before


def soak(jobs: int, first: int, methods: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Run the load; figures, and one row of memory per ``first`` jobs."""
    rows: list[dict[str, Any]] = []
    start = time.perf_counter()
    with own_temporary_folder() as folder:
        before = left_over(folder)  # of other sessions of this process
        (folder / "out").mkdir()
        work = Soak(methods, folder / "out")
        try:
            work.settle()
            for done in range(first, jobs + 1, first):
                work.load(first)
                work.settle()
                rows.append({"jobs": done, **private_memory(), "zombies": left_over(folder)["zombies"]})
        finally:
            work.session.queue.close()
        (folder / "out" / "grey.tif").unlink(missing_ok=True)
        left = _left_in_the_end(folder, before)
    return {"figures": {**_figures(rows, work), **{f"left_{k}": v for k, v in left.items()},
                        "seconds": time.perf_counter() - start}, "rows": rows, "seed": SEED}  # fmt: skip


def _left_in_the_end(folder: Path, before: dict[str, int]) -> dict[str, int]:
    """What is left more than before, once what is just ending has had its time to end."""
    end = time.monotonic() + ENDING
    while True:
        left = {key: max(0, count - before[key]) for key, count in left_over(folder).items()}
        if not any(left.values()) or time.monotonic() > end:
            return left
        time.sleep(0.1)


def _figures(rows: list[dict[str, Any]], work: Soak) -> dict[str, Any]:
    growth = {f"{key}_growth": rows[-1][key] / rows[0][key] - 1.0 for key in ("memory", "worker_memory")}
    more = {f"{key}_more": rows[-1][key] - rows[0][key] for key in ("threads", "files")}
    ends = {f"jobs_{state.value}": work.ends[state.value] for state in FINISHED}
    worst = {"longest_cancel_s": max(work.cancel_s, default=0.0), "stuck": len(work.session.queue.active)}
    return {**growth, **more, **ends, **worst}


def run() -> dict[str, Any]:
    """The whole soak on this machine."""
    return soak(int(os.environ.get("PORELAB_SOAK", JOBS)), FIRST, REAL)


if __name__ == "__main__":
    print(run()["figures"])
