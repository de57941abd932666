"""A short soak: cancels, kills and a full graphics card at random moments, and nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from porelab_gui.cli.bench import load

PHANTOM = {"kind": "sandstone", "depth": 24, "height": 24, "width": 24, "seed": 7, "voxel": 5e-6}
METHODS = {
    "make_phantom": PHANTOM, "filter_median": {}, "segment_threshold": {}, "fill_holes": {},
    "extract_network": {}, "conductance_analytic": {}, "solve_flow": {}, "rank_throats": {},
}  # fmt: skip


def run():
    return load("soak").soak(40, 20, METHODS)["figures"]


CODE = "import json, test_soak as t; print(json.dumps(t.run()))"


@pytest.fixture(scope="module")
def figures():
    """In a process of its own: here the memory and the files of earlier tests come and go at the same time."""
    done = subprocess.run([sys.executable, "-c", CODE], cwd=Path(__file__).parent, capture_output=True, text=True,
                          timeout=280)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_job_ends_and_some_are_cancelled(figures):
    assert figures["stuck"] == 0
    assert figures["jobs_cancelled"] > 2 and figures["jobs_failed"] > 2 and figures["jobs_done"] > 20


def test_memory_threads_and_files_do_not_grow(figures):
    assert figures["memory_growth"] < 0.05 and figures["worker_memory_growth"] < 0.05
    assert figures["threads_more"] <= 0 and figures["files_more"] <= 2


def test_no_process_file_or_shared_memory_is_left(figures):
    assert {k: v for k, v in figures.items() if k.startswith("left_")} == {
        "left_zombies": 0, "left_workers": 0, "left_temporary": 0, "left_shared": 0,
    }  # fmt: skip
