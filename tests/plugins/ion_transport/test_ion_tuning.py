"""Networks that take the strengths of effects beyond DSPM-DE, and membranes fitted through them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from porelab_methods.ion_transport import left_out
from porelab_methods.ion_transport.baselines import Direct, perceptron, rows
from porelab_methods.ion_transport.data import KINDS, drawn, scattered, truths
from porelab_methods.ion_transport.left_out import predicted
from porelab_methods.ion_transport.methods import METHODS
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.neural import SEGMENTS, solve_with
from porelab_methods.ion_transport.presets import FEEDS
from porelab_methods.ion_transport.store import IonNets, describe, members, shipped
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.taught import outside
from porelab_methods.ion_transport.train import case_of
from porelab_methods.ion_transport.tune_runs import STRENGTHS
from porelab_methods.ion_transport.tuning import Prior, fit_through, tune

from porelab_gui.core.errors import InputError
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Column, Table


def test_no_strength_no_correction_and_kept_strengths_stand_in():
    torch.manual_seed(0)
    net = IonNet(8, 4, 1, effects=3)
    torch.nn.init.normal_(net.head.weight, std=0.5)
    data, made = scattered(6, 5)
    membranes = [t.membrane for t in made]

    def state(effects):
        return solve_with(case_of(data, membranes, effects), np.zeros((6, SEGMENTS, 5)))

    none, unknown, given = state(np.zeros((6, 3))), state(None), state(np.ones((6, 3)))
    assert np.abs(net.correction(none.features, none.present)).max() == 0.0
    kept = net.correction(unknown.features, unknown.present)
    assert np.array_equal(kept, net.correction(given.features, given.present)) and np.abs(kept).max() > 0


def test_scattered_experiments_are_one_per_membrane_and_neutral():
    data, made = scattered(16, 5)
    assert len(made) == 16 and np.array_equal(data.membrane, np.arange(16))
    assert np.abs(data.feed @ np.array([i.charge for i in KINDS])).max() < 1e-9
    assert np.ptp([t.effects() for t in made], axis=0).min() > 0.5


def test_a_membrane_is_fitted_through_the_correction():
    """With a network that corrects nothing this is DSPM-DE, whose rejections are found again; strengths stay put."""
    truth = replace(truths(1, 3, (0.0, 0.0, 0.0))[0], membrane=Membrane(charge=-40.0))
    data = drawn([truth], ["NaCl", "MgCl2", "LiCl"], 4, seed=2)
    prior = Prior(np.full(3, 0.5), np.full(3, 0.5))
    found = tune(data, IonNet(8, 4, 1, effects=3).correction, Membrane(charge=-30.0, permittivity=43.0), prior)
    assert found.rmse < 5e-3 and found.membrane.charge == pytest.approx(-40.0, rel=0.1)
    assert np.allclose(found.effects, 0.5, atol=1e-6)


def test_a_simulated_network_is_fine_tuned_on_a_table_membrane_first(tmp_path):
    train = {m.name: m for m in METHODS}["train_ion_transport"]
    small = {"rounds": 1, "steps": 5, "starts": 1}
    first = train({}, {**small, "simulations": 12, "folder": str(tmp_path / "a")})
    assert "12 simulated membranes" in (tmp_path / "a" / "card.md").read_text()
    data, lines = drawn(truths(1, 3), ["NaCl"], 5, seed=1), []
    for b in range(len(data)):
        lines += [(b, KINDS[i].name, data.feed[b, i], data.flux[b], data.rejection[b, i]) for i in (0, 4)]
    names = ("experiment", "ion", "feed", "flux", "rejection")
    table = Table({n: Column(np.array(v)) for n, v in zip(names, zip(*lines, strict=True), strict=True)})
    out = train({"measured": table, "weights": first["weights"]}, {**small, "folder": str(tmp_path / "b")})
    assert len(out["membranes"]) == 1 and np.isfinite(out["curves"]["rmse"]).all()
    methods = {m.name: m for m in METHODS}
    found = methods["predict_rejection"]({"weights": out["weights"]}, {"feed": "nacl"})
    assert np.isfinite(found["rejections"]["neural"]).all()
    tuned = methods["tune_membrane"]({"measured": table, "weights": out["weights"]}, {"steps": 1, "starts": 1})
    membrane = tuned["membrane"]
    assert list(membrane["parameter"])[4:] == list(STRENGTHS) and len(tuned["comparison"]) == 10
    assert (membrane["lower"] <= membrane["value"]).all() and (membrane["value"] <= membrane["upper"]).all()
    there = methods["predict_rejection"]({"weights": out["weights"], "membrane": membrane}, {"feed": "nacl"})
    values = dict(zip(membrane["parameter"], map(float, membrane["value"]), strict=True))
    typed = methods["predict_rejection"]({"weights": out["weights"]}, {"feed": "nacl", **values})
    assert np.array_equal(there["rejections"]["neural"], typed["rejections"]["neural"])
    assert not np.array_equal(there["rejections"]["neural"], found["rejections"]["neural"])
    assert "fitted strengths" in " ".join(there["rejections"].notes)
    assert "no strengths" in " ".join(found["rejections"].notes)


def test_a_table_that_is_no_membrane_is_refused():
    predict = {m.name: m for m in METHODS}["predict_rejection"]
    for columns, words in (
        ({"ion": Column(np.array(["Na"]))}, "not that of a fitted membrane"),
        ({"parameter": Column(np.array(["colour"])), "value": Column(np.ones(1))}, "colour: no parameter"),
    ):
        with pytest.raises(InputError, match=words):
            predict({"membrane": Table(columns)}, {"feed": "nacl"})


def test_strengths_need_networks_that_take_them(tmp_path):
    config = {"networks": {"only": describe(IonNet(8, 4, 1))}, "members": ["only"], "system": "ion_transport"}
    card = Card("t", "s", "d", "s", [], "l", "c", "c")
    weights = save_weights(tmp_path / "w", IonNets(config), config, card)
    with pytest.raises(InputError, match="take no strengths"):
        members(weights, strengths=True)


def test_another_forward_model_is_fitted_through_in_the_same_way():
    """Perceptrons in place of the equation: features of the trial membranes, one rejection per ion of every row."""
    data = drawn(truths(1, 3, (0.0, 0.0, 0.0)), ["NaCl", "MgCl2"], 3, seed=2)
    effects = np.zeros((1, 3))
    x, y, known = rows(data, [truths(1, 3)[0].membrane], effects)
    direct = Direct(data, [perceptron(x[known], y[known], steps=300)])
    prior = Prior(np.zeros(3), np.full(3, 0.5))
    found = fit_through(data, direct, truths(1, 3)[0].membrane, prior, others=False, steps=2)
    assert found.rmse < 0.05
    gap = direct(Membrane(*(np.array([v]) for v in vars(found.membrane).values())), found.effects[None])[0]
    assert np.sqrt(np.nanmean((gap - data.rejection)[known] ** 2)) == pytest.approx(found.rmse, rel=1e-6)


def test_what_lies_outside_the_training_is_named():
    inside = outside(FEEDS["li_mg_equal"].feed(), 1e-5, shipped())
    assert inside == ()
    (said,) = outside(FEEDS["seawater"].feed(), 5e-5, shipped())
    assert all(words in said for words in ("mol/m3 of charge (10 to 200)", "50 um/s (3 to 25)", "Ca"))


def test_the_row_to_predict_takes_part_in_nothing(monkeypatch):
    """Another value of the row changes no prediction of it; without a correction every belief is DSPM-DE."""
    data = drawn([replace(truths(1, 3, (0.0, 0.0, 0.0))[0], membrane=Membrane())], ["Li-Mg-Cl"], 3, seed=1)
    correction = IonNet(8, 4, 1, effects=3).correction
    monkeypatch.setattr(left_out, "fit_experiments", lambda data, **_: SimpleNamespace(membrane=Membrane()))
    monkeypatch.setattr(left_out, "STARTS", ())
    found = predicted(data, correction, steps=2)
    other = data.rejection.copy()
    other[2] = 0.1
    again = predicted(replace(data, rejection=other), correction, steps=2)
    assert np.allclose(found[:, 2], again[:, 2], rtol=1e-12, equal_nan=True)
    assert not np.allclose(found[:, 1], again[:, 1])
    assert np.allclose(found, found[:1], atol=1e-4)
