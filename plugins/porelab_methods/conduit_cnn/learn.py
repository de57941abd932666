"""``train_conduit_cnn``: from parent images, or from a network that was simulated, to a Weights folder and its card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from porelab_gui.core.errors import InputError
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Column, Network, Regions, Table, Weights
from porelab_gui.core.progress import Progress, within
from porelab_gui.core.transport.conduit.dns import Conduits
from porelab_methods.conduit_cnn import media, store
from porelab_methods.conduit_cnn.dataset import HYDRAULIC_VOXELS, Sample, samples
from porelab_methods.conduit_cnn.model import HYDRAULIC, ConduitNet, Nets
from porelab_methods.conduit_cnn.train import Examples, Recipe, examples, figures, predict_examples, train

if TYPE_CHECKING:
    from porelab_methods.conduit_cnn.methods import TrainParams

CITATION = "Misaghian et al., Comput. Geosci. 162 (2022) 105086, doi 10.1016/j.cageo.2022.105086."
LIMITS = (
    "Conduits of other materials than those named, larger than the longest box of the training, or with numbers far "
    "from theirs are flagged, not refused. Pairs whose centres the coarse grid does not join are solved directly."
)
COVER = 0.9
STRANGE = 0.999
SCALE = 5  # the number that holds the logarithm of the edge of a cell [voxel]
LOCAL = ("data", "folder", "threads")  # settings of one machine, which the card leaves out


def split(params: TrainParams) -> tuple[list[media.Medium], list[media.Medium]]:
    """Parent images to learn from and to stop by; no image is in both."""
    seen, held = media.training_media(params.rocks), media.validation_media(params.rocks)
    count = max(1, len(held) * params.images // len(seen))
    return media.smaller(seen[: params.images], params.size), media.smaller(held[:count], params.size)


def own_samples(regions: Regions, network: Network, threads: int) -> tuple[Sample, Sample]:
    """The simulated conduits of one network, cut by a plane into those to learn from and those to stop by."""
    conduits = Conduits.of(regions, network, threads)
    values = {}
    for physics, power in (("diffusive", 1), ("hydraulic", 3)):
        key = f"g_{physics}.dns"
        known = np.full(network.n_throats, np.nan)
        if key in network.throats:
            meta = network.throats[key].meta
            fluid = 1 / float(meta["viscosity"]) if physics == HYDRAULIC else float(meta["diffusivity"])
            known = network.throat(key) / (fluid * conduits.edge**power)
        values[physics] = np.where(known > 0, known, np.nan)
    if not np.isfinite(values["diffusive"]).any():
        raise InputError(
            "the network has no conductance by direct simulation to learn from",
            where=network.name or "network",
            remedy="Run conductance_dns on it first, or leave regions and network out: own images are made then.",
        )
    place = network.coords[network.conns].mean(axis=1)
    axis = int(np.ptp(place, axis=0).argmax())
    behind = place[:, axis] > np.quantile(place[:, axis], 0.8)
    # conduits that reach across the plane would show one side what the other is tested on
    ends = network.coords[network.conns][:, :, axis]
    across = (ends.min(axis=1) < np.quantile(place[:, axis], 0.8)) & behind
    pairs = conduits.labels[network.conns]

    def part(mask: Any) -> Sample:
        return Sample(
            conduits, pairs[mask], values["diffusive"][mask], values["hydraulic"][mask], network.name or "own"
        )

    return part(~behind), part(behind & ~across)


def run(
    regions: Regions | None, network: Network | None, earlier: Weights | None, params: TrainParams, folder: Path,
    progress: Progress,
) -> tuple[Weights, Table]:  # fmt: skip
    """Data, training, calibration, folder; the table has one row per physics with its validation figures."""
    seen, held, told = gather(regions, network, params, within(progress, 0.0, 0.5))
    if params.model == store.RESNET:
        return reference(seen, held, told, params, folder, within(progress, 0.5, 1.0))
    kinds = ("diffusive", "hydraulic") if params.physics == "both" else (params.physics,)
    nets, networks, rows, curves = {}, {}, [], []
    starts = store.load_trainable(earlier) if earlier is not None else {}
    for k, physics in enumerate(kinds):
        step = within(progress, 0.5 + 0.5 * k / len(kinds), 0.5 + 0.5 * (k + 1) / len(kinds), physics)
        shared = ("width", "blocks", "epochs", "batch_size", "learning_rate", "seed", "threads")
        recipe = Recipe(**{k: getattr(params, k) for k in shared})
        data = examples(seen, physics, recipe.cells, params.threads, within(step, 0.0, 0.2))
        stop = examples(held, physics, recipe.cells, params.threads, within(step, 0.2, 0.25))
        net, result = train(data, stop, recipe, folder / f"run-{physics}", within(step, 0.25, 1.0), starts.get(physics))
        nets[physics], networks[physics] = net, described(net, recipe, data, stop)
        counts = {"learned": len(data), "conduits": len(stop)}
        rows.append({"physics": physics, **counts, **figures(net.eval(), stop)})
        curves += [{"physics": float(k), **row} for row in result.curves]
    weights = save(folder, nets, networks, rows, told, params.model_dump(), curves)
    return weights, table_of(rows)


def gather(
    regions: Regions | None, network: Network | None, params: TrainParams, progress: Progress
) -> tuple[list[Sample], list[Sample], str]:
    """Samples to learn from and to stop by, and a sentence that says what they are."""
    if (regions is None) != (network is None):
        raise InputError(
            "regions and network belong together", where="train_conduit_cnn", remedy="Choose both, or neither."
        )
    if regions is not None and network is not None:
        seen, held = own_samples(regions, network, params.threads)
        return [seen], [held], f"{len(seen)} simulated conduits of {network.name or 'one network'}"
    from platformdirs import user_cache_path

    first, second = split(params)
    kept = Path(params.data) if params.data else user_cache_path("porelab") / "conduits"
    budget = HYDRAULIC_VOXELS if params.physics != "diffusive" else 0.0
    made = samples([*second, *first], kept, None, budget, params.threads, progress)
    thinned = [s.thinned(params.per_image, k) for k, s in enumerate(made)]
    kinds = sorted({m.kind for m in first})
    told = f"{len(first)} parent images ({', '.join(kinds)}; edge up to {params.size} voxels)"
    told += f", {len(second)} others to stop by"
    return thinned[len(second) :], thinned[: len(second)], told


def described(net: ConduitNet, recipe: Recipe, data: Examples, stop: Examples) -> dict[str, float]:
    """What the configuration says of a net: its sizes, the range that it knows, the calibration of its interval."""
    out = predict_examples(net.eval(), stop)
    miss = stop.truth - stop.prior - out[:, 0]
    ratio = np.where(miss < 0, -miss / out[:, 1], miss / out[:, 2])
    strange = net.strangeness(torch.from_numpy(data.numbers)).numpy()
    return {
        "width": recipe.width,
        "blocks": recipe.blocks,
        "stretch": float(np.quantile(ratio, COVER)),
        "strange": float(np.quantile(strange, STRANGE)),
        "longest": float(np.rint(np.exp(data.numbers[:, SCALE].max()) * recipe.cells)),
        "conduits": len(data),
    }


def longest(one: Sample) -> int:
    """Longest edge of the boxes of a sample [voxel]."""
    low, high = one.conduits.geometry.pair_boxes(one.pairs)
    return int((high - low).max(initial=0))


def save(
    folder: Path, nets: dict[str, ConduitNet], networks: dict[str, dict[str, float]], rows: list[dict[str, Any]],
    told: str, settings: dict[str, Any], curves: list[dict[str, float]],
) -> Weights:  # fmt: skip
    """Write the Weights folder."""
    config = {
        "system": store.NAME, "convention": store.CONVENTION, "model": store.SMALL, "cells": Recipe().cells,
        "networks": networks,
    }  # fmt: skip
    model = Nets(config)
    for physics, net in nets.items():
        model.nets[physics] = net
    words = " ".join(f"--{k} {v}" for k, v in settings.items() if k not in LOCAL and v not in ("", (), []))
    card = Card(
        title="Conduit net",
        summary="Small 3D residual net that corrects a coarse solve of every conduit; 90 % interval per conduit.",
        data=told + ". Conductances by direct simulation (conductance_dns).",
        splits="Split by parent image: no image gives conduits both to the training and to the stopping set.",
        scores=rows,
        limits=LIMITS,
        command=f"porelab train_conduit_cnn {words}",
        citation=CITATION,
        sources=("sandstone 300^3: ArashRabbani/DeePore, MIT", "Leopard sandstone 100^3: PoreSpy, MIT")
        if "rock" in told
        else (),
    )
    return save_weights(folder, model, config, card, curves, half=True)


def table_of(rows: list[dict[str, Any]]) -> Table:
    """Validation figures, one row per physics."""
    titles = {"error": "mean |error| of ln g", "r2": "R2 of g", "r2_ln": "R2 of ln g",
              "share_over_10pct": "share beyond 10 %", "cover": "cover of the raw 90 % interval"}  # fmt: skip
    columns = {
        "physics": Column(np.array([r["physics"] for r in rows])),
        "learned": Column(np.array([r["learned"] for r in rows]), "1", "conduits learned from"),
        "conduits": Column(np.array([r["conduits"] for r in rows]), "1", "conduits of the stopping images"),
    }
    columns |= {k: Column(np.array([float(r[k]) for r in rows]), "1", t) for k, t in titles.items()}
    return Table(columns, ("Figures on parent images that were not learned from.",), name="conduit net scores")


def reference(
    seen: list[Sample], held: list[Sample], told: str, params: TrainParams, folder: Path, progress: Progress
) -> tuple[Weights, Table]:
    """The same data for the paper's ResNet-50 (diffusive only)."""
    from porelab_methods.conduit_cnn.reference import reference_examples, train_reference

    data, g_range = reference_examples(seen)
    stop, _ = reference_examples(held, g_range)
    net, result = train_reference(data, stop, params.epochs, params.seed, params.threads, folder / "run", progress)
    row: dict[str, Any] = {"physics": "diffusive", "conduits": len(data), "r2": result.curves[-1]["r2"]}
    row["mse"] = result.best
    config = {
        "system": store.NAME, "convention": store.CONVENTION, "model": store.RESNET, "g_range": list(g_range),
        "longest": max(longest(s) for s in seen),
    }  # fmt: skip
    card = Card(
        title="Conduit ResNet-50",
        summary="The 3D ResNet-50 of Misaghian et al. (47,284,353 parameters) on 64^3 label images.",
        data=told, splits="Split by parent image.", scores=[row], limits=LIMITS,
        command="porelab train_conduit_cnn --model resnet50", citation=CITATION,
    )  # fmt: skip
    columns = {k: Column(np.array([v])) for k, v in row.items()}
    return save_weights(folder, net, config, card, result.curves), Table(columns, name="conduit net scores")
