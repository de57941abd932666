"""The networks that ship: resumable training, left-out mixtures, averaging over membranes, the table of models."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from porelab_methods.ion_transport import averaging, plan, score
from porelab_methods.ion_transport.data import DEVELOPMENT, KINDS, PRETRAINING, SEEN, UNSEEN, drawn, truths
from porelab_methods.ion_transport.measured import left_out
from porelab_methods.ion_transport.methods import METHODS
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.score import Fits, predictions
from porelab_methods.ion_transport.ship import ship
from porelab_methods.ion_transport.store import load_nets
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.train import Recipe

from porelab_gui.core.progress import silent

TINY = Recipe(rounds=1, steps=4, width=8, depth=1)
PLAN = plan.Plan(1, 2, 1, 101, 2, 7, TINY, TINY, TINY)


def test_left_out_mixtures_are_in_no_training_and_no_choice():
    def kinds(names):
        feeds = [drawn(truths(1, 3), [n], 1, seed=0).feed[0] > 0 for n in names]
        return {tuple(f.tolist()) for f in feeds}

    assert len(kinds(UNSEEN)) == 7
    assert not kinds(UNSEEN) & kinds([*SEEN, *PRETRAINING, *DEVELOPMENT])


def test_drawn_experiments_are_neutral_within_the_stated_ranges_and_repeat():
    made, again = (drawn(truths(2, 3), UNSEEN, 3, noise=0.01, seed=4) for _ in range(2))
    z = np.array([i.charge for i in KINDS])
    assert np.abs(made.feed @ z).max() < 1e-9
    total = 0.5 * made.feed @ np.abs(z)
    assert total.min() > 9.9 and total.max() < 200.1
    assert made.flux.min() >= 3e-6 and made.flux.max() <= 2.5e-5
    assert (np.isfinite(made.rejection) == (made.feed > 0)).all()
    assert np.array_equal(made.rejection, again.rejection, equal_nan=True) and len(made) == 42


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """Weights by the one command, with the simulator's own membranes in place of fits (their search takes long)."""
    folder = tmp_path_factory.mktemp("weights") / "ion_transport"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "fit_experiments", lambda data, **_: SimpleNamespace(membrane=Membrane()))
        patch.setattr(score, "compare", partial(score.compare, steps=50, trees=10))
        patch.delenv("PORELAB_DATA", raising=False)
        return ship(folder, silent, PLAN, count=1)


def test_one_command_trains_judges_and_writes_the_card(shipped):
    nets = load_nets(shipped)
    assert set(nets.nets) == {p.name for p in plan.parts(PLAN)} and nets.members == ("hard0",)
    card = (shipped.folder / "card.md").read_text()
    for words in ("gradient boosting", "MLP", "soft neutrality", "without pre-training", "left-out membranes"):
        assert words in card
    assert all(v.dtype in (torch.float16, torch.float32) for v in nets.state_dict().values())


def test_a_stopped_training_goes_on_with_the_next_network(shipped, monkeypatch):
    parts = shipped.folder.with_name("ion_transport.parts")
    kept = {p.name: p.stat().st_mtime_ns for p in parts.glob("*.safetensors")}
    (parts / "soft.safetensors").unlink()
    trained = []
    original = plan.train
    monkeypatch.setattr(plan, "train", lambda *a, **k: trained.append(a[2].neutrality) or original(*a, **k))
    plan.run(PLAN, parts)
    assert trained == ["soft"]
    assert all((parts / name).stat().st_mtime_ns == stamp for name, stamp in kept.items() if name != "soft.safetensors")


def test_every_model_is_compared_and_only_physics_keeps_charge(shipped, monkeypatch):
    monkeypatch.setattr(score, "compare", partial(score.compare, steps=50, trees=10))
    seen, unseen = plan.bench_data(PLAN), drawn(truths(2, 7), UNSEEN[:2], 1, seed=1)
    fits = Fits([Membrane()] * 2, [Membrane(charge=-10.0)] * 2)
    found, _ = predictions(load_nets(shipped), seen, fits, unseen, fits)
    assert len(found) == 13
    for name, (rejection, violation) in found.items():
        assert (np.isfinite(rejection) | (unseen.feed == 0)).all(), name
        if name in ("neural", "DSPM-DE, re-fitted", "neural, one network without attention"):
            assert violation < 1e-12, name
        if name.startswith(("MLP", "gradient")):
            assert violation > 1e-6, name


@pytest.fixture(scope="module")
def table():
    """Five Li/Mg experiments of one membrane that DSPM-DE describes, chloride not measured."""
    rng = np.random.default_rng(0)
    data = drawn([replace(truths(1, 3, (0.0, 0.0, 0.0))[0], membrane=Membrane())], ["Li-Mg-Cl"], 5, seed=1)
    rejection = data.rejection + 0.005 * rng.normal(size=data.rejection.shape)
    rejection[:, 4] = np.nan
    return replace(data, rejection=rejection)


def test_averaging_finds_what_the_rows_say(table):
    draws = averaging.draw(table, count=256)
    weights = averaging.weigh(draws, table.rejection, np.ones(5, bool))
    assert weights.sum() == pytest.approx(1.0) and (weights >= 0).all()
    made = averaging.row_by_row(draws, table.rejection)
    assert np.sqrt(np.nanmean((made - table.rejection) ** 2)) < 0.08


def test_a_left_out_row_does_not_weigh(table):
    draws = averaging.draw(table, count=64)
    other = table.rejection.copy()
    other[2] = 0.9
    rows = np.arange(5) != 2
    assert np.array_equal(averaging.weigh(draws, table.rejection, rows), averaging.weigh(draws, other, rows))


def test_amplitude_zero_is_dspm_de(table):
    torch.manual_seed(0)
    net = IonNet(8, 4, 1)
    torch.nn.init.normal_(net.head.weight, std=0.5)
    both = averaging.draw(table, net.correction, count=8, amplitudes=(0.0, 1.0))
    plain = averaging.draw(table, count=8)
    assert np.array_equal(both.rejection[:8], plain.rejection, equal_nan=True)
    assert np.nanmax(np.abs(both.rejection[8:] - plain.rejection)) > 1e-3


def test_rows_of_a_measured_membrane_are_judged_by_all_three(table):
    row = left_out(table, "made", IonNet(8, 4, 1).correction, count=64)
    assert row["rmse"] == pytest.approx(row["rmse_dspm_de_averaged"], rel=1e-6), "an untrained network corrects nothing"
    assert row["rmse_dspm_de"] < 0.05


def test_without_a_table_there_is_nothing_to_fine_tune(shipped):
    from porelab_gui.core.errors import InputError

    with pytest.raises(InputError, match="nothing to fine-tune on"):
        {m.name: m for m in METHODS}["train_ion_transport"]({"weights": shipped}, {})
