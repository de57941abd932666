"""Networks that take the strengths of effects beyond DSPM-DE, and membranes fitted through them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from porelab_methods.ion_transport.data import KINDS, drawn, scattered, truths
from porelab_methods.ion_transport.methods import METHODS
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.neural import SEGMENTS, solve_with
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.train import case_of
from porelab_methods.ion_transport.tuning import Prior, tune

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
    data, rows = drawn(truths(1, 3), ["NaCl"], 5, seed=1), []
    for b in range(len(data)):
        rows += [(b, KINDS[i].name, data.feed[b, i], data.flux[b], data.rejection[b, i]) for i in (0, 4)]
    names = ("experiment", "ion", "feed", "flux", "rejection")
    table = Table({n: Column(np.array(v)) for n, v in zip(names, zip(*rows, strict=True), strict=True)})
    out = train({"measured": table, "weights": first["weights"]}, {**small, "folder": str(tmp_path / "b")})
    assert len(out["membranes"]) == 1 and np.isfinite(out["curves"]["rmse"]).all()
    found = {m.name: m for m in METHODS}["predict_rejection"]({"weights": out["weights"]}, {"feed": "nacl"})
    assert np.isfinite(found["rejections"]["neural"]).all()
