"""``porelab score rock_gan``: shipped weights against the held-out slab of Berea, and rocks made to order."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.cache import default_cache
from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.learning.weights import read_config
from porelab_gui.core.nouns import Labels, Weights
from porelab_gui.core.progress import silent
from porelab_gui.core.validation.case import reference_rock
from porelab_methods.rock_gan.compare import groups_of
from porelab_methods.rock_gan.data import corners, sample_crops, split
from porelab_methods.rock_gan.evaluate import (
    Comparison,
    as_labels,
    compare,
    copy_rows,
    curve_distance,
    distance_rows,
    kphi,
    kphi_interval,
)
from porelab_methods.rock_gan.maker import Finish, Shape, maker_of
from porelab_methods.rock_gan.methods import EvaluateParams, generator_of
from porelab_methods.rock_gan.order import JOURNAL, TITLES, Order, Row, fill, nrmse
from porelab_methods.rock_gan.samples import NAMES, Measured, measured
from porelab_methods.rock_gan.search import chosen_search
from porelab_methods.rock_gan.targets import Wish, parse_wish

BEREA, VOXEL = "berea/berea_z000-256_pore.npz", 5.345e-6
SAMPLES, LARGE, STRIDE, COPIES = 300, 256, 16, 8
ROCKS, SIZE, EVALUATIONS, SURVEY, SEED = 25, 128, 20, 60, 7
TIMES = 3  # every joint order with seeds of its own: one run over the few triples that there are is mostly luck
KEYS = {"porosity": "porosity", "K": "permeability", "pore_size": "pore_size", "throat_size": "throat_size"}
JOINT = ("porosity", "K", "throat_size")
TOLERANCE = 0.03  # of the range of targets: uniform misses inside it would give an nRMSE of 0.017
PAPER = {"porosity": 0.04, "K": 0.05, "pore_size": 0.04, "throat_size": 0.05}


def score() -> dict[str, Any]:
    """Figures and rows; every measured sample and every finished rock stays in the cache, so that it goes on."""
    weights = generator_of({})
    void = reference_rock(BEREA)
    if void is None:
        raise InputError("the held-out slab is not at hand", where=BEREA, remedy="Set PORELAB_DATA.")
    labels = Labels(void.astype(np.uint8), (VOXEL,) * 3, name="Berea")
    return scored(weights, labels, default_cache().folder / f"score-rock_gan-{weights.content_hash[:12]}")


def scored(
    weights: Weights, labels: Labels, folder: Path, samples: int = SAMPLES, large: int = LARGE, rocks: int = ROCKS,
    size: int = SIZE, survey: int = SURVEY,
) -> dict[str, Any]:  # fmt: skip
    """The score of any weights on the stack that they were trained on."""
    params = EvaluateParams(samples=samples, stride=STRIDE, large=large, copies=COPIES)
    found, slab = compare(weights, labels, params, folder, silent)
    rows = distance_rows(found.real, found.made, found.groups)
    figures = texture_figures(found, rows)
    if found.large is not None:
        rows += distance_rows(found.real, found.large, found.groups, "large")
        figures["kphi_corr_gap_large"] = abs(kphi(found.large.values) - kphi(found.real.values))
    figures |= slab_figures(found, slab, samples, folder, rows)
    copies = copy_rows(weights, labels, COPIES, found, slab, silent)
    for kind in ("generated", "held out"):
        best = [r["correlation"] for r in copies if r["set"] == kind]
        figures[f"closest_training_crop_{kind.replace(' ', '_')}"] = max(best, default=float("nan"))
    held = held_crops(weights, labels, folder, size)
    wishes = wishes_from(held)
    for key, wish in wishes.items():
        figures |= order_figures(key, ordered(weights, folder, key, (wish,), rocks, (size,) * 3, survey), wish, rows)
    shape = crop_shape(labels, weights, size)
    figures |= joint_figures(weights, folder, joint_wishes(held, wishes, rocks), shape, survey, rows)
    every = [figures[f"success_{k}"] for k in KEYS]
    figures["success_20"] = float(np.mean(every))
    notes = {"edge": read_config(weights)["edge"], "size": size, "rocks": rocks, "threads": os.cpu_count() or 0}
    return {"figures": figures, "rows": [*rows, *copies, {"set": "orders", **notes}], "seed": SEED}


def texture_figures(found: Comparison, rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Correlation gap, biases, curves."""
    of = {r["property"]: r for r in rows}
    low, high = kphi_interval(found)
    biases = {f"{n}_bias": of[n]["bias"] for n in NAMES if n not in ("permeability", "specific_surface")}
    return {
        "kphi_corr_gap": abs(kphi(found.made.values) - kphi(found.real.values)),
        "kphi_corr_gap_low": low,
        "kphi_corr_gap_high": high,
        "kphi_corr_real": kphi(found.real.values),
        "kphi_corr_generated": kphi(found.made.values),
        "K_bias": of["permeability"]["bias"],
        "Sv_bias": of["specific_surface"]["bias"],
        **biases,
        "S2_max_difference": curve_distance(found.real.s2, found.made.s2),
        "pore_size_distribution_max_difference": curve_distance(found.real.sizes, found.made.sizes),
    }


