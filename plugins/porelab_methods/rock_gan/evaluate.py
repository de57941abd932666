"""Generated rocks beside real crops that the training did not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError
from porelab_gui.core.learning.weights import read_config
from porelab_gui.core.nouns import Column, Labels, Table, Weights
from porelab_gui.core.progress import Progress, within
from porelab_methods.rock_gan.compare import bias, correlation, groups_of, hellinger, interval, usable, wasserstein
from porelab_methods.rock_gan.copying import closest_match
from porelab_methods.rock_gan.data import corners, cut, sample_crops, split
from porelab_methods.rock_gan.maker import Finish, NetMaker, maker_of
from porelab_methods.rock_gan.properties import PROPERTIES
from porelab_methods.rock_gan.samples import NAMES, Measured, measured, size_edges

LOGS = {name: PROPERTIES[name].log for name in NAMES}
PAIR = ("porosity", "permeability")
Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """Real and generated samples, the places of the real ones, and the crops' edge and voxel in metres."""

    real: Measured
    made: Measured
    places: Places
    edge: int
    voxel: float
    held: bool
    large: Measured | None = None

    @property
    def groups(self) -> Places:
        """Which real crops overlap so much that they are taken as one place."""
        return groups_of(self.places, self.edge)


def evaluate(weights: Weights, labels: Labels, params: Any, folder: Path, progress: Progress) -> dict[str, Table]:
    """Tables of samples, distances, correlations and curves; measured samples stay in ``folder``."""
    found, slab = compare(weights, labels, params, folder, within(progress, 0.0, 0.95))
    copies = copy_rows(weights, labels, params.copies, found, slab, within(progress, 0.95, 1.0))
    return {
        "samples": sample_table(found),
        "distances": distance_table(found, copies),
        "correlations": correlation_table(found),
        "curves": curve_table(found),
    }


