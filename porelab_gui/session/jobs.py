"""The job queue: one GPU lane, one process lane, quick work at once. The caller's thread never waits."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from psygnal import Signal

from porelab_gui.core.method import Estimate, Method, Params
from porelab_gui.core.nouns import Noun, Weights
from porelab_gui.session.lanes import Lane, ProcessLane, ThreadLane

log = logging.getLogger(__name__)
Deliver = Callable[[Callable[[], None]], None]
_numbers = itertools.count(1)
KEEP, KEEP_DATA = 100, 20  # ended jobs that stay in the list, and those of them that keep what they made


class State(Enum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(eq=False)
class Job:
    """One run of a Method in the queue. Read its fields; ``JobQueue.changed`` says when they change.

    ``metrics`` hold (seconds, value) per name, ``pictures`` the last picture per name.
    """

    method: Method
    inputs: Mapping[str, Noun]
    params: Params
    title: str
    state: State = State.QUEUED
    fraction: float = 0.0
    message: str = ""
    log: list[str] = field(default_factory=list)
    metrics: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    pictures: dict[str, Any] = field(default_factory=dict)
    preview: tuple[str, Any, int] | None = None  # stage, data, every how many voxels
    outputs: Mapping[str, Noun] | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    error: Exception | None = None
    trace: str = ""
    estimate: Estimate | None = None
    started: float | None = None
    ended: float | None = None
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def seconds(self) -> float:
        """Wall time since the start, or of the whole run when it has ended."""
        return 0.0 if self.started is None else (self.ended or time.monotonic()) - self.started

    @property
    def seconds_left(self) -> float | None:
        """Time left by the share that is done; None before five per cent."""
        if self.state is not State.RUNNING or self.fraction < 0.05:
            return None
        return self.seconds * (1.0 - self.fraction) / self.fraction


class JobQueue:
    """Submit, cancel, watch. Signals and callbacks arrive through ``deliver``, on the owner's thread.

    ``changed(job)`` at every progress, ``finished(job)`` once per job.
    """

    changed = Signal(object)
    finished = Signal(object)

    def __init__(self, deliver: Deliver | None = None) -> None:
        self.jobs: list[Job] = []
        self.deliver: Deliver = deliver or (lambda call: call())
        self._callbacks: dict[int, Callable[[Job], None]] = {}
        self._lanes: dict[str, Lane] = {}

    def submit(
        self,
        method: Method,
        inputs: Mapping[str, Noun],
        params: Params,
        done: Callable[[Job], None] | None = None,
        title: str | None = None,
    ) -> Job:
        """Queue one run. ``done(job)`` is called when it has ended, however it ended."""
        job = Job(method, inputs, params, title or method.title)
        job.estimate = _estimate(method, inputs, params)
        self.jobs.append(job)
        self._forget_old()
        if done:
            self._callbacks[job.number] = done
        self._emit_changed(job)
        self._lane(method.lane).put(job, self._update)
        return job

    def cancel(self, job: Job) -> None:
        """Ask a job to stop: at once when queued, within about a second when running."""
        if job.state in FINISHED:
            return
        self._lane(job.method.lane).cancel(job)
        if job.state is State.QUEUED:  # what its lane says later, even that it runs, is not listened to any more
            self._update(job, {"state": State.CANCELLED, "ended": time.monotonic()})

    def warm_up(self) -> None:
        """Start the child process before its first job comes."""
        self._lane("process")

    def close(self, wait: float = 2.0) -> None:
        """Cancel everything and end the lanes; a child that does not listen is killed."""
        for job in self.jobs:
            self.cancel(job)
        for lane in self._lanes.values():
            lane.close(wait)

    @property
    def active(self) -> list[Job]:
        """Jobs that have not ended."""
        return [j for j in self.jobs if j.state not in FINISHED]

    def _forget_old(self) -> None:
        """Old jobs give back their data, except weights, then go; one with curves stays to be compared with."""
        ended = [j for j in self.jobs if j.state in FINISHED]
        for job in ended[:-KEEP_DATA]:
            job.outputs = {k: v for k, v in (job.outputs or {}).items() if isinstance(v, Weights)} or None
            job.preview = None
        gone = {j.number for j in ended[:-KEEP] if not j.metrics}
        self.jobs = [j for j in self.jobs if j.number not in gone]

    def _lane(self, name: str) -> Lane:
        if name not in self._lanes:
            self._lanes[name] = ProcessLane() if name == "process" else ThreadLane(name, background=name != "quick")
        return self._lanes[name]

    def _update(self, job: Job, change: Mapping[str, Any]) -> None:
        """Called by a lane, on its own thread."""
        self.deliver(lambda: self._apply(job, change))

    def _apply(self, job: Job, change: Mapping[str, Any]) -> None:
        if job.state in FINISHED:
            return
        for key, value in change.items():
            if key == "metrics":
                for name, number in value.items():
                    job.metrics.setdefault(name, []).append((job.seconds, float(number)))
            elif key == "pictures":
                job.pictures.update(value)
            else:
                setattr(job, key, value)
        if change.get("message") and (not job.log or job.log[-1] != change["message"]):
            job.log.append(change["message"])
        self._emit_changed(job)
        if job.state in FINISHED:
            self._conclude(job)

    def _conclude(self, job: Job) -> None:
        job.inputs = {}
        callback = self._callbacks.pop(job.number, None)
        try:
            if callback:
                callback(job)
        finally:
            self.finished.emit(job)

    def _emit_changed(self, job: Job) -> None:
        self.changed.emit(job)


def _estimate(method: Method, inputs: Mapping[str, Noun], params: Params) -> Estimate | None:
    """The Method's own forecast; a forecast that fails must not stop the work."""
    if method.estimate is None:
        return None
    try:
        return method.estimate(inputs, params)
    except Exception:
        log.warning("no memory forecast for %s", method.name, exc_info=True)
        return None
