"""Voxels painted by hand: found, kept, applied, and refused where they do not belong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.image.correct import CORRECT_LABELS, apply_edits, edits_between, load_edits, save_edits
from porelab_gui.core.nouns import Labels

VOXEL = (2e-6, 1e-6, 1e-6)


def some(seed=0, shape=(4, 5, 6)):
    return np.random.default_rng(seed).integers(0, 3, shape).astype(np.uint8)


@given(st.integers(0, 100), st.integers(0, 100))
def test_edits_between_two_images_turn_one_into_the_other(a, b):
    before, after = Labels(some(a), VOXEL), some(b)
    edits = edits_between(before.data, after)
    assert np.array_equal(apply_edits(before, edits).array(), after)
    assert len(edits) == np.count_nonzero(before.data != after)


def test_only_the_slices_that_were_touched_are_compared():
    before, after = some(), some()
    after[1, 2, 3] += 1
    after[3, 0, 0] += 1
    assert len(edits_between(before, after, (1, 2))) == 1
    assert len(edits_between(before, after, (0, 0))) == 0


def test_the_method_gives_the_painted_image_and_leaves_its_input_alone(tmp_path):
    before, after = Labels(some(1), VOXEL, {0: "matrix", 1: "pore", 2: "clay"}), some(2)
    kept = before.data.copy()
    edits = edits_between(before.data, after)
    save_edits(edits, tmp_path / "edits.npz")
    params = {"path": str(tmp_path / "edits.npz"), "digest": edits.content_hash}
    made = CORRECT_LABELS({"labels": before}, params)["labels"]
    assert np.array_equal(made.array(), after)
    assert np.array_equal(before.data, kept)
    assert made.voxel_size == VOXEL and made.phases[2] == "clay"


def test_a_phase_beyond_the_type_widens_it():
    before = Labels(np.zeros((2, 2, 2), np.int8), VOXEL)
    after = np.zeros((2, 2, 2), np.int64)
    after[0, 0, 1] = 300
    made = apply_edits(before, edits_between(before.data, after), {300: "pyrite"})
    assert made.array()[0, 0, 1] == 300
    assert made.phases[300] == "pyrite"


def test_an_unnamed_phase_gets_a_name():
    before = Labels(np.zeros((2, 2, 2), np.uint8), VOXEL)
    after = np.full((2, 2, 2), 5, np.uint8)
    assert apply_edits(before, edits_between(before.data, after)).phases[5] == "phase 5"


def test_edits_of_another_image_are_refused():
    edits = edits_between(some(0), some(1))
    with pytest.raises(InputError, match="painted on an image"):
        apply_edits(Labels(some(0, (4, 5, 7)), VOXEL), edits)


def test_edits_that_have_changed_since_are_refused(tmp_path):
    path = tmp_path / "edits.npz"
    save_edits(edits_between(some(0), some(1)), path)
    with pytest.raises(FormatError, match="have changed"):
        CORRECT_LABELS({"labels": Labels(some(0), VOXEL)}, {"path": str(path), "digest": "0" * 32})


@pytest.mark.parametrize("body", [b"", b"PK not a zip", b"not at all"])
def test_a_file_that_is_none_is_a_sentence_with_its_name(tmp_path, body):
    path = tmp_path / "edits.npz"
    path.write_bytes(body)
    with pytest.raises(FormatError, match=r"edits\.npz"):
        load_edits(path)


def test_a_missing_file_says_where_it_should_come_from(tmp_path):
    with pytest.raises(FormatError, match="saved beside the recipe"):
        load_edits(tmp_path / "absent.npz")


def test_a_pickle_in_the_file_is_not_executed(tmp_path):
    path = tmp_path / "edits.npz"
    np.savez(path, shape=np.array([1, 1, 1]), index=np.array([object()], dtype=object), value=np.array([1]))
    with pytest.raises(FormatError):
        load_edits(path)
