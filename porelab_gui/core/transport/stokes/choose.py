"""Which solver suits an image, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import ParameterError
from porelab_gui.core.transport.conduit.device import pick_device
from porelab_gui.core.transport.stokes.faces import Faces
from porelab_gui.core.transport.stokes.geometry import typical_width

MANY = 20_000_000  # void voxels from which the 0.75 KB each that finite volumes take are more than most machines have


@dataclass(frozen=True)
class Choice:
    """A solver, the reason in words, the width of the channels in voxels, and the torch device of the lattice.

    ``device`` "" is the compiled code on the processor.
    """

    solver: Literal["lbm", "fv"]
    reason: str
    width: float
    device: str = ""


def choose(
    void: NDArray[np.bool_],
    faces: Faces,
    voxel: tuple[float, float, float],
    asked: Literal["auto", "lbm", "fv"],
    device: str = "cpu",
) -> Choice:
    """The solver asked for, or the faster one; ParameterError for the lattice on voxels that are not cubes.

    ``device`` "cuda" is ParameterError where there is none; under "auto" the lattice takes it when it is there.
    """
    cubic = max(voxel) <= min(voxel) * 1.001
    width = typical_width(void)
    if asked == "lbm" and not cubic:
        raise ParameterError(
            "the lattice method needs cubic voxels", where="solver", remedy="Choose fv or auto, or resample the image."
        )
    mixed = not faces.periodic and any(faces.rings)
    if asked == "lbm" and mixed:
        raise ParameterError(
            "the lattice method has no pressure drop between periodic sides", where="sides",
            remedy="Choose fv or auto, sealed sides, or a body force.",
        )  # fmt: skip
    on = "" if asked == "fv" or device == "cpu" else pick_device(device).removeprefix("cpu")
    if asked != "auto":
        return Choice(asked, "it was asked for", width, on)
    if not cubic:
        return Choice("fv", "the voxels are not cubes", width)
    if mixed:
        return Choice("fv", "it has a pressure drop between periodic sides", width)
    if (count := int(np.count_nonzero(void))) > MANY:
        return Choice("lbm", f"it takes a seventh of the memory for {count} void voxels", width, on)
    if device == "cuda":
        return Choice("lbm", "it runs on the CUDA device", width, on)
    return Choice("fv", "it needs the least time", width)
