"""What a person has done to labels: the state of each slice, and the automatic result where it was changed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError


class SliceState(IntEnum):
    """Where a slice stands, from nothing to finished."""

    UNTOUCHED = 0  # no labels of its own yet
    AUTOMATIC = 1  # as a Method made it
    CORRECTED = 2  # a person has changed voxels
    DONE = 3  # a person says that it is right

    @property
    def word(self) -> str:
        """The name in lower case, as it is shown and stored."""
        return self.name.lower()


@dataclass(frozen=True)
class Review:
    """The work of a person on an image of ``shape`` (z, y, x).

    ``states`` (z,) holds a SliceState per slice. ``index`` (n,) are the voxels, flat in C order and ascending, whose
    label differs from the automatic result, and ``automatic`` (n,) what that result said there.
    """

    shape: tuple[int, int, int]
    states: NDArray[np.uint8]
    index: NDArray[np.int64]
    automatic: NDArray[np.int64]

    def __post_init__(self) -> None:
        states, index = np.array(self.states, np.uint8), np.array(self.index, np.int64)
        automatic = np.array(self.automatic, np.int64)
        if states.shape != (self.shape[0],) or (states > SliceState.DONE).any():
            raise InputError(f"{len(states)} slice states for {self.shape[0]} slices, or unknown ones")
        outside = len(index) and (index[0] < 0 or index[-1] >= int(np.prod(self.shape)))
        if index.shape != automatic.shape or outside or (np.diff(index) <= 0).any():
            raise InputError("the changed voxels of the review are damaged")
        for name, values in (("states", states), ("index", index), ("automatic", automatic)):
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    @classmethod
    def start(cls, shape: tuple[int, int, int], state: SliceState = SliceState.AUTOMATIC) -> Review:
        """A review before any work."""
        none = np.empty(0, np.int64)
        return cls(shape, np.full(shape[0], state, np.uint8), none, none)

    @property
    def plane(self) -> int:
        """Voxels of a slice."""
        return self.shape[1] * self.shape[2]

    def of_slice(self, z: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where slice ``z`` was changed (flat in the slice), and the automatic labels there."""
        low, high = np.searchsorted(self.index, (z * self.plane, (z + 1) * self.plane))
        return self.index[low:high] - z * self.plane, self.automatic[low:high]

    def automatic_slice(self, z: int, page: NDArray[Any]) -> NDArray[Any]:
        """The automatic result of slice ``z``, whose labels now are ``page``."""
        where, value = self.of_slice(z)
        made = np.array(page)
        made.reshape(-1)[where] = value
        return made

    def with_states(self, states: dict[int, SliceState]) -> Review:
        """The review with other states for some slices."""
        made = np.array(self.states)
        for z, state in states.items():
            if not 0 <= z < len(made):
                raise InputError(f"there is no slice {z}; they run from 0 to {len(made) - 1}")
            made[z] = state
        return Review(self.shape, made, self.index, self.automatic)

    def with_slices(self, changed: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]) -> Review:
        """The review with the changed voxels of some slices replaced: slice to (flat place, automatic label)."""
        kept = ~np.isin(self.index // self.plane, list(changed))
        index = np.concatenate([self.index[kept], *(z * self.plane + where for z, (where, _) in changed.items())])
        value = np.concatenate([self.automatic[kept], *(v for _, v in changed.values())])
        order = np.argsort(index, kind="stable")
        return Review(self.shape, self.states, index[order].astype(np.int64), value[order].astype(np.int64))

    def cropped(self, box: tuple[slice, ...]) -> Review:
        """The review of a part of the image."""
        places = np.unravel_index(self.index, self.shape)
        kept = np.ones(len(self.index), bool)
        for place, part in zip(places, box, strict=True):
            kept &= (place >= part.start) & (place < part.stop)
        shape = tuple(int(part.stop - part.start) for part in box)
        moved = tuple(place[kept] - part.start for place, part in zip(places, box, strict=True))
        index = np.ravel_multi_index(moved, shape)
        return Review(shape, self.states[box[0]], index, self.automatic[kept])  # type: ignore[arg-type]
