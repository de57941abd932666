"""The neural differential equation: starts as DSPM-DE, exact neutrality, exact slopes, learning, permutation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.ion_transport.attention import attention_map, charge_products, pair_correlation, removal_map
from porelab_methods.ion_transport.baselines import compare
from porelab_methods.ion_transport.boosting import Boosting
from porelab_methods.ion_transport.data import KINDS, SEEN, Experiments, simulate, truths
from porelab_methods.ion_transport.methods import METHODS
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.neural import SEGMENTS, Case, solve_neural, solve_with
from porelab_methods.ion_transport.score import imbalance
from porelab_methods.ion_transport.store import Ensemble
from porelab_methods.ion_transport.system import Membrane, solve
from porelab_methods.ion_transport.train import Recipe, case_of, train

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.nouns import Column, Table, Weights

FEED = np.array([[20.0, 0.0, 10.0, 5.0, 30.0], [0.0, 20.0, 20.0, 0.0, 60.0]])


@pytest.fixture(scope="module")
def case():
    return Case(KINDS, FEED, np.array([1e-5, 4e-6]), Membrane(0.5e-9, 1.2e-6, -30.0, 45.0))


def wild(seed=0, attend=True):
    torch.manual_seed(seed)
    net = IonNet(attend=attend)
    torch.nn.init.normal_(net.head.weight, std=0.5)
    return net


def test_an_untrained_network_is_dspm_de(case):
    state = solve_neural(case, IonNet().correction)
    plain = solve(KINDS, FEED, case.flux, case.membrane).rejection
    assert np.abs(state.solution.rejection - plain)[FEED > 0].max() < 1e-6


def test_any_network_is_neutral_in_pore_and_permeate(case):
    for seed in range(3):
        state = solve_neural(case, wild(seed).correction)
        assert np.abs(state.h).max() > 0.05
        assert imbalance(state.solution) < 1e-12


def test_without_projection_charge_is_not_kept(case):
    state = solve_neural(case, wild().correction, soft=True)
    assert imbalance(state.solution) > 1e-3


@pytest.mark.parametrize("soft", [False, True])
def test_slopes_match_finite_differences(case, soft):
    rng = np.random.default_rng(0)
    h = 0.3 * rng.normal(size=(2, SEGMENTS, 5)) * (FEED > 0)[:, None]
    state = solve_with(case, h, soft=soft, sensitivities=True)
    slopes = state.slopes()
    for segment, j in ((0, 2), (3, 4), (1, 4)):
        step = np.zeros_like(h)
        step[:, segment, j] = 1e-3
        up, down = (solve_with(case, h + s * step, soft=soft).solution.unknowns for s in (1, -1))
        there = FEED > 0
        assert slopes[:, :, segment, j][there] == pytest.approx(((up - down) / 2e-3)[there], rel=1e-3, abs=1e-5)


def test_no_flux_means_no_correction(case):
    still = Case(KINDS, FEED, np.array([0.0, 0.0]), case.membrane)
    assert np.abs(solve_neural(still, wild().correction).solution.rejection[FEED > 0]).max() < 1e-8


def test_order_of_the_ions_does_not_matter(case):
    net, order = wild(), [4, 2, 0, 3, 1]
    shuffled = Case(tuple(KINDS[i] for i in order), FEED[:, order], case.flux, case.membrane)
    straight, turned = (solve_neural(c, net.correction).solution.rejection for c in (case, shuffled))
    assert np.allclose(straight[:, order][FEED[:, order] > 0], turned[FEED[:, order] > 0], atol=1e-4)


def test_absent_ions_do_not_matter(case):
    net = wild()
    there = FEED[1] > 0
    small = Case(
        tuple(i for i, t in zip(KINDS, there, strict=True) if t), FEED[1:, there], case.flux[1:], case.membrane
    )
    full = solve_neural(case, net.correction).solution.rejection[1, there]
    assert solve_neural(small, net.correction).solution.rejection[0] == pytest.approx(full, abs=1e-4)


def test_attention_rows_sum_to_one_and_the_picture_is_symmetric(case):
    net = wild()
    state = solve_neural(case, net.correction)
    maps = net.attention_maps(state.features, state.present)
    assert np.allclose(maps.sum(-1), 1.0, atol=1e-5)
    assert np.abs(maps[0][:, FEED[0] == 0]).max() < 1e-6
    picture, removal = (f(Ensemble([net]), state) for f in (attention_map, removal_map))
    assert np.allclose(picture, picture.T, equal_nan=True) and np.nanmin(removal) >= 0
    assert charge_products(state)[2, 3] == 4 and abs(pair_correlation(picture, picture)) == pytest.approx(1.0)


def test_a_march_agrees_with_torchdiffeq(case):
    """The corrected equation, integrated by an independent library from the same permeate."""
    torchdiffeq = pytest.importorskip("torchdiffeq")
    from porelab_methods.ion_transport.newton import profile

    state = solve_neural(case, wild().correction)
    p, b = state.solution.problem, 0
    points = SEGMENTS + 1
    c, psi = np.zeros((points, 5)), np.zeros(points)
    profile(state.solution.unknowns[b], *p.inside(b), 1e-11, points, c, psi)
    cp, y = np.exp(state.solution.unknowns[b]), torch.tensor(c[-1])
    pe, z, w, flow = (torch.tensor(v) for v in (p.pe[b], p.z[b], p.w[b], cp))
    for k in range(SEGMENTS - 1, -1, -1):
        kc = torch.tensor(p.kc[b, k])

        def rate(_, c, kc=kc):
            f = pe * (kc * c - flow)
            return -(f - z * c * (w * f).sum() / (w * z * c).sum())

        times = torch.tensor([0.0, 1.0 / SEGMENTS], dtype=torch.float64)
        y = torchdiffeq.odeint(rate, y, times, rtol=1e-10, atol=1e-13)[-1]
        there = FEED[b] > 0
        assert np.allclose(y.numpy()[there], c[k][there], rtol=1e-7)


@pytest.fixture(scope="module")
def small_bench():
    made = truths(1, 3)
    data = simulate(made, SEEN[:3], noise=0.0)
    return data, [made[0].membrane]


def test_training_lowers_the_error_and_repeats(small_bench):
    data, membranes = small_bench
    recipe = Recipe(rounds=2, steps=30, width=16, depth=1, noise=0.0)
    net, curves = train(data, membranes, recipe)
    again, _ = train(data, membranes, recipe)
    assert curves[-1]["rmse"] < 0.7 * curves[0]["rmse"]
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values(), strict=True))
    state = solve_neural(case_of(data, membranes), net.correction)
    assert np.sqrt(np.nanmean((state.solution.rejection - data.rejection) ** 2)) < 0.8 * curves[0]["rmse"]


def test_the_simulator_is_dspm_de_without_its_extras():
    plain = truths(1, 3, (0.0, 0.0, 0.0))
    data = simulate(plain, ["NaCl"])
    found = solve(KINDS, data.feed, data.flux, plain[0].membrane).rejection
    assert np.allclose(found[data.feed > 0], data.rejection[data.feed > 0], atol=1e-6)


def test_baselines_predict_only_what_is_known(small_bench):
    data, membranes = small_bench
    made = compare(data, data, membranes, steps=200)
    for value in made.values():
        assert (np.isfinite(value) == np.isfinite(data.rejection)).all()
        assert np.sqrt(np.nanmean((value - data.rejection) ** 2)) < 0.1


def test_boosting_fits_a_step():
    x = np.linspace(0, 1, 200)[:, None]
    y = (x[:, 0] > 0.37).astype(float)
    assert np.abs(Boosting(trees=60).fit(x, y).predict(x) - y).max() < 0.1


def _measured():
    data = simulate(truths(1, 3), ["NaCl"])
    rows = {"experiment": [], "ion": [], "feed": [], "flux": [], "rejection": []}
    for b in range(len(data)):
        for i in np.flatnonzero(data.feed[b] > 0):
            for key, value in zip(
                rows, (b, KINDS[i].name, data.feed[b, i], data.flux[b], data.rejection[b, i]), strict=True
            ):
                rows[key].append(value)
    return Table({k: Column(np.array(v)) for k, v in rows.items()})


def test_train_and_predict_as_methods(tmp_path):
    methods = {m.name: m for m in METHODS}
    params = {"rounds": 1, "steps": 5, "starts": 1, "folder": str(tmp_path / "w")}
    out = methods["train_ion_transport"]({"measured": _measured()}, params)
    assert (tmp_path / "w" / "card.md").read_text().startswith("# Ion transport")
    assert out["curves"]["rmse"][0] >= out["curves"]["rmse"].min() and len(out["membranes"]) == 1
    found = methods["predict_rejection"]({"weights": out["weights"]}, {"feed": "nacl"})
    table = found["rejections"]
    assert (table["lower"] <= table["neural"]).all() and (table["neural"] <= table["upper"] + 1e-12).all()
    assert found["attention"]["Na"].shape == (2,)


def test_foreign_weights_are_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"system": "rock_gan"}')
    with pytest.raises(FormatError, match="not of the ion transport model"):
        {m.name: m for m in METHODS}["predict_rejection"]({"weights": Weights(tmp_path)}, {})


def test_one_experiment_is_not_enough():
    one = Table({k: Column(c.values[:2]) for k, c in _measured().columns.items()})
    with pytest.raises(InputError, match="not enough"):
        {m.name: m for m in METHODS}["train_ion_transport"]({"measured": one}, {"starts": 1})


def test_experiments_keep_their_rows():
    data = Experiments(KINDS, FEED, np.ones(2), FEED, np.array([0, 1]), np.array(["a", "b"]))
    assert data.where(data.membrane == 1).mixture.tolist() == ["b"]
