"""Distances, intervals, the check for copies, the evaluation and the score with all its keys."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.rock_gan.compare import bias, correlation, groups_of, hellinger, interval, wasserstein
from porelab_methods.rock_gan.copying import closest_match
from porelab_methods.rock_gan.methods import CONDITION, EVALUATE, GENERATE
from porelab_methods.rock_gan.model import Generator, Sizes, config_of
from porelab_methods.rock_gan.report import markdown
from porelab_methods.rock_gan.score import scored

from porelab_gui.core.errors import InputError
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Labels

TINY = Sizes(noise=3, style=2, widths=(6, 6, 4, 4), critic=(4, 6, 8))
VOXEL = 5e-6


def test_distances_of_normal_distributions_are_known():
    a = np.random.default_rng(0).standard_normal(4000)
    assert wasserstein(a, a + 0.5) == pytest.approx(0.5, rel=0.02)
    assert bias(a + 10, a + 11) == pytest.approx(0.1, rel=0.01)
    assert hellinger(a, a) == pytest.approx(0, abs=1e-6)
    expected = np.sqrt(1 - np.exp(-1 / 8))
    assert hellinger((a - a.mean()) / a.std(), (a - a.mean()) / a.std() + 1) == pytest.approx(expected, rel=1e-6)


def test_correlations_are_pearsons():
    x = np.arange(1.0, 9.0)
    found = correlation({"a": x, "b": np.exp(x), "c": -x}, {"b": True})
    assert found == pytest.approx(np.array([[1, 1, -1], [1, 1, -1], [-1, -1, 1]]))


def test_intervals_count_places_and_not_overlapping_crops():
    rng = np.random.default_rng(0)
    real, made = 10 + rng.standard_normal(12), 10 + rng.standard_normal(400)
    wide = interval(bias, real, made, np.arange(12))
    copies = interval(bias, np.repeat(real, 20), made, np.repeat(np.arange(12), 20))
    naive = interval(bias, np.repeat(real, 20), made, np.arange(240))
    assert np.ptp(copies) == pytest.approx(np.ptp(wide), rel=0.15) and np.ptp(naive) < 0.5 * np.ptp(copies)
    places = np.array([[0, 0, 0], [0, 4, 8], [0, 40, 0]])
    assert groups_of(places, 32).tolist() == [0, 0, 1]


def test_a_copy_is_found_where_it_was_taken():
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(0).standard_normal((60, 50, 40)), 2)
    slab = field > np.quantile(field, 0.8)
    score, place = closest_match(slab[20:52, 10:42, 4:36], slab)
    assert score == pytest.approx(1, abs=1e-3) and place == (20, 10, 4)
    other = gaussian_filter(np.random.default_rng(1).standard_normal((32, 32, 32)), 2)
    assert closest_match(other > np.quantile(other, 0.8), slab)[0] < 0.5


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """Weights that were never trained, with the crops that they would have seen."""
    torch.manual_seed(1)
    config = config_of("convolutional", TINY) | {"voxel_size": VOXEL, "edge": 32, "hold_out": 0.3}
    card = Card("Rocks", "Untrained.", "none", "none", [], "all", "porelab x", "")
    return save_weights(tmp_path_factory.mktemp("w") / "rock_gan", Generator(TINY), config, card)


@pytest.fixture(scope="module")
def stack():
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(3).standard_normal((110, 70, 66)), 3)
    return Labels((field > np.quantile(field, 0.6)).astype(np.uint8), (VOXEL,) * 3, name="blobs")


def test_the_evaluation_has_its_tables_and_goes_on(untrained, stack, tmp_path, monkeypatch):
    params = {"samples": 4, "stride": 32, "copies": 1, "folder": str(tmp_path)}
    made = EVALUATE({"weights": untrained, "labels": stack}, params)
    assert made["samples"]["set"].tolist() == ["real"] * 4 + ["generated"] * 4
    assert len(made["correlations"]) == 72 and len(made["distances"]) == 6
    assert set(made["curves"]["curve"]) == {"two-point", "pore size"}
    notes = " ".join(made["distances"].notes)
    assert "Correlation of permeability" in notes and "Most alike place" in notes
    first = made["curves"]["mean"][0]
    real = made["samples"]["porosity"][:4].mean()
    assert first == pytest.approx(real)  # S2 at lag zero is the porosity

    def never(labels):
        raise AssertionError("measured again")

    monkeypatch.setattr("porelab_methods.rock_gan.samples.one_sample", never)
    again = EVALUATE({"weights": untrained, "labels": stack}, params)
    assert again["samples"]["porosity"].tolist() == made["samples"]["porosity"].tolist()


def test_the_score_has_every_key_and_no_failure_hides(untrained, stack, tmp_path, monkeypatch):
    monkeypatch.setenv("PORELAB_CACHE", str(tmp_path / "cache"))
    made = scored(untrained, stack, tmp_path / "score", samples=4, large=64, rocks=2, size=32, survey=8)
    wanted = {"kphi_corr_gap", "K_bias", "Sv_bias", "success_20", "joint_success"}
    wanted |= {f"{kind}_{key}" for kind in ("nrmse", "s") for key in ("porosity", "K", "pore_size", "throat_size")}
    assert wanted <= set(made["figures"])
    sets = [row["set"] for row in made["rows"]]
    assert sets.count("large") == 6 and sets.count("order") == 4 and sets.count("training slab") == 6
    assert {"K_bias_training_slab", "Sv_bias_to_training"} <= set(made["figures"])
    page = markdown(made)
    assert page.count("| porosity |") == 5 and "held-out slab" in page and "kphi_corr_gap" in page
    again = scored(untrained, stack, tmp_path / "score", samples=4, large=64, rocks=2, size=32, survey=8)
    assert repr(again["figures"]) == repr(made["figures"])


def test_rocks_to_order_from_weights_end_to_end(untrained, tmp_path, monkeypatch):
    monkeypatch.setenv("PORELAB_CACHE", str(tmp_path / "cache"))
    params = {"size": (32,), "survey": 8, "count": 2, "folder": str(tmp_path / "rocks")}
    with pytest.raises(InputError, match="out of reach"):
        CONDITION({"weights": untrained}, {**params, "targets": ("porosity=0.9999+-0.00001",)})
    from porelab_gui.core.registry import get

    rows = get("generate_rock")({"weights": untrained}, {"size": (32,), "count": 2})["table"]["porosity"]
    middle = float(np.mean(rows))
    made = CONDITION({"weights": untrained}, {**params, "targets": (f"porosity={middle:.5f}+-0.01",)})
    assert made["table"]["accepted"].any()
    assert made["rock"].porosity() == pytest.approx(middle, abs=0.01)
    assert made["rocks"].shape[2] >= 32


def test_targets_are_read_from_a_command_line():
    from porelab_gui.cli.method import _typed

    info = CONDITION.params.model_fields["targets"]
    assert _typed(info, "porosity=0.2+-0.01") == ["porosity=0.2+-0.01"]
    assert _typed(info, "porosity=0.2+-0.01,permeability=1..2+-1 mD") == [
        "porosity=0.2+-0.01",
        "permeability=1..2+-1 mD",
    ]
    assert _typed(CONDITION.params.model_fields["size"], "64") == [64]


def test_without_chosen_weights_the_shipped_generator_makes_rocks_like_berea():
    """Trained on planes below 192 of a rock of porosity 0.198; weights of 0.5 MB in half precision."""
    made = GENERATE({}, {"size": (64,), "count": 8, "seed": 3})
    assert made["rock"].voxel_size == pytest.approx((5.345e-6,) * 3)
    assert 0.15 < np.mean(made["table"]["porosity"]) < 0.25
