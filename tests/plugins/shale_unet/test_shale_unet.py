"""The U-Net: slices apart, learns a simple stack, tiles agree with the whole, weights and study."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.shale_unet import infer
from porelab_methods.shale_unet.classify import organic_or_not
from porelab_methods.shale_unet.data import Patches, Slices, normalised
from porelab_methods.shale_unet.methods import CLASSIFY, SEGMENT, STUDY, TRAIN
from porelab_methods.shale_unet.model import UNet, build, folded
from porelab_methods.shale_unet.slices import among, choose, training_slices, van_der_corput

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Labels

VOXEL = (1e-8,) * 3
SMALL = {"width": 8, "depth": 2, "patch": 32, "patches": 32, "epochs": 9, "n_slices": 2, "tests": 2, "context": 3}
SMALL["threads"] = 1


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


@pytest.mark.parametrize("extra", [(), (3,), (3, 50), (3, 50, 21)])
def test_corrected_slices_keep_their_purpose_when_others_join(extra):
    split = among((10, 20, 30, 40, *extra), 60, tests=2)
    assert split.validation == (20, 40) and split.test == (30,)
    assert set(split.train) == {10, *extra}


def test_too_few_corrected_slices_are_refused():
    with pytest.raises(InputError, match="at least two"):
        among((7,), 60)


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


def test_a_warp_moves_image_and_classes_together():
    from porelab_methods.shale_unet.data import warped
    from scipy.ndimage import gaussian_filter

    truth = torch.from_numpy((gaussian_filter(np.random.default_rng(2).standard_normal((64, 64)), 4) > 0).astype(int))
    image, classes = warped(truth[None].float(), truth, np.random.default_rng(3))
    assert float(((image[0] > 0.5).long() == classes).float().mean()) > 0.995
    assert float((classes != truth).float().mean()) > 0.01


def test_curtains_are_taken_out():
    from porelab_methods.shale_unet.data import without_curtains

    rng = np.random.default_rng(0)
    plain = rng.normal(scale=1.0, size=(256, 128)).astype(np.float32)
    striped = plain + rng.normal(scale=5.0, size=128).astype(np.float32)
    left = without_curtains(striped) - plain
    assert np.std(left.mean(0)) < 0.3 * np.std((striped - plain).mean(0))


def test_slices_are_normalised():
    plane = normalised(np.arange(100).reshape(10, 10))
    assert abs(plane.mean()) < 1e-6 and plane.std() == pytest.approx(1)
    assert not normalised(np.full((4, 4), 7)).any()


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


def test_training_goes_on_from_earlier_weights(rock, trained, tmp_path):
    inputs = {"image": rock[0], "labels": rock[1], "weights": trained["weights"]}
    short = {**SMALL, "folder": str(tmp_path / "b"), "epochs": 1, "patches": 8, "learning_rate": 1e-4}
    again = TRAIN(inputs, short)
    assert float(again["table"]["iou"][-1]) > float(trained["table"]["iou"][-1]) - 0.05
    with pytest.raises(InputError, match="other sizes"):
        TRAIN(inputs, {**SMALL, "width": 12, "folder": str(tmp_path / "c")})


def test_tiles_agree_with_the_whole_slice(monkeypatch):
    torch.manual_seed(0)
    model = UNet(3, context=1, width=4, depth=2)
    model(torch.randn(4, 1, 32, 32))  # the normalisation has seen something
    model = folded(model.eval())
    image = torch.randn(1, 160, 224)
    whole = infer.predict_slice(model, image)
    monkeypatch.setattr(infer, "TILE", 64)
    monkeypatch.setattr(infer, "MARGIN", 32)
    assert UNet(3, 1, 4, 2).reach <= 32
    assert torch.allclose(infer.predict_slice(model, image), whole, atol=1e-5)


def test_the_reach_is_what_a_score_depends_on():
    model = UNet(2, context=1, width=4, depth=2).eval()
    image = torch.randn(1, 1, 128, 128, requires_grad=True)
    model(image)[0, 0, 64, 64].backward()
    seen = image.grad[0, 0].abs().sum(0).nonzero().ravel()
    assert max(64 - int(seen.min()), int(seen.max()) - 64) <= model.reach


def test_folding_and_mirrors_keep_what_the_net_says(monkeypatch):
    monkeypatch.setattr(infer, "_bfloat16", lambda device: False)  # it would round to three digits where there is any
    torch.manual_seed(1)
    model = UNet(3, context=1, width=4, depth=2)
    model(torch.randn(4, 1, 32, 32))
    model.eval()
    image = torch.randn(1, 48, 64)
    plain = model(image[None])[0].softmax(0)
    assert torch.allclose(infer.predict_slice(folded(model), image), plain, atol=1e-5)
    mirrored = infer.predict_slice(folded(model), image, mirrors=True)
    assert torch.allclose(infer.predict_slice(folded(model), image.flip(2), mirrors=True).flip(2), mirrored, atol=1e-5)
    assert not torch.allclose(mirrored, plain, atol=1e-3)


def test_any_size_of_slice_is_taken():
    model = UNet(2, context=1, width=4, depth=2).eval()
    assert infer.predict_slice(model, torch.randn(1, 37, 51)).shape == (2, 37, 51)


def test_the_study_has_a_row_per_number(rock):
    image, truth = rock
    table = STUDY({"image": image, "labels": truth}, {**_study(), "first": 2, "last": 3})["table"]
    assert table["slices"].tolist() == [2, 3] and len(table.notes) == 1
    from porelab_methods.shale_unet.study import splits

    several = splits(60, range(2, 9), 4, 2)
    assert len({s.test for s in several}) == 1, "all are tested on the same slices"
    assert not {z for s in several for z in (*s.train, *s.validation)} & set(several[0].test)
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
