"""The U-Net: slices apart, learns a simple stack, tiles agree with the whole, weights and study."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.shale_unet import infer
from porelab_methods.shale_unet.classify import organic_or_not
from porelab_methods.shale_unet.data import Patches, Slices, normalised
from porelab_methods.shale_unet.methods import CLASSIFY, SEGMENT, STUDY, TRAIN
from porelab_methods.shale_unet.model import UNet, build
from porelab_methods.shale_unet.outcome import next_slice
from porelab_methods.shale_unet.slices import choose, training_slices, van_der_corput

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Labels, Stack

VOXEL = (1e-8,) * 3
SMALL = {"width": 8, "depth": 2, "patch": 32, "patches": 32, "epochs": 9, "threads": 2, "n_slices": 2, "tests": 2}


@pytest.fixture(scope="module")
def rock():
    """Three phases of blobs, each with its own grey level, some noise and stripes."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(5)
    field = gaussian_filter(rng.standard_normal((20, 64, 64)), 3)
    truth = np.digitize(field, np.quantile(field, [0.2, 0.8])).astype(np.uint8)
    grey = np.choose(truth, [40, 120, 200]) + rng.normal(scale=12, size=truth.shape) + rng.normal(scale=6, size=64)
    phases = {0: "pore", 1: "matrix", 2: "organic matter"}
    return Stack(grey.astype(np.float32), VOXEL, name="rock"), Labels(truth, VOXEL, phases=phases, void=(0,))


@pytest.mark.parametrize("n", range(1, 13))
def test_no_slice_serves_two_purposes(n):
    split = choose(60, n, tests=5, gap=2)
    sets = [split.train, split.validation, split.test]
    for a, first in enumerate(sets):
        for second in sets[a + 1 :]:
            assert min(abs(i - j) for i in first for j in second) >= 2
    assert len(split.train) == n and len(split.validation) == 2


def test_the_positions_that_coincide_are_moved_and_said():
    assert set(training_slices(60, 2)) == {20, 40}
    assert len(choose(60, 2).notes) == 2 and choose(60, 6).notes == ()


def test_halton_points_and_bad_slices():
    assert [van_der_corput(i) for i in (1, 2, 3, 4, 5)] == [0.5, 0.25, 0.75, 0.125, 0.625]
    with pytest.raises(InputError, match="outside the stack"):
        choose(10, 2, train=(3, 12))
    with pytest.raises(InputError, match="no slice at least"):
        choose(6, 5, gap=3)


def test_patches_depend_on_seed_and_epoch_alone(rock):
    image, truth = rock
    slices = Slices.of(image, truth.array(), (3, 9), 3)
    first, again = (Patches(slices, 8, 32, seed=1) for _ in range(2))
    _ = again[5]
    assert torch.equal(first[2][0], again[2][0]) and torch.equal(first[2][1], again[2][1])
    first.set_epoch(1)
    assert not torch.equal(first[2][0], again[2][0])


def test_slices_are_normalised():
    plane = normalised(np.arange(100).reshape(10, 10))
    assert abs(plane.mean()) < 1e-6 and plane.std() == pytest.approx(1)
    assert not normalised(np.full((4, 4), 7)).any()


@pytest.fixture(scope="module")
def trained(rock, tmp_path_factory):
    image, truth = rock
    folder = tmp_path_factory.mktemp("weights") / "net"
    return TRAIN({"image": image, "labels": truth}, {**SMALL, "folder": str(folder)})


def test_it_learns_and_writes_an_honest_card(trained):
    assert float(trained["table"]["iou"][-1]) > 0.8
    card = (trained["weights"].folder / "card.md").read_text()
    assert "Hold-out scores" in card and "porelab train_unet" in card and "test (10, 5)" in card


