"""``porelab score ion_transport``: shipped weights on what they were not trained on, beside all that competes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.learning.weights import MODEL
from porelab_gui.core.nouns import Weights
from porelab_methods.ion_transport.attention import attention_map, charge_products, pair_correlation, removal_map
from porelab_methods.ion_transport.baselines import compare
from porelab_methods.ion_transport.data import UNSEEN, Experiments, drawn, truths
from porelab_methods.ion_transport.kept import Kept, kept_for
from porelab_methods.ion_transport.measured import bench_b
from porelab_methods.ion_transport.neural import SEGMENTS, State, solve_neural, solve_with
from porelab_methods.ion_transport.plan import SHIPPED, Plan, bench_data, fitted
from porelab_methods.ion_transport.presets import FEEDS
from porelab_methods.ion_transport.profiles import profiles
from porelab_methods.ion_transport.store import Ensemble, IonNets, load_nets, pick, shipped
from porelab_methods.ion_transport.strengths import MAIN, Task, judged, main_fit, main_state, rivals
from porelab_methods.ion_transport.system import Membrane, Solution, solve
from porelab_methods.ion_transport.train import case_of
from porelab_methods.ion_transport.vectors import VECTORS

Array = NDArray[np.float64]
NOTHING_KEPT = Kept()
TEST_SEED, TEST_COUNT = 11, 9  # of the unseen mixtures: experiments per membrane and mixture
NEW_MEMBRANES, NEW_SEED = 4, 23  # membranes that no network has met


def score() -> dict[str, Any]:
    """Figures and rows; wins_b and cases_b are 0 where the measured table is not at hand (a row says so).

    Finished parts are kept until the whole is done, so that a stopped run goes on where it was.
    """
    weights = shipped()
    kept = parts_of(weights)
    nets = load_nets(weights)
    figures_a, rows_a = bench_a(nets, kept=kept)
    figures_b, rows_b = bench_b(nets, kept=kept)
    figures = {**figures_a, **figures_b, "vector_max_err": vector_error()}
    kept.done()
    return {"figures": figures, "rows": [*rows_a, *rows_b]}


def parts_of(weights: Weights) -> Kept:
    """Finished parts of the judging of these weights by these sources."""
    return kept_for("ion_transport", weights.folder / MODEL, *Path(__file__).parent.glob("*.py"))


def vector_error() -> float:
    """Largest difference from the reference rejections of DSPM-DE."""
    worst = 0.0
    for name, flux, expected in VECTORS:
        feed = FEEDS[name].feed()
        found = solve(feed.ions, feed.concentration, flux, Membrane(), strict=True).rejection[0]
        worst = max(worst, float(np.abs(found - list(expected.values())).max()))
    return worst


@dataclass(frozen=True)
class Fits:
    """DSPM-DE membranes: within the box, as the corrected equation wants them, and fitted freely, as a rival may."""

    box: list[Membrane]
    free: list[Membrane]

    @staticmethod
    def of(data: Experiments, kept: Kept = NOTHING_KEPT, name: str = "") -> Fits:
        """Both, of every membrane."""
        free = kept(f"free_{name}", lambda: _listed(fitted(data, starts=4, box=False)))
        return Fits(box_fits(data, kept, name), [Membrane(*m) for m in free])


def box_fits(data: Experiments, kept: Kept, name: str) -> list[Membrane]:
    """Fits of every membrane within the box."""
    return [Membrane(*m) for m in kept(f"box_{name}", lambda: _listed(fitted(data)))]


def _listed(made: Sequence[Membrane]) -> list[list[float]]:
    return [[float(v) for v in vars(m).values()] for m in made]


@dataclass(frozen=True)
class Place:
    """Membranes to judge: their ``own`` measured rows and the ``unseen`` ones; ``name`` is "bench" or "new"."""

    name: str
    title: str
    own: Experiments
    unseen: Experiments


def places(plan: Plan, count: int) -> list[Place]:
    """Sets of ions in no training, on the membranes of the bench and on new ones that are only fitted.

    Compositions, strengths and fluxes are drawn at random."""
    other = replace(plan, bench_membranes=min(NEW_MEMBRANES, plan.bench_membranes), bench_seed=NEW_SEED)
    titles = {"bench": "a, left-out mixtures", "new": "a, left-out membranes and mixtures"}
    made = []
    for k, (name, its) in enumerate({"bench": plan, "new": other}.items()):
        unseen = drawn(truths(its.bench_membranes, its.bench_seed), UNSEEN, count, seed=TEST_SEED + k)
        made.append(Place(name, titles[name], bench_data(its), unseen))
    return made


def bench_a(
    nets: IonNets,
    plan: Plan | None = None,
    count: int = TEST_COUNT,
    kept: Kept = NOTHING_KEPT,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Unseen mixtures of the richer simulator; ``plan`` is that of the weights, another ``count`` is for tests."""
    plan = plan or plan_of(nets)
    here, there = places(plan, count)
    figures: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    for place in (here, there):
        told = kept(f"told_{place.name}", partial(told_part, nets, plan, place, kept)) if nets.told else {}
        plain = kept(f"plain_{place.name}", partial(plain_part, nets, here, place, kept))
        mine = [*plain["rows"], *told.get("rows", [])]
        figures |= _figures(place, mine) | plain["figures"] | told.get("figures", {})
        rows += mine
    return figures, rows


