"""How networks that take strengths are judged: each membrane is fitted through them first, on its own rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from porelab_methods.ion_transport import strengths
from porelab_methods.ion_transport.data import drawn, truths
from porelab_methods.ion_transport.kept import Kept
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.neural import SEGMENTS, solve_with
from porelab_methods.ion_transport.plan import SHIPPED
from porelab_methods.ion_transport.score import Place, told_part
from porelab_methods.ion_transport.store import IonNets, describe
from porelab_methods.ion_transport.strengths import MAIN, Task, judged, main_fit, rivals
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.train import case_of

CHARGE = -40.0


@pytest.fixture(scope="module")
def nets() -> IonNets:
    """Two networks of the model and a control, which correct nothing."""
    names = ("strengths0", "strengths1", "strengths_soft")
    made = {name: describe(IonNet(8, 4, 1, effects=3)) for name in names}
    return IonNets({"networks": made, "members": names[:2], "told": names[:2]})


@pytest.fixture(scope="module")
def task() -> Task:
    """One membrane that is DSPM-DE; another mixture is to be predicted."""
    truth = replace(truths(1, 3, (0.0, 0.0, 0.0))[0], membrane=Membrane(charge=CHARGE))
    own, unseen = drawn([truth], ["NaCl", "MgCl2", "LiCl"], 4, seed=2), drawn([truth], ["Li-Mg-Cl"], 3, seed=5)
    return Task(own, unseen, [Membrane(charge=-30.0, permittivity=43.0)], "bench")


def test_membranes_are_fitted_and_the_unseen_rows_follow(nets, task, tmp_path):
    kept = Kept(tmp_path / "parts")
    known = main_fit(nets, task, kept)
    assert known.membranes[0].charge == pytest.approx(CHARGE, rel=0.1) and known.effects.shape == (1, 3)
    states = judged(nets, task, known, kept)
    assert set(states) == {MAIN, f"{MAIN}, one network", f"{MAIN}, one network, soft neutrality"}
    plain = solve_with(case_of(task.unseen, known.membranes), np.zeros((3, SEGMENTS, len(task.unseen.ions)))).solution
    assert np.allclose(states[MAIN].solution.rejection, plain.rejection, equal_nan=True)
    there = np.isfinite(task.unseen.rejection)
    assert np.abs(plain.rejection - task.unseen.rejection)[there].max() < 0.02
    assert {p.stem for p in (tmp_path / "parts").iterdir()} >= {"strengths_bench_0", "strengths_soft_bench_0"}


def test_rivals_learn_the_same_simulations_and_leave_unknown_rows_empty(nets, task):
    known = main_fit(nets, task, Kept())
    found = rivals(replace(SHIPPED, told_membranes=8), task, known, Kept(), steps=30)
    assert len(found) == 3 and all("same simulations" in title for title in found)
    known_rows = np.isfinite(task.unseen.rejection) & (task.unseen.feed > 0)
    assert all(np.array_equal(np.isfinite(value), known_rows) for value in found.values())


def test_on_other_membranes_only_the_model_is_repeated(nets, task, monkeypatch):
    monkeypatch.setattr(strengths, "rivals", None)
    monkeypatch.setattr("porelab_methods.ion_transport.score.box_fits", lambda *_: list(task.start))
    part = told_part(nets, SHIPPED, Place("new", "left-out membranes", task.own, task.unseen), Kept())
    (row,) = part["rows"]
    assert row["model"] == MAIN and row["bench"] == "left-out membranes" and row["rmse"] < 0.02
    assert row["charge_violation"] < 1e-12