def test_it_is_applied_and_knows_where_it_is_unsure(rock, trained):
    image, truth = rock
    found = SEGMENT({"image": image, "weights": trained["weights"]}, {})
    assert np.mean(found["labels"].array() == truth.array()) > 0.88
    assert found["labels"].phases == truth.phases and found["labels"].void == (0,)
    wrong = found["labels"].array() != truth.array()
    unsure = found["uncertainty"].array()
    assert unsure[wrong].mean() > unsure[~wrong].mean() + 20
    used = (3, 6, 13)
    assert min(abs(next_slice(found["uncertainty"], used, gap=2) - z) for z in used) >= 2


def test_training_goes_on_from_earlier_weights(rock, trained, tmp_path):
    inputs = {"image": rock[0], "labels": rock[1], "weights": trained["weights"]}
    short = {**SMALL, "folder": str(tmp_path / "b"), "epochs": 1, "patches": 8, "learning_rate": 1e-4}
    again = TRAIN(inputs, short)
    assert float(again["table"]["iou"][-1]) > float(trained["table"]["iou"][-1]) - 0.05
    with pytest.raises(InputError, match="other sizes"):
        TRAIN(inputs, {**SMALL, "width": 12, "folder": str(tmp_path / "c")})


def test_tiles_agree_with_the_whole_slice(monkeypatch):
    torch.manual_seed(0)
    model = UNet(3, context=1, width=4, depth=1).eval()
    # normalisation over the whole slice would see the tile's edge; without it the margin covers the receptive field
    for module in model.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.forward = lambda x: x
    image = torch.randn(1, 160, 224)
    whole = infer.predict_slice(model, image)
    monkeypatch.setattr(infer, "TILE", 64)
    monkeypatch.setattr(infer, "MARGIN", 32)
    assert torch.allclose(infer.predict_slice(model, image), whole, atol=2e-2)


def test_any_size_of_slice_is_taken():
    model = UNet(2, context=1, width=4, depth=2).eval()
    assert infer.predict_slice(model, torch.randn(1, 37, 51)).shape == (2, 37, 51)


def test_the_study_has_a_row_per_number(rock):
    image, truth = rock
    table = STUDY({"image": image, "labels": truth}, {**_study(), "first": 2, "last": 3})["table"]
    assert table["slices"].tolist() == [2, 3] and len(table.notes) == 1
    assert table["interval"][0] == pytest.approx(20e-8 / 3)


def _study():
    return {k: v for k, v in SMALL.items() if k != "n_slices"} | {"epochs": 1, "patches": 8}


def test_labels_of_another_shape_are_refused(rock):
    image, truth = rock
    other = Labels(truth.array()[:5], VOXEL, phases=truth.phases, void=(0,))
    with pytest.raises(InputError, match="Choose the labels of this image"):
        TRAIN({"image": image, "labels": other}, {})


def test_strange_weights_are_refused(rock, tmp_path):
    card = Card("x", "x", "x", "x", [], "x", "x", "x")
    with pytest.raises(ValueError, match="outside"):
        build({"classes": 10**6, "context": 1, "width": 8, "depth": 1})
    weights = save_weights(tmp_path / "w", torch.nn.Linear(1, 1), {"system": "other"}, card)
    with pytest.raises(FormatError, match="not a segmentation"):
        SEGMENT({"image": rock[0], "weights": weights}, {})


def test_pores_take_the_name_of_what_surrounds_them():
    data = np.zeros((20, 20, 40), np.uint8)
    data[:, :, :20] = 2
    data[8:12, 8:12, 8:12] = 1
    data[8:12, 8:12, 28:32] = 1
    labels = Labels(data, VOXEL, phases={0: "matrix", 1: "pore", 2: "organic matter"}, void=(1,))
    made = organic_or_not(labels, CLASSIFY.params(), lambda *a, **k: None)
    assert made.phases[1] == "organic pore" and made.phases[3] == "inorganic pore" and set(made.void) == {1, 3}
    assert made.array()[9, 9, 9] == 1 and made.array()[9, 9, 29] == 3


def test_the_number_of_parameters_follows_the_sizes():
    sizes = [sum(p.numel() for p in UNet(3, 3, w, 3).parameters()) for w in (8, 16)]
    assert 3.5 < sizes[1] / sizes[0] < 4.1
