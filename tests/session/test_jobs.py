"""The queue: results, failures, cancel, kill, and that nothing is left behind."""

from __future__ import annotations

import time

import numpy as np
import psutil
import pytest

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.method import Method, Params, Port, param
from porelab_gui.core.nouns import Stack
from porelab_gui.session.jobs import FINISHED, JobQueue, State


class DoubleParams(Params):
    factor: int = param(2, "Multiplies the image.", unit="1", ge=1, le=10)
    deaf: bool = param(False, "Do not listen to cancel.")
    fault: str = param("", "How to end.")
    seconds: float = param(0.0, "How long to work.", unit="s", ge=0, le=60)


def double(inputs, params, progress):
    stop = time.monotonic() + params.seconds
    while time.monotonic() < stop:
        time.sleep(0.01)
        if not params.deaf:
            progress(1, 2, "working", loss=0.5)
    if params.fault == "refuse":
        raise PorelabError("this rock is too hard", where="rock.tif", remedy="Take a softer one.")
    if params.fault == "break":
        raise ZeroDivisionError("division by zero")
    if params.fault == "die":
        import os

        os._exit(9)
    stack = inputs["image"]
    return {"image": Stack(stack.array() * params.factor, stack.voxel_size)}


def make(lane):
    return Method(
        "double", "Double", "Doubles an image.", "Segment", "", DoubleParams, {"image": Port(Stack)},
        {"image": Stack}, double, lane=lane,
    )  # fmt: skip


@pytest.fixture(params=["process", "gpu", "quick"])
def lane(request):
    return request.param


@pytest.fixture
def queue():
    made = JobQueue()
    yield made
    made.close()


def wait(job, seconds=30):
    stop = time.monotonic() + seconds
    while job.state not in FINISHED and time.monotonic() < stop:
        time.sleep(0.01)
    return job


def stack(n=64):
    return Stack(np.arange(n**3, dtype=np.int32).reshape(n, n, n), (1e-6, 2e-6, 3e-6), name="rock")


def submit(queue, lane, **params):
    method = make(lane)
    return queue.submit(method, {"image": stack()}, method.validate(params))


def test_result_arrives_whole_with_its_hash(queue, lane):
    job = wait(submit(queue, lane, factor=3))
    assert job.state is State.DONE, job.trace
    expected = Stack(stack().array() * 3, (1e-6, 2e-6, 3e-6))
    assert np.array_equal(job.outputs["image"].array(), expected.array())
    assert job.hashes["image"] == expected.content_hash
    assert job.fraction == 1.0


def test_refusal_keeps_its_sentence(queue, lane):
    job = wait(submit(queue, lane, fault="refuse"))
    assert job.state is State.FAILED
    assert str(job.error) == "rock.tif: this rock is too hard. Take a softer one."
    assert "double" in job.trace


def test_a_bug_becomes_a_sentence_and_the_lane_goes_on(queue, lane):
    job = wait(submit(queue, lane, fault="break"))
    assert job.state is State.FAILED and "ZeroDivisionError" in str(job.error)
    assert wait(submit(queue, lane)).state is State.DONE


def test_cancel_running_within_a_second_and_queued_at_once(queue):
    first, second = submit(queue, "process", seconds=30), submit(queue, "process")
    while first.state is State.QUEUED or first.fraction == 0:
        time.sleep(0.01)
    queue.cancel(second)
    queue.cancel(first)
    start = time.monotonic()
    wait(first, 5)
    assert first.state is State.CANCELLED and time.monotonic() - start < 2.0
    assert wait(second).state is State.CANCELLED
    assert wait(submit(queue, "process")).state is State.DONE


def test_a_child_that_does_not_listen_is_killed_and_replaced(queue):
    job = submit(queue, "process", seconds=60, deaf=True)
    while job.state is State.QUEUED:
        time.sleep(0.01)
    time.sleep(0.3)
    queue.cancel(job)
    assert wait(job, 10).state is State.CANCELLED
    assert wait(submit(queue, "process")).state is State.DONE


def test_a_child_that_dies_is_reported_and_replaced(queue):
    job = wait(submit(queue, "process", fault="die"))
    assert job.state is State.FAILED and "ended unexpectedly" in str(job.error)
    assert wait(submit(queue, "process")).state is State.DONE


def test_cancel_in_the_gpu_lane(queue):
    job = submit(queue, "gpu", seconds=30)
    while job.fraction == 0:
        time.sleep(0.01)
    queue.cancel(job)
    assert wait(job, 5).state is State.CANCELLED


def test_metrics_are_kept_for_the_curves(queue):
    job = wait(submit(queue, "gpu", seconds=0.1))
    assert len(job.metrics["loss"]) > 2 and job.metrics["loss"][0][1] == 0.5


def workers():
    """Child processes that run jobs, of whatever queue."""
    found = (p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE)
    return {p.pid for p in found if "spawn_main" in " ".join(p.cmdline())}


def test_close_leaves_no_process():
    before = workers()
    queue = JobQueue()
    job = submit(queue, "process", seconds=30)
    while job.state is State.QUEUED:
        time.sleep(0.01)
    assert len(workers() - before) == 1
    queue.close()
    assert workers() <= before


def test_delivery_happens_where_the_owner_says():
    calls = []
    queue = JobQueue(deliver=calls.append)
    job = submit(queue, "gpu")
    stop = time.monotonic() + 5
    while job.state not in FINISHED and time.monotonic() < stop:
        time.sleep(0.01)
        while calls:
            calls.pop(0)()
    queue.close()
    assert job.state is State.DONE


def test_only_the_latest_preview_is_delivered():
    import threading

    from porelab_gui.session.lanes import LatestLane

    lane = LatestLane("test", lambda call: call())
    begun, go, seen, ended = threading.Event(), threading.Event(), [], threading.Event()

    def slow(progress):
        begun.set()
        go.wait(5)
        progress(1, 2)  # dropped here, by the newer question
        return "old"

    lane.ask(slow, seen.append)
    assert begun.wait(5)
    lane.ask(lambda progress: "skipped", seen.append)
    lane.ask(lambda progress: 1 / 0, lambda result: (seen.append(result), ended.set()))
    go.set()
    assert ended.wait(5)
    assert len(seen) == 1 and isinstance(seen[0], ZeroDivisionError)
    lane.close()
