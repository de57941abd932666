"""Measured samples on disk: a long evaluation that is stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.atomic import writing
from porelab_gui.core.image.morphology.correlation import two_point
from porelab_gui.core.image.morphology.thickness import local_thickness
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Progress
from porelab_methods.rock_gan.properties import measure

NAMES = ("porosity", "specific_surface", "euler_density", "permeability", "pore_size", "throat_size")
EVERY = 10  # samples between two writings
LAGS = 24  # voxels of the correlation function that are kept
SIZES = 12  # diameters that the pore-size distribution tells apart
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Properties (n,) by name in SI, correlation functions (n, lags), shares of pore space up to a size (n, sizes)."""

    values: dict[str, Floats]
    s2: Floats
    sizes: Floats

    def __len__(self) -> int:
        return len(self.s2)


def size_edges(voxel: float) -> Floats:
    """Diameters (m) up to which the pore-size distribution is told."""
    return np.geomspace(2.0, 32.0, SIZES) * voxel


def one_sample(labels: Labels) -> dict[str, Any]:
    """All numbers of one rock, as they are stored."""
    mask, voxel = labels.void_mask(), labels.voxel_size
    found = two_point(mask, voxel, LAGS)
    thick = local_thickness(mask, voxel, SIZES)[mask] if mask.any() else np.zeros(1)
    share = [float(np.mean(thick <= e)) for e in size_edges(voxel[0])]
    return {**measure(labels, NAMES), "s2": found.axes.mean(0).tolist(), "sizes": share}


def measured(
    path: Path, count: int, make: Callable[[int], Labels], progress: Progress, words: str, key: str = ""
) -> Measured:
    """Samples 0..count-1 of ``make``; those that ``path`` holds (under the same ``key``) are not made again."""
    rows = _stored(path, key)
    for i in range(len(rows), count):
        progress(i, count, f"{words} {i + 1} of {count}")
        rows.append(one_sample(make(i)))
        if (i + 1) % EVERY == 0 or i + 1 == count:
            _store(path, key, rows)
    return gathered(rows[:count])


def gathered(rows: Sequence[dict[str, Any]]) -> Measured:
    """Rows as arrays; lags and sizes as long as the shortest."""
    lags = min((len(r["s2"]) for r in rows), default=0)
    values = {n: np.array([r[n] for r in rows], float) for n in NAMES}
    return Measured(values, np.array([r["s2"][:lags] for r in rows]), np.array([r["sizes"] for r in rows]))


def _stored(path: Path, key: str) -> list[dict[str, Any]]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return list(body["rows"]) if isinstance(body, dict) and body.get("key") == key else []


def _store(path: Path, key: str, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path, "w") as handle:
        json.dump({"key": key, "rows": rows}, handle)
