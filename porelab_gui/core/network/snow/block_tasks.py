"""What one block does: its peaks, its regions, its sizes. Each task widens its view until its answer is certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.network.snow import peaks, sizes, sizes_kernels
from porelab_gui.core.network.snow.basins import flood_block
from porelab_gui.core.network.snow.blocks import Box, Job, framed, goes_on, in_frame, slices, widened
from porelab_gui.core.network.snow.distance import squared_distance
from porelab_gui.core.progress import Progress, silent

Ints = NDArray[np.int64]
SLACK = 12  # voxels by which a group of peaks may leave the block that owns it before the view is widened


@dataclass(frozen=True)
class Groups:
    """Peak groups of one phase that begin in one block: members (n, 3), sizes, centres and their distances."""

    members: Ints
    sizes: Ints
    centres: Ints
    distance: NDArray[np.float32]


def view(job: Job, box: Box, phase: int, progress: Progress) -> NDArray[Any]:
    """Squared distance, with shell, of one phase in a box of the image as far as the box shows it."""
    image = job.open("phases")[slices(box)]
    mask = np.ascontiguousarray(image == phase).view(np.uint8)
    return np.pad(squared_distance(mask, job.threads, progress, "", one_label=True), 1)


def reach_of(level: NDArray[Any]) -> int:
    """The longest distance in whole voxels, rounded up."""
    return int(np.ceil(np.sqrt(float(level.max(initial=0)))))


def find_groups(job: Job, core: Box, phase: int, progress: Progress = silent) -> tuple[Groups, int]:
    """The true peaks, before near ones are dropped, that begin in the core; and the longest distance seen."""
    slack = SLACK
    reach = 16
    while True:
        around = slack + peaks.MAXITER + 1 + job.r_max + int(4 * job.sigma + 0.5) + 1
        box = widened(core, around + reach, job.shape)
        level = view(job, box, phase, progress)
        whole = all(b - a == n for (a, b), n in zip(box, job.shape, strict=True))
        # a distance is known where it is no longer than the margin beyond the voxels that matter
        seen = reach_of(level[1:-1, 1:-1, 1:-1][slices(widened(core, around, job.shape), box)])
        if seen > reach and not whole:
            reach = seen + 1
            continue
        found, mark = peaks.candidates(level, job.sigma, job.r_max, job.threads, progress)
        if whole or _stay_near(mark, core, box, slack, job):
            return _owned(level, mark, found, core, box, progress), seen
        slack *= 2


def _stay_near(mark: NDArray[np.uint8], core: Box, box: Box, slack: int, job: Job) -> bool:
    """Whether every group of candidates that enters the core stays within ``slack`` of it."""
    from scipy.ndimage import label

    window = widened(core, slack + 1, job.shape)
    groups, _ = label(mark[1:-1, 1:-1, 1:-1][slices(window, box)] > 0, np.ones((3, 3, 3)))
    inside = np.unique(groups[slices(widened(core, 1, job.shape), window)])
    rim = np.ones(groups.shape, dtype=bool)
    rim[slices(widened(core, slack, job.shape), window)] = False
    return not np.isin(inside[inside > 0], groups[rim]).any()


def _owned(
    level: NDArray[Any], mark: NDArray[np.uint8], found: Ints, core: Box, box: Box, progress: Progress
) -> Groups:
    groups = peaks.true_groups(mark, level, found, progress)
    origin = np.array([a for a, _ in box])
    members = np.stack(np.unravel_index(groups.members, level.shape), axis=1) - 1 + origin
    first = members[groups.starts[:-1]]
    low, high = (np.array([c[k] for c in core]) for k in (0, 1))
    mine = ((first >= low) & (first < high)).all(axis=1)
    counts = np.diff(groups.starts)
    distance = peaks.distance_at(level, groups)
    return Groups(members[np.repeat(mine, counts)], counts[mine], groups.centres[mine] + origin, distance[mine])


def flood_core(job: Job, core: Box, markers: list[tuple[Ints, Ints]], progress: Progress = silent) -> int:
    """Write the labels of the core to regions.npy, certain ones only; returns the margin that was needed.

    ``markers`` per phase: voxels (n, 3) of the whole image and their labels.
    """
    margin = 3 * job.reach + 8
    while True:
        box = widened(core, margin, job.shape)
        low, high = goes_on(box, job.shape)
        part = np.zeros([b - a for a, b in core], dtype=np.int32)
        certain = True
        for phase, (voxels, names) in enumerate(markers, start=1):
            level = view(job, box, phase, progress)
            label = _planted(level.shape, box, voxels, names)
            doubt = flood_block(level, label, low, high, job.threads, progress)
            inside = slices(core, box)
            certain = certain and not doubt[1:-1, 1:-1, 1:-1][inside].any()
            part += label[1:-1, 1:-1, 1:-1][inside]
        if certain:
            job.open("regions", "r+")[slices(core)] = part
            return margin
        margin = margin + margin // 2


def _planted(shape: tuple[int, ...], box: Box, voxels: Ints, names: Ints) -> NDArray[np.int32]:
    low, high = (np.array([c[k] for c in box]) for k in (0, 1))
    here = ((voxels >= low) & (voxels < high)).all(axis=1)
    label = np.zeros(shape, dtype=np.int32)
    label[tuple((voxels[here] - low + 1).T)] = names[here]
    return label


@dataclass(frozen=True)
class Part:
    """Sums of one block in frame coordinates: labels, their sums, greatest inner squares and places, throats."""

    labels: Ints
    sums: Ints
    inner: Ints
    place: Ints
    keys: Ints
    throats: Ints


def measure_core(job: Job, core: Box, faces: list[NDArray[np.int32]], progress: Progress = silent) -> Part:
    """Sums of the part of the frame that a block answers for; writes its squared distances to d2.npy."""
    frame = tuple(n + 2 * job.pad for n in job.shape)
    mine = in_frame(core, job.shape, job.pad)
    box = widened(mine, job.reach + 2, frame)  # type: ignore[arg-type]
    phases = framed(job.open("phases"), box, job.pad)
    inside = slices(mine, box)
    d2 = squared_distance(phases, job.threads, progress, "", one_label=job.phases == 1)
    job.open("d2", "r+")[slices(mine)] = d2[inside]
    regions = framed_regions(job, box, faces)
    names = np.unique(regions)
    names = names if names[0] == 0 else np.concatenate([[0], names])
    local = np.searchsorted(names, regions).astype(np.int32)
    squares = squared_distance(local, job.threads, progress, "", one_label=False, black_border=True)
    return _sums_of(local, d2, squares, names.astype(np.int64), inside, box, frame)


def framed_regions(job: Job, box: Box, faces: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    """A box of the padded regions: the image's, the virtual pores on the pads, 0 on edges and corners."""
    pad, shape = job.pad, job.shape
    out = framed(job.open("regions"), box, pad).astype(np.int32)
    if not pad:
        return out
    index = [np.arange(a, b) - pad for a, b in box]
    side = [np.where(i < 0, -1, np.where(i >= n, 1, 0)) for i, n in zip(index, shape, strict=True)]
    beyond = np.abs(side[0])[:, None, None] + np.abs(side[1])[None, :, None] + np.abs(side[2])[None, None, :]
    out[beyond > 1] = 0
    for axis in range(3):
        others = [k for k in range(3) if k != axis]
        within = [side[k] == 0 for k in others]
        for end, sign in ((0, -1), (1, 1)):
            layers = np.flatnonzero(side[axis] == sign)
            if not len(layers):
                continue
            face = faces[2 * axis + end][np.ix_(*(index[k][w] for k, w in zip(others, within, strict=True)))]
            where: list[Any] = [layers, layers, layers]
            for k, w in zip(others, within, strict=True):
                where[k] = np.flatnonzero(w)
            out[np.ix_(*where)] = np.expand_dims(face, axis)
    return out


