"""Calibration: knobs, answers, the shortest turn, whole runs that go on, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.rock_gan.calibrate import WITHIN, Calibration, answers, calibrate, nearest, shortest_turn
from porelab_methods.rock_gan.knobs import GAIN, Knobs
from porelab_methods.rock_gan.likeness import COLUMNS, MOMENTS, Likeness, distance, row, weights
from porelab_methods.rock_gan.methods import CALIBRATE, generator_of
from porelab_methods.rock_gan.model import Generator, Sizes, build, config_of, draw_latents, rocks_of
from porelab_methods.rock_gan.paper import PaperGenerator

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.learning.weights import Card, load_weights, save_weights
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Cancelled, silent

TINY = Sizes(noise=3, style=2, widths=(6, 6, 4, 4), critic=(4, 6, 8))
VOXEL = 5e-6


@pytest.fixture
def net():
    torch.manual_seed(1)
    net = Generator(TINY)
    with torch.no_grad():  # settled, as after a training
        net.train()
        for k in range(3):
            net(draw_latents(net, 2, 32, torch.Generator().manual_seed(k)))
    return net.eval()


@pytest.fixture(scope="module")
def stack():
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(1).standard_normal((80, 48, 48)), 2.0)
    return Labels((field > np.quantile(field, 0.65)).astype(np.uint8), (VOXEL,) * 3, name="blobs")


def made(net, seed=0):
    with torch.no_grad():
        return rocks_of(net, draw_latents(net, 1, 32, torch.Generator().manual_seed(seed)), 32)


def test_knobs_turned_by_zeros_give_the_generator_back(net):
    before, knobs = made(net), Knobs(net)
    assert knobs.size == 2 * (6 + 6 + 6 + 6 + 4 + 4 + 4) + 5
    by = np.random.default_rng(0).standard_normal(knobs.size)
    knobs.turn(0.1 * by)
    assert (made(net) - before).abs().max() > 0.01
    knobs.turn(np.zeros(knobs.size))
    assert torch.equal(made(net), before)


def test_the_last_knobs_are_gains_of_the_latents(net):
    latents = draw_latents(net, 1, 32, torch.Generator().manual_seed(3))
    knobs, by = Knobs(net), np.zeros(Knobs(net).size)
    by[-1] = 0.5 / GAIN
    louder = latents.clone()
    louder[:, -1] *= 1.5
    with torch.no_grad():
        expected = net(louder)
        knobs.turn(by)
        assert torch.allclose(net(latents), expected, atol=1e-5)


def test_a_row_has_the_numbers_of_the_rock(stack):
    found = dict(zip(COLUMNS, row(stack), strict=False))
    void = stack.void_mask()
    assert found["porosity"] == pytest.approx(void.mean())
    pairs = [(void.take(range(2, n), a) & void.take(range(n - 2), a)).mean() for a, n in enumerate(void.shape)]
    assert found["two_point_2"] == pytest.approx(np.mean(pairs), rel=1e-3)
    assert found["throats"] > 0 and found["throat_spread"] > 0


def test_moments_of_the_real_crops_leave_no_gap_and_a_shift_is_told_in_deviations():
    rng = np.random.default_rng(2)
    rows = np.abs(rng.normal(10.0, 1.0, (4000, len(COLUMNS) - 1)))
    like = Likeness.of(rows)
    assert distance(like.gap(rows)) < 1e-12
    moved = rows.copy()
    moved[:, 0] += 0.5 * rows[:, 0].std()
    gap = dict(zip(MOMENTS, like.gap(moved), strict=True))
    assert gap["porosity"] == pytest.approx(-0.5, abs=0.01) and gap["throat_size"] == pytest.approx(0, abs=1e-9)
    assert gap["porosity x porosity"] == pytest.approx(-0.25, abs=0.03)
    wide = rows.copy()
    wide[:, 0] = 1.5 * rows[:, 0] - 0.5 * rows[:, 0].mean()
    assert dict(zip(MOMENTS, like.gap(wide), strict=True))["porosity x porosity"] == pytest.approx(-1.25, abs=0.1)


def test_a_rock_without_a_path_counts_no_more_than_the_farthest():
    rows = np.abs(np.random.default_rng(2).normal(10.0, 1.0, (400, len(COLUMNS) - 1)))
    like = Likeness.of(rows)
    blocked = rows.copy()
    blocked[:, 3] = 0.0
    assert np.isfinite(like.moments(blocked)).all() and np.abs(like.moments(blocked)[:, : len(COLUMNS)]).max() <= 4.0


def test_answers_and_the_turn_that_closes_a_gap():
    rng = np.random.default_rng(0)
    slopes = rng.standard_normal((len(MOMENTS), 60))
    turns = rng.standard_normal((20_000, 60))
    changes = turns @ slopes.T + rng.standard_normal((20_000, len(MOMENTS)))
    found = answers(turns, changes)
    assert np.abs(found - slopes).max() < 0.1
    gap = 0.2 * rng.standard_normal(len(MOMENTS))
    turn = shortest_turn(slopes, gap)
    assert np.max(np.abs(gap - slopes @ turn) * weights()) < WITHIN
    least = np.linalg.lstsq(slopes, gap, rcond=None)[0]
    assert np.linalg.norm(turn) <= np.linalg.norm(least) * 1.001


def test_a_calibration_brings_the_rocks_nearer_to_a_stack_and_goes_on_where_it_was_stopped(tmp_path):
    """The stack is a rock of the shipped generator, turned at random: there is a turn that makes all gaps small."""
    other, plan = shipped(), Calibration(edges=(32, 32), pairs=40, samples=16, step=0.08, stride=16, seed=0)
    knobs = Knobs(other)
    knobs.turn(0.12 * np.random.default_rng(6).standard_normal(knobs.size))
    with torch.no_grad():
        grey = rocks_of(other, draw_latents(other, 1, 96, torch.Generator().manual_seed(0)), 96)
    slab = grey[0, 0].numpy() > 0

    def stop(done, total, message="", /, **metrics):
        if done / total > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        calibrate(shipped(), slab, VOXEL, plan, tmp_path / "run", stop)
    assert list((tmp_path / "run").iterdir())
    net = shipped()
    rounds = calibrate(net, slab, VOXEL, plan, tmp_path / "run", silent)
    assert [r.number for r in rounds] == [0, 1, 2]
    assert nearest(rounds).distance < 0.75 * rounds[0].distance
    assert all(torch.equal(v, nearest(rounds).state[k]) for k, v in net.state_dict().items())
    calls = []
    again = calibrate(shipped(), slab, VOXEL, plan, tmp_path / "run", lambda *a, **k: calls.append(a))
    assert not calls and all(np.array_equal(a.gap, b.gap) for a, b in zip(rounds, again, strict=True))


def shipped():
    return load_weights(generator_of({}), build)


def folder_of(net, path, kind="convolutional"):
    config = config_of(kind, TINY) | {"voxel_size": VOXEL, "edge": 32, "hold_out": 0.25}
    card = Card("Rocks", "Tiny.", "none", "none", [], "all", "porelab x", "")
    return save_weights(path, net, config, card, [{"epoch": 0.0, "critic_loss": 1.0}])


def test_the_method_writes_weights_whose_card_tells_of_it(net, stack, tmp_path):
    weights_before = folder_of(net, tmp_path / "before")
    params = {"crops": (32,), "pairs": 6, "samples": 4, "folder": str(tmp_path / "after")}
    done = CALIBRATE({"weights": weights_before, "labels": stack}, params)
    card = (tmp_path / "after" / "card.md").read_text(encoding="utf-8")
    assert card.startswith("# Rocks") and "## Calibration" in card and "--crops 32 --pairs 6 --samples 4" in card
    assert (tmp_path / "after" / "curves.csv").read_text() == (tmp_path / "before" / "curves.csv").read_text()
    assert len(done["table"]) == len(MOMENTS) and "before.32" in done["table"].columns
    assert done["weights"].content_hash != weights_before.content_hash or "round 0" in card


def test_a_folder_used_before_gives_no_rows_of_another_stack(net, stack, tmp_path):
    weights_before = folder_of(net, tmp_path / "before")
    params = {"crops": (32,), "pairs": 2, "samples": 4, "folder": str(tmp_path / "after")}
    first = CALIBRATE({"weights": weights_before, "labels": stack}, params)["table"]
    other = Labels(1 - stack.array(), (VOXEL,) * 3, name="the other phase")
    found = CALIBRATE({"weights": weights_before, "labels": other}, params)["table"]
    fresh = CALIBRATE({"weights": weights_before, "labels": other}, {**params, "folder": str(tmp_path / "fresh")})
    assert found["before.32"].tolist() == fresh["table"]["before.32"].tolist() != first["before.32"].tolist()


def test_what_cannot_be_calibrated_is_refused(net, stack, tmp_path):
    weights_before = folder_of(net, tmp_path / "before")
    with pytest.raises(InputError, match="smaller than a crop of 64"):
        CALIBRATE({"weights": weights_before, "labels": stack}, {"crops": (32, 64)})
    with pytest.raises(ParameterError, match="not edges of 32 to 256"):
        CALIBRATE({"weights": weights_before, "labels": stack}, {"crops": (8,)})
    paper = folder_of(PaperGenerator(), tmp_path / "paper", "paper")
    with pytest.raises(InputError, match="one size only"):
        CALIBRATE({"weights": paper, "labels": stack}, {"crops": (32,)})
