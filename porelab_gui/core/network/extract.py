"""The Method that turns a segmented image into regions and a pore network."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Labels, Network, Regions
from porelab_gui.core.progress import Progress, within


class ExtractParams(Params):
    """Parameters of SNOW2 under PoreSpy's names."""

    sigma: float = param(
        0.4, "Width of the Gaussian that smooths the distance map before peaks are sought; 0 leaves it as it is.",
        unit="voxel", ge=0, le=10, step=0.1, decimals=2,
    )
    r_max: int = param(4, "Radius of the ball in which a peak must be the highest point.", unit="voxel", ge=1, le=50)
    boundary_width: int = param(
        3, "Thickness of the virtual pores put on each face, where pressures are prescribed; 0 adds none.",
        unit="voxel", ge=0, le=50,
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
        "porelab", "The fast own extraction, or PoreSpy's own path. Both keep the watershed inside the void.",
        advanced=True,
    )
    threads: int = param(
        0, "Threads of the own extraction; 0 takes all processors.", unit="1", ge=0, le=256, advanced=True
    )


def run(inputs: Inputs, params: ExtractParams, progress: Progress) -> Outputs:
    """Regions and network of the chosen phases."""
    labels: Labels = inputs["labels"]
    check_cubic(labels)
    progress(0, 1, "reading")
    values, phases = phase_image(labels, params)
    regions, network = _extract(labels, phases, values, params, progress)
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


def phase_image(labels: Labels, params: ExtractParams) -> tuple[tuple[int, ...], NDArray[np.uint8]]:
    """The labels that are extracted, and the image with those renumbered 1..n and 0 elsewhere."""
    values = params.phases or labels.void
    if not values or len(set(values)) != len(values) or len(values) > 250:
        raise ParameterError(
            f"the phases {values} are not a list of different labels",
            where="extract_network.phases",
            remedy="Name each label to extract once.",
        )
    data = labels.array()
    phases = np.zeros(data.shape, dtype=np.uint8)
    for k, value in enumerate(values):
        phases[data == value] = 1 if params.merge_phases else k + 1
    missing = [v for k, v in enumerate(values) if not params.merge_phases and not (phases == k + 1).any()]
    if missing or not phases.any():
        _refuse_empty(labels, missing or list(values))
    return values, phases


def _refuse_empty(labels: Labels, missing: list[int]) -> None:
    names = ", ".join(f"{v} ({labels.phases.get(v, 'unnamed')})" for v in missing)
    raise InputError(
        f"no voxel of the image has the label {names}, so there is nothing to extract",
        where=labels.name or labels.source or None,
        remedy="Check the segmentation, and which labels are marked as void.",
    )


def _extract(
    labels: Labels, phases: NDArray[np.uint8], values: tuple[int, ...], params: ExtractParams, progress: Progress
) -> tuple[Regions, Network]:
    from dataclasses import replace

    from porelab_gui.core.network.measures import to_network

    shared = params.model_dump(include={"sigma", "r_max", "boundary_width", "accuracy"})
    step = within(progress, 0.02, 0.97)
    if params.engine == "porespy":
        from porelab_gui.core.network import porespy_engine

        image, measures = porespy_engine.extract(phases, **shared, progress=step)
    else:
        from porelab_gui.core.network.snow import engine

        preview = getattr(progress, "preview", engine.unheard)
        image, measures = engine.extract(phases, **shared, threads=params.threads, progress=step, preview=preview)
    known = np.asarray((0, *values))
    measures = replace(measures, phase=known[measures.phase])
    name = labels.name or "image"
    network = to_network(
        measures,
        float(np.mean(labels.voxel_size)),
        labels.shape,
        porosity=float(np.count_nonzero(phases)) / phases.size,
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


def estimate(inputs: Inputs, params: ExtractParams) -> Estimate:
    """Peak memory from the number of voxels, pads included."""
    labels: Labels = inputs["labels"]
    voxels = int(np.prod([n + 2 * params.boundary_width for n in labels.shape]))
    return Estimate(ram=400_000_000 + 75 * voxels)


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
