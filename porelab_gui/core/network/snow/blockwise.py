"""Extraction of images that do not fit in memory: the same network, block by block.

Peaks and regions of a block depend on what lies around it. Each task looks as far beyond its block as it needs to be
certain: distances are right up to the way to what is not seen, and doubt about a voxel is passed on to every voxel
that might drain through it. While doubt reaches the block the view is widened. So the labels are those of the whole
image, not nearly so. Between the tasks only peaks and sums travel; images stay on disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.network.measures import Measures, refuse_no_peak, touched_faces
from porelab_gui.core.network.snow import block_tasks as tasks
from porelab_gui.core.network.snow import pads, peaks
from porelab_gui.core.network.snow.blocks import Box, Job, Shape, cores, run_blocks
from porelab_gui.core.network.snow.engine import Preview, inner_places, to_measures, unheard
from porelab_gui.core.network.snow.sizes import Sizes
from porelab_gui.core.network.snow.slabs import thread_count
from porelab_gui.core.progress import Progress, within

Ints = NDArray[np.int64]


@contextlib.contextmanager
def dask_client(address: str) -> Iterator[Any]:
    """A client of the scheduler at that address; None without one."""
    if not address:
        yield None
        return
    from distributed import Client

    with Client(address, timeout="10s", set_as_default=False) as client:
        yield client


def extract(
    folder: str,
    shape: Shape,
    phases: int,
    *,
    sigma: float,
    r_max: int,
    boundary_width: int,
    block_size: int,
    threads: int = 0,
    scheduler: str = "",
    progress: Progress,
    preview: Preview = unheard,
) -> tuple[NDArray[np.int32], Measures]:
    """Regions (mapped from ``folder``) and measures of phases.npy in that folder, which holds labels 0..phases.

    ``block_size`` is the edge of blocks in voxels. With a ``scheduler`` the blocks go to the workers of Dask, which
    must see the folder.
    """
    job = Job(folder, shape, phases, sigma, r_max, boundary_width, thread_count(threads))
    job.create("regions", shape, np.int32)
    blocks = cores(shape, block_size)
    with dask_client(scheduler) as client:
        found, markers, reach = _markers(job, blocks, client, within(progress, 0, 0.35))
        job = replace(job, reach=reach)
        preview("peaks", np.concatenate([voxels for voxels, _ in markers]))
        items = [(job, core, markers) for core in blocks]
        run_blocks(tasks.flood_core, items, client, within(progress, 0.35, 0.7), "regions, block by block")
        regions = job.open("regions")
        preview("regions", regions)
        faces = pads.face_pores(regions, found + 1) if boundary_width else []
        total = max([found, *(int(f.max(initial=0)) for f in faces)])
        sizes = _measure(job, blocks, faces, total, client, within(progress, 0.7, 1))
    phase = _phase_at(job, inner_places(sizes))
    return regions, to_measures(sizes, phase, touched_faces(regions, found), boundary_width)  # type: ignore[return-value]


def _markers(job: Job, blocks: list[Box], client: Any, progress: Progress) -> tuple[int, list[tuple[Ints, Ints]], int]:
    """How many pores there are, the marker voxels and labels per phase, and the longest distance."""
    markers, last, reach = [], 0, 1
    for phase in range(1, job.phases + 1):
        items = [(job, core, phase) for core in blocks]
        step = within(progress, (phase - 1) / job.phases, phase / job.phases)
        found = run_blocks(tasks.find_groups, items, client, step, "peaks, block by block")
        reach = max(reach, *(seen for _, seen in found))
        voxels, names = _select([groups for groups, _ in found], job.shape)
        markers.append((voxels, names + last))
        last += int(names.max(initial=0))
    if last == 0:
        refuse_no_peak()
    return last, markers, reach


def _select(parts: list[tasks.Groups], shape: Shape) -> tuple[Ints, Ints]:
    """Voxels and labels 1..n of the groups of all blocks that no nearer one displaces, in raster order."""
    members = np.concatenate([p.members for p in parts])
    counts = np.concatenate([p.sizes for p in parts])
    starts = np.concatenate([[0], np.cumsum(counts)])
    first = np.ravel_multi_index(tuple(members[starts[:-1]].T), shape)
    order = np.argsort(first)
    centres = np.concatenate([p.centres for p in parts])[order]
    distance = np.concatenate([p.distance for p in parts])[order]
    drop = peaks.nearby_dropped(peaks.Peaks(starts, starts, centres), distance)
    label = np.zeros(len(order), dtype=np.int64)
    label[order[~drop]] = np.arange(1, int((~drop).sum()) + 1)
    names = np.repeat(label, counts)
    return members[names > 0], names[names > 0]


def _measure(
    job: Job, blocks: list[Box], faces: list[NDArray[np.int32]], total: int, client: Any, progress: Progress
) -> Sizes:
    frame = tuple(n + 2 * job.pad for n in job.shape)
    job.create("d2", frame, np.uint16 if (job.reach + 2) ** 2 < 65535 else np.uint32)
    items = [(job, core, faces) for core in blocks]
    parts = run_blocks(tasks.measure_core, items, client, within(progress, 0, 0.8), "sizes, block by block")
    sizes = tasks.as_sizes(parts, total, frame)  # type: ignore[arg-type]
    labels = np.arange(1, total + 1)
    boxes = [(job, core, labels, sizes.sums[1:]) for core in blocks]
    found = run_blocks(tasks.highest_in_core, boxes, client, within(progress, 0.8, 1), "extended spheres")
    top, place = np.full(total + 1, -1, dtype=np.int64), np.zeros(total + 1, dtype=np.int64)
    for names, values, places in found:
        tasks.raise_first(top, place, names, values, places)
    return replace(sizes, wide=top, wide_place=place)


def _phase_at(job: Job, places: Ints) -> NDArray[np.uint8]:
    """The phase at places of the frame; a pad has that of the face below it."""
    inside = np.clip(places - job.pad, 0, np.asarray(job.shape) - 1)
    return np.asarray(job.open("phases")[tuple(inside.T)])
