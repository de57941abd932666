"""Direct simulation of diffusion in the conduits of a network: pairs of regions to conductances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Network, Regions
from porelab_gui.core.progress import Progress, within
from porelab_gui.core.transport.conduit.geometry import RegionGeometry, measure
from porelab_gui.core.transport.conduit.pads import label_image, pore_labels, widened
from porelab_gui.core.transport.conduit.pool import run_batches, thread_count

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
FIELDS = 5  # value, residual, iterations, nodes, status


@dataclass(frozen=True)
class Solver:
    """How to solve: relative residual, iterations at most, threads (0: all), and whether in the largest piece.

    ``device`` is "cpu" (compiled, all threads) or a torch device, on which diffusion runs in batches; "torch-cpu" is
    that code on the processor.
    """

    tolerance: float = 1e-7
    iterations: int = 300
    threads: int = 0
    largest: bool = True
    device: str = "cpu"


@dataclass(frozen=True)
class Conduits:
    """The regions behind a network, ready to be solved pair by pair; ``edge`` [m] is the mean voxel edge.

    ``labels`` per pore; ``virtual`` per label, True where the pore stands for a face of the image, and ``pad`` the
    voxels that the image was padded by for their sake.
    """

    image: NDArray[np.int32]
    edges: F64
    edge: float
    geometry: RegionGeometry
    labels: I64
    virtual: NDArray[np.bool_]
    pad: int

    @classmethod
    def of(cls, regions: Regions, network: Network, threads: int = 0) -> Conduits:
        """From regions and network; InputError when the network names regions that the image does not have."""
        image = label_image(regions, network)
        size = np.asarray(regions.voxel_size)
        edge = float(np.prod(size) ** (1 / 3))
        edges = np.ones(3) if regions.isotropic else size / edge
        geometry = measure(image, edges, thread_count(threads))
        labels = pore_labels(network)
        _check_labels(labels, geometry, network, regions)
        virtual = np.zeros(len(geometry.count), dtype=bool)
        if "boundary" in network.pores:
            virtual[labels[network.pore("boundary").astype(bool)]] = True
        pad = (image.shape[0] - regions.shape[0]) // 2
        return cls(image, edges, edge, geometry, labels, virtual, pad)


def _check_labels(labels: I64, geometry: RegionGeometry, network: Network, regions: Regions) -> None:
    if not (geometry.count[1:] > 0).any():
        raise InputError(
            "the regions hold no void voxel, so there is no conduit to simulate",
            where=regions.name or None,
            remedy="Extract the network from an image with pores.",
        )
    used = np.unique(labels[network.conns]) if network.n_throats else np.zeros(0, dtype=np.int64)
    wrong = used[(used < 1) | (used >= len(geometry.count))]
    missing = wrong if len(wrong) else used[geometry.count[used] == 0]
    if len(missing):
        raise InputError(
            f"the network has a pore of region {int(missing[0])}, which the region image does not have",
            where=network.name or regions.name or None,
            remedy="Use the regions that were extracted together with this network.",
        )


def solve_diffusive(conduits: Conduits, pairs: I64, solver: Solver, progress: Progress) -> F64:
    """Size factors of label pairs (n, 2): rows of value [mean voxel edges], residual, iterations, nodes, status."""
    from porelab_gui.core.transport.conduit.pair import diffusive_pairs

    found = np.full((len(pairs), FIELDS), np.nan)
    if not len(pairs):
        return found
    if solver.device != "cpu":
        from porelab_gui.core.transport.conduit.batched import solve_diffusive_on_device

        return solve_diffusive_on_device(conduits, pairs, solver, progress, solver.device.removeprefix("torch-"))
    geometry = conduits.geometry
    low, high = geometry.pair_boxes(pairs)
    centres = geometry.centres(pairs, low) * conduits.edges
    radii = np.round(geometry.radius[pairs]) + 0.0

    def work(rows: I64) -> None:
        diffusive_pairs(
            conduits.image,
            low,
            high,
            pairs,
            centres,
            radii,
            conduits.edges,
            solver.largest,
            solver.tolerance,
            solver.iterations,
            rows,
            found,
        )

    cost = np.prod(high - low, axis=1) * 0.1 + geometry.count[pairs].sum(axis=1)
    progress(0, 1, "compiling")
    threads = thread_count(solver.threads)
    run_batches(work, cost, threads, within(progress, 0.0, 1.0), f"{len(pairs)} conduits, diffusion")
    return found


def solve_hydraulic(conduits: Conduits, pairs: I64, solver: Solver, progress: Progress) -> F64:
    """Flow rates of label pairs (n, 2) in voxel edges cubed over viscosity; rows as in ``solve_diffusive``.

    The rate is a functional whose error is of second order in the residual, so that the square root of the tolerance
    is enough for the residual.
    """
    from porelab_gui.core.transport.conduit.creep import hydraulic_pairs

    if (conduits.edges != 1).any():
        raise InputError(
            "the voxels are not cubes, which the Stokes solver of conduits needs",
            where="regions",
            remedy="Resample the image to cubes, or simulate the diffusive conductance alone.",
        )
    found = np.full((len(pairs), FIELDS), np.nan)
    if not len(pairs):
        return found
    geometry = conduits.geometry
    low, high = geometry.pair_boxes(pairs)
    centres = geometry.centres(pairs, low)
    exactness = float(np.sqrt(solver.tolerance))
    image = widened(conduits.image, conduits.pad) if conduits.pad else conduits.image

    def work(rows: I64) -> None:
        hydraulic_pairs(
            image, low, high, pairs, centres, conduits.virtual[pairs], exactness, 10 * solver.iterations,
            rows, found,
        )  # fmt: skip

    cost = np.prod(high - low, axis=1) * 0.1 + geometry.count[pairs].sum(axis=1)
    progress(0, 1, "compiling")
    run_batches(work, cost, thread_count(solver.threads), progress, f"{len(pairs)} conduits, Stokes flow")
    return found