def slab_figures(
    found: Comparison, slab: NDArray[np.bool_], samples: int, folder: Path, rows: list[dict[str, Any]]
) -> dict[str, float]:
    """The generated rocks against the slab that they were learned from, and how far that slab is from the held-out one:
    a rock is not the same all the way up, and no generator can know what it was not shown."""
    crops, places = sample_crops(slab, found.edge, samples, STRIDE, SEED)
    key = f"{found.edge},{STRIDE},{samples}"
    path = folder / "training.json"
    known = measured(path, len(crops), lambda i: as_labels(crops[i], found.voxel), silent, "training crop", key)
    apart = distance_rows(found.real, known, found.groups, "training slab")
    learned = distance_rows(known, found.made, groups_of(places, found.edge), "generated against training slab")
    rows += [*apart, *learned]
    told = {"training_slab": apart, "to_training": learned}
    short = {"permeability": "K", "specific_surface": "Sv", "porosity": "porosity"}
    return {f"{short[r['property']]}_bias_{k}": r["bias"] for k, part in told.items() for r in part
            if r["property"] in short}  # fmt: skip


def crop_shape(labels: Labels, weights: Weights, size: int) -> Shape:
    """Edges of held-out crops as large as the ordered rocks, as far as the slab is."""
    config = read_config(weights)
    z, y, x = split(labels, int(config["edge"]), float(config["hold_out"])).held.shape
    return min(size, z), min(size, y), min(size, x)


