"""Lanes: a background thread that owns the device, and a child process that can be killed.

The only module that starts threads and processes for jobs.
"""

from __future__ import annotations

import logging
import multiprocessing as mp
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from porelab_gui.core.heap import give_back_heap
from porelab_gui.core.learning.device import give_back_memory
from porelab_gui.core.preload import preload_torch
from porelab_gui.core.progress import Cancelled, Progress, Showing
from porelab_gui.session import worker
from porelab_gui.session.transfer import pack, unpack
from porelab_gui.session.workplace import Workplace, forget_openmp

if TYPE_CHECKING:
    from porelab_gui.core.method import Method
    from porelab_gui.session.jobs import Job

log = logging.getLogger(__name__)
KILLED = 10.0  # s: on a busy machine giving back gigabytes takes a while, and what it leaves is removed after its end
Update = Callable[["Job", Mapping[str, Any]], None]
GRACE = 0.7


def _told(kind: str, content: Any) -> dict[str, Any]:
    """A message of the child as a change of its job."""
    if kind == "preview":
        return {"preview": unpack(content)}
    if kind == "picture":
        return {"pictures": content}
    done, total, message, metrics = content
    return {"fraction": done / total if total > 0 else 0.0, "message": message, "metrics": metrics}


class Lane(Protocol):
    """Runs jobs one after another."""

    def put(self, job: Job, update: Update) -> None: ...

    def cancel(self, job: Job) -> None: ...

    def close(self, wait: float) -> None: ...


def _state(name: str) -> Any:
    from porelab_gui.session.jobs import State

    return State[name]


def _reference(method: Method) -> Method | str:
    """A registered Method travels by name, one made on the spot as itself."""
    from porelab_gui.core.registry import methods

    return method.name if methods().get(method.name) is method else method


def _be_modest() -> None:
    """The window goes first: this thread, and those that torch starts from it, get the lower priority (Linux)."""
    if sys.platform.startswith("linux"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + 5)


def _rest(waiting: queue.Queue[Any]) -> None:
    """What the jobs of a lane have freed goes back to the system when no other waits."""
    if waiting.empty():
        give_back_heap()


def _failed(error: BaseException, job: Job) -> dict[str, Any]:
    trace = traceback.format_exc()
    return {"error": worker.portable(error, job.title), "trace": trace, "state": _state("FAILED")}


class ThreadLane:
    """One thread, one job at a time; with ``background=False`` the job runs where it was put."""

    def __init__(self, name: str, background: bool = True) -> None:
        self._background = background
        self._queue: queue.Queue[tuple[Job, Update] | None] = queue.Queue()
        self._cancelled: set[int] = set()
        self._thread: threading.Thread | None = None
        self._name = name

    def put(self, job: Job, update: Update) -> None:
        if not self._background:
            self._run(job, update)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=f"porelab-{self._name}", daemon=True)
            self._thread.start()
        self._queue.put((job, update))

    def cancel(self, job: Job) -> None:
        self._cancelled.add(job.number)

    def close(self, wait: float) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(wait)

    def _loop(self) -> None:
        _be_modest()
        if self._name == "gpu":
            preload_torch()
        while (item := self._queue.get()) is not None:
            try:
                self._run(*item)
            except Exception:  # of whoever watches the job: the next job must not suffer from it
                log.exception("after %s", item[0].title)
            del item  # an idle lane holds no data
            _rest(self._queue)

    def _run(self, job: Job, update: Update) -> None:
        def step(done: float, total: float, message: str = "", /, **metrics: float) -> None:
            if job.number in self._cancelled:
                raise Cancelled
            fraction = done / total if total > 0 else 0.0
            update(job, {"fraction": fraction, "message": message, "metrics": metrics})

        def put(name: str, picture: Any) -> None:
            update(job, {"pictures": {name: picture}})

        if job.number in self._cancelled:
            outcome = {"state": _state("CANCELLED")}
        else:
            update(job, {"state": _state("RUNNING"), "started": time.monotonic()})
            outcome = self._outcome(job, Showing(step, put))
            if "outputs" not in outcome and self._name == "gpu":
                give_back_memory()
        self._cancelled.discard(job.number)
        update(job, {**outcome, "ended": time.monotonic()})

    def _outcome(self, job: Job, step: Progress) -> dict[str, Any]:
        try:
            outputs = job.method(job.inputs, job.params, step)
            done = {"outputs": outputs, "hashes": worker.hashes(outputs)}
            return {**done, "state": _state("DONE"), "fraction": 1.0}
        except Cancelled:
            return {"state": _state("CANCELLED")}
        except BaseException as error:  # an exit asked for by a job must not end the lane
            if not self._background and not isinstance(error, Exception):
                raise
            return _failed(error, job)


