"""Which slices to correct, to validate on and to test on; never the same one twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from porelab_gui.core.errors import InputError


@dataclass(frozen=True)
class Split:
    """Slice numbers for training, validation and test, and sentences where one had to move."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    notes: tuple[str, ...] = ()


def training_slices(depth: int, n: int) -> tuple[int, ...]:
    """Equally spaced, k H / (n + 1) for k = 1..n."""
    return tuple(round(k * depth / (n + 1)) for k in range(1, n + 1))


def van_der_corput(index: int) -> float:
    """Point ``index`` (from 1) of the Halton sequence in base 2: 1/2, 1/4, 3/4, 1/8 ..."""
    value, step = 0.0, 0.5
    while index:
        value += step * (index & 1)
        index >>= 1
        step /= 2
    return value


def choose(depth: int, n: int, tests: int = 4, gap: int = 1, train: Sequence[int] = ()) -> Split:
    """Training at equal spacing (or the slices given), validation at 1/3 and 2/3, test at Halton points.

    Slices of different sets lie at least ``gap`` apart. For n = 2, 5, 8 the validation positions would coincide with
    training slices, and for odd n the first test position: the later set gives way to the nearest free slice.
    """
    chosen = tuple(train) or training_slices(depth, n)
    if any(not 0 <= z < depth for z in chosen):
        raise InputError(f"slice {max(chosen)} is outside the stack of {depth}", remedy="Choose slices inside it.")
    notes: list[str] = []
    validation: list[int] = []
    for wanted in (depth // 3, 2 * depth // 3):
        found = _nearest_free(wanted, depth, [*chosen, *validation], gap)
        if found != wanted:
            notes.append(f"validation slice {wanted} lies within {gap} of another slice and moved to {found}")
        validation.append(found)
    test = _halton(depth, tests, [*chosen, *validation], gap)
    return Split(chosen, tuple(validation), tuple(test), tuple(notes))


def among(corrected: Sequence[int], depth: int, tests: int = 4, gap: int = 1) -> Split:
    """A split of the slices that a person stands for, and of no others.

    The corrected slices nearest to 1/3 and 2/3 validate, those nearest to the Halton points test, the rest trains; a
    position counts only when a corrected slice lies within a twentieth of the stack. So the same slices keep their
    purpose while others are added. InputError when nothing is left to train on or to validate on.
    """
    pool = sorted(set(corrected))
    if len(pool) < 2:
        raise InputError(
            f"{len(pool)} slice{'' if len(pool) == 1 else 's'} corrected; training needs one and validation another",
            remedy="Correct at least two slices and mark them as done.",
        )
    near = max(1, depth // 20)
    validation = _nearest_of((depth / 3, 2 * depth / 3), pool, near, len(pool) - 1) or [pool[len(pool) // 2]]
    left = [z for z in pool if z not in validation]
    points = [van_der_corput(i) * depth for i in range(1, tests + 1)]
    test = _nearest_of(points, left, near, len(left) - 1)
    held = [*validation, *test]
    train = tuple(z for z in left if z not in test and all(abs(z - h) >= gap for h in held))
    if not train:
        raise InputError("no corrected slice is left to train on", remedy="Correct another slice or lower the gap.")
    notes = () if test else ("no corrected slice lies at a test position: the score is that of the validation slices",)
    return Split(train, tuple(validation), tuple(test), notes)


def _nearest_of(wanted: Iterable[float], pool: Sequence[int], near: float, most: int) -> list[int]:
    found: list[int] = []
    for place in wanted:
        free = [z for z in pool if z not in found]
        best = min(free, key=lambda z: abs(z - place), default=None)
        if best is not None and abs(best - place) <= near and len(found) < most:
            found.append(best)
    return found


def _nearest_free(wanted: int, depth: int, used: Iterable[int], gap: int) -> int:
    taken = list(used)
    for offset in range(depth):
        for z in (wanted + offset, wanted - offset):
            if 0 <= z < depth and all(abs(z - u) >= gap for u in taken):
                return z
    raise InputError(
        f"there is no slice at least {gap} away from {len(taken)} others in a stack of {depth}",
        remedy="Use fewer training slices or a smaller gap.",
    )


def _halton(depth: int, wanted: int, used: Sequence[int], gap: int) -> list[int]:
    """The first ``wanted`` Halton positions that are free; fewer when the stack has no more."""
    found: list[int] = []
    for index in count(1):
        if len(found) == wanted or index > 4 * depth:
            return found
        z = int(van_der_corput(index) * depth)
        if z not in found and all(abs(z - u) >= gap for u in used):
            found.append(z)
    return found
