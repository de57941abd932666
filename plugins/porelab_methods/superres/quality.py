"""Columns that judge a fine image: against the true one, and by solvers that took no part in its making."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.image.morphology.minkowski import euler_density, surface_density
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Progress
from porelab_gui.core.registry import get
from porelab_methods.superres.blocks import permeabilities

Mask = NDArray[np.bool_]
Shares = NDArray[np.float32]
UNIT = (1.0, 1.0, 1.0)
EULER_NEIGHBOURS = 6


def interpolated(low: Shares, factor: int, order: int, shape: tuple[int, ...]) -> Shares:
    """Low-resolution shares at the fine voxels: order 0 nearest, 1 linear, 3 cubic spline; cropped to ``shape``."""
    made = ndimage.zoom(low, factor, order=order, mode="nearest", grid_mode=True)
    z, y, x = shape
    return np.asarray(made[:z, :y, :x], np.float32)


def psnr(truth: Mask, made: Shares) -> float:
    """Peak signal-to-noise ratio in dB, peak 1."""
    error = float(np.mean((truth.astype(np.float32) - made) ** 2))
    return -10.0 * float(np.log10(max(error, 1e-12)))


def ssim(truth: Mask, made: Shares) -> float:
    """Structural similarity (Wang et al. 2004), window of 7 voxels, values 0..1."""
    from skimage.metrics import structural_similarity

    return float(structural_similarity(truth.astype(np.float32), made, data_range=1.0))


def dice(truth: Mask, made: Mask) -> float:
    """Twice the common void over the sum of both."""
    total = int(truth.sum()) + int(made.sum())
    return 2.0 * int((truth & made).sum()) / total if total else 1.0


def shape_errors(truth: Mask, made: Mask) -> dict[str, float]:
    """Absolute errors of porosity, Euler characteristic per voxel and specific surface per voxel edge."""
    return {
        "porosity_error": abs(float(made.mean()) - float(truth.mean())),
        "euler_error": abs(euler_density(made, UNIT, EULER_NEIGHBOURS) - euler_density(truth, UNIT, EULER_NEIGHBOURS)),
        "surface_error": abs(surface_density(made, UNIT) - surface_density(truth, UNIT)),
    }


def stokes_k(void: Mask, progress: Progress) -> float:
    """K along z in px2 by voxel Stokes flow; 0 where no path leads through."""
    return float(permeabilities(void, progress, (0,))[0])


def network_k(void: Mask) -> float:
    """K along z in px2 by the pore network of the image (SNOW, analytic conductances); 0 where it does not conduct."""
    labels = Labels(void.astype(np.uint8), (1e-6,) * 3)
    try:
        network = get("extract_network")({"labels": labels}, {})["network"]
        network = get("conductance_analytic")({"network": network}, {})["network"]
        table: Any = get("solve_flow")({"network": network}, {"axes": ("z",)})["table"]
        value = float(table["K_m2"][0]) / 1e-12
        return value if np.isfinite(value) else 0.0
    except (InputError, NotConverged):
        return 0.0


def artefacts(low: Shares, made: Mask, factor: int) -> Shares:
    """How far the made image, coarsened again, is off the measured shares (per low-resolution voxel, signed).

    It needs no truth: what it shows cannot be in the rock, because the measurement says otherwise.
    """
    from porelab_methods.superres.pairs import padded, pooled

    return pooled(padded(made, factor), factor)[tuple(slice(0, n) for n in low.shape)] - low
