"""What the learning Methods do: train on measured rejections, predict with the trained networks."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Inputs, Outputs
from porelab_gui.core.nouns import Column, Table, Weights
from porelab_gui.core.progress import Progress, within
from porelab_methods.ion_transport.calibrate import fit_experiments
from porelab_methods.ion_transport.data import Experiments, scattered
from porelab_methods.ion_transport.ions import Ion
from porelab_methods.ion_transport.model import IonNet
from porelab_methods.ion_transport.runs import measurements_from, the_conditions, the_feed, the_membrane
from porelab_methods.ion_transport.store import NAME, describe, load_nets, members, shipped
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.train import Recipe, train
from porelab_methods.ion_transport.tuning import PRIOR, tune

Array = NDArray[np.float64]


def experiments_from(table: Table) -> tuple[Experiments, list[str]]:
    """Measurements of a table as one padded batch, and the names in its column ``membrane``."""
    named = table["membrane"] if "membrane" in table.columns else np.array(["membrane"] * len(table))
    names = [str(n) for n in dict.fromkeys(named.tolist())]
    rows: list[tuple[int, Any]] = []
    for k, name in enumerate(names):
        mask = np.array([str(v) == name for v in named])
        part = Table({key: Column(c.values[mask], c.unit) for key, c in table.columns.items()}, name=table.name)
        rows += [(k, m) for m in measurements_from(part, 0.02)]
    kinds: dict[str, Ion] = {i.name: i for _, m in rows for i in m.feed.ions}
    feed, target = np.zeros((len(rows), len(kinds))), np.full((len(rows), len(kinds)), np.nan)
    for b, (_, m) in enumerate(rows):
        for i, c, r in zip(m.feed.ions, m.feed.concentration, m.rejection, strict=True):
            column = list(kinds).index(i.name)
            feed[b, column], target[b, column] = c, r
    index = np.array([k for k, _ in rows])
    flux = np.array([m.flux for _, m in rows])
    return Experiments(tuple(kinds.values()), feed, flux, target, index, np.array([""] * len(rows))), names


def run_train(inputs: Inputs, params: Any, progress: Progress) -> Outputs:
    """``train_ion_transport``."""
    if inputs.get("measured") is None:
        return (_run_simulated if params.simulations else _run_shipped)(inputs, params, progress)
    data, names = experiments_from(inputs["measured"])
    if len(data) < 2:
        raise InputError("one experiment is not enough to learn from", where="measured", remedy="Add experiments.")
    fits = []
    for k, name in enumerate(names):
        progress(k, 10 * len(names), f"fitting {name}")
        fits.append(fit_experiments(data.where(data.membrane == k), starts=params.starts).membrane)
    start = _first_member(inputs.get("weights"))
    effects = None
    if start is not None and start.effects:
        fits, effects = _fitted_through(start, data, fits, params.neutrality, within(progress, 0.1, 0.4))
    recipe = _recipe(params)
    net, curves = train(data, fits, recipe, effects=effects, start=start, progress=within(progress, 0.4, 1.0))
    folder = Path(params.folder) if params.folder else _own_folder(data, params)
    what = f"{len(data)} experiments with {', '.join(names)}"
    command = f"porelab train_ion_transport --in measured=TABLE --seed {recipe.seed}"
    weights = _save(
        folder, net, recipe.neutrality, dict(zip(names, fits, strict=True)), curves, f"Measured: {what}", command
    )
    return {"weights": weights, "curves": _curves(curves), "membranes": _membranes(names, fits)}


def _recipe(params: Any) -> Recipe:
    return Recipe(
        neutrality=params.neutrality, attend=params.attention, rounds=params.rounds, steps=params.steps,
        rate=params.rate, noise=params.noise, ridge=params.ridge, seed=params.seed,
    )  # fmt: skip


def _fitted_through(
    net: IonNet, data: Experiments, fits: list[Membrane], neutrality: str, progress: Progress
) -> tuple[list[Membrane], Array]:
    """First what is few: parameters of each membrane and strengths there; the network stays as it is."""
    found = []
    for k, fit in enumerate(fits):
        step, rows = within(progress, k / len(fits), (k + 1) / len(fits)), data.where(data.membrane == k)
        found.append(tune(rows, net.correction, fit, PRIOR, soft=neutrality != "hard", progress=step))
    return [f.membrane for f in found], np.array([f.effects for f in found])


def _run_simulated(inputs: Inputs, params: Any, progress: Progress) -> Outputs:
    """One network on membranes with random physics, whose strengths it is told."""
    if inputs.get("weights") is not None:
        raise InputError("there is nothing to fine-tune on", where="measured", remedy="Give a table of rejections.")
    data, made = scattered(params.simulations, params.seed)
    membranes = [t.membrane for t in made]
    effects = np.array([t.effects() for t in made])
    recipe = replace(_recipe(params), batch=192)
    net, curves = train(data, membranes, recipe, effects=effects, progress=progress)
    folder = Path(params.folder) if params.folder else _own_folder(data, params)
    names = [f"simulated {k + 1}" for k in range(len(made))]
    what = f"{len(made)} simulated membranes with random physics (seed {params.seed}), one experiment on each"
    command = f"porelab train_ion_transport --simulations {len(made)} --seed {params.seed}"
    weights = _save(folder, net, params.neutrality, {}, curves, what, command)
    return {"weights": weights, "curves": _curves(curves), "membranes": _membranes(names, membranes)}


def _run_shipped(inputs: Inputs, params: Any, progress: Progress) -> Outputs:
    """The networks that ship, by their own recipe."""
    import json

    from porelab_methods.ion_transport.plan import SHIPPED, bench_data, kept_fits, parts
    from porelab_methods.ion_transport.ship import ship

    if inputs.get("weights") is not None:
        raise InputError("there is nothing to fine-tune on", where="measured", remedy="Give a table of rejections.")
    plan, folder = SHIPPED, Path(params.folder) if params.folder else shipped_folder()
    weights = ship(folder, progress, plan)
    logs = folder.with_name(folder.name + ".parts")
    curves = [
        {"network": float(k), **row}
        for k, part in enumerate(parts(plan))
        for row in json.loads((logs / f"{part.name}.json").read_text(encoding="utf-8"))["curves"]
    ]
    fits = kept_fits(logs / "membranes_bench.json", bench_data(plan))
    names = [f"simulated {k + 1}" for k in range(len(fits))]
    return {"weights": weights, "curves": _curves(curves), "membranes": _membranes(names, fits)}


def shipped_folder() -> Path:
    """Where the user's own copy of the shipped networks goes."""
    from platformdirs import user_data_path

    return Path(user_data_path("porelab")) / "weights" / NAME


