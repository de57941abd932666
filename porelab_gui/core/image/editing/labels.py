"""Corrections of labels: split touching bodies, fill holes, remove islands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.editing.preview import by_slab
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Labels, Regions, VoxelSize
from porelab_gui.core.progress import Progress

LABELS = {"labels": Port(Labels, "Labels: segment an image first.")}


def phase_mask(labels: Labels, phase: int) -> NDArray[np.bool_]:
    """Where a phase is (-1: all void phases together); InputError when the image has none of it."""
    if phase != -1 and phase not in labels.phases:
        known = ", ".join(f"{k} {v}" for k, v in labels.phases.items())
        raise InputError(
            f"there is no phase {phase}", where=labels.name, remedy=f"Choose among {known}, or -1 for void."
        )
    mask = labels.void_mask() if phase == -1 else labels.array() == phase
    if not mask.any():
        raise InputError(
            f"no voxel is {'void' if phase == -1 else labels.phases[phase]}",
            where=labels.name,
            remedy="Segment again, or choose another phase.",
        )
    return np.asarray(mask, np.bool_)


def components(mask: NDArray[np.bool_], diagonal: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Connected bodies labelled from 1, and the size of each (index 0 is the outside)."""
    from scipy.ndimage import generate_binary_structure, label

    made, count = label(mask, generate_binary_structure(3, 3 if diagonal else 1))
    return made, np.bincount(made.ravel(), minlength=count + 1)


class SplitParams(Params):
    """What to split, and how eagerly."""

    phase: int = param(-1, "Phase to split; -1 is all void.", unit="1", ge=-1, le=255)
    depth: float = param(
        1.0, "Bodies are split where the neck is narrower by this much than both sides.", unit="voxel", ge=0.1, le=50
    )


def split(inputs: Inputs, params: SplitParams, progress: Progress) -> Outputs:
    """Watershed of the distance map from its h-maxima; one region per body."""
    from scipy.ndimage import label
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    labels: Labels = inputs["labels"]
    mask = phase_mask(labels, params.phase)
    progress(0, 3, "distance")
    distance = _distance(mask, labels.voxel_size)
    progress(1, 3, "markers")
    markers, _ = label(h_maxima(distance, params.depth), np.ones((3, 3, 3)))
    progress(2, 3, "watershed")
    regions = watershed(-distance, markers, mask=mask).astype(np.int32)
    return {"regions": Regions(regions, labels.voxel_size, name=f"{labels.name} split", source=labels.source)}


def _distance(mask: NDArray[np.bool_], voxel: VoxelSize) -> NDArray[np.float32]:
    """Distance to the nearest voxel outside, in the smallest voxel edges."""
    from edt import edt

    shape = tuple(v / min(voxel) for v in voxel)
    return np.asarray(edt(np.ascontiguousarray(mask), anisotropy=shape, black_border=False), np.float32)


class HolesParams(Params):
    """Which holes."""

    phase: int = param(
        0, "Phase whose holes are filled (matrix with holes in it loses closed pores).", unit="1", ge=-1, le=255
    )
    largest: int = param(0, "Largest hole that is filled; 0 fills all.", unit="voxel", ge=0, le=10**12)
    slices: bool = param(False, "Holes of each z slice instead of holes in 3D.")


def fill_holes(inputs: Inputs, params: HolesParams, progress: Progress) -> Outputs:
    """Give bodies that a phase encloses on all sides, and that touch no face of the image, to that phase."""
    labels: Labels = inputs["labels"]
    mask = phase_mask(labels, params.phase)
    target = labels.void[0] if params.phase == -1 else params.phase
    out = labels.array().copy()
    if params.slices:
        for k in range(len(out)):
            progress(k, len(out), "filling")
            out[k][_holes(mask[k : k + 1], params.largest)[0]] = target
    else:
        progress(0, 1, "filling")
        out[_holes(mask, params.largest)] = target
    changed = int(np.count_nonzero(out != labels.array()))
    progress(1, 1, f"{changed:,} voxels filled", voxels=float(changed))
    return {"labels": replace(labels, data=out, name=f"{labels.name} filled")}


def _holes(mask: NDArray[np.bool_], largest: int) -> NDArray[np.bool_]:
    bodies, sizes = components(~mask, diagonal=False)
    hole = np.ones(len(sizes), bool)
    hole[0] = False
    for axis in range(3):
        if mask.shape[axis] > 1:
            hole[bodies.take(0, axis).ravel()] = False
            hole[bodies.take(-1, axis).ravel()] = False
    if largest:
        hole &= sizes <= largest
    return np.asarray(hole[bodies], np.bool_)


class IslandsParams(Params):
    """Which islands."""

    phase: int = param(-1, "Phase to clean; -1 is all void.", unit="1", ge=-1, le=255)
    smallest: int = param(20, "Bodies with fewer voxels are removed.", unit="voxel", ge=2, le=10**12)
    diagonal: bool = param(False, "Voxels that touch only at edges or corners belong together.")


def remove_islands(inputs: Inputs, params: IslandsParams, progress: Progress) -> Outputs:
    """Give small bodies of a phase to the nearest other phase."""
    from scipy.ndimage import distance_transform_edt

    labels: Labels = inputs["labels"]
    mask = phase_mask(labels, params.phase)
    progress(0, 2, "finding islands")
    bodies, sizes = components(mask, params.diagonal)
    small = sizes < params.smallest
    small[0] = False
    drop = small[bodies]
    out = labels.array().copy()
    if (mask & ~drop).sum() == 0:
        raise InputError(
            f"every body is smaller than {params.smallest} voxels",
            where=labels.name,
            remedy=f"Choose less than {int(sizes[1:].max()) + 1}.",
        )
    progress(1, 2, "filling in")
    if drop.any():
        nearest = distance_transform_edt(mask, return_distances=False, return_indices=True)
        out[drop] = labels.array()[tuple(n[drop] for n in nearest)]
    progress(2, 2, f"{int(small.sum()):,} islands removed", voxels=float(drop.sum()))
    return {"labels": replace(labels, data=out, name=f"{labels.name} cleaned")}


def _estimate(inputs: Inputs, params: Any) -> Estimate:
    return Estimate(ram=20 * int(np.prod(inputs["labels"].shape)))


def _method(
    name: str, title: str, summary: str, params: type[Params], function: Any, out: Any, cite: str = ""
) -> Method:
    more: dict[str, Any] = {"estimate": _estimate, "preview": by_slab(function, next(iter(out)))}
    return Method(name, title, summary, "Segment", cite, params, LABELS, out, function, **more)


SOILLE = "Soille (2003) Morphological Image Analysis, Springer"
CORRECTIONS = (
    _method(
        "split_watershed",
        "Split touching bodies",
        "Cuts bodies at their necks, by a watershed of the distance map.",
        SplitParams,
        split,
        {"regions": Regions},
        "Meyer (1994) Signal Processing 38, 113",
    ),
    _method(
        "fill_holes",
        "Fill holes",
        "Fills closed holes in a phase.",
        HolesParams,
        fill_holes,
        {"labels": Labels},
        SOILLE,
    ),
    _method(
        "remove_islands",
        "Remove islands",
        "Removes bodies of a phase that are smaller than a limit.",
        IslandsParams,
        remove_islands,
        {"labels": Labels},
        SOILLE,
    ),
)
