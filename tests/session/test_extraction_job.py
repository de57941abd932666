"""Partial results of an extraction come through, and it hears a cancel by itself."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from porelab_gui.core.nouns import Labels
from porelab_gui.core.registry import get
from porelab_gui.session import worker
from porelab_gui.session.jobs import FINISHED, JobQueue, State
from porelab_gui.session.workplace import Workplace


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def queue():
    made = JobQueue()
    yield made
    made.close()


def rock(edge):
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(0).standard_normal((edge,) * 3, np.float32), 2.5)
    return Labels((noise < np.quantile(noise[::4], 0.4)).astype(np.uint8), (1e-6,) * 3)


@pytest.mark.parametrize("block", [0, 32])
def test_an_extraction_sends_peaks_and_then_regions(queue, block, tmp_path):
    seen, labels = [], rock(48)

    def look(job):
        if job.preview is not None and not (seen and seen[-1] is job.preview):
            seen.append(job.preview)

    queue.changed.connect(look)
    params = get("extract_network").validate({"block_size": block, "scratch": str(tmp_path) if block else ""})
    job = queue.submit(get("extract_network"), {"labels": labels}, params)
    until(lambda: job.state in FINISHED)
    queue.changed.disconnect(look)
    assert job.state is State.DONE and [s[0] for s in seen] == ["peaks", "regions"]
    peaks, regions = seen[0][1], seen[1][1]
    assert (labels.data[tuple(peaks.T)] == 1).all()
    assert regions.shape == labels.shape and np.array_equal(regions, np.asarray(job.outputs["regions"].data))


def test_large_previews_are_thinned(tmp_path, monkeypatch):
    sent = []

    class Pipe:
        def send(self, message):
            sent.append(message)

    monkeypatch.setattr(worker, "PREVIEW_VOXELS", 1000)
    reporter = worker.Reporter(Pipe(), threading.Event(), Workplace(tmp_path, None))
    image = np.arange(30**3).reshape(30, 30, 30)
    reporter.preview("regions", image)
    stage, small, step = worker.unpack(sent[0][1])
    assert stage == "regions" and step == 3 and np.array_equal(small, image[::3, ::3, ::3])


@pytest.mark.parametrize("after", [0.0, 0.3, 0.7])
def test_an_extraction_hears_a_cancel_before_its_process_is_killed(queue, after):
    """A child that does not listen for 0.7 s is killed and replaced; this one goes on to serve."""
    from porelab_gui.session.lanes import ProcessLane

    for edge in (160, 220, 280):  # a fast machine may finish a small rock before the cancel is sent
        job = queue.submit(get("extract_network"), {"labels": rock(edge)}, get("extract_network").validate({}))
        until(lambda job=job: job.state in FINISHED or (job.state is State.RUNNING and job.fraction > after))
        lane = queue._lane("process")
        assert isinstance(lane, ProcessLane)
        child = lane._child
        queue.cancel(job)
        until(lambda job=job: job.state in FINISHED)
        if job.state is not State.DONE:
            break
    assert job.state is State.CANCELLED and lane._child is child and child.is_alive()
