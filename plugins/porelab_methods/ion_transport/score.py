"""``porelab score ion_transport``: shipped weights on what they were not trained on, beside all that competes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.attention import attention_map, charge_products, pair_correlation, removal_map
from porelab_methods.ion_transport.baselines import compare
from porelab_methods.ion_transport.calibrate import calibrate, fit_experiments, rejections
from porelab_methods.ion_transport.data import (
    SEEN,
    UNSEEN,
    Experiments,
    li_mg_experiments,
    simulate,
    truths,
)
from porelab_methods.ion_transport.neural import SEGMENTS, State, solve_neural, solve_with
from porelab_methods.ion_transport.presets import FEEDS
from porelab_methods.ion_transport.profiles import profiles
from porelab_methods.ion_transport.store import Ensemble, IonNets, load_nets, shipped
from porelab_methods.ion_transport.system import Membrane, Solution, solve
from porelab_methods.ion_transport.train import case_of
from porelab_methods.ion_transport.vectors import VECTORS

Array = NDArray[np.float64]
BENCH_MEMBRANES, BENCH_SEED, BENCH_NOISE = 6, 1, 0.01
MEASURED = "ions/li_mg_cl_15rows.csv"


def score() -> dict[str, Any]:
    """Figures and rows; wins_b and cases_b are 0 where the measured table is not at hand (a row says so)."""
    nets = load_nets(shipped())
    figures_a, rows_a = bench_a(nets)
    figures_b, rows_b = bench_b(nets)
    figures = {**figures_a, **figures_b, "vector_max_err": vector_error()}
    return {"figures": figures, "rows": [*rows_a, *rows_b]}


def vector_error() -> float:
    """Largest difference from the reference rejections of DSPM-DE."""
    worst = 0.0
    for name, flux, expected in VECTORS:
        feed = FEEDS[name].feed()
        found = solve(feed.ions, feed.concentration, flux, Membrane(), strict=True).rejection[0]
        worst = max(worst, float(np.abs(found - list(expected.values())).max()))
    return worst


def bench_data() -> tuple[Experiments, Experiments]:
    """The richer simulator: measurements with noise on seen mixtures, the truth on unseen ones."""
    made = truths(BENCH_MEMBRANES, BENCH_SEED)
    return simulate(made, SEEN, noise=BENCH_NOISE), simulate(made, UNSEEN)


def fitted(data: Experiments) -> list[Membrane]:
    """DSPM-DE fitted to the rows of each membrane."""
    return [fit_experiments(data.where(data.membrane == k)).membrane for k in range(int(data.membrane.max()) + 1)]


def bench_a(nets: IonNets, membranes: list[Membrane] | None = None) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Unseen mixtures of the richer simulator, after training on the seen ones of the same membranes."""
    seen, unseen = bench_data()
    membranes = membranes or fitted(seen)
    case = case_of(unseen, membranes)
    plain = solve_with(case, np.zeros((len(unseen), SEGMENTS, len(unseen.ions))))
    found: dict[str, tuple[Array, float]] = {
        "DSPM-DE, re-fitted": (plain.solution.rejection, imbalance(plain.solution))
    }
    for name, value in compare(seen, unseen, membranes).items():
        found[{"mlp": "MLP", "boosting": "gradient boosting"}[name]] = (value, _charge_of(unseen, value))
    states: dict[str, State] = {}
    for title, (nets_of, soft) in variants(nets).items():
        states[title] = solve_neural(case, nets_of.correction, soft=soft)
        solution = states[title].solution
        found[title] = (solution.rejection, imbalance(solution))
    rows = [_row(title, unseen, value, charge) for title, (value, charge) in found.items()]
    rmse = {row["model"]: row["rmse"] for row in rows}
    figures = {
        "rmse_ratio_a": rmse["neural"] / rmse["DSPM-DE, re-fitted"],
        "rmse_a": rmse["neural"],
        "rmse_a_dspm_de": rmse["DSPM-DE, re-fitted"],
        "neutrality_residual": imbalance(states["neural"].solution),
    }
    return figures | _pairing(nets, states["neural"]), rows


def variants(nets: IonNets) -> dict[str, tuple[Ensemble, bool]]:
    """Shipped networks by title; the flag marks those whose correction is not held neutral."""
    made = {"neural": (_pick(nets, nets.members), False)}
    for key, title, soft in (
        ("pretrained", "neural, pre-trained on simulations only", False),
        ("no_attention", "neural, without attention", False),
        ("hard0", "neural, one network", False),
        ("soft", "neural, soft neutrality", True),
        ("none", "neural, no neutrality", True),
    ):
        names = [n for n in nets.nets if n.split("__")[0] == key]
        if names:
            made[title] = (_pick(nets, names), soft)
    return made


