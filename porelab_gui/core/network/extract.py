"""The Method that turns a segmented image into regions and a pore network."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Labels, Network, Regions
from porelab_gui.core.progress import Progress, within

if TYPE_CHECKING:
    from porelab_gui.core.network.measures import Measures
    from porelab_gui.core.network.snow.engine import Preview


# measured peak memory: what the process takes before any image, and bytes per voxel of the image with its pads
OWN_BASE, OWN_BYTES, OWN_BYTES_PHASES = 200e6, 19.5, 25.5
PORESPY_BASE, PORESPY_BYTES = 400e6, 62.0
BLOCK_BASE, BLOCK_BYTES = 195e6, 10.5
BLOCK_MARGIN = 60  # voxels that a block usually looks beyond itself


class ExtractParams(Params):
    """Parameters of SNOW2 under PoreSpy's names."""

    sigma: float = param(
        0.4,
        "Width of the Gaussian that smooths the distance map before peaks are sought; 0 leaves it as it is.",
        unit="voxel",
        ge=0,
        le=10,
        step=0.1,
        decimals=2,
    )
    r_max: int = param(4, "Radius of the ball in which a peak must be the highest point.", unit="voxel", ge=1, le=50)
    boundary_width: int = param(
        3,
        "Thickness of the virtual pores put on each face, where pressures are prescribed; 0 adds none.",
        unit="voxel",
        ge=0,
        le=50,
    )
    accuracy: Literal["standard", "high"] = param(
        "standard", "Areas and volumes by counting voxels (standard), or from a triangulated surface (high, slow)."
    )
    phases: tuple[int, ...] = param(
        (), "Labels to extract, each as a phase of its own, with throats between phases; empty takes the void labels."
    )
    merge_phases: bool = param(False, "Treat the chosen labels as one pore space without borders between them.")
    trim: bool = param(False, "Leave out pores in clusters that do not reach two opposite faces of the image.")
    engine: Literal["porelab", "porespy"] = param(
        "porelab",
        "The fast own extraction, or PoreSpy's own path. Both keep the watershed inside the void.",
        advanced=True,
    )
    block_size: int = param(
        0,
        "Edge of the blocks by which an image is extracted that does not fit in memory; 0 takes it whole. "
        "The network is the same.",
        unit="voxel",
        ge=0,
        le=4096,
        advanced=True,
    )
    scheduler: str = param(
        "", "Address of a Dask scheduler whose workers take the blocks; empty works here.", advanced=True
    )
    scratch: str = param(
        "",
        "Folder for the images of a block-wise extraction, where the regions stay; empty takes a temporary one.",
        widget="folder",
        advanced=True,
    )
    threads: int = param(
        0, "Threads of the own extraction; 0 takes all processors.", unit="1", ge=0, le=256, advanced=True
    )


def run(inputs: Inputs, params: ExtractParams, progress: Progress) -> Outputs:
    """Regions and network of the chosen phases."""
    labels: Labels = inputs["labels"]
    check_cubic(labels)
    check_blocks(params)
    progress(0, 1, "reading")
    regions, network = _by_blocks(labels, params, progress) if params.block_size else _whole(labels, params, progress)
    progress(1, 1, "done", pores=float(network.n_pores), throats=float(network.n_throats))
    return {"regions": regions, "network": network}


def check_cubic(labels: Labels) -> None:
    """InputError when the voxels are not cubes: distances are counted in voxels."""
    if not labels.isotropic:
        edges = " x ".join(f"{v * 1e6:.4g}" for v in labels.voxel_size)
        raise InputError(
            f"the voxels are not cubes ({edges} um along z, y, x), and extraction counts distances in voxels",
            where=labels.name or labels.source or None,
            remedy=f"Resample the image to cubes of {min(labels.voxel_size) * 1e6:.4g} um first.",
        )


