"""What both Stokes solvers hand back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Flow:
    """Flow along one axis for a unit pressure gradient and unit viscosity, lengths in units of ``unit`` [m].

    ``permeability`` (3,) mean velocity along z, y, x over the whole image; ``velocity`` (3, z, y, x) and ``pressure``
    (z, y, x) at voxel centres in float32, zero in the solid (numpy, dask when on disk, or None when not kept);
    ``remainder`` the estimated relative distance of K from its limit;
    ``bytes_held`` what the solver kept in memory while it ran.
    """

    permeability: NDArray[np.float64]
    velocity: Any
    pressure: Any
    iterations: int
    remainder: float
    converged: bool
    bytes_held: int = 0
