"""One check against a number known otherwise."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Case:
    """A value of ours, the number it should be, and how far apart they may be and why.

    ``value`` computes ours (a float, in the unit of ``reference``); ``reference`` is a number, or a function where
    it is itself costly. ``tolerance`` is relative to the reference, or absolute when ``absolute`` is set; ``reason``
    says why that tolerance and no other, ``source`` where the reference is from, ``resolution`` what was resolved by
    how many voxels. ``needs`` names a file of the reference data without which the case is skipped.
    """

    name: str
    group: str
    value: Callable[[], float]
    reference: float | Callable[[], float]
    tolerance: float
    reason: str
    source: str
    resolution: str = ""
    unit: str = "1"
    absolute: bool = False
    needs: str = ""

    def expected(self) -> float:
        """The reference as a number."""
        return float(self.reference() if callable(self.reference) else self.reference)

    def error(self, value: float, expected: float) -> float:
        """Distance from the reference, in the same measure as the tolerance."""
        gap = abs(value - expected)
        return gap if self.absolute else gap / abs(expected)

    def missing(self) -> str:
        """The data file that is needed and absent, or ""."""
        return self.needs if self.needs and data_file(self.needs) is None else ""


def data_file(name: str) -> Path | None:
    """A file of the reference data: in $PORELAB_DATA, or ``../shared/data`` beside a checkout; None when absent."""
    checkout = Path(__file__).parents[3]
    folder = os.environ.get("PORELAB_DATA") or checkout.parent / "shared" / "data"
    path = Path(folder) / name
    return path if path.exists() else None


def reference_rock(name: str) -> NDArray[np.bool_] | None:
    """Void of a segmented rock of the reference data (the array ``pore`` of an .npz); None when absent."""
    path = data_file(name)
    if path is None:
        return None
    with np.load(path, allow_pickle=False) as stored:
        return np.asarray(stored["pore"], bool)


def read_reference(name: str) -> list[dict[str, str]]:
    """Rows of a reference CSV (lines that begin with # left out); none when the file is absent."""
    path = data_file(name)
    if path is None:
        return []
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return list(csv.DictReader(lines))


def convergence_order(sizes: Sequence[float], errors: Sequence[float]) -> float:
    """Slope of log error over log voxel size: fitted over at least three voxel sizes ``sizes``, finest last."""
    slope = np.polyfit(np.log(np.asarray(sizes, float)), np.log(np.abs(np.asarray(errors, float))), 1)[0]
    return float(slope)
