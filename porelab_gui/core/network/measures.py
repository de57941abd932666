"""What extraction measures, in voxels, and the Network in SI that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Network

FACES = ("face_z0", "face_z1", "face_y0", "face_y1", "face_x0", "face_x1")
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Measures:
    """Sizes of pores and throats in voxel units; positions are voxel indices of the image (pads are negative).

    Pores: ``centroid``, ``local_peak``, ``global_peak`` (Np, 3); ``volume``, ``surface``, ``inscribed``,
    ``extended``, ``phase`` (Np,); ``faces`` (Np, 6) in the order of ``FACES``; the last ``n_boundary`` pores are
    virtual ones. ``body`` is the volume that counts (marching cubes with accuracy "high"). Throats: ``conns`` and
    ``peak`` (Nt, .), ``t_inscribed``, ``t_area``, ``t_perimeter`` (Nt,).
    """

    centroid: Floats
    local_peak: Floats
    global_peak: Floats
    volume: Floats
    body: Floats
    surface: Floats
    inscribed: Floats
    extended: Floats
    phase: Ints
    faces: NDArray[np.bool_]
    n_boundary: int
    conns: Ints
    peak: Floats
    t_inscribed: Floats
    t_area: Floats
    t_perimeter: Floats


def pore_columns(m: Measures, h: float) -> dict[str, Column]:
    """The pore columns in SI for the voxel edge ``h``."""
    count = len(m.volume)
    virtual = np.arange(count) >= count - m.n_boundary
    region_volume = m.volume * h**3
    columns = {
        "region": Column(np.arange(1, count + 1), title="label of the region"),
        "phase": Column(m.phase, title="label of the phase"),
        "volume": Column(m.body * h**3, "m3", "volume"),
        "surface_area": Column(m.surface * h**2, "m2", "surface area"),
        "inscribed_diameter": Column(m.inscribed * h, "m", "largest sphere inside the region"),
        "equivalent_diameter": Column(2 * (0.75 * region_volume / np.pi) ** (1 / 3), "m", "sphere of equal volume"),
        "extended_diameter": Column(m.extended * h, "m", "largest sphere that may leave the region"),
        "boundary": Column(virtual, title="stands for a face of the image"),
    }
    columns |= {name: Column(m.faces[:, k], title="touches this face") for k, name in enumerate(FACES)}
    for k, axis in enumerate("zyx"):
        columns[f"peak_{axis}"] = Column(m.local_peak[:, k] * h, "m", f"centre of the inscribed sphere, {axis}")
    return columns


def throat_columns(m: Measures, h: float) -> dict[str, Column]:
    """The throat columns in SI; lengths in double precision, ``direct_length`` too."""
    one, two = m.centroid[m.conns[:, 0]], m.centroid[m.conns[:, 1]]
    via = np.linalg.norm(one - m.peak, axis=1) + np.linalg.norm(two - m.peak, axis=1)
    area = m.t_area * h**2
    phases = m.phase[m.conns]
    columns = {
        "inscribed_diameter": Column(m.t_inscribed * h, "m", "largest sphere in the throat"),
        "equivalent_diameter": Column(np.sqrt(4 * area / np.pi), "m", "circle of equal area"),
        "cross_sectional_area": Column(area, "m2", "area of the interface"),
        "perimeter": Column(m.t_perimeter * h, "m", "perimeter"),
        "total_length": Column(via * h, "m", "centre to centre through the throat"),
        "direct_length": Column(np.linalg.norm(one - two, axis=1) * h, "m", "centre to centre, straight"),
        "interphase": Column(phases[:, 0] != phases[:, 1], title="joins two phases"),
    }
    for k, axis in enumerate("zyx"):
        columns[f"centre_{axis}"] = Column(m.peak[:, k] * h, "m", f"centre of the throat, {axis}")
    return columns


def to_network(
    m: Measures,
    h: float,
    shape: tuple[int, int, int],
    *,
    porosity: float,
    extraction: Mapping[str, Any],
    name: str = "",
    source: str = "",
) -> Network:
    """The Network of measured regions: voxel edge ``h`` [m], the centre of voxel (0, 0, 0) is the origin."""
    return Network(
        coords=m.centroid * h,
        conns=m.conns,
        pores=pore_columns(m, h),
        throats=throat_columns(m, h),
        size=(shape[0] * h, shape[1] * h, shape[2] * h),
        voxel_size=h,
        porosity=porosity,
        extraction=extraction,
        name=name,
        source=source,
    )


def refuse_no_peak() -> None:
    """InputError: the image has void, and no pore centre in it."""
    raise InputError(
        "no pore was found: the void is nowhere thicker than two voxels",
        remedy="Take an image of higher resolution, or check which labels are marked as void.",
    )


def body_or_count(body: NDArray[Any], count: Floats) -> Floats:
    """Volumes of triangulated regions, and the voxel count where the surface of a region is not closed."""
    found = np.asarray(body, dtype=float)
    return np.where(np.isfinite(found), found, count)


def touched_faces(regions: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Which of the regions 1..count has a voxel in each face of the image, (count, 6)."""
    hit = np.zeros((count + 1, 6), dtype=bool)
    for axis in range(3):
        for end in (0, 1):
            face = regions.take(-end, axis=axis)
            hit[np.unique(face), 2 * axis + end] = True
    return hit[1:]


def face_of_pads(centroid: Floats, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Which face a virtual pore stands for, from its centroid outside the image, (n, 6)."""
    below = centroid < -0.5
    above = centroid > np.asarray(shape) - 0.5
    return np.stack([below, above], axis=2).reshape(len(centroid), 6)
