"""Live curves for a window: rejection against flux and against pore radius, each well under 0.1 s."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.feed import Feed
from porelab_methods.ion_transport.system import Conditions, Membrane, solve

Array = NDArray[np.float64]
STILL = 1e-5  # m/s; what the curve against flux reaches three times of where there is no flux


@dataclass(frozen=True)
class Curves:
    """``flux`` [m/s] (F,) with ``by_flux`` (F, n); ``radius`` [m] (P,) with ``by_radius`` (P, n): observed rejections.

    NaN where a point has no solution."""

    flux: Array
    by_flux: Array
    radius: Array
    by_radius: Array


def curves(
    feed: Feed,
    membrane: Membrane,
    flux: float,
    conditions: Conditions = Conditions(),  # noqa: B008
    *,
    fluxes: Any = None,
    radii: Any = None,
    points: int = 33,
) -> Curves:
    """Rejection of each ion against flux (0 to three times ``flux``) and against pore radius (0.6 to 2 times).

    The tolerance of the march is 1e-7: a thousand times finer than a pixel, and quick.
    """
    fluxes = np.linspace(0.0, 3.0 * (flux or STILL), points) if fluxes is None else np.asarray(fluxes, float)
    radius = float(np.mean(membrane.pore_radius))
    radii = np.linspace(0.6, 2.0, points) * radius if radii is None else np.asarray(radii, float)
    first = solve(feed.ions, feed.concentration, fluxes, membrane, conditions, rtol=1e-7, threads=1)
    second = solve(
        feed.ions, feed.concentration, flux, replace(membrane, pore_radius=radii), conditions, rtol=1e-7, threads=1
    )
    return Curves(fluxes, first.rejection, radii, second.rejection)


def warm_up() -> None:
    """Load the compiled kernels (seconds the first time on a machine), so that the first curve is live too."""
    from porelab_methods.ion_transport.presets import FEEDS

    curves(FEEDS["nacl"].feed(), Membrane(), 1e-5, points=2)


def compiled(drive: str = "flux") -> bool:
    """Whether this machine has compiled the solver before, for a given flux or for a pressure."""
    from porelab_methods.ion_transport import newton

    kernel = newton.batch if drive == "flux" else newton.flux_batch
    return any(Path(kernel.stats.cache_path).glob(f"newton.{kernel.py_func.__name__}-*.nbc"))