class LatestLane:
    """One thread for previews: only what was asked for last is worked out, everything older is dropped.

    ``deliver`` carries the answer to the caller's thread.
    """

    def __init__(self, name: str, deliver: Callable[[Callable[[], None]], None]) -> None:
        self._deliver, self._name = deliver, name
        self._wake = threading.Condition()
        self._number = 0
        self._waiting: tuple[int, Callable[[Progress], Any], Callable[[Any], None]] | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def ask(self, work: Callable[[Progress], Any], done: Callable[[Any], None]) -> None:
        """``done(result)``, or ``done(error)`` with the exception, unless something newer was asked for meanwhile."""
        with self._wake:
            self._number += 1
            self._waiting = (self._number, work, done)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=f"porelab-{self._name}", daemon=True)
                self._thread.start()
            self._wake.notify()

    def drop(self) -> None:
        """Nothing is wanted any more."""
        with self._wake:
            self._number += 1
            self._waiting = None

    def close(self) -> None:
        """End the thread."""
        with self._wake:
            self._closed = True
            self._number += 1
            self._wake.notify()

    def _loop(self) -> None:
        _be_modest()
        while True:
            with self._wake:
                while self._waiting is None and not self._closed:
                    self._wake.wait()
                if self._closed or self._waiting is None:
                    return
                number, work, done = self._waiting
                self._waiting = None
            self._answer(number, work, done)

    def _answer(self, number: int, work: Callable[[Progress], Any], done: Callable[[Any], None]) -> None:
        def step(got: float, total: float, message: str = "", /, **metrics: float) -> None:
            if number != self._number:
                raise Cancelled

        try:
            result = work(step)
        except Cancelled:
            return
        except Exception as error:
            result = error
        self._deliver(lambda: done(result) if number == self._number else None)


class ProcessLane:
    """A thread that feeds one warm child process and kills it when a cancelled job does not listen."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[Job, Update] | None] = queue.Queue()
        self._cancelled: set[int] = set()
        self._context = mp.get_context("spawn")
        self._place: Workplace | None = None
        self._child: Any = None
        self._pipe: Any = None
        self._flag: Any = None
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="porelab-process", daemon=True)
        self._thread.start()

    def put(self, job: Job, update: Update) -> None:
        self._queue.put((job, update))

    def cancel(self, job: Job) -> None:
        self._cancelled.add(job.number)

    def close(self, wait: float) -> None:
        self._closing = True
        self._queue.put(None)
        self._thread.join(wait + GRACE)
        self._kill()
        if self._place is not None:
            self._place.remove()

    def _loop(self) -> None:
        self._ensure_child()  # it gets ready while the first job is still to come
        while (item := self._queue.get()) is not None:
            try:
                self._do(*item)
            except Exception:  # of whoever watches the job: the next job must not suffer from it
                log.exception("after %s", item[0].title)
            del item  # an idle lane holds no data
            _rest(self._queue)
        self._kill()

    def _do(self, job: Job, update: Update) -> None:
        if job.number in self._cancelled or self._closing:
            outcome = {"state": _state("CANCELLED")}
        else:
            update(job, {"state": _state("RUNNING"), "started": time.monotonic()})
            try:
                outcome = self._run(job, update)
            except Exception as error:  # data that cannot travel, or no memory for them
                outcome = _failed(error, job)
                self._kill(job)
        self._cancelled.discard(job.number)
        update(job, {**outcome, "ended": time.monotonic()})

    def _run(self, job: Job, update: Update) -> dict[str, Any]:
        place = self._ensure_child()
        parcel = pack((_reference(job.method), dict(job.inputs), job.params), place.buffers())
        self._flag.clear()
        try:
            self._pipe.send((job.number, parcel))
            kind, content = self._listen(job, update)
        except (EOFError, OSError, BrokenPipeError):
            return self._died(job)
        if kind == "done":
            outputs, hashes = unpack(content)
            return {"outputs": outputs, "hashes": hashes, "state": _state("DONE"), "fraction": 1.0}
        if kind == "failed":
            error, trace = content
            return {"error": error, "trace": trace, "state": _state("FAILED")}
        return {"state": _state("CANCELLED")}

    def _listen(self, job: Job, update: Update) -> tuple[str, Any]:
        """Messages of the child until one that ends the job."""
        asked: float | None = None
        while True:
            if self._pipe.poll(0.05):
                kind, content = self._pipe.recv()
                if kind not in ("progress", "picture", "preview"):
                    return kind, content
                update(job, _told(kind, content))
            if asked is None and (job.number in self._cancelled or self._closing):
                self._flag.set()
                asked = time.monotonic()
            if asked is not None and time.monotonic() - asked > GRACE:
                self._kill(job)
                return "cancelled", None

    def _died(self, job: Job) -> dict[str, Any]:
        from porelab_gui.core.errors import PorelabError

        if self._child is not None:
            self._child.join(GRACE)
        code = None if self._child is None else self._child.exitcode
        self._kill(job)
        if job.number in self._cancelled:
            return {"state": _state("CANCELLED")}
        error = PorelabError(
            f"the worker process ended unexpectedly (exit code {code})",
            where=job.title,
            remedy="It may have run out of memory: crop the image or close other programs, then run it again.",
        )
        return {"error": error, "trace": "", "state": _state("FAILED")}

    def _ensure_child(self) -> Workplace:
        """The child is there and waits; the place that it shares with us."""
        if self._place is None:
            self._place = Workplace.make()
        if self._child is not None and self._child.is_alive():
            return self._place
        self._kill()  # one that died while nothing ran
        self._pipe, theirs = self._context.Pipe()
        self._flag = self._context.Event()
        self._child = self._context.Process(
            target=worker.serve, args=(theirs, self._flag, self._place), name="porelab-worker", daemon=True
        )
        self._child.start()
        theirs.close()
        return self._place

    def _kill(self, job: Job | None = None) -> None:
        """End the child, and remove what the job that it was at has left."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.join(KILLED)
        self._pipe.close()
        forget_openmp(child.pid)
        if self._place is not None and job is not None:
            self._place.after_kill(job.number)
