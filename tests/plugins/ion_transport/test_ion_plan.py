"""The networks that ship: left-out mixtures, averaging over membranes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from porelab_methods.ion_transport import averaging, report
from porelab_methods.ion_transport.data import DEVELOPMENT, KINDS, PRETRAINING, SEEN, UNSEEN, drawn, truths
from porelab_methods.ion_transport.kept import Kept
from porelab_methods.ion_transport.measured import left_out
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.plan import fitted
from porelab_methods.ion_transport.score import variants
from porelab_methods.ion_transport.store import IonNets, describe
from porelab_methods.ion_transport.system import Membrane

from porelab_gui.core.generated import filled


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


def test_a_stopped_score_goes_on_and_a_finished_one_starts_anew(tmp_path):
    calls, kept = [], Kept(tmp_path / "parts")

    def part(name):
        return kept(name, lambda: calls.append(name) or {"rmse": 0.5, "nan": float("nan")})

    first, second = part("a"), part("a")
    assert calls == ["a"] and first["rmse"] == second["rmse"] == 0.5 and np.isnan(second["nan"])
    kept.done()
    part("a")
    assert calls == ["a", "a"]


def test_the_row_of_pretrained_networks_holds_only_them():
    nets = {
        n: IonNet(8, 4, 1, attend=n != "no_attention")
        for n in ("pretrained0", "hard0", "pretrained1", "hard1", "scratch0", "soft", "none", "pretrained_plain")
    }
    config = {"networks": {k: describe(v) for k, v in nets.items()}, "members": ["hard0", "hard1"]}
    made = IonNets(config)
    chosen = {title: list(e.nets) for title, (e, _) in variants(made).items()}
    assert chosen["neural"] == [made.nets["hard0"], made.nets["hard1"]]
    assert chosen["neural, pre-trained on simulations only"] == [made.nets["pretrained0"], made.nets["pretrained1"]]
    assert chosen["neural, one network without pre-training"] == [made.nets["scratch0"]]
    assert chosen["neural, one network"] == [made.nets["hard0"]]


def test_a_fit_from_a_known_membrane_alone_finds_it():
    truth = replace(truths(1, 3, (0.0, 0.0, 0.0))[0], membrane=Membrane(charge=-40.0))
    data = drawn([truth], ["NaCl", "MgCl2"], 3, seed=2)
    start = Membrane(charge=-30.0, permittivity=42.0)
    assert fitted(data, known=[start])[0].charge == pytest.approx(-40.0, rel=1e-3)


def test_scores_are_written_between_their_marks(tmp_path):
    rows = [{"bench": "a", "model": "MLP", "rmse": 0.25}, {"bench": "b", "model": "neural, X", "rmse_dspm_de": 0.5}]
    content = {"name": "ion_transport", "figures": {"rmse_a": 0.125}, "rows": rows}
    (tmp_path / "score.json").write_text(json.dumps(content))
    page = tmp_path / "page.md"
    mark = "<!-- scores: written by porelab_methods.ion_transport.report -->"
    page.write_text(f"Before.\n{mark}\nold\n<!-- end of scores -->After.")
    report.write(page, [tmp_path / "score.json"])
    text = page.read_text()
    assert "| rmse_a | 0.125 |" in text and "| MLP | 0.25 |" in text and "| neural, X | 0.5 |" in text
    assert "old" not in text and text.startswith("Before.") and text.endswith("After.")
    with pytest.raises(ValueError, match="marks"):
        filled(text, "timings", "")
