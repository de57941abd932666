"""Phantoms: the statistics that were asked for, the faults that were asked for, the same image for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from porelab_gui import assets
from porelab_gui.core.image.formats.dispatch import read_any
from porelab_gui.core.image.phantoms import shale
from porelab_gui.core.image.phantoms.method import MAKE_PHANTOM
from porelab_gui.core.image.samples import SAMPLES, make_samples
from porelab_gui.core.image.threshold import SEGMENT_THRESHOLD

SIZE = {"depth": 48, "height": 56, "width": 64}
CLEAN = {"curtains": 0.0, "charging": 0.0, "drift": 0.0, "noise": 0.0, "shine": 0.0}


def make(**params):
    return MAKE_PHANTOM({}, {**SIZE, **params})


@pytest.fixture(scope="module")
def sandstone():
    return make(seed=4, grain=14)


@pytest.fixture(scope="module")
def shale_stack():
    return make(kind="shale", seed=4)


def test_sandstone_porosity_is_exact_and_connected(sandstone):
    pores = sandstone["truth"].void_mask()
    assert abs(int(pores.sum()) - round(0.2 * pores.size)) <= 1
    label, _ = ndimage.label(pores)
    through = [len(np.intersect1d(label.take(0, a)[label.take(0, a) > 0], label.take(-1, a))) for a in range(3)]
    assert all(through)


def test_sandstone_grain_size_sets_the_pore_size():
    small, large = (make(seed=1, grain=g)["truth"].void_mask() for g in (10, 24))
    widths = [float(ndimage.distance_transform_edt(m)[m].mean()) for m in (small, large)]
    assert widths[1] > 1.6 * widths[0]


def test_otsu_finds_the_true_porosity(sandstone):
    found = SEGMENT_THRESHOLD({"image": sandstone["image"]}, {})["labels"]
    truth = sandstone["truth"].void_mask()
    assert found.porosity() == pytest.approx(0.2, abs=0.03)
    assert (found.void_mask() & truth).sum() / (found.void_mask() | truth).sum() > 0.8


def test_same_seed_same_image_and_other_seed_another(sandstone):
    again, other = make(seed=4, grain=14), make(seed=5, grain=14)
    assert again["image"].content_hash == sandstone["image"].content_hash
    assert other["image"].content_hash != sandstone["image"].content_hash


def test_shale_fractions_are_those_asked_for(shale_stack):
    data = shale_stack["truth"].data
    share = {k: float((data == k).mean()) for k in shale.PHASES}
    assert share[shale.ORGANIC_PORE] == pytest.approx(0.04, abs=0.012)
    assert share[shale.INORGANIC_PORE] == pytest.approx(0.012, abs=0.006)
    assert share[shale.PYRITE] == pytest.approx(0.02, abs=0.012)
    assert share[shale.ORGANIC_MATTER] + share[shale.ORGANIC_PORE] == pytest.approx(0.18, abs=0.03)


def test_organic_pores_lie_in_organic_matter_and_slits_in_the_matrix():
    data = make(kind="shale", seed=4, drift=0.0)["truth"].data
    for pore, host in ((shale.ORGANIC_PORE, shale.ORGANIC_MATTER), (shale.INORGANIC_PORE, shale.MATRIX)):
        rim = ndimage.binary_dilation(data == pore) & (data != pore)
        assert (data[rim] == host).mean() > 0.97


def test_grey_levels_rank_as_in_the_microscope(shale_stack):
    grey, data = shale_stack["image"].data, shale_stack["truth"].data
    means = [grey[data == k].mean() for k in (shale.ORGANIC_PORE, shale.ORGANIC_MATTER, shale.MATRIX, shale.PYRITE)]
    assert means == sorted(means)


def test_shine_through_brightens_pores_only():
    dark = make(kind="shale", seed=2, **CLEAN)
    lit = make(kind="shale", seed=2, **{**CLEAN, "shine": 0.6})
    gain = lit["image"].data.astype(float) - dark["image"].data
    pores = dark["truth"].void_mask()
    assert gain[pores].mean() > 3
    assert abs(gain[~ndimage.binary_dilation(pores, iterations=4)]).max() <= 1


def test_curtains_run_down_the_face():
    plain = make(kind="shale", seed=2, **CLEAN)["image"].data.astype(float)
    striped = make(kind="shale", seed=2, **{**CLEAN, "curtains": 15.0})["image"].data - plain
    page = striped[20, 30:]
    assert page.mean(axis=0).std() > 4 * page.mean(axis=1).std()


def test_drift_table_is_what_happened():
    still = make(kind="shale", seed=6, drift=0.0)["truth"].data
    moved = make(kind="shale", seed=6, drift=1.0)
    dy, dx = (np.rint(moved["drift"][a] / 5e-6).astype(int) for a in ("y", "x"))
    assert np.abs(dy).max() >= 1
    for k in (10, 30, 47):
        back = np.roll(moved["truth"].data[k], (-dy[k], -dx[k]), axis=(0, 1))
        np.testing.assert_array_equal(back[12:-12, 12:-12], still[k, 12:-12, 12:-12])


def test_shipped_samples_are_what_the_command_makes(tmp_path):
    made = {p.name: p for p in make_samples(tmp_path)}
    shipped = {p.name: p for p in assets.samples()}
    assert set(made) == set(shipped) and len(made) == 2 * len(SAMPLES)
    for name, path in made.items():
        mine, theirs = read_any(path), read_any(shipped[name])
        assert mine.voxel_size == theirs.voxel_size
        assert (mine.array() != theirs.array()).mean() < 1e-3, name
    assert sum(p.stat().st_size for p in shipped.values()) < 5e6
