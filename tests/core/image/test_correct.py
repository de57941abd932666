"""Help for corrections by hand."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.methods import METHODS
from porelab_gui.core.nouns import Labels, Stack

BY_NAME = {m.name: m for m in METHODS}
PHASES = {0: "matrix", 1: "pore"}


def labels(data):
    return Labels(np.asarray(data, np.uint8), 1e-6, PHASES, (1,), name="l")


def disc(radius, n=40):
    y, x = np.ogrid[:n, :n]
    return (y - n / 2 + 0.5) ** 2 + (x - n / 2 + 0.5) ** 2 <= radius**2


def test_interpolation_between_two_discs_is_a_cone():
    data = np.zeros((7, 40, 40))
    data[0], data[6] = disc(4), disc(16)
    out = BY_NAME["interpolate_slices"]({"labels": labels(data)}, {"first": 0, "last": 6})["labels"].data
    radii = np.sqrt(out.sum(axis=(1, 2)) / np.pi)
    np.testing.assert_allclose(radii, 4 + 2 * np.arange(7), atol=0.6)
    np.testing.assert_array_equal(out[[0, 6]], data[[0, 6]])


def test_a_phase_of_one_slice_only_fades():
    data = np.zeros((5, 40, 40))
    data[4] = disc(10)
    out = BY_NAME["interpolate_slices"]({"labels": labels(data)}, {"first": 0, "last": 4})["labels"].data
    sizes = out.sum(axis=(1, 2))
    assert (np.diff(sizes) >= 0).all() and sizes[1] == 0
    with pytest.raises(InputError, match="no slice between"):
        BY_NAME["interpolate_slices"]({"labels": labels(data)}, {"first": 2, "last": 3})


def test_smart_fill_stays_in_its_grey_range_and_slice():
    grey = np.full((3, 20, 20), 150, np.uint8)
    grey[:, 5:15, 5:15] = 60
    grey[:, 5:15, 9] = 150  # a wall
    inputs = {"labels": labels(np.zeros(grey.shape)), "image": Stack(grey, 1e-6)}
    out = BY_NAME["smart_fill"](inputs, {"z": 1, "y": 7, "x": 6, "tolerance": 20.0, "phase": 2})["labels"]
    expected = np.zeros(grey.shape, bool)
    expected[1, 5:15, 5:9] = True
    np.testing.assert_array_equal(out.data == 2, expected)
    assert out.phases[2] == "phase 2"
    deep = BY_NAME["smart_fill"](inputs, {"z": 1, "y": 7, "x": 6, "tolerance": 20.0, "space": "3D"})["labels"]
    assert (deep.data == 1).sum() == 3 * 40
    with pytest.raises(InputError, match="x = 99 is outside the 20"):
        BY_NAME["smart_fill"](inputs, {"z": 1, "y": 7, "x": 99})


def test_copy_of_one_phase_keeps_the_others():
    data = np.zeros((4, 6, 6))
    data[0, 1, 1], data[2, 3, 3] = 1, 1
    out = BY_NAME["copy_slice"]({"labels": labels(data)}, {"source": 0, "first": 1, "last": 3, "phase": 1})[
        "labels"
    ].data
    assert out[2, 1, 1] == 1 and out[2, 3, 3] == 1 and out[3].sum() == 1
    whole = BY_NAME["copy_slice"]({"labels": labels(data)}, {"source": 0, "first": 2, "last": 2})["labels"].data
    assert whole[2, 3, 3] == 0


def test_changes_are_counted_per_slice_and_overall():
    before = np.zeros((3, 10, 10))
    before[:, :2] = 1
    now = before.copy()
    now[1, 5, :4] = 1
    now[2, 0, 0] = 0
    out = BY_NAME["count_changes"]({"labels": labels(now), "automatic": labels(before)}, {})["changes"]
    assert out["changed"].tolist() == [0, 4, 1]
    assert set(out["state"]) == {"automatic"}
    assert out.notes == ("5 pixels changed: 1.67% of all, 8.33% of the automatic pore pixels.",)
