"""A first pressure for the lattice: what the image would do if every voxel were a Darcy medium of its own width.

In tight rock the pressure of the lattice finds its shape by diffusion, far slower than the velocity finds its. Solving
div(d^2 grad p) = 0 with d the distance from the wall gives it that shape beforehand; the result does not depend on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.transport.stokes.faces import Faces

SHAPE = 0.85  # mean of d^2 over a channel against its permeability: tube 0.75, square duct 0.84, slit 1


def first_pressure(void: NDArray[np.bool_], faces: Faces, tolerance: float = 1e-3) -> tuple[NDArray[np.float64], float]:
    """Pressure per void voxel in raster order for a unit gradient along the axis (mean zero), and a guess of K.

    The guess is in voxels squared. With periodic faces the pressure is the periodic part that is left when the body
    force drives the flow.
    """
    matrix, source = darcy(void, faces)
    pressure = _relax(matrix, source, tolerance)
    mobility = edt_squared(void)
    here, there = _pairs(void, faces.axis, faces.periodic)
    index = np.cumsum(void.reshape(-1), dtype=np.int64).reshape(void.shape) - 1
    drop = pressure[index[here]] - pressure[index[there]] + (1.0 if faces.periodic else 0.0)
    flux = float(np.sum(2 * drop / (1 / mobility[here] + 1 / mobility[there])))
    return pressure, max(SHAPE * flux / void.size, 1e-6)


def edt_squared(void: NDArray[np.bool_], spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> NDArray[np.float64]:
    """Squared distance to the solid; the faces of the image are no walls. One where there is no solid."""
    from edt import edt

    distance = edt(np.ascontiguousarray(void), anisotropy=spacing, black_border=False).astype(np.float64)
    return np.where(np.isfinite(distance), distance, 1.0) ** 2


def darcy(void: NDArray[np.bool_], faces: Faces, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)):  # type: ignore[no-untyped-def]
    """Seven-point matrix of the void voxels and its right-hand side."""
    from scipy.sparse import coo_array

    width = edt_squared(void, spacing)
    index = np.cumsum(void.reshape(-1), dtype=np.int64).reshape(void.shape) - 1
    n = int(np.count_nonzero(void))
    source, diagonal = np.zeros(n), np.zeros(n)
    rows, columns, values = [], [], []
    for axis in range(3):
        here, there = _pairs(void, axis, faces.periodic)
        a, b = index[here], index[there]
        g = 2 / (1 / width[here] + 1 / width[there]) / spacing[axis] ** 2
        rows += [a, b]
        columns += [b, a]
        values += [-g, -g]
        np.add.at(diagonal, a, g)
        np.add.at(diagonal, b, g)
        if axis == faces.axis and faces.periodic:
            np.add.at(source, a, -g)
            np.add.at(source, b, g)
    if not faces.periodic:
        for end, sign in ((0, 1), (-1, -1)):
            face = np.take(void, end, axis=faces.axis)
            cells = np.take(index, end, axis=faces.axis)[face]
            g = 2 * np.take(width, end, axis=faces.axis)[face] / spacing[faces.axis] ** 2
            diagonal[cells] += g
            source[cells] += g * sign * void.shape[faces.axis] / 2
    every = np.arange(n)
    data = np.concatenate([*values, diagonal])
    place = (np.concatenate([*rows, every]), np.concatenate([*columns, every]))
    return coo_array((data, place), shape=(n, n)).tocsr(), source


def _pairs(void: NDArray[np.bool_], axis: int, periodic: bool):  # type: ignore[no-untyped-def]
    """Coordinates of neighbouring void voxels along an axis: the first of each pair, and the second."""
    after = np.roll(void, -1, axis=axis)
    if not periodic:
        last = tuple(slice(None) if a != axis else -1 for a in range(3))
        after[last] = False
    here = np.nonzero(void & after)
    there = list(here)
    there[axis] = (here[axis] + 1) % void.shape[axis]
    return here, tuple(there)


def _relax(matrix, source: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    from pyamg import smoothed_aggregation_solver

    levels = smoothed_aggregation_solver(
        matrix, max_coarse=100, smooth=("jacobi", {"omega": 4 / 3, "weighting": "local"})
    )
    pressure = levels.solve(source, tol=tolerance, accel="cg", maxiter=60)
    return np.asarray(pressure - pressure.mean(), dtype=np.float64)