def check_blocks(params: ExtractParams) -> None:
    """ParameterError for what cannot be done block by block."""
    if not params.block_size and params.scheduler:
        raise ParameterError(
            "a Dask scheduler is named, but the image is to be taken whole",
            where="extract_network.block_size",
            remedy="Give the edge of the blocks, for example 256.",
        )
    if params.block_size and (params.engine != "porelab" or params.accuracy != "standard"):
        raise ParameterError(
            "only the engine porelab with accuracy standard works block by block",
            where="extract_network.block_size",
            remedy="Choose those, or take the image whole (0).",
        )
    if 0 < params.block_size < 32:
        raise ParameterError(
            f"blocks of {params.block_size} voxels are smaller than what each must see around it",
            where="extract_network.block_size",
            remedy="Choose at least 32, better 200 to 400.",
        )


def chosen(labels: Labels, params: ExtractParams) -> tuple[int, ...]:
    """The labels that are extracted; ParameterError when one is named twice."""
    values = params.phases or labels.void
    if not values or len(set(values)) != len(values) or len(values) > 250:
        raise ParameterError(
            f"the phases {values} are not a list of different labels",
            where="extract_network.phases",
            remedy="Name each label to extract once.",
        )
    return values


def renumber(data: NDArray[Any], values: tuple[int, ...], params: ExtractParams, out: NDArray[np.uint8]) -> list[int]:
    """Write the phases 1..n, in the order of the labels ``values``, and 0 elsewhere; voxels of each label."""
    counts = []
    out[...] = 0
    for k, value in enumerate(values):
        hit = data == value
        out[hit] = 1 if params.merge_phases else k + 1
        counts.append(int(np.count_nonzero(hit)))
    return counts


def check_void(labels: Labels, values: tuple[int, ...], counts: list[int], params: ExtractParams) -> None:
    """InputError naming the labels that do not occur (with merged phases: when none of them does)."""
    missing = [v for v, n in zip(values, counts, strict=True) if n == 0]
    if len(missing) == len(values) or (missing and not params.merge_phases):
        _refuse_empty(labels, missing)


def _refuse_empty(labels: Labels, missing: list[int]) -> None:
    names = ", ".join(f"{v} ({labels.phases.get(v, 'unnamed')})" for v in missing)
    raise InputError(
        f"no voxel of the image has the label {names}, so there is nothing to extract",
        where=labels.name or labels.source or None,
        remedy="Check the segmentation, and which labels are marked as void.",
    )


def _whole(labels: Labels, params: ExtractParams, progress: Progress) -> tuple[Regions, Network]:
    """The whole image at once, in memory."""
    values = chosen(labels, params)
    phases = np.empty(labels.shape, dtype=np.uint8)
    counts = renumber(labels.array(), values, params, phases)
    check_void(labels, values, counts, params)
    shared = params.model_dump(include={"sigma", "r_max", "boundary_width", "accuracy"})
    step = within(progress, 0.02, 0.97)
    if params.engine == "porespy":
        from porelab_gui.core.network import porespy_engine

        image, measures = porespy_engine.extract(phases, **shared, progress=step)
    else:
        from porelab_gui.core.network.snow import engine

        seen = preview_of(progress)
        image, measures = engine.extract(phases, **shared, threads=params.threads, progress=step, preview=seen)
    return _outputs(labels, params, image, measures, sum(counts))


def preview_of(progress: Progress) -> Preview:
    """Where partial results are shown: to the window when the work runs for one, else to nobody."""
    from porelab_gui.core.network.snow.engine import unheard

    shown: Preview = getattr(progress, "preview", unheard)
    return shown


def _by_blocks(labels: Labels, params: ExtractParams, progress: Progress) -> tuple[Regions, Network]:
    """Block by block, images on disk; the regions stay in the scratch folder."""
    import atexit
    import multiprocessing
    import shutil
    import tempfile
    from pathlib import Path

    from porelab_gui.core.network.snow import blockwise
    from porelab_gui.core.network.snow.lazy import LazyFile, as_dask

    values = chosen(labels, params)
    folder = Path(params.scratch or tempfile.mkdtemp(prefix="porelab_regions_"))
    folder.mkdir(parents=True, exist_ok=True)
    if not params.scratch and multiprocessing.parent_process() is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # a worker's folder is removed by its lane
    try:
        counts = _store_phases(labels, values, params, folder / "phases.npy", within(progress, 0, 0.05))
        check_void(labels, values, counts, params)
        shared = params.model_dump(include={"sigma", "r_max", "boundary_width", "block_size", "threads", "scheduler"})
        many = 1 if params.merge_phases else len(values)
        step = within(progress, 0.05, 0.97)
        seen = preview_of(progress)
        _, measures = blockwise.extract(str(folder), labels.shape, many, **shared, progress=step, preview=seen)
    finally:
        for name in ("phases.npy", "d2.npy"):
            (folder / name).unlink(missing_ok=True)
    image = as_dask(LazyFile(folder / "regions.npy"), params.block_size)
    return _outputs(labels, params, image, measures, sum(counts))


