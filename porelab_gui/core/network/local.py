"""Extraction of the part of an image that a correction reaches, checked against the regions that are there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.network.extract import EXTRACT_NETWORK, ExtractParams
from porelab_gui.core.nouns import Labels, Network
from porelab_gui.core.progress import Progress, within

Box = tuple[slice, slice, slice]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


THROAT_SIZES = ("inscribed_diameter", "cross_sectional_area", "perimeter", "total_length")


@dataclass(frozen=True)
class Part:
    """A box of the image extracted: regions 1..n of the box and their network (its virtual pores come last)."""

    regions: NDArray[Any]
    network: Network

    @property
    def count(self) -> int:
        """Pores that have a region in the image."""
        return int(np.count_nonzero(~np.asarray(self.network.pore("boundary"), bool)))

    @property
    def inner(self) -> Ints:
        """Throats between pores that have a region."""
        conns = self.network.conns
        return conns[(conns < self.count).all(axis=1)]


@dataclass(frozen=True)
class Change:
    """A box before and after a correction; ``twin[i]`` is the old local pore of new local pore i, -1 where none.

    ``same`` marks twins whose numbers are equal too, ``known[j]`` gives the whole network's region of old local pore j.
    """

    box: Box
    old: Part
    new: Part
    twin: Ints
    same: Mask
    known: Ints

    @property
    def fresh(self) -> Mask:
        """New local pores that were not there before, or measure something else."""
        return (self.twin < 0) | ~self.same

    @property
    def gone(self) -> Mask:
        """Old local pores that are no longer there, or measure something else."""
        found = np.ones(self.old.count, bool)
        kept = self.twin[(self.twin >= 0) & self.same]
        found[kept] = False
        return found


def settle(
    before: Mask, after: Mask, regions: NDArray[Any], params: ExtractParams, h: float, progress: Progress
) -> Change:
    """The smallest box about the changed voxels in which the extraction is that of the whole image.

    The box is extracted before and after the correction. It is large enough when every region that differs, and every
    region beside one, is inside it and is a region of the whole image, voxel for voxel. Else it grows.
    """
    places = np.argwhere(before != after)
    low, high = places.min(axis=0), places.max(axis=0) + 1
    margin = 24
    while True:
        box = tuple(
            slice(max(0, int(a) - margin), min(n, int(b) + margin))
            for a, b, n in zip(low, high, before.shape, strict=True)
        )
        whole = all(s.start == 0 and s.stop == n for s, n in zip(box, before.shape, strict=True))
        step = within(progress, 0.0, 1.0, f"extracting {' x '.join(str(s.stop - s.start) for s in box)} voxels")
        old = extract(before[box], params, h, within(step, 0.0, 0.5))
        new = extract(after[box], params, h, within(step, 0.5, 1.0))
        change = compared((box[0], box[1], box[2]), old, new, regions[box])
        if whole or _holds(change, before.shape):
            return change
        margin = int(margin * 1.6)


def extract(mask: Mask, params: ExtractParams, h: float, progress: Progress) -> Part:
    """One box, its pores numbered as its regions."""
    made = EXTRACT_NETWORK({"labels": Labels(mask.astype(np.uint8), (h,) * 3)}, params, progress)
    network, regions = made["network"], made["regions"]
    assert isinstance(network, Network)
    return Part(np.asarray(regions.data), network)  # type: ignore[attr-defined]


def twins(old: NDArray[Any], new: NDArray[Any], old_count: int, new_count: int) -> Ints:
    """For each label 1..n of ``new`` the label of ``old`` with exactly the same voxels, counted from 0; -1 for none."""
    pairs = old.astype(np.int64) * (new_count + 1) + new
    found, counts = np.unique(pairs, return_counts=True)
    one, two = found // (new_count + 1), found % (new_count + 1)
    olds, news = (np.bincount(a.ravel().astype(np.int64), minlength=n + 1)
                  for a, n in ((old, old_count), (new, new_count)))  # fmt: skip
    equal = (one > 0) & (two > 0) & (counts == olds[one]) & (counts == news[two])
    twin = np.full(new_count, -1, np.int64)
    twin[two[equal] - 1] = one[equal] - 1
    return twin


def compared(box: Box, old: Part, new: Part, regions: NDArray[Any]) -> Change:
    """What two extractions of a box have in common, and which of the old regions the whole image has too."""
    twin = twins(old.regions, new.regions, old.count, new.count)
    same = np.zeros(new.count, bool)
    paired = np.flatnonzero(twin >= 0)
    equal = np.ones(len(paired), bool)
    for key in ("surface_area", "inscribed_diameter", "extended_diameter", "volume"):
        equal &= np.isclose(old.network.pore(key)[twin[paired]], new.network.pore(key)[paired], rtol=1e-9)
    same[paired] = equal
    _compare_throats(old.network, new.network, twin, same)
    names, compact = np.unique(regions, return_inverse=True)
    if names[0] != 0:
        names, compact = np.concatenate([[0], names]), compact + 1
    found = twins(compact.reshape(regions.shape), old.regions, len(names) - 1, old.count)
    known = np.where(found >= 0, names[np.clip(found, 0, None) + 1] if len(names) > 1 else 0, 0)
    return Change(box, old, new, twin, same, known.astype(np.int64))


def _compare_throats(old: Network, new: Network, twin: Ints, same: Mask) -> None:
    """Take from ``same`` the pores of throats that measure something else now."""
    rows = {(min(a, b), max(a, b)): k for k, (a, b) in enumerate(old.conns.tolist())}
    for k, (a, b) in enumerate(new.conns.tolist()):
        if max(a, b) >= len(twin) or min(twin[a], twin[b]) < 0:
            continue
        row = rows.get((min(twin[a], twin[b]), max(twin[a], twin[b])))
        if row is None or any(not np.isclose(old.throat(c)[row], new.throat(c)[k], rtol=1e-9) for c in THROAT_SIZES):
            same[[a, b]] = False


def _holds(change: Change, shape: tuple[int, ...]) -> bool:
    """Whether all that differs, and all beside it, is inside the box and known to the whole image."""
    gone, fresh = change.gone, change.fresh
    beside_old = gone | beside(change.old.inner, gone)
    beside_new = beside(change.new.inner, fresh) & ~fresh
    beside_old[change.twin[beside_new]] = True
    if (change.known[beside_old] == 0).any():
        return False
    edge = np.zeros(change.old.regions.shape, bool)
    for axis, (part, n) in enumerate(zip(change.box, shape, strict=True)):
        for inside, end in ((part.start > 0, 0), (part.stop < n, -1)):
            if inside:
                np.moveaxis(edge, axis, 0)[end] = True
    cut_old = np.unique(change.old.regions[edge])
    cut_new = np.unique(change.new.regions[edge])
    return not (beside_old[cut_old[cut_old > 0] - 1].any() or fresh[cut_new[cut_new > 0] - 1].any())


def beside(conns: Ints, marked: Mask) -> Mask:
    """Pores that share a throat with a marked one."""
    found = np.zeros(len(marked), bool)
    found[conns[marked[conns[:, 1]], 0]] = True
    found[conns[marked[conns[:, 0]], 1]] = True
    return found