def _first_member(weights: Weights | None) -> IonNet | None:
    if weights is None:
        return None
    return copy.deepcopy(members(weights).nets[0]).train()


def _own_folder(data: Experiments, params: Any) -> Path:
    from platformdirs import user_data_path

    from porelab_gui.core.hashing import hash_arrays

    digest = hash_arrays(data.feed, data.flux, np.nan_to_num(data.rejection), np.array([params.seed]))[:10]
    return Path(user_data_path("porelab")) / "weights" / f"{NAME}-{digest}"


def _save(
    folder: Path,
    net: IonNet,
    neutrality: str,
    membranes: Mapping[str, Membrane],
    curves: list[dict[str, float]],
    what: str,
    command: str,
) -> Weights:
    import torch

    from porelab_gui.core.learning.weights import Card, save_weights

    rmse = min(c["rmse"] for c in curves)
    config = {"system": NAME, "networks": {"trained": describe(net)}, "members": ["trained"], "rmse": None}
    config["membranes"] = {n: {k: float(v) for k, v in vars(m).items()} for n, m in membranes.items()}
    config["neutrality"] = neutrality
    card = Card(
        title="Ion transport: DSPM-DE with a learned correction",
        summary=f"One network; neutrality {neutrality}.",
        data=f"{what}.",
        splits="None: all experiments were used.",
        scores=[{"on": "training data", "rmse DSPM-DE": curves[0]["rmse"], "rmse neural": rmse}],
        limits="Not judged on experiments left out. Use it within the fluxes and concentrations that it saw.",
        command=command,
        citation="After Rehman and Lienhard, Chem. Eng. J. (2024) 149806.",
    )
    holder = torch.nn.Module()
    holder.nets = torch.nn.ModuleDict({"trained": net})
    return save_weights(folder, holder, config, card, curves)


def _curves(curves: list[dict[str, float]]) -> Table:
    columns = {k: Column(np.array([c[k] for c in curves]), "1") for k in curves[0]}
    return Table(columns, name="training")


def _membranes(names: list[str], fits: list[Any]) -> Table:
    units = {"pore_radius": "m", "thickness": "m", "charge": "mol/m3", "permittivity": "1"}
    columns = {"membrane": Column(np.array(names))}
    columns |= {k: Column(np.array([float(getattr(f, k)) for f in fits]), u) for k, u in units.items()}
    return Table(columns, name="membranes")