def _store_phases(
    labels: Labels, values: tuple[int, ...], params: ExtractParams, path: Any, progress: Progress
) -> list[int]:
    """The phases on disk, read a few layers at a time; voxels of each label."""
    nz, ny, nx = labels.shape
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(nz, ny, nx))
    thick = max(1, min(64, 50_000_000 // (ny * nx)))
    total = np.zeros(len(values), dtype=np.int64)
    for z in range(0, nz, thick):
        progress(z, nz, "reading")
        total += renumber(np.asarray(labels.data[z : z + thick]), values, params, out[z : z + thick])
    out.flush()
    return [int(n) for n in total]


def _outputs(
    labels: Labels, params: ExtractParams, image: Any, measures: Measures, void: int
) -> tuple[Regions, Network]:
    from dataclasses import replace

    from porelab_gui.core.network.measures import to_network

    known = np.asarray((0, *chosen(labels, params)))
    name = labels.name or "image"
    network = to_network(
        replace(measures, phase=known[measures.phase]),
        float(np.mean(labels.voxel_size)),
        labels.shape,
        porosity=void / float(np.prod(labels.shape)),
        extraction=provenance(params),
        name=f"network of {name}",
        source=labels.source,
    )
    if params.trim:
        from porelab_gui.core.network.clean import drop_isolated

        network = drop_isolated(network, "")
    return Regions(image, labels.voxel_size, name=f"regions of {name}", source=labels.source), network


def provenance(params: ExtractParams) -> dict[str, Any]:
    """Method, version and parameters, as they are kept with the network."""
    package = "porespy" if params.engine == "porespy" else "porelab-gui"
    try:
        number = version(package)
    except PackageNotFoundError:
        number = "unknown"
    return {"method": "extract_network", "package": package, "version": number, **params.model_dump(mode="json")}


def seen_by_block(length: int, block: int) -> int:
    """Voxels along an axis that the block with the widest view looks at: itself and its margins inside the image."""
    parts = max(1, round(length / block))
    return min(-(-length // parts) + BLOCK_MARGIN * min(parts - 1, 2), length)


def estimate(inputs: Inputs, params: ExtractParams) -> Estimate:
    """Peak memory of the process, from bytes per voxel that were measured (docs/extraction.md)."""
    labels: Labels = inputs["labels"]
    pad = params.boundary_width
    if params.block_size:
        seen = float(np.prod([seen_by_block(n, params.block_size) + 2 * pad for n in labels.shape]))
        return Estimate(ram=int(BLOCK_BASE + BLOCK_BYTES * seen))
    voxels = float(np.prod([n + 2.0 * pad for n in labels.shape]))
    if params.engine == "porespy":
        return Estimate(ram=int(PORESPY_BASE + PORESPY_BYTES * voxels))
    several = not params.merge_phases and len(params.phases or labels.void) > 1
    return Estimate(ram=int(OWN_BASE + (OWN_BYTES_PHASES if several else OWN_BYTES) * voxels))


EXTRACT_NETWORK = Method(
    name="extract_network",
    title="Extract network",
    summary="Pores and throats of the void by the SNOW watershed, with their sizes.",
    step="Network",
    citation="Gostick, Phys. Rev. E 96, 023307 (2017), doi 10.1103/PhysRevE.96.023307; PoreSpy, JOSS 4, 1296 (2019)",
    params=ExtractParams,
    inputs={"labels": Port(Labels, "Segment the image first.")},
    outputs={"regions": Regions, "network": Network},
    function=run,
    lane="process",
    estimate=estimate,
)
