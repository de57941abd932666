"""The lane that owns the device goes on after whatever a job does; and what undo and the queue keep is bounded."""

from __future__ import annotations

import gc
import time
import weakref

import numpy as np
import pytest
import torch

from porelab_gui.core.method import Method, Params, param
from porelab_gui.core.nouns import Stack, Table
from porelab_gui.session import jobs
from porelab_gui.session.history import kept
from porelab_gui.session.jobs import FINISHED, JobQueue, State
from porelab_gui.session.session import Session, Snapshot

BIG = 1 << 20


class EndParams(Params):
    how: str = param("", "How it ends.")


held: list[weakref.ref] = []


def end(inputs, params, progress):
    """What torch and Python raise when a job on the device goes wrong."""
    tensor = torch.zeros(BIG)
    held.append(weakref.ref(tensor))
    while params.how == "wait":
        time.sleep(0.005)
        progress(1, 2)
    if params.how == "full":
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
    if params.how == "assert":
        raise RuntimeError("CUDA error: device-side assert triggered")
    if params.how == "exit":
        raise SystemExit(3)
    if params.how == "memory":
        raise MemoryError
    return {"table": Table({})}


METHOD = Method("end", "End", "", "Learn", "", EndParams, {}, {"table": Table}, end, lane="gpu")


@pytest.fixture
def queue():
    made = JobQueue()
    yield made
    made.close()


def submit(queue, how="", done=None):
    return queue.submit(METHOD, {}, METHOD.validate({"how": how}), done)


def wait(job):
    stop = time.monotonic() + 60
    while job.state not in FINISHED and time.monotonic() < stop:
        time.sleep(0.005)
    return job


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("full", "End: the graphics card has not enough memory. Take a smaller batch"),
        ("assert", "device-side assert"),
        ("exit", "SystemExit"),
        ("memory", "there is not enough memory"),
    ],
)
def test_a_failure_is_a_sentence_holds_no_tensor_and_the_lane_goes_on(queue, how, sentence):
    held.clear()
    job = wait(submit(queue, how))
    assert job.state is State.FAILED and sentence in str(job.error) and "in end" in job.trace
    assert wait(submit(queue)).state is State.DONE
    gc.collect()
    assert [r() for r in held] == [None, None]


def test_after_a_cancel_the_lane_goes_on(queue):
    job = submit(queue, "wait")
    while job.fraction == 0:
        time.sleep(0.005)
    queue.cancel(job)
    assert wait(job).state is State.CANCELLED and wait(submit(queue)).state is State.DONE


def test_a_waiting_job_is_cancelled_at_once(queue):
    first, second = submit(queue, "wait"), submit(queue)
    queue.cancel(second)
    assert second.state is State.CANCELLED and first.state not in FINISHED
    queue.cancel(first)
    wait(first)
    assert wait(submit(queue)).state is State.DONE and second.outputs is None


@pytest.mark.parametrize("method", [METHOD, "segment_threshold"])
def test_a_watcher_that_fails_does_not_end_the_lane(queue, method):
    from porelab_gui.core.registry import get

    method = get(method) if isinstance(method, str) else method
    inputs = {"image": Stack(np.arange(64).reshape(4, 4, 4), (1e-6,) * 3)} if method is not METHOD else {}
    first = queue.submit(method, inputs, method.validate({}), lambda job: 1 / 0)
    wait(first)
    second = wait(queue.submit(method, inputs, method.validate({})))
    assert first.state is State.DONE and second.state is State.DONE, second.error


def test_data_that_cannot_travel_to_the_worker_is_a_failure(queue):
    made_here = Method("end", "End", "", "Learn", "", EndParams, {}, {}, lambda i, p, s: {}, lane="process")
    job = wait(queue.submit(made_here, {}, made_here.validate({})))
    assert job.state is State.FAILED and "pickle" in str(job.error).lower()


def test_a_killed_job_leaves_no_half_written_file(queue, tmp_path):
    from porelab_gui.core.registry import get

    image = Stack(np.random.default_rng(0).integers(0, 255, (900, 300, 300), np.uint8), (1e-6,) * 3)
    export = get("export")
    job = queue.submit(export, {"data": image}, export.validate({"path": str(tmp_path / "rock.npz")}))
    stop = time.monotonic() + 60
    while not list(tmp_path.glob(".writing-*/*")) and time.monotonic() < stop:
        time.sleep(0.005)
    queue._lanes["process"]._child.kill()
    assert wait(job).state is State.FAILED and list(tmp_path.iterdir()) == []


def test_old_jobs_give_back_their_data(queue, monkeypatch):
    monkeypatch.setattr(jobs, "KEEP", 6)
    monkeypatch.setattr(jobs, "KEEP_DATA", 2)
    made = [wait(submit(queue)) for _ in range(9)]
    assert [j.outputs is not None for j in made] == [False] * 6 + [True] * 3
    assert queue.jobs == made[2:]


def snapshots(count, edge=10):
    return [Snapshot({"image": Stack(np.zeros((edge,) * 3), (1e-6,) * 3)}, (), "x") for _ in range(count)]


def test_undo_is_bounded_by_number_and_by_memory():
    past = snapshots(60)
    assert kept(past, {}) == 50
    assert kept(past, {}, budget=3 * 8000) == 3
    assert kept(past, {}, budget=0) == 1
    shared = [past[0]] * 60
    assert kept(shared, past[0].items, most=100, budget=0) == 60


def test_a_session_forgets_its_oldest_states():
    session = Session()
    for state in snapshots(70):
        session.replace(state.items, session.recipe, "next")
    count = 0
    while session.undo_title:
        session.undo()
        count += 1
    assert count == 50
    session.queue.close()


def test_what_a_program_that_was_killed_with_its_worker_has_left_goes(tmp_path, monkeypatch):
    from porelab_gui.session import workplace

    monkeypatch.setattr(workplace, "SHARED", tmp_path / "shm")
    monkeypatch.setattr(workplace.tempfile, "tempdir", str(tmp_path))
    (tmp_path / "shm").mkdir()
    head = f"{workplace.PREFIX}{workplace._host()}"
    dead, alive, other = (tmp_path / n for n in (f"{head}-4999999-a", f"{head}-1-b", "porelab-work-else-4999999-c"))
    for folder in (dead, alive, other):
        folder.mkdir()
    made = workplace.Workplace.make()
    assert not dead.exists() and alive.exists() and other.exists()
    made.remove()
    assert not made.disk.exists() and list((tmp_path / "shm").iterdir()) == []
