"""Weights folders: round trip, strangers' files, cards."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from porelab_gui.core.errors import FormatError
from porelab_gui.core.learning import metrics
from porelab_gui.core.learning.memory import predict_memory
from porelab_gui.core.learning.weights import Card, load_weights, read_config, save_weights
from porelab_gui.core.nouns import Weights

CARD = Card("Net", "A net.", "Made up.", "By parent.", [{"set": "new", "r2": 0.9912}], "None.", "porelab x", "Us 2026.")


def build(config):
    return torch.nn.Linear(config["width"], 2)


def saved(folder):
    torch.manual_seed(1)
    model = build({"width": 3})
    return model, save_weights(folder, model, {"width": 3}, CARD, [{"epoch": 0.0, "loss": 0.5}], half=True)


def test_round_trip_in_half_precision(tmp_path):
    model, weights = saved(tmp_path / "net")
    again = load_weights(weights, build)
    assert torch.allclose(again.weight, model.weight, atol=1e-3) and again.weight.dtype is torch.float32
    assert {p.name for p in weights.folder.iterdir()} == {"model.safetensors", "config.json", "card.md", "curves.csv"}
    assert "| new | 0.9912 |" in (weights.folder / "card.md").read_text()


def test_weights_of_another_shape_are_refused(tmp_path):
    _, weights = saved(tmp_path / "net")
    (weights.folder / "config.json").write_text(json.dumps({"width": 4}))
    with pytest.raises(FormatError, match="do not fit"):
        load_weights(weights, build)


@pytest.mark.parametrize("body", ["", "[]", "{", '"text"'])
def test_strange_configurations_are_refused(tmp_path, body):
    _, weights = saved(tmp_path / "net")
    (weights.folder / "config.json").write_text(body)
    with pytest.raises(FormatError):
        read_config(weights)


def test_a_pickle_in_place_of_weights_is_not_executed(tmp_path):
    import pickle

    _, weights = saved(tmp_path / "net")
    mark = tmp_path / "executed"

    class Bomb:
        def __reduce__(self):
            return (open, (str(mark), "w"))

    (weights.folder / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(FormatError):
        load_weights(weights, build)
    assert not mark.exists()


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(FormatError, match="not a folder of weights"):
        read_config(Weights(tmp_path))


def test_scores_against_their_definitions():
    truth, guess = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.1, 2.0, 2.7, 4.6])
    assert metrics.r2(truth, truth) == 1 and metrics.r2(truth, np.full(4, truth.mean())) == 0
    assert metrics.rmse(truth, guess) == pytest.approx(np.sqrt((0.01 + 0.09 + 0.36) / 4))
    assert metrics.share_beyond(truth, guess, 0.12) == 0.25
    counts = metrics.confusion(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), 3)
    assert counts.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert metrics.iou(counts)[:2].tolist() == [1 / 3, 0.5] and np.isnan(metrics.iou(counts)[2])


def test_the_interval_covers_the_score():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    guess = truth + rng.normal(scale=0.3, size=200)
    low, high = metrics.bootstrap(metrics.r2, truth, guess)
    assert low < metrics.r2(truth, guess) < high and high - low < 0.1


def test_memory_grows_with_the_batch():
    model = torch.nn.Sequential(torch.nn.Conv3d(1, 8, 3), torch.nn.ReLU())
    small, large = (predict_memory(model, torch.zeros(1, 1, 16, 16, 16), n, gpu=False).ram for n in (1, 8))
    outputs = 2 * 8 * 14**3 * 4 * 2
    assert large - small == 7 * outputs
