"""Sizes of regions and throats: one pass over the regions, one distance map inside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.network.snow import sizes_kernels as kernels
from porelab_gui.core.network.snow.distance import squared_distance
from porelab_gui.core.network.snow.slabs import each, ranges
from porelab_gui.core.progress import Progress, within

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sizes:
    """Sums in voxels of the frame (pads included). ``sums`` (n + 1, 11) as the kernels' fields, row 0 unused.

    ``inner``, ``wide`` (n + 1,): greatest squares of the distance inside the region alone and of the void's distance
    in the region's box, with flat places. ``conns`` (Nt, 2) labels; ``throats`` (Nt, 4) as the kernels' fields.
    """

    shape: tuple[int, int, int]
    sums: Ints
    inner: Ints
    inner_place: Ints
    wide: Ints
    wide_place: Ints
    conns: Ints
    throats: Ints


def measure(regions: NDArray[np.int32], d2: NDArray[Any], count: int, threads: int, progress: Progress) -> Sizes:
    """All sums of the regions 1..count; ``d2`` is the squared distance to the end of the phase."""
    sums, conns, throats = _first_pass(regions, d2, count, threads, within(progress, 0, 0.4))
    wide, wide_place = _boxes(d2, sums, threads, within(progress, 0.4, 0.5))
    squares = squared_distance(
        regions, threads, within(progress, 0.5, 0.85), "inscribed spheres", one_label=False, black_border=True
    )
    inner, inner_place = _highest(regions, squares, count, threads, within(progress, 0.85, 1))
    return Sizes(regions.shape, sums, inner, inner_place, wide, wide_place, conns, throats)  # type: ignore[arg-type]


def _shares(nz: int, layer: int, threads: int) -> list[list[tuple[int, int]]]:
    """Neighbouring slabs shared out among the threads, each in rising order."""
    slabs = ranges(0, nz, layer, threads)
    each_has = -(-len(slabs) // threads)
    return [slabs[k : k + each_has] for k in range(0, len(slabs), each_has)]


def _first_pass(
    regions: NDArray[np.int32], d2: NDArray[Any], count: int, threads: int, progress: Progress
) -> tuple[Ints, Ints, Ints]:
    nz, ny, nx = regions.shape
    states = [
        [kernels.empty_sums(count), np.full(1 << 14, -1, dtype=np.int64), np.zeros((1 << 14, 4), dtype=np.int64), 0]
        for _ in range(threads)
    ]
    shares = _shares(nz, ny * nx, threads)

    def add(state: list[Any], start: int, stop: int) -> None:
        state[1:] = kernels.measure_slab(regions, d2, state[0], start, stop, (0, ny), (0, nx), *state[1:])

    turns = len(shares[0])
    for turn in range(turns):
        items = [(s, *share[turn]) for s, share in zip(states, shares, strict=False) if turn < len(share)]
        each(add, items, threads, within(progress, turn / turns, (turn + 1) / turns), "sizes")
    return merge_sums([s[0] for s in states]), *merge_throats([(s[1], s[2]) for s in states])


def merge_sums(parts: list[Ints]) -> Ints:
    """Sums of several pieces of one image."""
    total = parts[0].copy()
    for part in parts[1:]:
        total[:, :5] += part[:, :5]
        total[:, 5::2] = np.minimum(total[:, 5::2], part[:, 5::2])
        total[:, 6::2] = np.maximum(total[:, 6::2], part[:, 6::2])
    return total


def merge_throats(parts: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """Throat tables of several pieces as (conns, sums), sorted by the lower and then the higher label."""
    keys = np.concatenate([k[k >= 0] for k, _ in parts])
    values = np.concatenate([v[k >= 0] for k, v in parts])
    # within a throat the highest comes first, and of equally high ones the first in raster order
    order = np.lexsort((values[:, kernels.PLACE], -values[:, kernels.TOP], keys))
    keys, values = keys[order], values[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    merged = values[first].copy()
    if len(first):
        merged[:, :2] = np.add.reduceat(values[:, :2], first, axis=0)
    ends = keys[first]
    return np.stack([ends >> 32, ends & 0xFFFFFFFF], axis=1), merged


def _boxes(d2: NDArray[Any], sums: Ints, threads: int, progress: Progress) -> tuple[Ints, Ints]:
    top, place = np.zeros(len(sums), dtype=np.int64), np.zeros(len(sums), dtype=np.int64)
    step = max(1, min(2000, -(-len(sums) // threads)))

    def work(a: int) -> None:
        kernels.highest_in_boxes(d2, sums, top, place, a, min(a + step, len(sums)))

    each(work, [(a,) for a in range(1, len(sums), step)], threads, progress, "extended spheres")
    return top, place


def _highest(
    regions: NDArray[np.int32], squares: NDArray[Any], count: int, threads: int, progress: Progress
) -> tuple[Ints, Ints]:
    nz, ny, nx = regions.shape
    shares = _shares(nz, ny * nx, threads)
    tops = [np.full(count + 1, -1, dtype=np.int64) for _ in shares]
    places = [np.zeros(count + 1, dtype=np.int64) for _ in shares]

    def work(k: int) -> None:
        for a, b in shares[k]:
            kernels.highest_slab(regions, squares, tops[k], places[k], a, b)

    each(work, [(k,) for k in range(len(shares))], threads, progress, "inscribed spheres")
    top, place = tops[0], places[0]
    for other, spot in zip(tops[1:], places[1:], strict=True):
        better = other > top
        top[better], place[better] = other[better], spot[better]
    return top, place
