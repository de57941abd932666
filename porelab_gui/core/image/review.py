"""Labels that a person works on: slices and their states, and what was changed against the automatic result.

Whoever needs slices that a person stands for asks ``slices_in(labels, SliceState.CORRECTED, SliceState.DONE)``; a new
automatic result takes those slices over with ``carried_over``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Labels
from porelab_gui.core.review import Review, SliceState

BY_HAND = (SliceState.CORRECTED, SliceState.DONE)


def review_of(labels: Labels) -> Review:
    """The review of the labels; a fresh one, every slice automatic, where there is none."""
    return labels.review or Review.start(labels.shape)


def slices_in(labels: Labels, *states: SliceState) -> tuple[int, ...]:
    """The slices that stand in one of these states, ascending."""
    return tuple(int(z) for z in np.flatnonzero(np.isin(review_of(labels).states, states)))


def with_states(labels: Labels, states: dict[int, SliceState]) -> Labels:
    """The labels with other states for some slices; InputError for a slice that is not there."""
    return replace(labels, review=review_of(labels).with_states(states))


def automatic(labels: Labels) -> Labels:
    """The automatic result that the labels were corrected from, in memory."""
    found = review_of(labels)
    data = np.array(labels.array())
    data.reshape(-1)[found.index] = found.automatic
    return replace(labels, data=data, review=None)


def recorded(before: Labels, data: Any, slices: Iterable[int]) -> Labels:
    """The labels with ``data`` in place of theirs, where a person changed ``slices``: these become corrected.

    A slice that is done stays done; a slice whose voxels are as before keeps its state.
    """
    found = review_of(before)
    changed: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    states: dict[int, SliceState] = {}
    for z in slices:
        old, new = np.asarray(before.data[z]), np.asarray(data[z])
        if np.array_equal(old, new):
            continue
        first = found.automatic_slice(z, old).reshape(-1)
        where = np.flatnonzero(first != new.reshape(-1))
        changed[z] = where, first[where].astype(np.int64)
        states[z] = SliceState.DONE if found.states[z] == SliceState.DONE else SliceState.CORRECTED
    review = found.with_slices(changed).with_states(states) if changed else found
    return replace(before, data=data, review=review)


def carried_over(fresh: Labels, earlier: Labels, states: tuple[SliceState, ...] = BY_HAND) -> Labels:
    """A new automatic result with the slices of ``earlier`` that a person corrected or finished put in their place."""
    if fresh.shape != earlier.shape:
        raise InputError(f"the new labels are {fresh.shape} and the earlier ones {earlier.shape}", where=fresh.name)
    kept = slices_in(earlier, *states)
    data = np.array(fresh.array())
    data = data.astype(np.promote_types(data.dtype, earlier.data.dtype), copy=False)
    for z in kept:
        data[z] = earlier.data[z]
    found = review_of(earlier)
    named = {**fresh.phases, **earlier.phases}
    made = recorded(replace(fresh, review=None, phases=named), data, kept)
    return with_states(made, {z: SliceState(int(found.states[z])) for z in kept})


@dataclass(frozen=True)
class Changes:
    """Pixels of each slice: ``changed`` against the automatic result, ``pores`` of that result, all ``pixels``."""

    changed: NDArray[np.int64]
    pores: NDArray[np.int64]
    pixels: int

    @property
    def of_all(self) -> float:
        """Changed pixels over all pixels."""
        return float(self.changed.sum()) / max(1, self.pixels * len(self.changed))

    @property
    def of_pores(self) -> float:
        """Changed pixels over the pore pixels of the automatic result; infinite where there were none."""
        changed, pores = float(self.changed.sum()), float(self.pores.sum())
        return changed / pores if pores else (float("inf") if changed else 0.0)


def slice_changes(
    automatic: NDArray[Any], now: NDArray[Any], void: tuple[int, ...], void_only: bool
) -> tuple[int, int]:
    """Changed pixels and automatic pore pixels of one slice; ``void_only`` counts changes between void and solid."""
    pore = np.isin(automatic, void)
    differs = pore != np.isin(now, void) if void_only else automatic != now
    return int(np.count_nonzero(differs)), int(np.count_nonzero(pore))


def changes(labels: Labels, void_only: bool = False) -> Changes:
    """What a person changed in the labels, by their review; slices that nobody touched are read for their pores."""
    found = review_of(labels)
    rows = []
    for z in range(labels.shape[0]):
        now = np.asarray(labels.data[z])
        rows.append(slice_changes(found.automatic_slice(z, now), now, labels.void, void_only))
    counts = np.array(rows, np.int64)
    return Changes(counts[:, 0], counts[:, 1], found.plane)