def run_predict(inputs: Inputs, params: Any, progress: Progress) -> Outputs:
    """``predict_rejection``."""
    from porelab_methods.ion_transport.taught import outside
    from porelab_methods.ion_transport.tune_runs import strengths_of, with_membrane

    weights = inputs.get("weights") or shipped()
    progress(0, 2, "loading")
    feed, params = the_feed(inputs, params), with_membrane(params, inputs.get("membrane"))
    effects = strengths_of(params)
    found = predict(feed, params.flux, the_membrane(params), weights, the_conditions(params), effects)
    progress(2, 2, "predicted")
    columns = {
        "ion": Column(np.array(feed.names)),
        "dspm_de": Column(found["dspm_de"], "1", "DSPM-DE"),
        "neural": Column(found["neural"], "1", "Neural differential equation"),
        "lower": Column(found["lower"], "1", "Neural, two standard errors below"),
        "upper": Column(found["upper"], "1", "Neural, two standard errors above"),
    }
    maps = {"ion": Column(np.array(feed.names))}
    maps |= {n: Column(found["attention"][:, k], "1") for k, n in enumerate(feed.names)}
    residual = f"permeate charge residual {float(found['residual'][0]):.1e} of its charge"
    notes = (residual, *outside(feed, params.flux, weights), _told(effects))
    return {
        "rejections": Table(columns, notes, name="prediction"),
        "attention": Table(maps, name="attention"),
        "pairs": _pairs(feed, found),
    }


def _told(effects: Array | None) -> str:
    """Which correction took part."""
    if effects is None:
        return "no strengths fitted, so the correction is that for parameters of a DSPM-DE fit"
    from porelab_methods.ion_transport.tune_runs import in_words

    return in_words(effects[0])


def _pairs(feed: Any, found: dict[str, Array]) -> Table:
    """One row per pair of ions: what the networks attend to, beside charges and the effect of removal."""
    rows, columns = np.triu_indices(len(feed.names), 1)
    names = np.array(feed.names)
    z = np.array([i.charge for i in feed.ions])
    return Table(
        {
            "ion": Column(names[rows]),
            "partner": Column(names[columns]),
            "attention": Column(found["attention"][rows, columns], "1", "Mean of both directions, depth, heads, pore"),
            "charge_product": Column(np.abs(z[rows] * z[columns]), "1", "|z z'|"),
            "removal": Column(
                found["removal"][rows, columns], "1", "Change of one's correction when the other is hidden"
            ),
        },
        name="pairs",
    )


def predict(
    feed: Any, flux: float, membrane: Any, weights: Weights, conditions: Any, effects: Array | None = None
) -> dict[str, Array]:
    """Rejections of one feed (n,), by the networks for fitted strengths ``effects`` (1, m) where they are given:
    ``dspm_de``, ``neural``, ``lower`` and ``upper`` (two standard errors: spread of the networks and their error on
    left-out mixtures), ``attention`` and ``removal`` (n, n), ``residual`` (1,) of the permeate's charge."""
    from porelab_gui.core.errors import NotConverged
    from porelab_gui.core.learning.weights import read_config
    from porelab_methods.ion_transport.attention import attention_map, removal_map
    from porelab_methods.ion_transport.neural import SEGMENTS, single, solve_neural, solve_with

    case = single(feed.ions, feed.concentration, flux, membrane, conditions, effects)
    nets = members(weights, effects is not None)
    plain = solve_with(case, np.zeros((1, SEGMENTS, len(feed.ions))))
    states = [solve_neural(case, net.correction) for net in nets.nets]
    both = solve_neural(case, nets.correction)
    if not (plain.solution.ok.all() and both.solution.ok.all()):
        raise NotConverged("the neural equation has no solution here", remedy="Move towards its training data.")
    each = np.array([s.solution.rejection[0] for s in states])
    spread = np.nanstd(each, axis=0) if len(each) > 1 else np.zeros(len(feed.ions))
    known = read_config(weights).get("rmse" if effects is None else "rmse_told")
    error = 2.0 * np.hypot(spread, float(known or 0.0))
    value = both.solution.rejection[0]
    size = len(feed.ions)
    attending = any(net.blocks[0].attention is not None for net in nets.nets)
    return {
        "dspm_de": plain.solution.rejection[0],
        "neural": value,
        "lower": value - error,
        "upper": np.minimum(value + error, 1.0),
        "attention": attention_map(nets, both) if attending else np.full((size, size), np.nan),
        "removal": removal_map(nets, both),
        "residual": both.solution.neutrality(),
    }


__all__ = ["load_nets", "predict", "run_predict", "run_train"]
