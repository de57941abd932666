"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from typing import Literal

from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Port, param
from porelab_gui.core.nouns import Labels, Stack, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.fluid import Viscous

Axis = Literal["z", "y", "x"]


class StokesParams(Viscous):
    """Creeping flow through the voxels. The permeability depends neither on the fluid nor on the pressure drop."""

    axes: tuple[Axis, ...] = param(("z", "y", "x"), "Axes to drive the flow along; the fields shown are of the first.")
    solver: Literal["auto", "lbm", "fv"] = param(
        "auto",
        "lbm: lattice Boltzmann, for narrow channels; fv: staggered finite volumes, for wide ones and for voxels that "
        "are not cubes; auto chooses by the width of the channels and says why.",
    )
    boundary: Literal["pressure", "periodic"] = param(
        "pressure",
        "pressure: held on the two end faces, the sides sealed; periodic: the image repeats and a body force drives.",
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
    threads: int = param(0, "Processor threads; 0 takes all.", unit="1", ge=0, le=1024, advanced=True)
    pressure_drop: float = param(
        1.0, "Pressure drop over the image, for the velocity and pressure that are shown.", unit="Pa", ge=1e-9, le=1e12
    )


def _run(inputs: Inputs, params: StokesParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.stokes.run import solve_image

    return solve_image(inputs["labels"], params, progress)


def _estimate(inputs: Inputs, params: StokesParams) -> Estimate:
    """The image and its fields, and what a solver holds per void voxel (finite volumes the more)."""
    labels: Labels = inputs["labels"]
    voxels = labels.data.size
    per_void = {"lbm": 100 if params.precision == "float32" else 180}.get(params.solver, 2200)
    return Estimate(ram=int(40 * voxels + per_void * labels.porosity() * voxels))


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
    outputs={"permeability": Table, "velocity": Stack, "pressure": Stack},
    function=_run,
    estimate=_estimate,
)

METHODS: tuple[Method, ...] = (voxel_stokes,)
