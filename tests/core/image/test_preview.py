"""Previews: what a Method would give on the slice in view is what its run gives there."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.image.methods import METHODS
from porelab_gui.core.method import View
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import silent

BY_NAME = {m.name: m for m in METHODS}
VIEW = View(6, slice(10, 40), slice(4, 50))
PREVIEWED = sorted(m.name for m in METHODS if m.preview is not None)


@pytest.fixture(scope="module")
def grey():
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(4)
    noise = gaussian_filter(rng.random((16, 48, 56)), 1.5)
    data = np.uint8(250 * (noise - noise.min()) / np.ptp(noise) + 5 * rng.random(noise.shape))
    return Stack(data, (2e-6, 1e-6, 1e-6), name="grey")


def seen(made, view):
    return made.array()[0] if made.shape[1] < 48 else made.array()[0][view.rows, view.cols]


def test_every_tool_of_the_image_desk_has_a_preview():
    assert {
        "resample", "align_slices", "filter_median", "filter_nlm", "filter_bilateral", "standardise_slices", "destripe",
        "segment_local_otsu", "split_watershed", "fill_holes", "remove_islands",
    } == set(PREVIEWED)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("filter_median", {"size": 3}),
        ("filter_median", {"size": 4, "space": "slices"}),
        ("filter_nlm", {}),
        ("filter_bilateral", {}),
        ("standardise_slices", {}),
        ("destripe", {"along": "x"}),
        ("align_slices", {"window": 5}),
        ("align_slices", {"trend": "keep"}),
        ("segment_local_otsu", {"window": 21, "contrast": 0.2}),
    ],
)
def test_preview_is_the_slice_of_the_run(grey, name, params):
    method = BY_NAME[name]
    whole = next(iter(method({"image": grey}, params).values()))
    made = method.preview({"image": grey}, method.validate(params), VIEW, silent)
    _, y, x = grey.voxel_size
    corner = (-0.5 * y, -0.5 * x) if made.image.shape[1] == 48 else (9.5 * y, 3.5 * x)
    np.testing.assert_allclose(made.corner, corner)
    expected = whole.array()[6, VIEW.rows, VIEW.cols]
    np.testing.assert_allclose(seen(made.image, VIEW), expected, atol=1e-4)


@pytest.mark.parametrize("kernel", ["linear", "nearest", "mean"])
def test_the_preview_of_resampling_is_a_plane_of_the_run(grey, kernel):
    params = {"kernel": kernel, "voxel": 4e-6 if kernel == "mean" else 1e-6}
    method = BY_NAME["resample"]
    whole = method({"image": grey}, params)["image"].array()
    made = method.preview({"image": grey}, method.validate(params), VIEW, silent)
    plane = made.image.array()[0]
    assert any(np.array_equal(plane, page) for page in whole)
    assert made.image.voxel_size == (params["voxel"],) * 3


@pytest.mark.parametrize("name", ["split_watershed", "fill_holes", "remove_islands"])
def test_previews_of_label_tools_look_about_the_slice(grey, name):
    labels = Labels((grey.data < 90).astype(np.uint8), grey.voxel_size, name="l")
    method = BY_NAME[name]
    whole = next(iter(method({"labels": labels}, {}).values()))
    made = method.preview({"labels": labels}, method.validate({}), VIEW, silent)
    assert np.array_equal(made.image.array()[0], whole.array()[6])
    page = whole.array()[6]
    bodies, changed = len(np.unique(page[page > 0])), int(np.count_nonzero(page != labels.array()[6]))
    splits = name == "split_watershed"
    assert made.note == (f"{bodies:,} bodies in this slice." if splits else f"{changed:,} voxels of this slice change.")