def held_crops(weights: Weights, labels: Labels, folder: Path, size: int) -> Measured:
    """Held-out crops of that shape: a border cuts pores, so that small crops have smaller ones, and vary more."""
    config = read_config(weights)
    held = split(labels, int(config["edge"]), float(config["hold_out"])).held
    shape = crop_shape(labels, weights, size)
    places = corners(held.shape, shape, [max(1, n // 2) for n in shape])  # they overlap by half
    boxes = [tuple(slice(a, a + n) for a, n in zip(place, shape, strict=True)) for place in places]
    voxel, path, key = labels.voxel_size[0], folder / f"held_{size}.json", f"{shape},{len(boxes)}"
    return measured(path, len(boxes), lambda i: as_labels(held[boxes[i]], voxel), silent, "held-out crop", key)


def wishes_from(held: Measured) -> dict[str, Wish]:
    """Targets between the 10th and 90th percentile of the crops."""
    made = {}
    for key, name in KEYS.items():
        low, high = np.nanpercentile(held.values[name], (10, 90))
        made[key] = parse_wish(f"{name}={low:.9g}..{high:.9g}+-{TOLERANCE * (high - low):.4g}")
    return made


def joint_wishes(held: Measured, wishes: Mapping[str, Wish], most: int) -> list[list[Wish]]:
    """Several properties at once as a held-out crop has them, of crops with each of them in its range: drawn one by
    one they would be those of no rock (most of the porosity with the least of the permeability)."""
    asked = [wishes[k] for k in JOINT]
    rows = np.stack([held.values[w.property.name] for w in asked], axis=1)
    inside = np.all([(w.low <= column) & (column <= w.high) for w, column in zip(asked, rows.T, strict=True)], axis=0)
    return [
        [parse_wish(f"{w.property.name}={value:.9g}+-{w.tolerance:.4g}") for w, value in zip(asked, row, strict=True)]
        for row in rows[inside][:most]
    ]


def joint_figures(
    weights: Weights, folder: Path, asked: Sequence[Sequence[Wish]], shape: Shape, survey: int,
    rows: list[dict[str, Any]],
) -> dict[str, float]:  # fmt: skip
    """Share of rocks with all properties within tolerance, and what they cost; one that is refused has failed.

    The rocks have the shape of the crops that the targets are taken from: a flat piece of the same stone is more
    permeable than a cube, as its two faces are nearer to each other.
    """
    done = [
        ordered(weights, folder, f"joint_{i}", w, 1, shape, survey, SEED + i) for i, w in enumerate([*asked] * TIMES)
    ]
    good = [bool(d) and d[0].accepted for d in done]
    seconds = [d[0].seconds for d in done if d]
    told = {
        "properties": ", ".join(KEYS[k] for k in JOINT),
        "rocks": len(done),
        "shape": " x ".join(map(str, shape)),
        "survey": survey * len(JOINT) ** 2,
        "refused": sum(not d for d in done),
        "success": float(np.mean(good)) if good else 0.0,
    }
    rows.append({"set": "joint order", **told})
    return {
        "joint_success": float(np.mean(good)) if good else 0.0,
        "joint_rocks": float(len(done)),
        "joint_evaluations": float(np.mean([d[0].evaluations for d in done if d])) if any(done) else float("nan"),
        "joint_s": float(np.median(seconds)) if seconds else float("nan"),
    }


def ordered(
    weights: Weights,
    folder: Path,
    key: str,
    wishes: Sequence[Wish],
    rocks: int,
    shape: Shape,
    survey: int,
    seed: int = SEED,
) -> list[Row]:
    """Rows of one batch by the fast search; [] when the generator does not reach the targets at all."""
    import json

    maker = maker_of(weights, shape, Finish(), precise=True)
    place = folder / f"order_{key}"
    text = "; ".join(f"{w.property.name} {w.low:.6g} {w.high:.6g} {w.tolerance:.6g}" for w in wishes)
    try:
        search, _ = chosen_search("fast", maker, wishes, survey)
        order = Order(tuple(wishes), rocks, search, TITLES["fast"], EVALUATIONS, seed, place, "npz",
                      f"{maker.key};{text};{survey}")  # fmt: skip
        fill(order, maker, silent)
    except NotConverged:
        pass  # the rows of the failed rocks are in the journal
    except InputError:
        return []
    return [Row(**row) for row in json.loads((place / JOURNAL).read_text(encoding="utf-8"))["rows"]]


def order_figures(key: str, done: Sequence[Row], wish: Wish, rows: list[dict[str, Any]]) -> dict[str, float]:
    """nRMSE over all rocks, share within tolerance, median seconds and evaluations, beside the paper's nRMSE."""
    figures = {f"nrmse_{key}": float("nan"), f"s_{key}": float("nan"), f"success_{key}": 0.0}
    if done:
        figures = {
            f"nrmse_{key}": nrmse(done, wish),
            f"s_{key}": float(np.median([r.seconds for r in done])),
            f"success_{key}": float(np.mean([r.accepted for r in done])),
            f"evaluations_{key}": float(np.mean([r.evaluations for r in done])),
        }
    p = wish.property
    rows.append({"set": "order", "property": p.name, "unit": p.unit, "low": wish.low, "high": wish.high,
                 "tolerance": wish.tolerance, "nrmse_paper": PAPER[key], **figures})  # fmt: skip
    return figures
