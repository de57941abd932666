"""Damaged files: none crashes a reader, hangs it or makes it ask for a gigabyte; each is named in the refusal.

``PORELAB_FUZZ=2000`` sets how many files per reader (the default is a quick sample).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import reader_fuzz

PER_READER = int(os.environ.get("PORELAB_FUZZ", "16"))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Outcomes of a corpus of damaged files, by reader."""
    pytest.importorskip("resource")
    folder = tmp_path_factory.mktemp("fuzz")
    count = reader_fuzz.corpus(folder, PER_READER, seed=5)
    found = reader_fuzz.read_all(folder)
    assert {k: sum(v.values()) for k, v in found.items()} == dict(count)
    return found


@pytest.mark.timeout(3600)
def test_damaged_files_are_read_or_refused(outcomes):
    wrong = {k: {o: n for o, n in v.items() if o not in ("read", "refused")} for k, v in outcomes.items()}
    assert not {k: v for k, v in wrong.items() if v}


def test_every_reader_is_fuzzed_and_refuses_something(outcomes):
    from porelab_gui.core.image.formats.dispatch import READERS

    names = {"numpy_files": "numpy"}
    assert {names.get(k, k) for k in READERS} | {"folder", "ome_zarr"} <= set(outcomes)
    assert all(v["refused"] > 0 for v in outcomes.values())


def test_sound_files_of_the_corpus_are_read(tmp_path):
    from porelab_gui.core.image.formats.dispatch import read_any

    for paths in reader_fuzz.seeds(tmp_path).values():
        for path in paths:
            read_any(path, reader_fuzz.VOXEL)
