"""Box-counting dimension and gliding-box lacunarity, of volumes or of single slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.morphology.phases import summed

Mask = NDArray[np.bool_]


def box_counts(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges e = 1, 2, 4, ... up to half the shortest side, and how many boxes hold any voxel of the phase."""
    edges, counts = [], []
    now, edge = mask, 1
    while edge <= max(1, min(mask.shape) // 2):
        edges.append(edge)
        counts.append(int(np.count_nonzero(now)))
        now = np.pad(now, [(0, n % 2) for n in now.shape])
        for axis in range(mask.ndim):
            halves = [slice(None)] * mask.ndim
            halves[axis] = slice(0, None, 2)
            other = list(halves)
            other[axis] = slice(1, None, 2)
            now = now[tuple(halves)] | now[tuple(other)]
        edge *= 2
    return np.array(edges), np.array(counts)


def fractal_dimension(edges: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    """Minus the slope of ln N over ln e; NaN with fewer than two edges."""
    if len(edges) < 2 or (counts == 0).any():
        return float("nan")
    return float(-np.polyfit(np.log(edges), np.log(counts), 1)[0])


def lacunarity(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Edges r = 1, 2, 4, ... and L(r) = <M^2>/<M>^2 of the voxels M in all boxes of that edge.

    Allain and Cloitre (1991), Phys. Rev. A 44, 3552.
    """
    table = summed(mask)
    edges, values = [], []
    edge = 1
    while edge <= max(1, min(mask.shape) // 2):
        mass = table
        for axis in range(mask.ndim):
            ahead = np.moveaxis(mass, axis, 0)
            mass = np.moveaxis(ahead[edge:] - ahead[:-edge], 0, axis)
        mean = float(mass.mean())
        edges.append(edge)
        values.append(float((mass.astype(np.float64) ** 2).mean()) / mean**2 if mean > 0 else float("nan"))
        edge *= 2
    return np.array(edges), np.array(values)


def lacunarity_slope(edges: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """Slope of ln L over ln r; NaN where there is nothing to fit."""
    if len(edges) < 2 or not np.isfinite(values).all():
        return float("nan")
    return float(np.polyfit(np.log(edges), np.log(values), 1)[0])
