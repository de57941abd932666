"""The whole extraction in memory: distance, peaks, regions, boundary pores, sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.network.measures import (
    Measures,
    body_or_count,
    face_of_pads,
    refuse_no_peak,
    touched_faces,
)
from porelab_gui.core.network.snow import pads, peaks, sizes, sizes_kernels
from porelab_gui.core.network.snow.basins import flood
from porelab_gui.core.network.snow.distance import squared_distance
from porelab_gui.core.network.snow.slabs import thread_count
from porelab_gui.core.progress import Progress, within

Preview = Callable[[str, NDArray[Any]], None]


def unheard(stage: str, data: NDArray[Any]) -> None:
    """A Preview that nobody looks at."""


def extract(
    phases: NDArray[np.uint8],
    *,
    sigma: float,
    r_max: int,
    boundary_width: int,
    accuracy: str = "standard",
    threads: int = 0,
    progress: Progress,
    preview: Preview = unheard,
) -> tuple[NDArray[np.int32], Measures]:
    """Regions (image shape) and measures of the phases 1..n (0 is left out).

    ``preview`` gets ("peaks", (n, 3) voxel indices) and ("regions", labels) as soon as they are known.
    """
    threads = thread_count(threads)
    count = int(phases.max(initial=0))
    pad = boundary_width
    wide = np.pad(phases, pad, mode="edge") if pad else np.ascontiguousarray(phases)
    d2 = squared_distance(wide, threads, within(progress, 0, 0.1), "distance map", one_label=count == 1)
    regions = partition(wide, d2, pad, count, sigma, r_max, threads, within(progress, 0.1, 0.6), preview)
    preview("regions", regions)
    progress(0.6, 1, "boundary pores")
    inner = int(regions.max(initial=0))
    if inner == 0:
        refuse_no_peak()
    if pad:
        faces = pads.face_pores(regions, inner + 1)
        frame = pads.padded(regions, faces, pad)
        total = max(inner, *(int(f.max(initial=0)) for f in faces))
    else:
        frame, total = regions, inner
    found = sizes.measure(frame, d2, total, threads, within(progress, 0.62, 0.95))
    progress(0.95, 1, "network")
    finer = triangulated(frame) if accuracy == "high" else None
    return regions, to_measures(found, wide[tuple(inner_places(found).T)], touched_faces(regions, inner), pad, finer)


def partition(
    wide: NDArray[np.uint8],
    d2: NDArray[Any],
    pad: int,
    count: int,
    sigma: float,
    r_max: int,
    threads: int,
    progress: Progress,
    preview: Preview,
) -> NDArray[np.int32]:
    """Regions of all phases, numbered on from phase to phase; ``wide`` and ``d2`` have pads, the result has none."""
    core = (slice(pad, wide.shape[0] - pad), slice(pad, wide.shape[1] - pad), slice(pad, wide.shape[2] - pad))
    shape = tuple(n - 2 * pad for n in wide.shape)
    label = np.zeros([n + 2 for n in shape], dtype=np.int32)
    inside = (slice(1, -1),) * 3
    last = 0
    centres: list[NDArray[np.int64]] = []
    for phase in range(1, count + 1):
        step = within(progress, (phase - 1) / count, phase / count)
        level = np.zeros(label.shape, dtype=d2.dtype)
        np.multiply(d2[core], wide[core] == phase, out=level[inside])
        found = peaks.find(level, sigma, r_max, threads, within(step, 0, 0.4))
        centres.append(found.centres)
        preview("peaks", np.concatenate(centres))
        mine = np.zeros(label.shape, dtype=np.int32) if count > 1 else label
        mine.reshape(-1)[found.members] = np.repeat(np.arange(1, len(found) + 1), np.diff(found.starts))
        flood(level, mine, threads, within(step, 0.4, 1))
        if count > 1:
            label += np.where(mine > 0, mine + np.int32(last), 0)
        last += len(found)
    return np.ascontiguousarray(label[inside])


def inner_places(found: sizes.Sizes) -> NDArray[np.int64]:
    """Voxel indices in the frame of the centres of the inscribed spheres, (n, 3)."""
    return np.stack(np.unravel_index(found.inner_place[1:], found.shape), axis=1)


def to_measures(
    found: sizes.Sizes,
    phase: NDArray[Any],
    touches: NDArray[np.bool_],
    pad: int,
    finer: tuple[NDArray[np.float64], ...] | None = None,
) -> Measures:
    """PoreSpy's measures from the sums; positions move to the image without pads.

    ``phase`` (n,) of each region; ``touches`` (inner, 6) the faces that regions touch, virtual ones left out;
    ``finer`` volumes, surfaces and throat areas that replace those from counting voxels.
    """
    sums, k = found.sums[1:], sizes_kernels
    volume: NDArray[np.float64] = sums[:, k.COUNT].astype(np.float64)
    centroid = sums[:, [k.Z, k.Y, k.X]] / volume[:, None] - pad
    wide = np.stack(np.unravel_index(found.wide_place[1:], found.shape), axis=1)
    shape = tuple(n - 2 * pad for n in found.shape)
    throats, conns = found.throats, found.conns - 1
    area: NDArray[np.float64] = throats[:, k.AREA].astype(np.float64)
    surface = volume * 0 + sums[:, k.SKIN] - np.bincount(conns[:, 0], area, len(sums))
    body: NDArray[np.float64] = volume
    if finer is not None:
        body, surface, area = finer
    return Measures(
        centroid=centroid,
        local_peak=(inner_places(found) - pad).astype(float),
        global_peak=(wide - pad).astype(float),
        volume=volume,
        body=body_or_count(body, volume),
        surface=surface,
        inscribed=diameter(found.inner[1:]),
        extended=diameter(found.wide[1:]),
        phase=phase.astype(np.int64),
        faces=np.concatenate([touches, face_of_pads(centroid[len(touches) :], shape)]),  # type: ignore[arg-type]
        n_boundary=len(volume) - len(touches),
        conns=conns,
        peak=np.stack(np.unravel_index(throats[:, k.PLACE], found.shape), axis=1).astype(float) - pad,
        t_inscribed=diameter(throats[:, k.TOP]),
        t_area=area,
        t_perimeter=throats[:, k.RIM].astype(float),
    )


def diameter(squares: NDArray[np.int64]) -> NDArray[np.float64]:
    """Twice the distance, rounded to single precision once, as PoreSpy's distance map is."""
    return 2.0 * np.sqrt(squares.astype(np.float32)).astype(np.float64)


def triangulated(frame: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Volumes and surfaces of regions and areas of throats from PoreSpy's marching cubes, in voxels."""
    from porespy.metrics import region_interface_areas, region_surface_areas, region_volumes

    from porelab_gui.core.network.porespy_engine import quiet

    with quiet():
        body = region_volumes(regions=frame, method="marching_cubes")
        surface = region_surface_areas(regions=frame, voxel_size=1)
        between = region_interface_areas(regions=frame, areas=surface, voxel_size=1)
    return np.asarray(body, dtype=float), np.asarray(surface, dtype=float), np.asarray(between.area, dtype=float)
