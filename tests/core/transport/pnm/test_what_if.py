"""Classes of throats, the change that is kept as a column, live re-solves, and the ranking of throats."""

import numpy as np
import pytest
from pnm_cases import chain, cubic_network

import porelab_gui
from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.nouns import Column
from porelab_gui.core.transport.pnm.axis import network_system
from porelab_gui.core.transport.pnm.kinds import FLOW
from porelab_gui.core.transport.pnm.ranking import RankParams, ranked
from porelab_gui.core.transport.pnm.throat_classes import ClassParams, describe, throat_class
from porelab_gui.core.transport.pnm.what_if import WhatIf


@pytest.fixture(scope="module")
def network():
    made = cubic_network(seed=3, shape=(6, 6, 6))
    made = made.with_pores(phase=Column(np.where(made.coords[:, 1] < 3e-4, 1, 2)))
    width = np.random.default_rng(0).uniform(1e-6, 5e-6, made.n_throats)
    return made.with_throats(inscribed_diameter=Column(width, "m"))


def test_classes_are_what_they_say(network):
    width = network.throat("inscribed_diameter")
    some = throat_class(network, ClassParams(choose="quantile", low=0, high=25))
    assert some.mean() == pytest.approx(0.25, abs=0.01) and width[some].max() < width[~some].min()
    some = throat_class(network, ClassParams(choose="range", low=2e-6, high=3e-6))
    assert (some == ((width >= 2e-6) & (width <= 3e-6))).all()
    assert np.flatnonzero(throat_class(network, ClassParams(choose="throats", throats=(7, 3)))).tolist() == [3, 7]
    phase = network.pore("phase")[network.conns]
    one, two = (throat_class(network, ClassParams(choose="phase", phases=p)) for p in ((1,), (1, 2)))
    assert (one == (phase == 1).all(axis=1)).all() and (two == (phase[:, 0] != phase[:, 1])).all()
    assert throat_class(network, ClassParams(choose="all")).all()
    assert describe(ClassParams(choose="phase", phases=(1, 2))) == "between phases 1 and 2"


def test_a_ranking_of_equal_values_still_takes_its_share(network):
    width = np.rint(network.throat("inscribed_diameter") * 1e6) * 1e-6
    few = network.with_throats(inscribed_diameter=Column(width, "m"))
    for low, high in ((0, 10), (10, 35), (90, 100)):
        some = throat_class(few, ClassParams(choose="quantile", low=low, high=high))
        assert some.sum() == pytest.approx((high - low) / 100 * few.n_throats, abs=1)
    assert throat_class(few, ClassParams(choose="quantile", low=100, high=100)).sum() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"choose": "throats", "throats": (10_000,)}, "no throat 10000"),
        ({"choose": "quantile", "low": 60, "high": 40}, "no part of a ranking"),
        ({"choose": "phase"}, "0 phases"),
        ({"choose": "range", "low": 1.0, "high": 2.0}, "no throat is in the class"),
        ({"choose": "range", "column": "weight"}, "no throat column 'weight'"),
    ],
)
def test_classes_that_make_no_sense_are_refused(network, wrong, words):
    with pytest.raises((ParameterError, InputError), match=words):
        throat_class(network, ClassParams(**wrong))


@pytest.mark.parametrize("kind", ["hydraulic", "diffusive"])
@pytest.mark.parametrize("factor", [0.0, 0.02, 30.0])
def test_the_slider_shows_what_the_kept_column_gives(network, kind, factor):
    """The live answer, and a solve on the column that the Method makes, are the same number."""
    law, given = f"g_{kind}.test", {"choose": "quantile", "low": 20.0, "high": 60.0}
    live = WhatIf(network, law, "y", "reservoirs")
    answer = live.answer(throat_class(network, ClassParams(**given)), factor)
    kept = porelab_gui.run("change_conductance", network, law=law, factor=factor, result="mine", **given)["network"]
    method, key = ("solve_flow", "K_m2") if kind == "hydraulic" else ("solve_diffusion", "F")
    table = porelab_gui.run(method, kept, law=f"g_{kind}.mine", axes=("y",))["table"]
    assert answer.value == pytest.approx(table[key][0], rel=1e-9)
    assert answer.ratio == pytest.approx(answer.value / live.base)
    assert kept.throats[law].values == pytest.approx(network.throat(law)), "the column it comes from stays"


