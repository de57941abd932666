"""What a person changed: states of slices, the automatic result behind, and where it is kept."""

from __future__ import annotations

import pickle

import dask.array as da
import numpy as np
import pytest

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.export.methods import export
from porelab_gui.core.image.correct import Edits, apply_edits, save_edits
from porelab_gui.core.image.formats.dispatch import read_any
from porelab_gui.core.image.methods import METHODS
from porelab_gui.core.image.review import automatic, carried_over, changes, recorded, review_of, slices_in, with_states
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import silent
from porelab_gui.core.recipe import Recipe
from porelab_gui.core.review import Review, SliceState
from porelab_gui.session.project import open_project, save

BY_NAME = {m.name: m for m in METHODS}
DONE, CORRECTED, AUTOMATIC, UNTOUCHED = (
    SliceState.DONE,
    SliceState.CORRECTED,
    SliceState.AUTOMATIC,
    SliceState.UNTOUCHED,
)


@pytest.fixture
def data():
    return np.random.default_rng(0).integers(0, 2, (6, 7, 9)).astype(np.uint8)


@pytest.fixture
def labels(data):
    return Labels(data, (3e-9, 2e-9, 1e-9), {0: "matrix", 1: "pore"}, (1,), name="l")


def edits_of(data, places, value):
    index = np.sort(np.ravel_multi_index(np.array(places).T, data.shape))
    return Edits(data.shape, index, np.full(len(index), value, np.int64))


def test_corrections_are_counted_against_the_automatic_result_over_several_rounds(labels, data):
    flip = data.copy()
    flip[2, 3, 4] ^= 1
    flip[2, 0, 0] ^= 1
    once = recorded(labels, flip, range(6))
    assert slices_in(once, CORRECTED) == (2,) and slices_in(once, AUTOMATIC) == (0, 1, 3, 4, 5)
    back = flip.copy()
    back[2, 0, 0] ^= 1  # as it was
    back[5, 6, 8] = 7
    twice = recorded(with_states(once, {2: DONE}), back, range(6))
    assert slices_in(twice, DONE) == (2,) and slices_in(twice, CORRECTED) == (5,)
    found = changes(twice)
    assert found.changed.tolist() == [0, 0, 1, 0, 0, 1]
    assert found.of_all == pytest.approx(2 / data.size)
    assert found.of_pores == pytest.approx(2 / np.count_nonzero(data == 1))
    np.testing.assert_array_equal(automatic(twice).data, data)
    assert labels.content_hash != twice.content_hash
    assert pickle.loads(pickle.dumps(twice)).content_hash == twice.content_hash


def test_a_review_that_does_not_fit_is_refused_or_forgotten(labels):
    with pytest.raises(InputError, match="no slice 9"):
        with_states(labels, {9: DONE})
    with pytest.raises(InputError, match="damaged"):
        Review((6, 7, 9), np.ones(6), np.array([5, 5]), np.array([0, 0]))
    reviewed = with_states(labels, {1: DONE})
    import dataclasses

    assert dataclasses.replace(reviewed, data=labels.data[:, :5]).review is None


def test_a_crop_keeps_the_review_of_its_part(labels, data):
    flip = data.copy()
    flip[1:4, 2, 3] ^= 1
    flip[3, 6, 8] ^= 1
    box = {"start": (2, 1, 1), "stop": (5, 6, 8)}
    crop = BY_NAME["crop"]({"image": recorded(labels, flip, range(6))}, box)["image"]
    assert slices_in(crop, CORRECTED) == (0, 1)
    np.testing.assert_array_equal(automatic(crop).data, data[2:5, 1:6, 1:8])
    assert changes(crop).changed.tolist() == [1, 1, 0]


def test_a_new_automatic_result_keeps_the_slices_of_the_person(labels, data):
    flip = data.copy()
    flip[4] = 2
    earlier = with_states(recorded(labels, flip, [4]), {0: DONE})
    fresh = Labels(1 - data, labels.voxel_size, name="fresh")
    made = carried_over(fresh, earlier)
    assert slices_in(made, DONE) == (0,) and slices_in(made, CORRECTED) == (4,)
    np.testing.assert_array_equal(made.data[[0, 4]], flip[[0, 4]])
    np.testing.assert_array_equal(made.data[[1, 2, 3, 5]], 1 - data[[1, 2, 3, 5]])
    np.testing.assert_array_equal(automatic(made).data, 1 - data)


