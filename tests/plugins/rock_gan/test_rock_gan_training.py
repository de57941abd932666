"""Crops, the training loop with resume and cancel, weights of the last epoch, rocks from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.rock_gan.data import Crops, corners, crop_porosities, split, turned
from porelab_methods.rock_gan.methods import GENERATE, TRAIN

from porelab_gui.core.errors import FormatError, InputError, ParameterError
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Labels, Weights
from porelab_gui.core.progress import Cancelled, Showing, silent

VOXEL = (2e-6,) * 3
FAST = {
    "crop": 32, "stride": 8, "epochs": 2, "steps": 2, "batch_size": 2, "critic_steps": 1, "noise": 2, "style": 2,
    "widths": (4, 4, 4, 4), "critic_widths": (4, 6, 8), "samples": 2, "draw_every": 1, "threads": 1,
    "precision": "float32",
}  # fmt: skip


@pytest.fixture(scope="module")
def rock():
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(1).standard_normal((140, 48, 40)), 3)
    return Labels((field > np.quantile(field, 0.75)).astype(np.uint8), VOXEL, name="blobs")


def test_slabs_do_not_share_a_plane_and_crops_stay_inside(rock):
    slabs = split(rock, 32, 0.25)
    assert slabs.train.shape[0] + slabs.held.shape[0] == 140 and slabs.held.shape[0] == 35
    places = corners(slabs.train.shape, 32, 8)
    assert (places + 32 <= slabs.train.shape).all() and (places.max(0) + 32 == slabs.train.shape).all()
    found = crop_porosities(slabs.train, places[:5], 32)
    z, y, x = places[3]
    assert found[3] == pytest.approx(slabs.train[z : z + 32, y : y + 32, x : x + 32].mean())


def test_a_crop_is_turned_in_all_48_ways():
    cube = np.zeros((3, 3, 3), bool)
    cube[0, 0, 0] = cube[0, 0, 1] = cube[0, 1, 0] = cube[1, 0, 0] = cube[0, 0, 2] = cube[0, 2, 1] = True
    rng = np.random.default_rng(0)
    assert len({turned(cube, rng).tobytes() for _ in range(2000)}) == 48


def test_batches_depend_on_seed_epoch_and_step_alone(rock):
    first, again = (Crops(rock.void_mask(), 32, 8, 0) for _ in range(2))
    _ = again.batch(3, 1, 2)
    assert torch.equal(first.batch(1, 2, 2), again.batch(1, 2, 2))
    assert not torch.equal(first.batch(1, 2, 2), first.batch(1, 3, 2))
    assert set(first.batch(0, 0, 2).unique().tolist()) == {-1.0, 1.0}
    small = first.batch(0, 0, 3, edge=20)
    assert small.shape == (3, 1, 20, 20, 20)


def test_small_crops_come_first_and_both_schedules_learn(rock, tmp_path):
    from porelab_methods.rock_gan.adversarial import DuelConfig

    config = DuelConfig(small_edge=32, small_epochs=3)
    assert [config.edge(k, 64) for k in (0, 2, 3)] == [32, 32, 64]
    assert [config.slowed(k) for k in (0, 2, 3)] == [1.0, 1.0, 0.25] and DuelConfig().slowed(5) == 1.0
    params = {**FAST, "crop": 34, "small_epochs": 1, "critic_steps": 2, "penalty_every": 2, "average": 0.0}
    made = TRAIN({"labels": rock}, {**params, "folder": str(tmp_path)})
    assert np.isfinite(made["table"]["critic_loss"]).all() and len(made["table"]) == 2


def test_whole_crops_may_come_earlier_than_planned_but_not_in_epochs_that_are_done(rock, tmp_path):
    params = {**FAST, "crop": 34, "small_edge": 32, "folder": str(tmp_path)}
    TRAIN({"labels": rock}, {**params, "epochs": 1, "small_epochs": 2})
    sooner = TRAIN({"labels": rock}, {**params, "epochs": 2, "small_epochs": 1})
    straight = TRAIN({"labels": rock}, {**params, "epochs": 2, "small_epochs": 1, "folder": str(tmp_path / "b")})
    assert sooner["weights"].content_hash == straight["weights"].content_hash
    with pytest.raises(InputError, match="other settings"):
        TRAIN({"labels": rock}, {**params, "epochs": 3, "small_epochs": 2})


def test_stacks_that_cannot_be_learned_are_refused(rock, tmp_path):
    small = Labels(rock.array()[:50], VOXEL)
    with pytest.raises(InputError, match="held-out slab"):
        TRAIN({"labels": small}, {**FAST, "folder": str(tmp_path)})
    with pytest.raises(InputError, match="smaller than a crop of 64"):
        TRAIN({"labels": rock}, {**FAST, "crop": 64, "folder": str(tmp_path)})
    for value, word in ((0, "solid"), (1, "void")):
        flat = Labels(np.full((80, 40, 40), value, np.uint8), VOXEL)
        with pytest.raises(InputError, match=f"all {word}"):
            TRAIN({"labels": flat}, {**FAST, "folder": str(tmp_path)})


@pytest.fixture(scope="module")
def trained(rock, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gan") / "net"
    pictures, told = {}, []
    progress = Showing(lambda *a, **metrics: told.append(metrics), pictures.__setitem__)
    made = TRAIN({"labels": rock}, {**FAST, "source": "Blobs, public domain", "folder": str(folder)}, progress)
    return made, pictures, [m for m in told if m]


def test_curves_pictures_and_distributions_are_shown(trained, rock):
    made, pictures, told = trained
    assert set(pictures) == {"porosity of crops", "slices", "porosity and surface", "flow and sizes"}
    assert {"critic_loss", "gradient_penalty", "distance", "porosity_generated"} <= set(told[-1])
    assert set(pictures["porosity of crops"].sets["porosity [1]"]) == {"training", "held out"}
    assert list(pictures["flow and sizes"].sets) == ["K [mD]", "pores [um]", "throats [um]"]
    assert {len(v) for v in pictures["porosity and surface"].sets["porosity [1]"].values()} == {2, 4}
    assert list(pictures["slices"].images) == ["real 1", "real 2", "generated 1", "generated 2"]
    assert len(made["table"]) == 2 and (made["table"]["gradient_penalty"] > 0).all()


def test_the_card_tells_what_was_held_out(trained):
    card = (trained[0]["weights"].folder / "card.md").read_text()
    assert "the last 35 planes along z" in card and "porelab train_rock_gan" in card and "--crop 32" in card
    assert "- Blobs, public domain" in card


def test_a_stopped_training_leaves_its_last_generator_and_goes_on_to_the_same_end(trained, rock, tmp_path):
    def stop(done, total, message="", /, **metrics):
        if done >= 1.4:
            raise Cancelled

    folder = tmp_path / "net"
    with pytest.raises(Cancelled):
        TRAIN({"labels": rock}, {**FAST, "folder": str(folder)}, stop)
    weights = Weights(folder)
    assert "epoch 1, the last one trained" in (folder / "card.md").read_text()
    assert GENERATE({"weights": weights}, {"size": (32,)})["rock"].shape == (32, 32, 32)
    again = TRAIN({"labels": rock}, {**FAST, "folder": str(folder)})
    whole = trained[0]
    for key in ("critic_loss", "generator_loss", "distance"):
        assert again["table"][key].tolist() == whole["table"][key].tolist()
    assert again["weights"].content_hash == whole["weights"].content_hash
    with pytest.raises(InputError, match="other settings or another stack"):
        TRAIN({"labels": rock}, {**FAST, "batch_size": 3, "folder": str(folder)})


def test_rocks_are_the_same_for_a_seed_and_go_to_files(trained, tmp_path):
    from porelab_gui.core.api import read

    weights = trained[0]["weights"]
    params = {"size": (32, 36, 40), "count": 3, "seed": 5, "folder": str(tmp_path / "rocks"), "format": "npz"}
    made = GENERATE({"weights": weights}, params)
    assert made["rock"].shape == (32, 36, 40) and made["rock"].voxel_size == VOXEL
    assert made["table"]["seed"].tolist() == [5, 6, 7]
    assert made["table"]["porosity"][0] == pytest.approx(made["rock"].porosity())
    alone = GENERATE({"weights": weights}, {**params, "seed": 7, "count": 1})
    third = read(str(tmp_path / "rocks" / "rock_003.npz"))
    assert np.array_equal(third.array(), alone["rock"].array())
    tame = GENERATE({"weights": weights}, {"size": (32,), "count": 2, "truncation": 0.0, "seed": 1})
    assert tame["table"]["porosity"][0] == tame["table"]["porosity"][1]


def test_other_weights_and_sizes_are_refused(trained, tmp_path):
    card = Card("x", "x", "x", "x", [], "x", "x", "x")
    other = save_weights(tmp_path / "w", torch.nn.Linear(1, 1), {"system": "other"}, card)
    with pytest.raises(FormatError, match="do not make rocks"):
        GENERATE({"weights": other}, {})
    with pytest.raises(ParameterError, match="one edge or three"):
        GENERATE({"weights": trained[0]["weights"]}, {"size": (10, 20)})


@pytest.mark.gpu
def test_it_trains_on_a_gpu(rock, tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    made = TRAIN({"labels": rock}, {**FAST, "precision": "bfloat16", "folder": str(tmp_path / "g")}, silent)
    assert np.isfinite(made["table"]["distance"]).all()