def test_closing_every_throat_is_an_answer():
    network = chain([1e-13, 2e-13, 3e-13])
    live = WhatIf(network, "", "z", "centres")
    assert live.answer(np.array([False, True, False]), 0.0).value == 0.0
    assert live.answer(np.array([False, True, False]), 1.0).ratio == pytest.approx(1)


def test_a_change_can_be_changed_again_but_no_other_column(network):
    once = porelab_gui.run("change_conductance", network, choose="all", factor=2.0)["network"]
    twice = porelab_gui.run("change_conductance", once, law="what_if", choose="all", factor=2.0)["network"]
    assert twice.throat("g_hydraulic.what_if") == pytest.approx(4 * network.throat("g_hydraulic.test"))
    assert twice.throats["g_hydraulic.what_if"].meta["change"] == "2 x all throats; 2 x all throats"
    with pytest.raises(ParameterError, match="already"):
        porelab_gui.run("change_conductance", network, choose="all", factor=2.0, result="test")


def test_the_ranking_is_that_of_derivatives(network):
    """Shares fall, add up, and the first one is d ln K / d ln g by finite differences."""
    solved = porelab_gui.run("solve_flow", network, axes=("z",))["network"]
    table = ranked(solved, RankParams(count=solved.n_throats))
    share = table["share"]
    assert (np.diff(share) <= 0).all() and table["cumulative"] == pytest.approx(np.cumsum(share))
    faces = solved.pore("face_dissipation_share.z").sum()
    assert table["cumulative"][-1] + faces == pytest.approx(1, abs=1e-6)
    live, first = WhatIf(solved, "g_hydraulic.test", "z", "reservoirs"), int(table["throat"][0])
    step = 1e-4
    up, down = (live.answer(np.arange(solved.n_throats) == first, f).value for f in (1 + step, 1 - step))
    assert (np.log(up) - np.log(down)) / (2 * step) == pytest.approx(share[0], rel=1e-6)
    assert "Half of the dissipation" in table.notes[0] and "reservoirs" in table.notes[-1]
    with pytest.raises(InputError, match="no diffusion along z"):
        ranked(solved, RankParams(process="diffusion"))


def _fresh(network, mask, factor):
    if factor == 0 and mask.all():
        return 0.0
    g = np.where(mask, factor, 1.0) * network.throat("g_hydraulic.test")
    return network_system(network, "g_hydraulic.test", "z", "reservoirs", FLOW, "superlu").solve(g).value


@pytest.mark.parametrize("choice", ["one", "tenth", "all", "cut"])
def test_the_reduced_basis_answers_like_fresh_solves_and_knows_its_error(network, choice):
    """Jumps of the slider in any order, before and after the class is prepared; K is never below the true one."""
    rng = np.random.default_rng(5)
    count = network.n_throats
    masks = {"one": np.arange(count) == 17, "tenth": rng.random(count) < 0.1, "all": np.ones(count, bool)}
    mask = masks.get(choice, rng.random(count) < 0.7)
    live = WhatIf(network, "g_hydraulic.test", "z", "reservoirs", "superlu")
    for factor in (1.3, 400.0, 0.002, 0.0, 7.0):
        assert live.answer(mask, factor).value == pytest.approx(_fresh(network, mask, factor), rel=1e-9)
    while live.prepare(mask):
        pass
    family, steps = live.family(mask), []
    for factor in 10 ** rng.uniform(-3, 3, 6):
        point, exact = family.point(factor), _fresh(network, mask, factor)
        assert -1e-12 <= point.value / exact - 1 <= point.bound + 1e-12 <= 2e-10
        steps.append(point.steps)
    assert sorted(steps)[3] <= 1, "a prepared class needs few substitutions"
    assert live.answer(mask, 1.0).ratio == pytest.approx(1, rel=1e-14)


def test_a_factor_that_went_bad_is_noticed(network, monkeypatch):
    """The bound stands on the kept factor; when that lies, the answer comes from a solve that checks itself."""
    mask = np.arange(network.n_throats) % 7 == 0
    live = WhatIf(network, "g_hydraulic.test", "z", "reservoirs", "superlu")
    system, good = live.system, live.system.correction
    monkeypatch.setattr(system, "correction", lambda left, problem: 1e-9 * good(left, problem))
    assert live.answer(mask, 30.0).value == pytest.approx(_fresh(network, mask, 30.0), rel=1e-9)