def _sums_of(
    local: NDArray[np.int32],
    d2: NDArray[Any],
    squares: NDArray[Any],
    names: Ints,
    inside: tuple[slice, slice, slice],
    box: Box,
    frame: tuple[int, ...],
) -> Part:
    """Sums over the inside of a box whose regions have local numbers, moved to the frame."""
    k = sizes_kernels
    count = len(names) - 1
    z, y, x = inside
    sums = k.empty_sums(count)
    keys, values = np.full(1 << 14, -1, dtype=np.int64), np.zeros((1 << 14, 4), dtype=np.int64)
    keys, values, _ = k.measure_slab(
        local, d2, sums, z.start, z.stop, (y.start, y.stop), (x.start, x.stop), keys, values, 0
    )
    top, place = np.full(count + 1, -1, dtype=np.int64), np.zeros(count + 1, dtype=np.int64)
    core = np.ascontiguousarray(local[inside])
    k.highest_slab(core, np.ascontiguousarray(squares[inside]), top, place, 0, core.shape[0])
    origin = [a for a, _ in box]
    start = [o + s.start for o, s in zip(origin, inside, strict=True)]
    has = np.flatnonzero(sums[:, k.COUNT])
    moved = sums[has]
    for axis, o in enumerate(origin):
        moved[:, k.Z + axis] += o * moved[:, k.COUNT]
        moved[:, [k.Z0 + 2 * axis, k.Z1 + 2 * axis]] += o
    used = keys >= 0
    ends, table = keys[used], values[used].copy()
    table[:, k.PLACE] = _moved(table[:, k.PLACE], local.shape, origin, frame)
    keys = (names[ends >> 32] << 32) | names[ends & 0xFFFFFFFF]
    return Part(names[has], moved, top[has], _moved(place[has], core.shape, start, frame), keys, table)