def _figures(place: Place, rows: list[dict[str, Any]]) -> dict[str, float]:
    """What the rows of one place come to."""
    by = {row["model"]: row for row in rows}
    best = MAIN if MAIN in by else "neural"
    ratio = by[best]["rmse"] / by["DSPM-DE, re-fitted"]["rmse"]
    if place.name == "new":
        return {"rmse_ratio_a_membranes": ratio}
    return {
        "rmse_ratio_a": ratio,
        "rmse_a": by[best]["rmse"],
        "rmse_a_without_strengths": by["neural"]["rmse"],
        "rmse_a_dspm_de": by["DSPM-DE, re-fitted"]["rmse"],
        "rmse_a_mlp": by["MLP"]["rmse"],
        "neutrality_residual": max(by[title]["charge_violation"] for title in {best, "neural"}),
    }


def plain_part(nets: IonNets, here: Place, place: Place, kept: Kept) -> dict[str, Any]:
    """Rows of all models that know a membrane by its DSPM-DE parameters."""
    fits = Fits.of(here.own, kept, "bench")
    theirs = fits if place.name == "bench" else Fits.of(place.own, kept, place.name)
    found, states = predictions(nets, here.own, fits, place.unseen, theirs)
    figures = _pairing(pick(nets, nets.members), states["neural"]) if place.name == "bench" else {}
    return {"figures": figures, "rows": [_row(place.title, t, place.unseen, *v) for t, v in found.items()]}


def told_part(nets: IonNets, plan: Plan, place: Place, kept: Kept) -> dict[str, Any]:
    """Rows of membranes with fitted strengths; on the bench also controls, and what learned from the same simulations.

    These networks have met no membrane of either place."""
    task = Task(place.own, place.unseen, box_fits(place.own, kept, place.name), place.name)
    known = main_fit(nets, task, kept)
    bench = place.name == "bench"
    states = judged(nets, task, known, kept) if bench else {MAIN: main_state(nets, task, known)}
    found = {title: (s.solution.rejection, imbalance(s.solution)) for title, s in states.items()}
    others = rivals(plan, task, known, kept) if bench else {}
    found |= {title: (value, _charge_of(task.unseen, value)) for title, value in others.items()}
    figures = _pairing(pick(nets, nets.told), states[MAIN]) if bench else {}
    return {"figures": figures, "rows": [_row(place.title, t, place.unseen, *v) for t, v in found.items()]}