def _pick(nets: IonNets, names: Sequence[str]) -> Ensemble:
    return Ensemble([nets.nets[n] for n in names])  # type: ignore[misc]


def _row(title: str, data: Experiments, value: Array, charge: float) -> dict[str, Any]:
    known = np.isfinite(data.rejection)
    gap = np.where(known, value - data.rejection, np.nan)
    negative = known & (data.rejection < -0.02)
    row: dict[str, Any] = {"bench": "a", "model": title, "rmse": _rms(gap), "mae": float(np.nanmean(np.abs(gap)))}
    row["negative_caught"] = float(np.mean(value[negative] < 0)) if negative.any() else float("nan")
    row["neutrality"] = charge
    for name in UNSEEN:
        row[f"rmse {name}"] = _rms(gap[data.mixture == name])
    return row


def _rms(gap: Array) -> float:
    return float(np.sqrt(np.nanmean(gap**2)))


def _charge_of(data: Experiments, rejection: Array) -> float:
    """Largest |sum z c_p| / sum |z| c_p of predicted permeates."""
    z = np.array([i.charge for i in data.ions], float)
    c = np.where(data.feed > 0, (1.0 - np.nan_to_num(rejection)) * data.feed, 0.0)
    return float(np.max(np.abs(c @ z) / np.maximum(c @ np.abs(z), 1e-300)))


def imbalance(solution: Solution, rows: int = 40) -> float:
    """Largest relative charge residual in all permeates and at 21 points of the pore in the first ``rows`` samples."""
    worst = float(np.nanmax(solution.neutrality()))
    p = solution.problem
    for row in range(min(rows, len(p.x))):
        c = profiles(solution, row, 21)["concentration"]
        net, total = c @ p.w[row] + p.x[row], c @ np.abs(p.w[row]) + abs(p.x[row])
        worst = max(worst, float(np.max(np.abs(net) / total)))
    return worst


def _pairing(nets: IonNets, state: State) -> dict[str, float]:
    """Rank correlations of the attention between ions with charge products and with the effect of removal."""
    chosen = _pick(nets, nets.members)
    attention = attention_map(chosen, state)
    return {
        "attention_vs_charge_products": pair_correlation(attention, charge_products(state)),
        "attention_vs_removal": pair_correlation(attention, removal_map(chosen, state)),
    }


def bench_b(nets: IonNets) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Measured membranes that the network of the row never saw: each row is predicted after calibrating the four
    membrane parameters on the other rows of that membrane, with DSPM-DE and with the neural equation."""
    from porelab_gui.core.validation.case import data_file

    path = data_file(MEASURED)
    if path is None:
        return {"wins_b": 0.0, "cases_b": 0.0}, [{"bench": "b", "model": f"needs {MEASURED} (set PORELAB_DATA)"}]
    data, names = li_mg_experiments(path)
    rows = []
    for k, name in enumerate(names):
        rows.append(left_out(data.where(data.membrane == k), name, _pick(nets, _without(nets, name)).correction))
    wins = sum(row["rmse"] < row["rmse_dspm_de"] for row in rows)
    return {"wins_b": float(wins), "cases_b": float(len(rows))}, list(rows)


def _without(nets: IonNets, name: str) -> list[str]:
    return [n for n in nets.nets if n.startswith(f"without_{name}__")]


def left_out(data: Experiments, name: str, correction: Callable[..., Array]) -> dict[str, Any]:
    """Row by row of one membrane: calibrated on the others, predicted, for both models."""
    gaps: dict[str, list[Array]] = {"dspm_de": [], "neural": []}
    for row in range(len(data)):
        others = np.arange(len(data)) != row
        start = fit_experiments(data.where(others), starts=8).membrane
        plain = solve(data.ions, data.feed[row], data.flux[row], start).rejection[0]
        mine = rejections(data.where(~others), [calibrate(data.where(others), correction, start)], correction)[0]
        gaps["dspm_de"].append(plain - data.rejection[row])
        gaps["neural"].append(mine - data.rejection[row])
    return {
        "bench": "b",
        "model": f"neural, never saw {name}",
        "rmse": _rms(np.array(gaps["neural"])),
        "rmse_dspm_de": _rms(np.array(gaps["dspm_de"])),
    }
