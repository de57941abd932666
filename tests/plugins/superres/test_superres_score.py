"""The score on held-out blocks, and the critic and weights of the correction, with nets of a few hundred numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.superres.blocks import medium
from porelab_methods.superres.methods import CORRECTION

VOXEL = (4e-6,) * 3
QUICK = {"epochs": 1, "batch_size": 2, "threads": 1, "precision": "float32"}


def test_the_score_judges_each_block_once_and_writes_its_page(trained, tmp_path, monkeypatch, rock):
    """Weights of the fixture, blocks of 16^3: all keys, a page of tables, and a second run that solves nothing."""
    import json
    import shutil

    from porelab_methods.superres import report, score

    root = tmp_path / "weights"
    for name, key in (("", "after"), ("before", "before"), ("surrogate", "surrogate"), ("direct", "direct")):
        shutil.copytree(trained[key].folder, root / name, dirs_exist_ok=True)
    monkeypatch.setattr(score, "rock", lambda name: rock)
    monkeypatch.setattr(score, "ROCKS", {"berea": ("", VOXEL[0], (1 / 3, 1 / 3)), "sandstone300": ("", 1, (0.0, 1.0))})
    monkeypatch.setattr(score, "MEDIA", {"fields": "fields"})
    made = score.scored(root, tmp_path / "kept", 1)
    wanted = ("r2_surrogate", "r2_independent_before", "r2_independent", "porosity_error", "columns_worse_than_cubic")
    assert set(wanted) <= set(made["figures"]) and made["figures"]["blocks"] == 3
    assert {r["group"] for r in made["rows"]} == {"berea", "sandstone300", "fields"}
    page = tmp_path / "page.md"
    page.write_text("<!-- scores: written by a program --><!-- end of scores -->")
    (tmp_path / "score.json").write_text(json.dumps(made))
    report.main([str(page), str(tmp_path / "score.json")])
    assert "sandstone300 (in no training)" in page.read_text() and "| corrected |" in page.read_text()
    monkeypatch.setattr(score, "judged_block", lambda *_: pytest.fail("judged again"))
    again = score.scored(root, tmp_path / "kept", 1)
    assert json.dumps(again) == json.dumps(made)


def test_the_held_out_media_are_those_that_the_training_leaves_out():
    from porelab_methods.superres.blocks import from_media
    from porelab_methods.superres.score import MEDIA_COUNT, MEDIA_FIRST

    every = list(from_media(500, 4, 0, (0.1, 0.1), "grains"))
    held = [b.name for b in from_media(MEDIA_COUNT, 4, MEDIA_FIRST, (0.0, 1.0), "grains")]
    assert held == [b.name for b in every if b.part == "test"] and len(set(held)) == 50
    assert not set(held) & {b.name for b in from_media(500, 4, 0, (0.1, 0.1), "fields")}


def test_a_cut_image_passes_its_gradient_on():
    from porelab_methods.superres.cutting import passed_on

    soft = torch.rand(1, 1, 4, 4, 4, generator=torch.Generator().manual_seed(1)).requires_grad_(True)
    low = torch.full((1, 1, 2, 2, 2), 0.25)
    for rule, wanted in (("half", int((soft > 0.5).sum())), ("measured", 16)):
        soft.grad = None
        hard = passed_on(soft, low, rule)
        (3.0 * hard).sum().backward()
        assert set(hard.unique().tolist()) == {0.0, 1.0} and int(hard.sum()) == wanted
        assert torch.all(soft.grad == 3.0)


def test_a_measured_cut_keeps_every_share_and_takes_the_likeliest():
    from porelab_methods.superres.cutting import binarised
    from porelab_methods.superres.pairs import pooled

    truth = medium(24, 3)
    low = pooled(truth, 4)
    blurred = 0.2 * truth + 0.1 * np.random.default_rng(0).random(truth.shape)
    assert np.array_equal(binarised(blurred, low, "measured"), truth) and not binarised(blurred, low, "half").any()
    noise = np.random.default_rng(1).random(truth.shape)
    assert np.abs(pooled(binarised(noise, low, "measured"), 4) - low).max() == 0


def test_a_net_of_means_keeps_the_shares_of_the_stack(trained, rock):
    from porelab_methods.superres.methods import COARSEN, RESOLVE
    from porelab_methods.superres.pairs import pooled

    low = COARSEN({"labels": rock}, {"factor": 4})["low"]
    kept, half = (RESOLVE({"image": low, "weights": trained["before"]}, {"tile": 4, "cut": c})["volume"].array()
                  for c in ("auto", "half"))  # fmt: skip
    assert np.abs(pooled(kept > 0, 4) - low.array()).max() < 1e-6 and not np.array_equal(kept, half)


def test_the_critic_learns_to_tell_noise_from_a_rock_and_tells_the_maker_the_way():
    from porelab_methods.superres.critic import Adversary

    adversary = Adversary(0, rate=5e-3)
    true = torch.from_numpy(medium(16, 0)[None, None].astype(np.float32))
    made = torch.rand(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    first = adversary.learn(made, true)
    last = [adversary.learn(made, true) for _ in range(25)][-1]
    assert last < 0.5 * first
    image = made.clone().requires_grad_(True)
    before = adversary.loss_of(image)
    before.backward()
    assert image.grad.abs().sum() > 0
    assert adversary.loss_of(true).item() < before.item()


def test_each_weight_of_the_correction_counts_and_a_stopped_run_with_a_critic_goes_on(trained, data, tmp_path):
    nets = {"super_resolver": trained["before"], "surrogate": trained["surrogate"]}
    shared = {**QUICK, "data": str(data[0])}
    none = dict.fromkeys(("surrogate_weight", "ensemble_weight", "voxel_weight", "porosity_weight"), 0.0)

    def made(name, **params):
        wanted = {**shared, **none, "folder": str(tmp_path / name), **params}
        return CORRECTION(nets, wanted)["corrected"].content_hash

    names = (*none, "critic_weight")
    assert len({made(f"{n}-{v}", **{n: v}) for n in names for v in (1.0,)} | {made("none")}) == 6
    assert made("soft", surrogate_weight=1.0) != made("cut", surrogate_weight=1.0, shown="cut")
    assert made("soft", surrogate_weight=1.0) != made("own", surrogate_weight=1.0, aim="surrogate")
    whole = made("whole", critic_weight=1.0, epochs=2)
    made("parts", critic_weight=1.0, epochs=1)
    assert made("parts", critic_weight=1.0, epochs=2) == whole


def test_held_against_its_own_word_a_surrogate_finds_no_error_in_the_true_image():
    from porelab_methods.superres.correct import Jury, Weighing
    from porelab_methods.superres.nets import Ensemble

    torch.manual_seed(0)
    true = torch.from_numpy(medium(16, 0)[None, None].astype(np.float32))
    batch = (torch.nn.functional.avg_pool3d(true, 4), true, torch.tensor([-1.0]))
    for aim, zero in (("surrogate", True), ("solved", False)):
        jury = Jury(Ensemble(2, 8, 2), Weighing(shown="cut", aim=aim), "measured")
        terms = jury.terms(true, batch)
        assert (terms[:2].abs().max().item() < 1e-10) is zero and terms[2:].abs().max().item() == 0.0


def test_the_shipped_weights_are_small_and_name_their_data_and_work_without_being_chosen():
    from porelab_methods.superres.keep import PARTS, shipped
    from porelab_methods.superres.methods import RESOLVE
    from porelab_methods.superres.nets import opened
    from porelab_methods.superres.pairs import pooled

    from porelab_gui.core.nouns import Stack

    for part in PARTS:
        weights = shipped(part)
        assert (weights.folder / "model.safetensors").stat().st_size <= 16 * 2**20
        assert "MIT" in (weights.folder / "card.md").read_text()
        opened(weights, {"surrogate": "surrogate", "direct": "direct"}.get(part, "superres"))
    low = pooled(medium(24, 1), 4)
    made = RESOLVE({"image": Stack(low, (2e-5,) * 3)}, {})["volume"]
    assert made.shape == (24, 24, 24) and np.abs(pooled(made.array() > 0, 4) - low).max() < 1e-6
