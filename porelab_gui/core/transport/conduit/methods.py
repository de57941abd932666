"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Column, Field, Labels, Network, Regions, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.fluid import Diffusing, Viscous

Axis = Literal["z", "y", "x"]


class ConductanceDnsParams(Diffusing, Viscous):
    """What is simulated, in which conduits, how exactly."""

    physics: Literal["diffusive", "hydraulic", "both"] = param(
        "diffusive", "Which conductance to simulate: diffusion, Stokes flow, or both."
    )
    count: int = param(0, "Throats drawn at random to simulate; 0 takes all.", unit="1", ge=0, le=100_000_000)
    throats: str = param("", "Throat numbers to simulate, such as 0-99, 120; empty for all.")
    seed: int = param(0, "Seed of the random draw.", unit="1", ge=0, le=2**31 - 1, advanced=True)
    pieces: Literal["largest", "joined"] = param(
        "largest",
        "Where a pair of regions falls into several pieces: simulate in the largest one (PoreSpy's definition; flagged "
        "when it does not hold both regions), or in the largest one that joins both regions.",
        advanced=True,
    )
    tolerance: float = param(
        1e-7,
        "Relative residual at which a diffusive solve stops; its square root for Stokes flow.",
        unit="1",
        ge=1e-13,
        le=1e-3,
        decimals=12,
        advanced=True,
    )
    iterations: int = param(
        400, "Iterations after which a solve is given up.", unit="1", ge=1, le=100_000, advanced=True
    )
    threads: int = param(0, "Processor threads to use; 0 takes all.", unit="1", ge=0, le=1024, advanced=True)
    device: Literal["auto", "cpu", "cuda"] = param(
        "auto",
        "Where diffusion is solved: all conduits of a batch at once on a CUDA device, or conduit by conduit on the "
        "processor; auto takes the CUDA device when there is one. Stokes flow runs on the processor.",
        advanced=True,
    )
    cache: bool = param(True, "Keep results on disk and use those of earlier runs on the same regions.", advanced=True)