def test_lazy_labels_take_edits_and_stay_lazy(labels, data):
    lazy = Labels(da.from_array(data, chunks=(2, 3, 4)), labels.voxel_size, labels.phases, (1,), name="l")
    places = [(0, 0, 0), (1, 6, 8), (5, 3, 2), (5, 6, 8)]
    out = apply_edits(apply_edits(lazy, edits_of(data, places[:2], 9)), edits_of(data, places[2:], 8))
    expected = data.copy()
    for place, value in zip(places, (9, 9, 8, 8), strict=True):
        expected[place] = value
    assert hasattr(out.data, "dask")
    np.testing.assert_array_equal(out.array(), expected)
    np.testing.assert_array_equal(np.asarray(out.data[:, 6]), expected[:, 6])
    assert changes(out).changed.sum() == 4 and out.phases[9] == "phase 9"


def test_painted_voxels_go_into_the_ome_zarr_on_disk(tmp_path):
    data = np.random.default_rng(1).integers(0, 2, (10, 150, 140)).astype(np.uint8)
    noun = Labels(data, (3e-9, 2e-9, 1e-9), {0: "matrix", 1: "pore"}, (1,), name="l")
    path = export(noun, tmp_path / "l.zarr", silent)[0]
    opened = read_any(path)
    places = [(4, 20, 30), (4, 21, 30), (9, 149, 139)]
    edits = edits_of(data, places, 5)
    save_edits(edits, tmp_path / "e.npz")
    params = {
        "path": str(tmp_path / "e.npz"), "in_place": True, "phases": {5: "crack"}, "void": (1, 5),
        "colours": {5: "#ff0000"}, "states": {4: "done"},
    }  # fmt: skip
    made = BY_NAME["correct_labels"]({"labels": opened}, params)["labels"]
    again = read_any(path)
    expected = data.copy()
    for place in places:
        expected[place] = 5
    np.testing.assert_array_equal(again.array(), expected)
    import zarr

    np.testing.assert_array_equal(zarr.open_group(str(path), mode="r")["1"][:], expected[::2, ::2, ::2])
    assert slices_in(again, DONE) == (4,) and slices_in(again, CORRECTED) == (9,)
    np.testing.assert_array_equal(automatic(again).data, data)
    assert made.phases[5] == "crack" and made.void == (1, 5) and made.colours[5] == "#ff0000"
    with pytest.raises(InputError, match="not opened from an OME-Zarr"):
        BY_NAME["correct_labels"]({"labels": noun}, params)


def test_projects_and_ome_zarr_keep_states_colours_and_the_automatic_result(tmp_path, labels, data):
    flip = data.copy()
    flip[2, 3, 4] ^= 1
    import dataclasses

    noun = dataclasses.replace(with_states(recorded(labels, flip, [2]), {5: DONE}), colours={1: "#123456"})
    save(tmp_path / "p", {"l": noun, "plain": labels}, Recipe())
    found = open_project(tmp_path / "p")
    assert not found.notes and found.items["plain"].review is None
    again = read_any(export(noun, tmp_path / "l.zarr", silent)[0])
    for one in (found.items["l"], again):
        assert slices_in(one, DONE) == (5,) and slices_in(one, CORRECTED) == (2,)
        np.testing.assert_array_equal(automatic(one).data, data)
        assert one.colours[1] == "#123456"
    empty = read_any(export(with_states(labels, {1: DONE}), tmp_path / "e.zarr", silent)[0])
    assert slices_in(empty, DONE) == (1,) and len(review_of(empty).index) == 0


def test_a_record_of_corrections_that_lies_is_named(tmp_path, labels):
    path = export(with_states(labels, {1: DONE}), tmp_path / "l.zarr", silent)[0]
    import zarr

    zarr.open_group(str(path), mode="r+")["porelab_review/states"][...] = 9
    with pytest.raises(FormatError, match="slice states"):
        read_any(path)


def test_empty_labels_to_paint(data):
    made = BY_NAME["blank_labels"]({"image": Stack(data, 1e-6, name="rock")}, {})["labels"]
    assert set(slices_in(made, UNTOUCHED)) == set(range(6)) and not made.data.any()
    assert made.void == (1, 2) and made.phases[3] == "organic matter"
