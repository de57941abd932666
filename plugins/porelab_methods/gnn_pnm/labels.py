"""What is computed of one medium: network, permeability and formation factor of the voxels, flow through throats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.nouns import AXES, Labels, Network, Regions
from porelab_gui.core.progress import Progress, silent, within
from porelab_gui.core.transport.conduit.pads import label_image, pore_labels, widened
from porelab_gui.core.transport.stokes.flow import Flow

Floats = NDArray[np.float64]
FLUID: dict[str, Any] = {"viscosity": 1.0, "diffusivity": 1.0}  # [Pa s], [m2/s]; no result depends on it
EDGE = 1e-6  # m, of the voxels of every medium; no result depends on it


@dataclass(frozen=True)
class Sample:
    """A network with its truth.

    ``k`` (3,) permeability [m2] along z, y, x, NaN where it was not computed, 0 where nothing flows; ``f`` (3,)
    formation factor, infinite where nothing diffuses; ``shares`` (3, Nt) flow through every throat over the flow
    through the sample, positive from first to second pore, NaN where not computed.
    """

    network: Network
    k: Floats
    f: Floats
    shares: Floats
    family: str = ""
    role: str = ""
    void: NDArray[np.bool_] | None = None


def as_labels(void: NDArray[np.bool_], edge: float = EDGE) -> Labels:
    """A binary image as Labels with cubic voxels."""
    return Labels(void.astype(np.uint8), (edge,) * 3)


def extract(labels: Labels, threads: int) -> tuple[Regions, Network]:
    """Regions and network by the program's own extraction, with boundary pores on the faces."""
    from porelab_gui.core.network.extract import ExtractParams, run

    found: dict[str, Any] = dict(run({"labels": labels}, ExtractParams(threads=threads), silent))
    return found["regions"], found["network"]


def label(
    void: NDArray[np.bool_], axes: tuple[int, ...], *, f_axes: tuple[int, ...] = (0, 1, 2), solver: str = "auto",
    threads: int = 1, tolerance: float = 1e-3, conduits: bool = False, progress: Progress = silent,
) -> tuple[Regions, Sample]:  # fmt: skip
    """Network, K along ``axes``, F along ``f_axes``, the flow through the throats; with ``conduits`` also the
    conductance of every conduit by direct simulation."""
    labels = as_labels(void)
    regions, network = extract(labels, threads)
    if conduits:
        network = simulated(regions, network, threads)
    progress(0.1, 1, "formation factor")
    f = formation(labels, f_axes, threads)
    k, shares = np.full(3, np.nan), np.full((3, network.n_throats), np.nan)
    for done, axis in enumerate(axes):
        step = within(progress, 0.2 + 0.8 * done / len(axes), 0.2 + 0.8 * (done + 1) / len(axes), "Stokes flow")
        k[axis], flow = permeability(void, axis, solver, threads, tolerance, step)
        if flow is not None:
            shares[axis] = throat_flows(regions, network, flow, axis)
    return regions, Sample(network, k, f, shares, void=void)


def simulated(regions: Regions, network: Network, threads: int) -> Network:
    """The network with columns ``g_hydraulic.dns`` and ``g_diffusive.dns`` for the fluid ``FLUID``; NaN where a
    conduit was not solved."""
    from porelab_gui.core.transport.conduit.methods import ConductanceDnsParams, conductance_dns

    params = ConductanceDnsParams(physics="both", threads=threads, **FLUID)
    out: Any = conductance_dns({"regions": regions, "network": network}, params, silent)
    found: Network = out["network"]
    return found


def formation(labels: Labels, axes: tuple[int, ...], threads: int) -> Floats:
    """Formation factors of the voxels along z, y, x, NaN along an axis that is not asked for."""
    from porelab_gui.core.transport.conduit.methods import VoxelDiffusionParams
    from porelab_gui.core.transport.conduit.voxel import run

    names: Any = tuple(AXES[a] for a in axes)
    params = VoxelDiffusionParams(axes=names, tolerance=1e-4, cache=False, threads=threads)
    f = np.full(3, np.nan)
    table: Any = run(labels, params, silent)["table"]
    f[list(axes)] = table["formation_factor"]
    return f


def permeability(
    void: NDArray[np.bool_], axis: int, solver: str, threads: int, tolerance: float, progress: Progress
) -> tuple[float, Flow | None]:
    """K [m2] and the flow; K is NaN when the solver did not converge, 0 when the void does not span."""
    from porelab_gui.core.transport.stokes.methods import StokesParams
    from porelab_gui.core.transport.stokes.run import solve_axis

    chosen: Any = solver  # checked by the parameters
    params = StokesParams(solver=chosen, threads=threads, tolerance=tolerance)
    result, flow = solve_axis(void, (EDGE,) * 3, axis, params, progress)
    return (float(result.value) if result.converged else float("nan")), flow


def throat_flows(regions: Regions, network: Network, flow: Flow, axis: int) -> Floats:
    """(Nt,) flow through the voxel faces between the two regions of every throat over the flow through the sample.

    The velocity on a face is the mean of the two voxels beside it; nothing leaves through the sealed sides.
    """
    image = label_image(regions, network)
    pad = (image.shape[0] - regions.shape[0]) // 2
    image = _joined(widened(image, pad), axis, pad) if pad else image
    key, order = _keys(network)
    total = np.zeros(network.n_throats)
    for k in range(3):
        speed = np.pad(flow.velocity[k], pad, mode="edge" if k == axis else "constant").astype(np.float64)
        near, far = (np.moveaxis(image, k, 0)[s].astype(np.int64) for s in (slice(None, -1), slice(1, None)))
        hit = (near != far) & (near > 0) & (far > 0)
        u = np.moveaxis(speed, k, 0)
        across = 0.5 * (u[:-1][hit] + u[1:][hit])
        low, high = np.minimum(near[hit], far[hit]), np.maximum(near[hit], far[hit])
        at = np.clip(np.searchsorted(key, low << 32 | high), 0, max(len(key) - 1, 0))
        known = key[at] == (low << 32 | high)
        signed = np.where(near[hit] < far[hit], across, -across)
        total += np.bincount(order[at[known]], signed[known], network.n_throats)
    label = pore_labels(network)[network.conns]
    total[label[:, 0] > label[:, 1]] *= -1
    return total / (float(flow.permeability[axis]) * flow.pressure.size / flow.pressure.shape[axis])


def _joined(image: NDArray[Any], axis: int, pad: int) -> NDArray[Any]:
    """The pads in front of and behind a flow without their seams: extraction clears pad voxels between two boundary
    pores, and the flow that enters there belongs to the throat of the region behind it."""
    image = image.copy()
    along = np.moveaxis(image, axis, 0)
    for outer, inner in ((pad - 1, pad), (-pad, -pad - 1)):
        known = (along[outer] > 0) & (along[inner] > 0)
        behind = np.zeros(int(image.max()) + 1, dtype=image.dtype)
        behind[along[inner][known]] = along[outer][known]
        along[outer] = np.where(along[outer] == 0, behind[along[inner]], along[outer])
    return image


def _keys(network: Network) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted keys of the label pairs of the throats, and which throat each is."""
    pairs = np.sort(pore_labels(network)[network.conns], axis=1)
    key = pairs[:, 0] << 32 | pairs[:, 1]
    order = np.argsort(key)
    return key[order], order
