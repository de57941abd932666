"""PoreSpy's own SNOW2, stage by stage, with the watershed kept inside the void: the oracle and the second engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.network.measures import (
    Measures,
    body_or_count,
    face_of_pads,
    refuse_no_peak,
    touched_faces,
)
from porelab_gui.core.progress import Progress, within


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """PoreSpy without its progress bars."""
    import porespy

    before = porespy.settings.tqdm["disable"]
    porespy.settings.tqdm["disable"] = True
    try:
        yield
    finally:
        porespy.settings.tqdm["disable"] = before


def partition(void: NDArray[np.bool_], sigma: float, r_max: int, progress: Progress) -> NDArray[np.int64]:
    """Regions of one phase: PoreSpy's peaks and scikit-image's watershed, masked to the phase.

    PoreSpy floods without a mask: void clusters without a peak are then reached through the solid and give
    throats that do not exist (up to 4.7 % of all).
    """
    import scipy.ndimage as spim
    from porespy.filters import find_peaks, trim_nearby_peaks, trim_saddle_points
    from porespy.tools import get_edt
    from porespy.tools._label import _label_components
    from skimage.segmentation import watershed

    progress(0, 6, "distance map")
    dt = get_edt()(void)
    progress(1, 6, "peaks")
    blurred = spim.gaussian_filter(dt, sigma=sigma) * void if sigma > 0 else dt.copy()
    peaks = find_peaks(dt=blurred, r_max=r_max)
    progress(2, 6, "saddle points")
    peaks = trim_saddle_points(peaks=peaks, dt=dt)
    progress(3, 6, "peaks too near")
    peaks = trim_nearby_peaks(peaks=peaks, dt=dt)
    markers, _ = _label_components(peaks > 0, conn="max")
    progress(4, 6, "watershed")
    if not markers.any():
        return np.zeros(void.shape, dtype=np.int64)
    return watershed(image=-dt, markers=markers, mask=void)


def extract(
    phases: NDArray[np.uint8],
    *,
    sigma: float,
    r_max: int,
    boundary_width: int,
    accuracy: str,
    progress: Progress,
) -> tuple[NDArray[np.int32], Measures]:
    """Regions (image shape) and measures of the phases 1..n (0 is left out)."""
    with quiet():
        regions = np.zeros(phases.shape, dtype=np.int64)
        values = np.unique(phases[phases > 0])
        for k, value in enumerate(values):
            step = within(progress, 0.6 * k / len(values), 0.6 * (k + 1) / len(values))
            found = partition(phases == value, sigma, r_max, step)
            regions += found + regions.max() * (found > 0)
        if not regions.any():
            refuse_no_peak()
        progress(0.6, 1, "boundary pores")
        inside = regions.astype(np.int32)
        if boundary_width:
            from porespy.networks import add_boundary_regions

            regions = add_boundary_regions(regions, pad_width=boundary_width)
            phases = np.pad(phases, boundary_width, mode="edge")
        progress(0.65, 1, "measures")
        return inside, measure(regions, phases, inside, boundary_width, accuracy)


def measure(
    regions: NDArray[Any], phases: NDArray[Any], inside: NDArray[np.int32], pad: int, accuracy: str
) -> Measures:
    """PoreSpy's measures of a region image that is ``pad`` voxels wider on each side than the image ``inside``."""
    from porespy.networks import regions_to_network

    net = regions_to_network(regions, phases=phases.astype(np.int64), accuracy=accuracy, voxel_size=1)
    count = int(inside.max(initial=0))
    centroid = net["pore.coords"] - pad
    faces = np.concatenate([touched_faces(inside, count), face_of_pads(centroid[count:], inside.shape)])  # type: ignore[arg-type]
    return Measures(
        centroid=centroid,
        # PoreSpy reads this peak from an image with one voxel more on each side
        local_peak=net["pore.local_peak"] - pad - 1,
        global_peak=net["pore.global_peak"] - pad,
        volume=net["pore.region_volume"],
        body=body_or_count(net["pore.volume"], net["pore.region_volume"]),
        surface=np.asarray(net["pore.surface_area"], dtype=float),
        inscribed=net["pore.inscribed_diameter"],
        extended=net["pore.extended_diameter"],
        phase=net["pore.phase"],
        faces=faces,
        n_boundary=len(centroid) - count,
        conns=np.asarray(net["throat.conns"], dtype=np.int64).reshape(-1, 2),
        peak=np.asarray(net["throat.global_peak"], dtype=float).reshape(-1, 3) - pad,
        t_inscribed=np.asarray(net["throat.inscribed_diameter"], dtype=float),
        t_area=np.asarray(net["throat.cross_sectional_area"], dtype=float),
        t_perimeter=np.asarray(net["throat.perimeter"], dtype=float),
    )
