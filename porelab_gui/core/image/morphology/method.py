"""The Method ``morphology``: all measures of a phase, as tables."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from porelab_gui.core.image.editing.labels import SplitParams, phase_mask, split
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import AXES, Column, Labels, Table
from porelab_gui.core.progress import Progress, silent, within

Rows = list[tuple[str, float, str]]
CURVES = ("profiles", "two_point", "chords", "pore_sizes", "boxes", "bodies", "rev")


class MorphologyParams(Params):
    """Which phase, and which of the longer measures."""

    phase: int = param(-1, "Phase to measure; -1 is all void together.", unit="1", ge=-1, le=65535)
    connectivity: Literal["6", "14", "26"] = param(
        "14", "Neighbours that join in the Euler characteristic; 14 treats phase and rest alike."
    )
    two_point: bool = param(True, "Two-point correlation.")
    reach: int = param(64, "Longest lag of the two-point correlation.", unit="voxel", ge=4, le=1000)
    thickness: bool = param(True, "Local thickness and pore-size distribution.")
    sizes: int = param(24, "Diameters that the local thickness tells apart.", unit="1", ge=4, le=200)
    bodies: bool = param(True, "Single pores (watershed) with their aspect ratios.")
    rev: bool = param(True, "Representative volume: porosity of random cubes.")
    samples: int = param(200, "Cubes of each size.", unit="1", ge=10, le=10000)
    seed: int = param(0, "Places of the cubes.", unit="1", ge=0, le=2**31 - 1)


def _empty(name: str) -> Table:
    return Table({}, name=name, notes=("not asked for",))


def amounts(labels: Labels) -> Rows:
    """Volume fraction of every phase, and the porosity."""
    data = labels.array()
    count = np.bincount(data.ravel().astype(np.int64), minlength=max(labels.phases, default=0) + 1)
    rows: Rows = [("porosity", labels.porosity(), "1")]
    return rows + [(f"fraction of {v}", float(count[k]) / data.size, "1") for k, v in labels.phases.items()]


def connections(mask: Any) -> Rows:
    """Connected parts of the phase."""
    from porelab_gui.core.image.morphology.phases import connection

    found = connection(mask)
    rows = [(f"connected along {a}", share, "1") for a, share in zip(AXES, found.through, strict=True)]
    return [*rows, ("largest cluster / phase", found.largest, "1"), ("clusters", float(found.clusters), "1")]


def intrinsic(mask: Any, labels: Labels, connectivity: str) -> Rows:
    """Surface, curvature and Euler characteristic."""
    from porelab_gui.core.image.morphology.minkowski import curvature_density, euler, euler_density, surface_density

    joined = int(connectivity)
    return [
        ("specific surface", surface_density(mask, labels.voxel_size), "1/m"),
        ("integral of mean curvature / volume", curvature_density(mask, labels.voxel_size), "1/m2"),
        (f"Euler characteristic ({connectivity}-connected)", float(euler(mask, joined)), "1"),
        (
            f"Euler characteristic / volume ({connectivity}-connected)",
            euler_density(mask, labels.voxel_size, joined),
            "1/m3",
        ),
    ]


def profile_table(mask: Any, labels: Labels) -> Table:
    """Phase fraction in each plane, one row per axis and plane."""
    from porelab_gui.core.image.morphology.phases import profiles

    lines = profiles(mask)
    axis = np.concatenate([np.full(len(p), a) for a, p in zip(AXES, lines, strict=True)])
    place = np.concatenate([(np.arange(len(p)) + 0.5) * v for p, v in zip(lines, labels.voxel_size, strict=True)])
    columns = {"axis": Column(axis), "position": Column(place, "m"), "fraction": Column(np.concatenate(lines), "1")}
    return Table(columns, name="profiles")


def two_point_table(mask: Any, labels: Labels, reach: int) -> Table:
    """S2 along each axis and over all directions, one row per lag."""
    from porelab_gui.core.image.morphology.correlation import two_point

    found = two_point(mask, labels.voxel_size, reach)
    lag = np.arange(found.axes.shape[1])
    names, far, values = [], [], []
    for k, axis in enumerate(AXES):
        names.append(np.full(len(lag), axis))
        far.append(lag * labels.voxel_size[k])
        values.append(found.axes[k])
    names.append(np.full(len(found.distance), "all"))
    columns = {
        "direction": Column(np.concatenate(names)),
        "distance": Column(np.concatenate([*far, found.distance]), "m"),
        "probability": Column(np.concatenate([*values, found.radial]), "1"),
    }
    return Table(columns, name="two-point correlation")


def chord_table(mask: Any, labels: Labels) -> tuple[Table, Rows]:
    """How many chords of each length there are along each axis, and their means."""
    from porelab_gui.core.image.morphology.correlation import chords, mean_chord

    names, lengths, counts = [], [], []
    rows: Rows = []
    for k, axis in enumerate(AXES):
        found = chords(mask, k)
        length, count = np.unique(found, return_counts=True)
        names.append(np.full(len(length), axis))
        lengths.append(length * labels.voxel_size[k])
        counts.append(count)
        rows.append((f"mean chord along {axis}", mean_chord(found, mask.shape[k]) * labels.voxel_size[k], "m"))
    columns = {
        "direction": Column(np.concatenate(names)),
        "length": Column(np.concatenate(lengths), "m"),
        "count": Column(np.concatenate(counts)),
    }
    return Table(columns, name="chords"), rows


def size_table(mask: Any, labels: Labels, sizes: int, progress: Progress) -> tuple[Table, Rows]:
    """Share of the phase with each local thickness, and at least that thickness."""
    from porelab_gui.core.image.morphology.thickness import local_thickness

    wide = local_thickness(mask, labels.voxel_size, sizes, progress)[mask]
    diameter, count = np.unique(wide, return_counts=True)
    share = count / max(1, count.sum())
    beyond = np.cumsum(share[::-1])[::-1]
    columns = {
        "diameter": Column(diameter.astype(float), "m"),
        "fraction": Column(share, "1"),
        "at_least": Column(beyond, "1", "fraction of the phase at least this thick"),
    }
    middle = float(np.median(wide)) if len(wide) else float("nan")
    rows: Rows = [("mean local thickness", float(wide.mean()), "m"), ("median local thickness", middle, "m")]
    return Table(columns, name="pore sizes"), rows


def box_table(mask: Any, labels: Labels) -> tuple[Table, Rows]:
    """Box counts and lacunarity over the edge of the box (in voxels: both are counts)."""
    from porelab_gui.core.image.morphology import fractal as f

    edges, counts = f.box_counts(mask)
    same, lac = f.lacunarity(mask)
    rows: Rows = [
        ("fractal dimension (box counting)", f.fractal_dimension(edges, counts), "1"),
        ("slope of ln lacunarity over ln edge", f.lacunarity_slope(same, lac), "1"),
    ]
    columns = {"edge": Column(edges, "voxel"), "boxes": Column(counts), "lacunarity": Column(lac, "1")}
    return Table(columns, name="boxes"), rows


def body_table(labels: Labels, phase: int) -> tuple[Table, Rows]:
    """One row per single pore."""
    from porelab_gui.core.image.morphology.bodies import measure

    regions = split({"labels": labels}, SplitParams(phase=phase), silent)["regions"]
    found = measure(regions.array(), labels.voxel_size)  # type: ignore[attr-defined]
    columns = {"label": Column(found.label), "volume": Column(found.volume, "m3")}
    columns |= {a: Column(found.centre[:, k], "m") for k, a in enumerate(AXES)}
    columns |= {f"semi_axis_{k + 1}": Column(found.semi_axes[:, k], "m") for k in range(3)}
    columns["aspect_ratio"] = Column(found.aspect_ratio, "1", "shortest over longest semi-axis")
    total = float(found.volume.sum())
    mean = float((found.aspect_ratio * found.volume).sum() / total) if total else float("nan")
    rows: Rows = [("single pores", float(len(found.label)), "1"), ("mean aspect ratio (by volume)", mean, "1")]
    return Table(columns, name="single pores", notes=("Bodies of fewer than 20 voxels are left out.",)), rows


def rev_table(mask: Any, labels: Labels, samples: int, seed: int) -> Table:
    """Mean and deviation of the fraction over the edge of the cubes."""
    from porelab_gui.core.image.morphology.phases import representative

    rows = np.array(representative(mask, labels.voxel_size, samples, seed))
    columns = {
        "edge": Column(rows[:, 0], "m"),
        "mean": Column(rows[:, 1], "1"),
        "deviation": Column(rows[:, 2], "1"),
        "cubes": Column(rows[:, 3].astype(np.int64)),
    }
    return Table(columns, name="representative volume")


def run(inputs: Inputs, params: MorphologyParams, progress: Progress) -> Outputs:
    """Measure the phase."""
    labels: Labels = inputs["labels"]
    mask = phase_mask(labels, params.phase)
    out: dict[str, Table] = {name: _empty(name) for name in CURVES}
    progress(0.0, 1.0, "amounts and connections")
    rows = amounts(labels) + connections(mask)
    progress(0.1, 1.0, "surface, curvature, Euler")
    rows += intrinsic(mask, labels, params.connectivity)
    progress(0.25, 1.0, "chords, boxes, profiles")
    out["chords"], more = chord_table(mask, labels)
    rows += more
    out["boxes"], more = box_table(mask, labels)
    rows += more
    out["profiles"] = profile_table(mask, labels)
    if params.two_point:
        progress(0.35, 1.0, "two-point correlation")
        out["two_point"] = two_point_table(mask, labels, params.reach)
    if params.thickness:
        out["pore_sizes"], more = size_table(mask, labels, params.sizes, within(progress, 0.45, 0.8))
        rows += more
    if params.bodies:
        progress(0.8, 1.0, "single pores")
        out["bodies"], more = body_table(labels, params.phase)
        rows += more
    if params.rev:
        progress(0.95, 1.0, "representative volume")
        out["rev"] = rev_table(mask, labels, params.samples, params.seed)
    progress(1, 1, "measured")
    return {"summary": _summary(rows, labels), **out}


def _summary(rows: Rows, labels: Labels) -> Table:
    names, values, units = zip(*rows, strict=True)
    columns = {"quantity": Column(np.array(names)), "value": Column(np.array(values)), "unit": Column(np.array(units))}
    return Table(columns, name=f"{labels.name} morphology", source=labels.source)


def _estimate(inputs: Inputs, params: Any) -> Estimate:
    """The watershed takes most: about 40 bytes a voxel."""
    return Estimate(ram=45 * int(np.prod(inputs["labels"].shape)))


MORPHOLOGY = Method(
    name="morphology",
    title="Morphology",
    summary="Porosity, connection, surface, curvature, Euler characteristic, correlation, chords, pore sizes, fractal "
    "dimension, lacunarity, single pores and representative volume of a phase.",
    step="Segment",
    citation="Legland, Kieu and Devaux (2007) Image Anal. Stereol. 26, 83; Hildebrand and Ruegsegger (1997) "
    "J. Microscopy 185, 67; Allain and Cloitre (1991) Phys. Rev. A 44, 3552",
    params=MorphologyParams,
    inputs={"labels": Port(Labels, "Labels: segment an image first.")},
    outputs={"summary": Table, **dict.fromkeys(CURVES, Table)},
    function=run,
    estimate=_estimate,
)
