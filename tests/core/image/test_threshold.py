"""Thresholds: against scikit-image, and against images that leave nothing to segment."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.histogram import histogram, multi_otsu, otsu
from porelab_gui.core.image.threshold import SEGMENT_THRESHOLD
from porelab_gui.core.nouns import Stack


def bimodal(dtype, shape=(20, 30, 40), scale=1.0):
    rng = np.random.default_rng(5)
    pore = rng.random(shape) < 0.25
    data = np.where(pore, rng.normal(60, 12, shape), rng.normal(150, 20, shape)) * scale
    return Stack(np.clip(data, 0, None).astype(dtype), 1e-6, name="rock"), pore


@pytest.mark.parametrize(("dtype", "scale"), [("uint8", 1), ("uint16", 100), ("int16", 50), ("float32", 1e-3)])
def test_otsu_is_that_of_scikit_image(dtype, scale):
    from skimage.filters import threshold_otsu

    stack, _ = bimodal(dtype, scale=scale)
    theirs = threshold_otsu(stack.data, nbins=4096)
    spread = float(stack.data.max()) - float(stack.data.min())
    assert otsu(stack) == pytest.approx(theirs, abs=spread / 2048 if dtype == "float32" else 0)


def test_multi_otsu_is_that_of_scikit_image():
    from skimage.filters import threshold_multiotsu

    rng = np.random.default_rng(0)
    parts = [rng.normal(m, 8, 4000) for m in (40, 110, 180, 230)]
    data = np.clip(np.concatenate(parts), 0, 255).astype(np.uint8).reshape(20, 20, 40)
    stack = Stack(data, 1e-6)
    for classes in (2, 3, 4):
        counts = np.bincount(data.ravel(), minlength=256)
        theirs = threshold_multiotsu(hist=(counts, np.arange(256)), classes=classes)
        np.testing.assert_array_equal(multi_otsu(stack, classes), theirs)


def test_segments_the_side_that_is_asked_for():
    stack, pore = bimodal("uint8")
    dark = SEGMENT_THRESHOLD({"image": stack}, {})["labels"]
    assert (dark.void_mask() == pore).mean() > 0.98
    bright = SEGMENT_THRESHOLD({"image": stack}, {"void": "bright"})["labels"]
    np.testing.assert_array_equal(bright.void_mask(), ~dark.void_mask())
    assert dark.voxel_size == stack.voxel_size


def test_multi_otsu_names_the_darkest_pore():
    stack, _ = bimodal("uint8")
    labels = SEGMENT_THRESHOLD({"image": stack}, {"rule": "multi_otsu", "classes": 3})["labels"]
    assert labels.phases == {1: "pore", 2: "phase 2", 3: "phase 3"}
    means = [stack.data[labels.data == k].mean() for k in (1, 2, 3)]
    assert means == sorted(means)


@pytest.mark.parametrize(
    ("threshold", "void", "word"), [(-1, "dark", "solid"), (1e3, "dark", "void"), (1e3, "bright", "solid")]
)
def test_all_solid_and_all_void_are_refused(threshold, void, word):
    stack, _ = bimodal("uint8")
    with pytest.raises(InputError, match=rf"rock: .*whole image {word}.*grey levels run from"):
        SEGMENT_THRESHOLD({"image": stack}, {"rule": "manual", "threshold": threshold, "void": void})


def test_a_constant_image_and_nan_are_refused():
    with pytest.raises(InputError, match="every voxel has the grey level 7"):
        otsu(Stack(np.full((4, 5, 6), 7, np.uint8), 1e-6))
    data = bimodal("float32")[0].data
    data[3, 4, 5] = np.nan
    for params in ({}, {"rule": "manual", "threshold": 1.0}, {"rule": "multi_otsu"}):
        with pytest.raises(InputError, match=r"\(3, 4, 5\)"):
            SEGMENT_THRESHOLD({"image": Stack(data, 1e-6, name="rock")}, params)


def test_lazy_stack_gives_the_same(monkeypatch):
    import dask.array as da

    from porelab_gui.core.image import histogram as module

    stack, _ = bimodal("uint16", scale=100)
    whole = histogram(stack)
    monkeypatch.setattr(module, "BLOCK_BYTES", 5000)
    lazy = histogram(Stack(da.from_array(stack.data, chunks=7), 1e-6))
    np.testing.assert_array_equal(whole.counts, lazy.counts)