def _moved(places: Ints, shape: tuple[int, ...], origin: list[int], frame: tuple[int, ...]) -> Ints:
    """Flat places in a box as flat places in the frame."""
    z, y, x = np.unravel_index(places, shape)
    return np.asarray(((z + origin[0]) * frame[1] + y + origin[1]) * frame[2] + x + origin[2], dtype=np.int64)


def highest_in_core(
    job: Job, core: Box, labels: Ints, bounds: Ints, progress: Progress = silent
) -> tuple[Ints, Ints, Ints]:
    """Labels, greatest squares and first places of those bounding boxes that meet a block; ``bounds`` as sums."""
    progress(0, 1, "")
    k = sizes_kernels
    frame = tuple(n + 2 * job.pad for n in job.shape)
    mine = in_frame(core, job.shape, job.pad)
    boxes = bounds.copy()
    meets = np.ones(len(boxes), dtype=bool)
    for axis, (a, b) in enumerate(mine):
        first, last = boxes[:, k.Z0 + 2 * axis] - 1, boxes[:, k.Z1 + 2 * axis] + 1
        meets &= (first < b) & (last >= a)
        # the kernel widens boxes by one voxel itself, and cuts them at the block
        boxes[:, k.Z0 + 2 * axis], boxes[:, k.Z1 + 2 * axis] = first + 1 - a, last - 1 - a
    boxes = np.concatenate([np.zeros((1, boxes.shape[1]), dtype=np.int64), boxes[meets]])
    d2 = np.ascontiguousarray(job.open("d2")[slices(mine)])
    top, place = np.zeros(len(boxes), dtype=np.int64), np.zeros(len(boxes), dtype=np.int64)
    k.highest_in_boxes(d2, boxes, top, place, 1, len(boxes))
    return labels[meets], top[1:], _moved(place[1:], d2.shape, [a for a, _ in mine], frame)


def as_sizes(parts: list[Part], count: int, frame: tuple[int, int, int]) -> sizes.Sizes:
    """The sums of all blocks as those of one image, but for the extended spheres, which need all boxes first."""
    sums = sizes_kernels.empty_sums(count)
    inner, place = np.full(count + 1, -1, dtype=np.int64), np.zeros(count + 1, dtype=np.int64)
    for part in parts:
        rows = part.labels
        sums[rows, :5] += part.sums[:, :5]
        sums[rows, 5::2] = np.minimum(sums[rows, 5::2], part.sums[:, 5::2])
        sums[rows, 6::2] = np.maximum(sums[rows, 6::2], part.sums[:, 6::2])
        raise_first(inner, place, rows, part.inner, part.place)
    conns, throats = sizes.merge_throats([(p.keys, p.throats) for p in parts])
    nothing = np.zeros(count + 1, dtype=np.int64)
    return sizes.Sizes(frame, sums, inner, place, nothing, nothing, conns, throats)


def raise_first(top: Ints, place: Ints, rows: Ints, values: Ints, places: Ints) -> None:
    """Take greater values, and of equal ones the first place in raster order, into ``top`` and ``place``."""
    better = (values > top[rows]) | ((values == top[rows]) & (places < place[rows]))
    top[rows[better]], place[rows[better]] = values[better], places[better]