def compare(
    weights: Weights, labels: Labels, params: Any, folder: Path, progress: Progress
) -> tuple[Comparison, NDArray[np.bool_]]:
    """Measure both sets; also the training slab. Without a held-out slab the training crops stand in."""
    config = read_config(weights)
    try:
        edge, hold_out = int(config["edge"]), float(config["hold_out"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError("these weights do not tell their crops", where=weights.folder) from error
    slabs = split(labels, edge, hold_out)
    slab = slabs.held if slabs.held.size else slabs.train
    crops, places = sample_crops(slab, edge, params.samples, params.stride, params.seed)
    voxel = float(np.mean(labels.voxel_size))
    maker = maker_of(weights, (edge,) * 3, Finish(), voxel=voxel)
    stop = 0.7 if params.large else 1.0
    real = measured(
        folder / "real.json", len(crops), lambda i: as_labels(crops[i], voxel), within(progress, 0.0, 0.45 * stop),
        "real crop", f"{edge},{params.stride},{params.samples}",
    )  # fmt: skip
    made = measured(
        folder / "generated.json", params.samples, lambda i: _random(maker, params.seed, i),
        within(progress, 0.45 * stop, stop), "generated rock",
    )  # fmt: skip
    large = None
    if params.large:
        large = _from_large(weights, params, edge, voxel, folder, within(progress, stop, 1.0))
    return Comparison(real, made, places, edge, voxel, bool(slabs.held.size), large), slabs.train


def as_labels(mask: NDArray[np.bool_], voxel: float) -> Labels:
    """Void as labels."""
    return Labels(mask.astype(np.uint8), (voxel,) * 3, name="crop")


def _random(maker: NetMaker, seed: int, i: int) -> Labels:
    return maker.rock(maker.draw(np.random.default_rng((seed, i))))


def _from_large(weights: Weights, params: Any, edge: int, voxel: float, folder: Path, progress: Progress) -> Measured:
    """Crops side by side of as many large rocks as are needed."""
    maker = maker_of(weights, (params.large,) * 3, Finish(), drift=True, voxel=voxel)
    places = corners((params.large,) * 3, edge, edge)
    places = places[(places % edge == 0).all(axis=1)]
    current: tuple[int, Labels] = (-1, as_labels(np.zeros((1, 1, 1), bool), voxel))

    def crop(i: int) -> Labels:
        nonlocal current
        which, place = divmod(i, len(places))
        if current[0] != which:
            current = (which, _random(maker, params.seed + 1, which))
        return as_labels(cut(current[1].void_mask(), places[place], edge), voxel)

    return measured(folder / f"large_{params.large}.json", params.samples, crop, progress, "crop of a large rock")


def sample_table(found: Comparison) -> Table:
    """One row per sample: which set, and its properties."""
    sets = [("real", found.real), ("generated", found.made)]
    sets += [("large", found.large)] if found.large is not None else []
    kinds = np.concatenate([np.full(len(m), name) for name, m in sets])
    columns = {"set": Column(kinds)}
    for name in NAMES:
        values = np.concatenate([m.values[name] for _, m in sets])
        columns[name] = Column(values, PROPERTIES[name].unit, PROPERTIES[name].title)
    note = () if found.held else ("No slab was held out: the real crops are those of the training.",)
    return Table(columns, note, name="generated and real rocks")


def distance_rows(real: Measured, made: Measured, groups: Places, what: str = "generated") -> list[dict[str, Any]]:
    """Per property: means, bias with its interval, Wasserstein and Hellinger distances."""
    rows = []
    for name in NAMES:
        good = np.isfinite(real.values[name])
        a, b = real.values[name][good], usable(made.values[name], False)
        log = LOGS[name]
        low, high = interval(bias, a, b, groups[good])
        w_low, w_high = interval(partial(_apart, log), a, b, groups[good])
        rows.append(
            {"set": what, "property": name, "unit": PROPERTIES[name].unit, "real": float(a.mean()),
             "generated": float(b.mean()), "bias": bias(a, b), "bias_low": low, "bias_high": high,
             "wasserstein": wasserstein(usable(a, log), usable(b, log)), "wasserstein_low": w_low,
             "wasserstein_high": w_high, "hellinger": hellinger(usable(a, log), usable(b, log))}
        )  # fmt: skip
    return rows


def kphi(values: Mapping[str, Floats]) -> float:
    """Pearson correlation of permeability and porosity, plain as in the paper."""
    return float(correlation({k: values[k] for k in PAIR}, {})[0, 1])


def kphi_interval(found: Comparison) -> tuple[float, float]:
    """Interval of the difference of the two correlations."""

    def both(m: Measured) -> Floats:
        return np.stack([m.values[k] for k in PAIR], axis=1)

    def gap(a: Floats, b: Floats) -> float:
        return abs(kphi(dict(zip(PAIR, a.T, strict=True))) - kphi(dict(zip(PAIR, b.T, strict=True))))

    return interval(gap, both(found.real), both(found.made), found.groups)


def distance_table(found: Comparison, copies: list[dict[str, Any]]) -> Table:
    """Distances of the generated rocks (and of crops of large ones) from the real ones."""
    rows = distance_rows(found.real, found.made, found.groups)
    if found.large is not None:
        rows += distance_rows(found.real, found.large, found.groups, "large")
    keys = [k for k in rows[0] if k != "unit"]
    columns = {k: Column(np.array([r[k] for r in rows]), "" if k in ("set", "property") else "1") for k in keys}
    for k in ("real", "generated"):
        columns[k] = Column(np.array([r[k] for r in rows]), "SI", f"mean of the {k} rocks")
    low, high = kphi_interval(found)
    notes = [
        f"Correlation of permeability and porosity: real {kphi(found.real.values):.3f}, generated "
        f"{kphi(found.made.values):.3f} (95 % interval of the difference {low:.3f} to {high:.3f}).",
        f"{len(found.real)} real crops from {len(np.unique(found.groups))} places, {len(found.made)} generated, "
        f"{found.edge} voxels; intervals draw whole places.",
    ]
    notes += [copy_sentence(copies)] if copies else []
    return Table(columns, tuple(notes), name="distances")


def correlation_table(found: Comparison) -> Table:
    """Pearson matrices of both sets (permeability as a logarithm), one row per pair."""
    matrices = {"real": correlation(found.real.values, LOGS), "generated": correlation(found.made.values, LOGS)}
    rows = [(s, NAMES[i], NAMES[j], m[i, j]) for s, m in matrices.items() for i in range(6) for j in range(6)]
    names = ("set", "first", "second", "correlation")
    made = zip(names, zip(*rows, strict=True), strict=True)
    return Table({k: Column(np.array(v), "1" if k == "correlation" else "") for k, v in made}, name="correlations")


def _apart(log: bool, real: Floats, made: Floats) -> float:
    return wasserstein(usable(real, log), usable(made, log))


def curve_table(found: Comparison) -> Table:
    """Mean two-point correlation over the lag and mean share of pore space up to a size, with their deviations."""
    rows: list[tuple[str, str, float, float, float]] = []
    for name, m in (("real", found.real), ("generated", found.made)):
        lags = np.arange(m.s2.shape[1]) * found.voxel
        for what, x, y in (("two-point", lags, m.s2), ("pore size", size_edges(found.voxel), m.sizes)):
            rows += [(what, name, *v) for v in zip(x, y.mean(0), y.std(0), strict=True)]
    curves, sets, length, mean, deviation = (np.array(c) for c in zip(*rows, strict=True))
    columns = {
        "curve": Column(curves), "set": Column(sets), "length": Column(length, "m", "lag, or diameter"),
        "mean": Column(mean, "1"), "deviation": Column(deviation, "1", "between samples"),
    }  # fmt: skip
    return Table(columns, name="correlation function and pore sizes")


def curve_distance(real: Floats, made: Floats) -> float:
    """Largest difference of the mean curves."""
    n = min(real.shape[1], made.shape[1])
    return float(np.abs(real[:, :n].mean(0) - made[:, :n].mean(0)).max())


def copy_rows(
    weights: Weights, labels: Labels, count: int, found: Comparison, slab: NDArray[np.bool_], progress: Progress
) -> list[dict[str, Any]]:
    """The most alike place in the training slab for some generated rocks and as many held-out crops."""
    if not count or not found.held:
        return []
    config = read_config(weights)
    maker = maker_of(weights, (found.edge,) * 3, Finish(), voxel=found.voxel)
    held = split(labels, found.edge, float(config["hold_out"])).held
    real, _ = sample_crops(held, found.edge, count, found.edge, 0)
    rows = []
    for i in range(count):
        progress(2 * i, 2 * count, "looking for copies")
        rows.append({"set": "generated", "correlation": closest_match(_random(maker, 0, i).void_mask(), slab)[0]})
        if i < len(real):
            rows.append({"set": "held out", "correlation": closest_match(real[i], slab)[0]})
    return rows


def copy_sentence(rows: list[dict[str, Any]]) -> str:
    """The check for copies in words."""
    best = {s: max(r["correlation"] for r in rows if r["set"] == s) for s in ("generated", "held out")}
    return (
        f"Most alike place of the training slab (correlation of voxels; 1 is a copy): "
        f"generated {best['generated']:.2f}, held-out crops {best['held out']:.2f}."
    )
