"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from typing import Literal

from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Port, param
from porelab_gui.core.nouns import Field, Labels, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.fluid import Viscous

Axis = Literal["z", "y", "x"]


class StokesParams(Viscous):
    """Creeping flow through the voxels. The permeability depends neither on the fluid nor on the pressure drop."""

    axes: tuple[Axis, ...] = param(("z", "y", "x"), "Axes to drive the flow along; the fields shown are of the first.")
    solver: Literal["auto", "lbm", "fv"] = param(
        "auto",
        "fv: staggered finite volumes, the faster by far; lbm: lattice Boltzmann, in a seventh of the memory, to check "
        "the other by; auto takes fv up to 20 million void voxels.",
    )
    boundary: Literal["pressure", "periodic"] = param(
        "pressure",
        "pressure: a pressure drop between the two end faces; periodic: the image repeats along the flow and a body "
        "force drives.",
    )
    sides: Literal["auto", "sealed", "periodic"] = param(
        "auto",
        "The four sides: sealed walls without slip, or periodic; auto seals them under a pressure drop, repeats them "
        "under a body force.",
    )
    tolerance: float = param(
        1e-3,
        "Largest estimated relative distance of the permeability from its limit at which the solver stops.",
        unit="1", ge=1e-6, le=0.1, decimals=6,
    )  # fmt: skip
    max_iterations: int = param(
        100_000, "Steps after which the solver gives up and gives no number.", unit="1", ge=10, le=100_000_000,
        advanced=True,
    )  # fmt: skip
    precision: Literal["float32", "float64"] = param(
        "float32",
        "Numbers that the lattice keeps; below a tolerance of 1e-5 it is float64 anyway, as it is for finite volumes.",
        advanced=True,
    )
    device: Literal["auto", "cpu", "cuda"] = param(
        "auto",
        "Where the lattice runs: cuda takes it there (and makes auto choose it), auto takes a CUDA device when there "
        "is one, cpu never does. Finite volumes run on the processor.",
        advanced=True,
    )
    cache: bool = param(True, "Take a result from the disk where the same image was solved before.", advanced=True)
    threads: int = param(0, "Processor threads; 0 takes all.", unit="1", ge=0, le=1024, advanced=True)
    pressure_drop: float = param(
        1.0, "Pressure drop over the image, for the velocity and pressure that are shown.", unit="Pa", ge=1e-9, le=1e12
    )


def _run(inputs: Inputs, params: StokesParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.stokes.run import solve_image

    return solve_image(inputs["labels"], params, progress)


def _estimate(inputs: Inputs, params: StokesParams) -> Estimate:
    """The image and its fields, and what a solver holds per void voxel (finite volumes the more)."""
    from porelab_gui.core.transport.stokes.choose import MANY

    labels: Labels = inputs["labels"]
    voxels = labels.data.size
    void = labels.porosity() * voxels
    lattice = params.solver == "lbm" or (params.solver == "auto" and void > MANY)
    per_void = 800 if not lattice else 100 if params.precision == "float32" else 180
    return Estimate(ram=int(60 * voxels + per_void * void))


voxel_stokes = Method(
    name="voxel_stokes",
    title="Permeability from Stokes flow on the voxels",
    summary="Absolute permeability along each axis from creeping flow through the void voxels themselves, with the "
    "velocity and pressure fields.",
    step="Transport",
    citation="Ginzburg, d'Humieres and Kuzmin, J. Stat. Phys. 139 (2010) 1090 (lattice Boltzmann); "
    "Harlow and Welch, Phys. Fluids 8 (1965) 2182 (staggered grid).",
    params=StokesParams,
    inputs={"labels": Port(Labels, "Segment the image into void and solid first.")},
    outputs={"permeability": Table, "velocity": Field, "pressure": Field},
    function=_run,
    estimate=_estimate,
)

METHODS: tuple[Method, ...] = (voxel_stokes,)
