"""Which solver suits an image, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import ParameterError
from porelab_gui.core.transport.stokes.faces import Faces
from porelab_gui.core.transport.stokes.geometry import typical_width

WIDE = 30.0  # voxels; the lattice needs steps in proportion to the square of the width, the finite volumes do not


@dataclass(frozen=True)
class Choice:
    """A solver, the reason in words, and the width of the channels in voxels."""

    solver: Literal["lbm", "fv"]
    reason: str
    width: float


def choose(
    void: NDArray[np.bool_], faces: Faces, voxel: tuple[float, float, float], asked: Literal["auto", "lbm", "fv"]
) -> Choice:
    """The solver asked for, or the faster one; ParameterError for the lattice on voxels that are not cubes."""
    cubic = max(voxel) <= min(voxel) * 1.001
    width = typical_width(void)
    if asked == "lbm" and not cubic:
        raise ParameterError(
            "the lattice method needs cubic voxels", where="solver", remedy="Choose fv or auto, or resample the image."
        )
    if asked != "auto":
        return Choice(asked, "it was asked for", width)
    if not cubic:
        return Choice("fv", "the voxels are not cubes", width)
    if width >= WIDE:
        return Choice("fv", f"the channels are wide (about {width:.0f} voxels)", width)
    return Choice("lbm", f"the channels are narrow (about {width:.0f} voxels)", width)