def plan_of(nets: IonNets) -> Plan:
    """The plan by which networks were made, as far as the bench goes."""
    known = nets.bench
    return replace(
        SHIPPED,
        bench_membranes=int(known.get("membranes", SHIPPED.bench_membranes)),
        bench_seed=int(known.get("seed", SHIPPED.bench_seed)),
    )


def predictions(
    nets: IonNets, seen: Experiments, fits: Fits, unseen: Experiments, theirs: Fits
) -> tuple[dict[str, tuple[Array, float]], dict[str, State]]:
    """Rejections of ``unseen`` and charge violation by every model; perceptron and trees learn from ``seen``."""
    found: dict[str, tuple[Array, float]] = {}
    for title, members in (("DSPM-DE, re-fitted", theirs.free), ("DSPM-DE, fitted within the box", theirs.box)):
        plain = solve_with(case_of(unseen, members), np.zeros((len(unseen), SEGMENTS, len(unseen.ions)))).solution
        found[title] = (plain.rejection, imbalance(plain))
    for suffix, own, other in (("", fits.box, theirs.box), (", free fits", fits.free, theirs.free)):
        for name, value in compare(seen, unseen, own, other).items():
            title = {"mlp": "MLP", "boosting": "gradient boosting"}[name] + suffix
            found[title] = (value, _charge_of(unseen, value))
    seeds = range(1, len(nets.members))
    more = [compare(seen, unseen, fits.box, theirs.box, seed=k, trees=1)["mlp"] for k in seeds]
    together = np.mean([found["MLP"][0], *more], axis=0)
    found[f"MLP, mean of {len(more) + 1}"] = (together, _charge_of(unseen, together))
    case, states = case_of(unseen, theirs.box if nets.bench.get("box", True) else theirs.free), {}
    for title, (ensemble, soft) in variants(nets).items():
        states[title] = solve_neural(case, ensemble.correction, soft=soft)
        solution = states[title].solution
        found[title] = (solution.rejection, imbalance(solution))
    return found, states


def variants(nets: IonNets) -> dict[str, tuple[Ensemble, bool]]:
    """Shipped networks by title; the flag marks those whose correction is not held neutral."""
    made = {"neural": (pick(nets, nets.members), False)}
    for start, title, soft in (
        ("hard0", "neural, one network", False),
        ("scratch0", "neural, one network without pre-training", False),
        ("pretrained", "neural, pre-trained on simulations only", False),
        ("no_attention", "neural, one network without attention", False),
        ("soft", "neural, one network, soft neutrality", True),
        ("none", "neural, one network, no neutrality", True),
    ):
        names = [n for n in nets.nets if n.rstrip("0123456789") == start or n == start]
        if names:
            made[title] = (pick(nets, names), soft)
    return made


def _row(bench: str, title: str, data: Experiments, value: Array, charge: float) -> dict[str, Any]:
    known = np.isfinite(data.rejection)
    gap = np.where(known, value - data.rejection, np.nan)
    negative = known & (data.rejection < -0.02)
    row: dict[str, Any] = {"bench": bench, "model": title, "rmse": _rms(gap), "mae": float(np.nanmean(np.abs(gap)))}
    row["r2"] = float(1.0 - np.nanmean(gap**2) / np.nanvar(data.rejection))
    row["negative_caught"] = float(np.mean(value[negative] < 0)) if negative.any() else float("nan")
    row["charge_violation"] = charge
    for name in dict.fromkeys(data.mixture.tolist()):
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


def _pairing(chosen: Ensemble, state: State) -> dict[str, float]:
    """Rank correlations of the attention between ions with charge products and with the effect of removal."""
    attention = attention_map(chosen, state)
    return {
        "attention_vs_charge_products": pair_correlation(attention, charge_products(state)),
        "attention_vs_removal": pair_correlation(attention, removal_map(chosen, state)),
    }
