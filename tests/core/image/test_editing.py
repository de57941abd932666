"""Filters, geometry and corrections: each against what it must do on an image where that is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.editing import local_otsu
from porelab_gui.core.image.editing.geometry import AlignParams, slice_shifts
from porelab_gui.core.image.methods import METHODS
from porelab_gui.core.image.phantoms.method import MAKE_PHANTOM
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import Cancelled, silent

BY_NAME = {m.name: m for m in METHODS}


def run(name, noun, **params):
    method = BY_NAME[name]
    return next(iter(method({next(iter(method.inputs)): noun}, params).values()))


def stack(data, voxel=(3e-6, 2e-6, 1e-6)):
    return Stack(np.asarray(data), voxel, name="s")


@pytest.fixture(scope="module")
def noisy():
    """A bright half and a dark half with noise, and the truth."""
    truth = np.where(np.arange(40) < 20, 60.0, 160.0) * np.ones((6, 32, 1))
    grey = truth + np.random.default_rng(0).normal(0, 12, truth.shape)
    return stack(np.clip(grey, 0, 255).astype(np.uint8)), truth


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("filter_median", {}),
        ("filter_median", {"space": "slices"}),
        ("filter_nlm", {}),
        ("filter_bilateral", {"contrast": 0.2}),
    ],
)
def test_denoising_keeps_the_edge(noisy, name, params):
    grey, truth = noisy
    smooth = run(name, grey, **params)
    assert smooth.data.dtype == grey.data.dtype
    assert smooth.voxel_size == grey.voxel_size
    before, after = (np.abs(d.astype(float) - truth)[:, 3:-3, 3:-3].mean() for d in (grey.data, smooth.data))
    assert after < 0.62 * before
    assert smooth.data[:, :, 21].mean() - smooth.data[:, :, 18].mean() > 70


def test_median_in_slabs_is_the_median_of_the_whole():
    data = np.random.default_rng(1).integers(0, 255, (21, 9, 10)).astype(np.uint8)
    np.testing.assert_array_equal(run("filter_median", stack(data)).data, ndimage.median_filter(data, 3))


def test_standardised_slices(noisy):
    done = run("standardise_slices", noisy[0]).data
    np.testing.assert_allclose(done.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(done.std(axis=(1, 2)), 1, rtol=1e-5)
    assert np.isfinite(run("standardise_slices", stack(np.zeros((3, 4, 5), np.uint8))).data).all()


def test_destripe_takes_out_stripes_and_little_else():
    rng = np.random.default_rng(2)
    scene = ndimage.gaussian_filter(rng.normal(0, 1, (4, 96, 128)), (0, 4, 4)) * 400 + 120
    stripes = rng.normal(0, 15, (4, 1, 128)) * np.ones((1, 96, 1))
    done = run("destripe", stack(scene + stripes)).data
    left = done - scene
    assert left.std() < 0.5 * stripes.std()
    assert np.corrcoef(done.ravel(), scene.ravel())[0, 1] > 0.97
    turned = run("destripe", stack((scene + stripes).transpose(0, 2, 1)), along="x").data
    np.testing.assert_allclose(turned.transpose(0, 2, 1), done, atol=1e-9)


def between(values, level):
    """Between-class variance and distance of the class means."""
    low, high = values[values <= level], values[values > level]
    gap = float(high.mean() - low.mean())
    return low.size * high.size * gap**2, gap


def test_local_otsu_kernel_is_otsu_of_every_window():
    rng = np.random.default_rng(3)
    page = rng.integers(0, 16, (11, 13)).astype(np.uint8)
    from porelab_gui.core.image.editing.local_otsu_kernel import local_threshold
    from porelab_gui.core.image.histogram import Histogram, otsu_of

    level, contrast = local_threshold(page, 3, 16)
    for y in range(11):
        for x in range(13):
            window = page[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4]
            counts = np.bincount(window.ravel(), minlength=16)
            best = between(window, otsu_of(Histogram(counts, np.arange(16.0))))
            assert between(window, level[y, x])[0] == pytest.approx(best[0], rel=1e-9)
            assert contrast[y, x] == pytest.approx(between(window, level[y, x])[1], rel=1e-5)
    for threads in (2, 3):  # the rows shared out
        for whole, shared in zip((level, contrast), local_threshold(page, 3, 16, threads), strict=True):
            np.testing.assert_array_equal(whole, shared)
    level, contrast = local_threshold(np.full((5, 6), 7, np.uint8), 2, 16)
    assert not contrast.any(), "one grey level has no two classes"


def test_local_otsu_beats_one_threshold_under_shading():
    made = MAKE_PHANTOM({}, {"depth": 16, "height": 96, "width": 96, "grain": 16, "seed": 1, "noise": 5.0})
    truth = made["truth"].void_mask()
    shaded = made["image"].data * np.linspace(0.4, 1.0, 96)[None, None, :]
    grey = Stack(shaded.astype(np.uint8), 1e-6, name="shaded")
    local = run("segment_local_otsu", grey, window=31, gate=1.5, contrast=0.8).void_mask()
    one = run("segment_threshold", grey).void_mask()
    scores = [(m & truth).sum() / (m | truth).sum() for m in (local, one)]
    assert scores[0] > 0.6 and scores[0] > scores[1] + 0.2


def test_local_otsu_finds_no_pores_in_plain_matrix():
    data = np.random.default_rng(0).normal(150, 6, (3, 60, 80))
    data[:, 20:30, 20:30] = 40
    mask = run("segment_local_otsu", stack(data.astype(np.uint8)), window=31).void_mask()
    assert mask[:, 20:30, 20:30].mean() > 0.95
    mask[:, 18:32, 18:32] = False
    assert mask.mean() < 1e-3


def test_crop_keeps_voxels_and_names_the_axis_that_is_wrong():
    data = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    np.testing.assert_array_equal(run("crop", stack(data), start=(1, 0, 2), stop=(3, -1, 0)).data, data[1:3, :-1, 2:])
    with pytest.raises(InputError, match=r"along y the box 4\.\.2"):
        run("crop", stack(data), start=(0, 4, 0), stop=(4, 2, 6))


@pytest.mark.parametrize("kernel", ["linear", "cubic"])
def test_resampling_a_ramp_gives_the_ramp(kernel):
    z, y, x = np.meshgrid(*(np.arange(n) + 0.5 for n in (10, 14, 30)), indexing="ij")
    field = 3e6 * (z * 3e-6) + 2e6 * (y * 2e-6) - 1e6 * (x * 1e-6)
    done = run("resample", stack(field.astype(np.float32)), kernel=kernel)
    assert done.shape == (30, 28, 30) and done.voxel_size == (1e-6,) * 3
    z, y, x = np.meshgrid(*((np.arange(n) + 0.5) * 1e-6 for n in done.shape), indexing="ij")
    inner = (slice(12, -12), slice(8, -8), slice(4, -4))
    np.testing.assert_allclose(done.data[inner], (3e6 * z + 2e6 * y - 1e6 * x)[inner], atol=0.05)


def test_resampling_by_the_mean_keeps_the_mean():
    data = np.random.default_rng(0).random((8, 12, 24)).astype(np.float32)
    done = run("resample", stack(data), voxel=6e-6, kernel="mean")
    assert done.shape == (4, 4, 4)
    np.testing.assert_allclose(done.data, data.reshape(4, 2, 4, 3, 4, 6).mean(axis=(1, 3, 5)), rtol=1e-5)
    with pytest.raises(InputError, match="coarser"):
        run("resample", stack(data), kernel="mean")


def test_labels_are_resampled_to_the_nearest():
    data = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(np.uint8)
    labels = Labels(data, (3e-6, 2e-6, 1e-6), {0: "a", 1: "b", 2: "c"}, (1,))
    done = run("resample", labels, kernel="cubic")
    assert isinstance(done, Labels)
    np.testing.assert_array_equal(done.data, data.repeat(3, 0).repeat(2, 1))


def test_alignment_finds_the_drift_that_was_put_in():
    rng = np.random.default_rng(5)
    scene = ndimage.gaussian_filter(rng.normal(0, 1, (12, 80, 90)), (3, 2, 2)) * 1000
    moves = np.rint(np.cumsum(rng.normal(0, 1.5, (12, 2)), axis=0)).astype(int)
    moves[0] = 0
    moved = np.stack([np.roll(p, m, axis=(0, 1)) for p, m in zip(scene, moves, strict=True)])
    found = slice_shifts(stack(moved), 0.1, silent)
    np.testing.assert_allclose(found, moves, atol=0.6)
    back = BY_NAME["align_slices"]({"image": stack(moved)}, AlignParams(trend="keep"))
    np.testing.assert_allclose(back["drift"]["x"], moves[:, 1] * 1e-6, atol=0.6e-6)
    inner = (slice(None), slice(12, -12), slice(12, -12))
    assert np.abs(back["image"].data - scene)[inner].mean() < 0.5 * np.abs(moved - scene)[inner].mean()


@pytest.fixture
def two_balls():
    """Two balls that touch, an island, and a closed hole in the first ball."""
    z, y, x = np.ogrid[:30, :30, :50]
    ball = lambda cx, r: (z - 15) ** 2 + (y - 15) ** 2 + (x - cx) ** 2 <= r * r  # noqa: E731
    mask = ball(15, 11) | ball(35, 11)
    mask &= ~ball(15, 3)
    mask[2, 2, 2:5] = True
    return Labels(mask.astype(np.uint8), 1e-6, {0: "matrix", 1: "pore"}, (1,), name="balls")


def test_split_makes_two_of_two(two_balls):
    clean = run("fill_holes", run("remove_islands", two_balls), phase=1)
    regions = run("split_watershed", clean).data
    assert set(np.unique(regions)) == {0, 1, 2}
    assert regions[15, 15, 15] != regions[15, 15, 35]
    np.testing.assert_array_equal(regions > 0, clean.void_mask())
    sizes = np.bincount(regions.ravel())[1:]
    assert sizes.min() > 0.95 * sizes.max()


def test_fill_holes_fills_closed_ones_only(two_balls):
    full = run("fill_holes", two_balls, phase=1).void_mask()
    assert full[15, 15, 15]
    assert full.sum() - two_balls.void_mask().sum() == 123
    kept = run("fill_holes", two_balls, phase=1, largest=100)
    assert not kept.void_mask()[15, 15, 15]
    flat = run("fill_holes", two_balls, phase=1, slices=True).void_mask()
    assert flat[15, 15, 15]


def test_remove_islands_gives_them_to_the_neighbour(two_balls):
    clean = run("remove_islands", two_balls, smallest=4)
    assert not clean.void_mask()[2].any()
    assert clean.void_mask()[15].sum() == two_balls.void_mask()[15].sum()
    with pytest.raises(InputError, match="every body is smaller"):
        run("remove_islands", two_balls, smallest=10**6)
    with pytest.raises(InputError, match=r"no phase 7.*0 matrix, 1 pore"):
        run("remove_islands", two_balls, phase=7)


@pytest.mark.parametrize("name", [m.name for m in METHODS if set(m.inputs) == {"image"} and m.name != "crop"])
def test_every_image_method_can_be_cancelled(noisy, name):
    def stop(done, total, message="", /, **metrics):
        raise Cancelled

    with pytest.raises(Cancelled):
        BY_NAME[name]({"image": noisy[0]}, {}, stop)


def test_lazy_stacks_are_taken_slice_by_slice(noisy):
    import dask.array as da

    lazy = Stack(da.from_array(noisy[0].data, chunks=(1, -1, -1)), noisy[0].voxel_size, name="s")
    for name in ("filter_median", "filter_bilateral", "segment_threshold", "segment_local_otsu", "destripe"):
        np.testing.assert_array_equal(run(name, lazy).data, run(name, noisy[0]).data)
    assert hasattr(run("crop", lazy, start=(1, 0, 0)).data, "dask")


def test_local_otsu_module_imports_without_numba():
    assert "numba" not in vars(local_otsu)
