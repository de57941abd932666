"""``porelab score gnn_pnm``: shipped weights on media, a family and a rock never seen, beside what competes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.learning.metrics import r2
from porelab_gui.core.nouns import AXES, Network
from porelab_gui.core.transport.laws.assign import assign
from porelab_gui.core.transport.pnm.axis import AxisResult, solve_axis
from porelab_gui.core.transport.pnm.kinds import DIFFUSION, FLOW, Kind
from porelab_methods.gnn_pnm.apply import apply, shipped
from porelab_methods.gnn_pnm.baselines import (
    GraphNet,
    VoxelNet,
    axes_of,
    kozeny_carman,
    predict_graph,
    predict_voxels,
)
from porelab_methods.gnn_pnm.data import Plan, build, specs, usable
from porelab_methods.gnn_pnm.data import load as load_samples
from porelab_methods.gnn_pnm.labels import EDGE, Sample, as_labels, extract, simulated
from porelab_methods.gnn_pnm.media import Spec
from porelab_methods.gnn_pnm.methods import data_folder
from porelab_methods.gnn_pnm.train import median_error

Floats = NDArray[np.float64]
LAWS = {
    "Hagen-Poiseuille (cylinder)": "cylinder",
    "cones and cylinders": "cones_and_cylinders",
    "spheres and cylinders": "spheres_and_cylinders",
    "Valvatne-Blunt": "valvatne_blunt",
}
OURS, SIMULATED = "GNN in the solver", "conduits by direct simulation"
PARTS = {
    "test": "unseen media",
    "unseen_family": "unseen family",
    "unseen_rock": "unseen rock",
    "growth": "unseen media, 200^3",
}
DNS_EVERY = 3  # every third unseen medium has its conduits simulated, which takes longer than all the rest
BASELINES = "baselines"
SCORED = Plan(networks=600, wide=0, unseen=20, growth=5)


def score() -> dict[str, Any]:
    """Figures and rows. Held-out media that are not built yet are built first, from their seeds; PORELAB_GNN_DATA
    names the folder (default: the user's data)."""
    folder = data_folder(os.environ.get("PORELAB_GNN_DATA", ""))
    held = held_out()
    build(SCORED, folder, chosen=held, threads=0)
    wanted = {f"{s.key}.npz" for s in held}
    samples, _ = usable([s for s in load_samples(folder) if f"{s.network.name}.npz" in wanted])
    rows: list[dict[str, Any]] = []
    for role, name in PARTS.items():
        part = [s for s in samples if s.role == role]
        if part:
            rows += part_rows(name, part, simulate=role == "test")
    return {"figures": figures(rows), "rows": rows}


def held_out() -> list[Spec]:
    """The media that are scored: those held out of the plan, and every third box of the unseen rock."""
    held = [s for s in specs(SCORED) if s.role in PARTS]
    rock = [s for s in held if s.role == "unseen_rock"]
    return [s for s in held if s.role != "unseen_rock"] + rock[::3]


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The agreed keys, and those of the family and the rock held out."""

    def of(part: str, model: str = OURS) -> dict[str, Any]:
        return next((r for r in rows if r["part"] == part and r["model"] == model and r["family"] == "all"), {})

    seen = of("unseen media")
    whole = [r for r in rows if r["part"] == "unseen media" and r["family"] == "all"]
    others = [r["median_err_K"] for r in whole if r["model"] != OURS]
    nan = float("nan")
    return {
        "r2_lnK_unseen": seen.get("r2_lnK", nan),
        "median_err_unseen": seen.get("median_err_K", nan),
        "median_err_growth": of("unseen media, 200^3").get("median_err_K", nan) - seen.get("median_err_K", nan),
        "median_err_best_baseline": float(np.nanmin(others)) if others else nan,
        "median_err_unseen_family": of("unseen family").get("median_err_K", nan),
        "median_err_unseen_rock": of("unseen rock").get("median_err_K", nan),
        "r2_lnF_unseen": seen.get("r2_lnF", nan),
        "median_err_F_unseen": seen.get("median_err_F", nan),
        "rank_flow_unseen": seen.get("rank_flow", nan),
        "media": float(seen.get("media", 0)),
    }


def part_rows(name: str, samples: Sequence[Sample], simulate: bool) -> list[dict[str, Any]]:
    """Every model on one part of the data."""
    found = [in_networks(s, simulate and n % DNS_EVERY == 0) for n, s in enumerate(samples)]
    models = [OURS, *LAWS, *([SIMULATED] if simulate else [])]
    rows = [row for model in models for row in network_rows(name, model, samples, found)]
    for model, guess in pure_models().items():
        rows += k_rows(name, model, samples, guess(samples))
    return rows


def in_networks(sample: Sample, simulate: bool) -> dict[str, dict[str, list[AxisResult | None]]]:
    """Results per model and process along z, y, x, for every conductance of a sample."""
    network = assign(
        sample.network, LAWS.values(), viscosity=1.0, diffusivity=1.0, pore_diameter="equivalent",
        throat_diameter="inscribed", length="direct",
    )  # fmt: skip
    network = apply(network, shipped(), 1.0, 1.0).network
    laws = {OURS: "gnn", **LAWS}
    if simulate:
        network = with_dns(sample, network)
        laws[SIMULATED] = "dns"
    return {
        model: {kind.prefix: [solved(network, law, a, kind, sample) for a in AXES] for kind in (FLOW, DIFFUSION)}
        for model, law in laws.items()
    }


def with_dns(sample: Sample, network: Network) -> Network:
    """The network with simulated conduits; those that have none (status not solved) keep the cone law."""
    assert sample.void is not None
    regions, fresh = extract(as_labels(sample.void), 0)
    truth = simulated(regions, fresh, 0)
    made = {}
    for kind in (FLOW, DIFFUSION):
        column = truth.throats[f"{kind.prefix}.dns"]
        law = network.throat(f"{kind.prefix}.cones_and_cylinders")
        values = np.where(np.isfinite(column.values), column.values, law)
        made[f"{kind.prefix}.dns"] = type(column)(values, column.unit, column.title, column.meta)
    return network.with_throats(made)


def solved(network: Network, law: str, axis: str, kind: Kind, sample: Sample) -> AxisResult | None:
    """One axis that has a label; None where there is none or the network does not span it."""
    truth = sample.k if kind is FLOW else sample.f
    if not (np.isfinite(truth[AXES.index(axis)]) and truth[AXES.index(axis)] > 0):
        return None
    result = solve_axis(network, law, axis, "reservoirs", kind)
    return result if np.isfinite(result.value) and result.value > 0 else None


Found = dict[str, dict[str, list[AxisResult | None]]]


def network_rows(name: str, model: str, samples: Sequence[Sample], found: Sequence[Found]) -> list[dict[str, Any]]:
    """K, F and throat flows of one model that is a network: all families, then each."""
    chosen = [(s, f[model]) for s, f in zip(samples, found, strict=True) if model in f]
    families = ["all", *dict.fromkeys(s.family for s, _ in chosen)]
    rows = []
    for family in families if len(families) > 2 else families[:1]:
        of = [(s, f) for s, f in chosen if family in ("all", s.family)]
        row: dict[str, Any] = {"part": name, "model": model, "family": family, "media": len(of)}
        for kind, letter in ((FLOW, "K"), (DIFFUSION, "F")):
            row |= errors(letter, *logs(of, kind))
        row |= ranks(of, samples)
        rows.append(row)
    return rows


def logs(of: Sequence[tuple[Sample, Any]], kind: Kind) -> tuple[Floats, Floats]:
    """(truth, found) as ln K, or ln of D_eff / D."""
    truth, found = [], []
    for sample, results in of:
        for axis, result in enumerate(results[kind.prefix]):
            if result is not None:
                truth.append(np.log(sample.k[axis] if kind is FLOW else 1 / sample.f[axis]))
                found.append(np.log(result.value))
    return np.array(truth), np.array(found)


def errors(letter: str, truth: Floats, found: Floats) -> dict[str, float]:
    """Median and 90 % quantile of the relative error, bias and R2 of the logarithm."""
    if not len(truth):
        return {f"{k}_{letter}": float("nan") for k in ("median_err", "p90_err", "bias")}
    gap = found - truth
    return {
        f"targets_{letter}": len(truth),
        f"median_err_{letter}": median_error(truth, found),
        f"p90_err_{letter}": float(np.quantile(np.abs(np.expm1(gap)), 0.9)),
        f"bias_{letter}": float(np.expm1(np.median(gap))),
        f"r2_ln{letter}": r2(truth, found) if len(truth) > 1 else float("nan"),
    }


def ranks(of: Sequence[tuple[Sample, Any]], samples: Sequence[Sample]) -> dict[str, float]:
    """Median over media of Spearman's correlation, across throats, of |flow of the voxels| with the conductance, the
    share of the dissipation, and the flow of the network."""
    from scipy.stats import spearmanr

    kept: dict[str, list[float]] = {"g": [], "share": [], "flow": []}
    for sample, results in of:
        for axis, result in enumerate(results[FLOW.prefix]):
            truth = np.abs(sample.shares[axis])
            if result is None or not np.isfinite(truth).any():
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                g = np.abs(result.flow) ** 2 / result.shares
            values = {"g": g, "share": result.shares, "flow": np.abs(result.flow)}
            for key, value in values.items():
                good = np.isfinite(value) & np.isfinite(truth) & (result.shares > 0)
                if good.sum() > 5:
                    kept[key].append(float(spearmanr(value[good], truth[good]).statistic))
    return {f"rank_{k}": float(np.median(v)) if v else float("nan") for k, v in kept.items()}


def pure_models() -> dict[str, Callable[[Sequence[Sample]], Floats]]:
    """Models that give K without a network solve; those whose weights are not there are left out."""
    folder = shipped().folder / BASELINES
    made: dict[str, Callable[[Sequence[Sample]], Floats]] = {}
    if (folder / "kozeny_carman.json").exists():
        made["Kozeny-Carman, constant fitted"] = lambda samples: kozeny_guess(samples, folder)
    for title, file, net, guess in (
        ("graph network without a solver", "graph.safetensors", GraphNet, predict_graph),
        ("3D CNN", "voxels.safetensors", VoxelNet, predict_voxels),
    ):
        if (folder / file).exists():
            made[title] = lambda samples, f=folder / file, n=net, g=guess: g(stored(n(), f), samples)  # type: ignore[misc]
    return made


def kozeny_guess(samples: Sequence[Sample], folder: Path) -> Floats:
    """ln K by Kozeny-Carman with the constant that fits the training media best."""
    import json

    shift = float(json.loads((folder / "kozeny_carman.json").read_text())["ln_constant"])
    per = [np.log(kozeny_carman(s.void, EDGE)) - shift for s in samples if s.void is not None]
    return np.array([per[n] for n, *_ in axes_of(samples)])


def stored(net: torch.nn.Module, path: Path) -> torch.nn.Module:
    """A baseline with its weights, in float32."""
    from safetensors.torch import load_file

    net.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    return net.eval()


def k_rows(name: str, model: str, samples: Sequence[Sample], found: Floats) -> list[dict[str, Any]]:
    """K alone of a model that is no network: all families, then each."""
    items = axes_of(samples)
    truth = np.array([g for *_, g in items])
    family = np.array([samples[n].family for n, *_ in items])
    groups = ["all", *dict.fromkeys(family)]
    rows = []
    for one in groups if len(groups) > 2 else groups[:1]:
        here = (family == one) | (one == "all")
        media = len({n for (n, *_), h in zip(items, here, strict=True) if h})
        rows.append(
            {"part": name, "model": model, "family": str(one), "media": media, **errors("K", truth[here], found[here])}
        )
    return rows
