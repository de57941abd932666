"""What a segmented shale says: porosity by type, organic porosity, shapes; and how far labels agree with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porelab_gui.core.image.morphology.fractal import box_counts, fractal_dimension, lacunarity, lacunarity_slope
from porelab_gui.core.learning.metrics import confusion, iou
from porelab_gui.core.nouns import Column, Labels, Table
from porelab_gui.core.progress import Progress

SMALL = 20  # pixels of a slice below which a pore is small
Rows = list[tuple[str, float, str]]
Page = NDArray[np.integer]


@dataclass(frozen=True)
class Kinds:
    """Which labels are organic pores, inorganic pores, pores of unknown kind, and organic matter, by their names."""

    organic: tuple[int, ...]
    inorganic: tuple[int, ...]
    other: tuple[int, ...]
    matter: tuple[int, ...]

    @staticmethod
    def of(labels: Labels) -> Kinds:
        """By the names of the phases; void that is neither organic nor inorganic is of unknown kind."""
        named = {k: v.lower() for k, v in labels.phases.items()}
        inorganic = tuple(k for k, v in named.items() if "inorganic" in v and k in labels.void)
        organic = tuple(k for k, v in named.items() if "organic" in v and k in labels.void and k not in inorganic)
        other = tuple(k for k in labels.void if k not in organic and k not in inorganic)
        matter = tuple(k for k, v in named.items() if ("organic" in v or "kerogen" in v) and k not in labels.void)
        return Kinds(organic, inorganic, other, matter)


def counts_of(labels: Labels, progress: Progress) -> NDArray[np.int64]:
    """Voxels per label, read slice by slice."""
    total = np.zeros(max(labels.phases, default=0) + 1, np.int64)
    for z in range(labels.shape[0]):
        progress(z, labels.shape[0], "counting phases")
        found = np.bincount(np.asarray(labels.data[z]).ravel().astype(np.int64), minlength=len(total))
        total = np.pad(total, (0, max(0, len(found) - len(total))))
        total[: len(found)] += found
    return total


def composition(counts: NDArray[np.int64], kinds: Kinds) -> Rows:
    """Porosity by type, organic matter content, organic porosity with both denominators; all shares of 1."""
    total = max(1, int(counts.sum()))
    organic, inorganic, other, matter = (
        int(sum(counts[k] for k in group if k < len(counts)))
        for group in (kinds.organic, kinds.inorganic, kinds.other, kinds.matter)
    )
    rows: Rows = [
        ("porosity", (organic + inorganic + other) / total, "1"),
        ("organic porosity of the whole rock", organic / total, "1"),
        ("inorganic porosity", inorganic / total, "1"),
        ("organic matter content, pores left out", matter / total, "1"),
        ("organic matter content, with its pores", (matter + organic) / total, "1"),
        ("OP = V_op / (V_om + V_op)", _ratio(organic, matter + organic), "1"),
        ("OP' = V_op / (V_om + V_ip)", _ratio(organic, matter + inorganic), "1"),
        ("organic share of the pore space", _ratio(organic, organic + inorganic + other), "1"),
    ]
    return rows if other == 0 else [*rows, ("porosity of unknown kind", other / total, "1")]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def maturity(rows: Rows) -> str:
    """The figures that speak of thermal maturity, in a sentence."""
    found = {name: value for name, value, _ in rows}
    op, share = found["OP = V_op / (V_om + V_op)"], found["organic share of the pore space"]
    matter = found["organic matter content, with its pores"]
    if not (np.isfinite(op) and np.isfinite(share)):
        return "There is no organic matter or no pore, so nothing can be said of its maturity."
    return (
        f"Organic matter takes {matter:.1%} of the rock; pores take {op:.1%} of the organic matter and make up "
        f"{share:.1%} of the pore space. OP grows with thermal maturity: compare it within one formation only."
    )


def slice_rows(labels: Labels, slices: Sequence[int], kinds: Kinds) -> Table:
    """Fractal dimension and lacunarity of the pore space of single slices, one row per slice and kind of pore."""
    groups = {"all pores": labels.void, "organic": kinds.organic, "inorganic": kinds.inorganic}
    rows = [
        (z, name, *_fractal(np.isin(np.asarray(labels.data[z]), group)))
        for z in slices
        for name, group in groups.items()
        if group
    ]
    place, name, dimension, slope, mean = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    columns = {
        "slice": Column(np.array(place, np.int64)),
        "pores": Column(np.array(name, dtype=str)),
        "fractal_dimension": Column(np.array(dimension, float), "1", "box counting, every box that holds a pore pixel"),
        "lacunarity_slope": Column(np.array(slope, float), "1", "slope of ln L over ln r"),
        "lacunarity": Column(np.array(mean, float), "1", "mean lacunarity over all box sizes"),
    }
    return Table(columns, name="slices")


def _fractal(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    edges, values = lacunarity(mask)
    mean = float(np.mean(values)) if np.isfinite(values).all() else float("nan")
    return fractal_dimension(*box_counts(mask)), lacunarity_slope(edges, values), mean


def pore_shapes(labels: Labels, kinds: Kinds, depth: float, progress: Progress) -> Table:
    """Pores cut at their necks: volume, aspect ratio and its inverse, one row per pore of at least 20 voxels."""
    from porelab_gui.core.image.editing.labels import SplitParams, split
    from porelab_gui.core.image.morphology.bodies import measure

    names, volumes, ratios = [], [], []
    for name, group in {"organic": kinds.organic, "inorganic": kinds.inorganic, "unknown": kinds.other}.items():
        for label in group:
            if not np.any(labels.array() == label):
                continue
            regions = split({"labels": labels}, SplitParams(phase=label, depth=depth), progress)["regions"]
            bodies = measure(regions.array(), labels.voxel_size)  # type: ignore[attr-defined]
            names.append(np.full(len(bodies.volume), name))
            volumes.append(bodies.volume)
            ratios.append(bodies.aspect_ratio)
    ratio = np.concatenate(ratios) if ratios else np.zeros(0)
    columns = {
        "pores": Column(np.concatenate(names) if names else np.zeros(0, "U9")),
        "volume": Column(np.concatenate(volumes) if volumes else np.zeros(0), "m3"),
        "aspect_ratio": Column(ratio, "1", "shortest over longest semi-axis"),
        "inverse_aspect_ratio": Column(1.0 / np.maximum(ratio, 1e-9), "1", "longest over shortest semi-axis"),
    }
    return Table(columns, name="pores")


def small_body_recall(truth: Page, found: Page, phase: int) -> tuple[int, int]:
    """(found, all) bodies of fewer than ``SMALL`` pixels of one slice; found when half of it has the phase."""
    numbers, count = ndimage.label(truth == phase)
    size = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    hit = np.bincount(numbers[found == phase], minlength=count + 1)[1:]
    small = (size > 0) & (size < SMALL)
    return int(np.count_nonzero(small & (2 * hit >= size))), int(np.count_nonzero(small))


def agreement(labels: Labels, truth: Labels, slices: Sequence[int]) -> Table:
    """IoU, recall, precision, confusion and small-body recall per phase of the truth, over some slices."""
    values = sorted({*labels.phases, *truth.phases})
    lookup = np.zeros(max(values) + 1, np.int64)
    lookup[values] = np.arange(len(values))
    counts = np.zeros((len(values), len(values)), np.int64)
    small = np.zeros((len(values), 2), np.int64)
    for z in slices:
        right, found = np.asarray(truth.data[z]), np.asarray(labels.data[z])
        counts += confusion(lookup[right], lookup[found], len(values))
        small += np.array([small_body_recall(right, found, v) for v in values])
    per_class = iou(counts)
    hit = np.diag(counts)
    names = [truth.phases.get(v, labels.phases.get(v, f"phase {v}")) for v in values]

    def with_mean(x: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.append(x, np.nanmean(x) if np.isfinite(x).any() else np.nan)

    columns = {
        "phase": Column(np.array([*names, "mean"])),
        "iou": Column(with_mean(per_class), "1", "intersection over union"),
        "recall": Column(with_mean(_shares(hit, counts.sum(1))), "1", "share of the truth that was found"),
        "precision": Column(with_mean(_shares(hit, counts.sum(0))), "1", "share of what was found that is true"),
        "small_recall": Column(with_mean(_shares(small[:, 0], small[:, 1])), "1", f"bodies under {SMALL} pixels found"),
    }
    for k, name in enumerate(names):
        columns[f"called {name}"] = Column(np.append(counts[:, k], counts[:, k].sum()), "1", "voxels, confusion matrix")
    accuracy = hit.sum() / max(1, counts.sum())
    note = f"{len(slices)} slices compared; {accuracy:.2%} of their voxels agree."
    return Table(columns, (note,), name="agreement")


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