def _conductance_dns(inputs: Inputs, params: ConductanceDnsParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.conduit.conductance import run

    return run(inputs["regions"], inputs["network"], params, progress)


def _conductance_estimate(inputs: Inputs, params: ConductanceDnsParams) -> Estimate:
    """The image three times over (labels, distances, int32 copy) and a box per thread."""
    voxels = 1
    for n in inputs["regions"].shape:
        voxels *= n
    return Estimate(ram=300_000_000 + 24 * voxels)


conductance_dns = Method(
    name="conductance_dns",
    title="Conductance by direct simulation",
    summary="Diffusive and hydraulic conductance of every throat, solved on the voxels of its two pores.",
    step="Conductance",
    citation="Misaghian et al., Comput. Geosci. 162 (2022) 105086, doi 10.1016/j.cageo.2022.105086 (definition of "
    "the diffusive conductance); staggered finite volumes with MINRES (hydraulic conductance, docs/conduits.md).",
    params=ConductanceDnsParams,
    inputs={
        "regions": Port(Regions, "Extract a network first and use the regions that come with it."),
        "network": Port(Network, "Extract a network first."),
    },
    outputs={"network": Network, "table": Table},
    function=_conductance_dns,
    lane="process",
    estimate=_conductance_estimate,
)


class ErrorsParams(Params):
    """What the conductances are compared with."""

    reference: str = param("dns", "Law that counts as the truth; its columns are g_diffusive and g_hydraulic of it.")


def _conductance_errors(inputs: Inputs, params: ErrorsParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.conduit.errors import compare

    network, table = compare(inputs["network"], inputs.get("regions"), params.reference)
    return {"network": network, "table": table}


conductance_errors = Method(
    name="conductance_errors",
    title="Errors of conductances",
    summary="Signed error of every conductance against direct simulation, throat by throat, and R2 with an interval.",
    step="Conductance",
    citation="Misaghian et al., Comput. Geosci. 162 (2022) 105086, doi 10.1016/j.cageo.2022.105086 (figure 11).",
    params=ErrorsParams,
    inputs={
        "network": Port(Network, "Simulate some throats directly, and compute a conductance to compare."),
        "regions": Port(Regions, "For size and surroundings of the conduits.", optional=True),
    },
    outputs={"network": Network, "table": Table},
    function=_conductance_errors,
)


class ConduitFieldParams(Params):
    """Which conduit to look into."""

    throat: int = param(0, "Number of the throat, counted from 0.", unit="1", ge=0, le=2**31 - 1)


def _conduit_field(inputs: Inputs, params: ConduitFieldParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.conduit.field import conduit_field

    progress(0, 1, "measuring regions")
    regions: Regions = inputs["regions"]
    found = conduit_field(regions, inputs["network"], params.throat)
    progress(1, 1, "done")
    table = Table(
        {
            "throat": Column(np.array([params.throat]), "1"),
            **{f"corner_{axis}": Column(np.array([c]), "1") for axis, c in zip("zyx", found.corner, strict=True)},
            "size_factor": Column(np.array([found.size_factor * float(np.prod(regions.voxel_size) ** (1 / 3))]), "m"),
        },
        name=f"conduit of throat {params.throat}",
    )
    name = f"concentration in the conduit of throat {params.throat}"
    field = Field(found.values, regions.voxel_size, quantity="concentration", name=name)
    return {"concentration": field, "table": table}


conduit_field = Method(
    name="conduit_field",
    title="Concentration in one conduit",
    summary="The concentration field behind the diffusive conductance of one throat, in the box of its pores: mean 1 "
    "in the first pore, 0 in the second.",
    step="Conductance",
    citation=conductance_dns.citation,
    params=ConduitFieldParams,
    inputs=conductance_dns.inputs,
    outputs={"concentration": Field, "table": Table},
    function=_conduit_field,
    lane="quick",
)


class VoxelDiffusionParams(Diffusing):
    """Along which axes, between which values, what conducts, how exactly."""

    axes: tuple[Axis, ...] = param(("z", "y", "x"), "Axes to solve along; the concentration shown is of the first.")
    boundary: Literal["outside", "layer"] = param(
        "outside",
        "Where the two concentrations are held: half a voxel beyond the end faces, or on the first and last layer of "
        "voxels (PoreSpy's convention). The sides are insulating.",
    )
    conductivities: str = param(
        "",
        "Diffusivity of labels relative to the free fluid, such as 1=1, 2=0.3; labels not named insulate. Empty: the "
        "void labels conduct 1.",
    )
    tolerance: float = param(
        1e-6, "Estimated relative error of the effective diffusivity at which the solver stops.", unit="1", ge=1e-12,
        le=1e-2, decimals=12, advanced=True,
    )  # fmt: skip
    iterations: int = param(
        500, "Iterations after which the solve is given up.", unit="1", ge=1, le=100_000, advanced=True
    )
    device: Literal["auto", "cpu", "cuda"] = param(
        "auto", "Processor to solve on; auto takes the graphics processor where there is one.", advanced=True
    )
    threads: int = param(0, "Processor threads to use; 0 takes all.", unit="1", ge=0, le=1024, advanced=True)
    cache: bool = param(True, "Keep results on disk and use those of earlier runs on the same image.", advanced=True)


def _voxel_diffusion(inputs: Inputs, params: VoxelDiffusionParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.conduit.voxel import run

    return run(inputs["labels"], params, progress)


def _voxel_estimate(inputs: Inputs, params: VoxelDiffusionParams) -> Estimate:
    """Image, index grid and field, and about 110 bytes for every void voxel (taken as all)."""
    voxels = 1
    for n in inputs["labels"].shape:
        voxels *= n
    return Estimate(ram=300_000_000 + 120 * voxels)


voxel_diffusion = Method(
    name="voxel_diffusion",
    title="Diffusion on voxels",
    summary="Effective diffusivity, formation factor and tortuosity of the whole image along each axis.",
    step="Transport",
    citation="7-point finite volumes with multigrid-preconditioned conjugate gradients; tortuosity as in Cooper et "
    "al., SoftwareX 5 (2016) 203, doi 10.1016/j.softx.2016.09.002.",
    params=VoxelDiffusionParams,
    inputs={"labels": Port(Labels, "Segment an image first.")},
    outputs={"table": Table, "concentration": Field},
    function=_voxel_diffusion,
    lane="process",
    estimate=_voxel_estimate,
)

METHODS: tuple[Method, ...] = (conductance_dns, conductance_errors, conduit_field, voxel_diffusion)
