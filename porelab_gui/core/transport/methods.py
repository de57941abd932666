"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from typing import Literal

from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Network, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.fluid import Diffusing, Viscous
from porelab_gui.core.transport.pnm.methods import METHODS as ASKING

Axis = Literal["z", "y", "x"]
Backend = Literal["auto", "pardiso", "superlu", "ldl", "amg", "cuda", "torch_cpu"]
Boundary = Literal["reservoirs", "centres"]
Law = Literal["cylinder", "cones_and_cylinders", "spheres_and_cylinders", "valvatne_blunt"]


class ConductanceParams(Viscous, Diffusing):
    """Which laws, on which of the network's diameters, for which fluid."""

    laws: tuple[Law, ...] = param(
        ("spheres_and_cylinders", "cones_and_cylinders", "cylinder", "valvatne_blunt"),
        "Shapes of pores and throats to compute conductances for; each becomes a column.",
    )
    pore_diameter: Literal["inscribed", "equivalent", "extended"] = param(
        "equivalent",
        "Diameter of the pore body: largest inscribed sphere, sphere of equal volume, or extended sphere. "
        "Valvatne-Blunt takes the inscribed one by its definition.",
    )
    throat_diameter: Literal["inscribed", "equivalent"] = param(
        "inscribed", "Diameter of the throat: largest inscribed circle, or circle of equal area."
    )
    length: Literal["direct", "total"] = param(
        "direct", "Length of a conduit: the straight line between the centres, or centre to throat to centre."
    )


def _conductance(inputs: Inputs, params: ConductanceParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.laws.assign import assign

    return {"network": assign(inputs["network"], progress=progress, **params.model_dump())}


conductance_analytic = Method(
    name="conductance_analytic",
    title="Conductance from geometry",
    summary="Hydraulic and diffusive conductance of every throat from its diameters and length, by one or more laws.",
    step="Conductance",
    citation="Gostick et al., Comput. Sci. Eng. 18 (2016) 60; Valvatne and Blunt, Water Resour. Res. 40 (2004).",
    params=ConductanceParams,
    inputs={"network": Port(Network, "Extract or open a pore network first.")},
    outputs={"network": Network},
    function=_conductance,
    lane="quick",
)

_NETWORK = {"network": Port(Network, "Extract a pore network and compute its conductances first.")}
_ADJOINT = "Gostick et al., Comput. Sci. Eng. 18 (2016) 60; gradient: Zhao and Xiao, J. Hydrology 675 (2026) 135602."


class AxesParams(Params):
    """Axes and linear solver."""

    axes: tuple[Axis, ...] = param(("z", "y", "x"), "Axes to drive the flow along.")
    backend: Backend = param(
        "auto", "Linear solver; auto chooses by size and regularity and says which.", advanced=True
    )


class SolveParams(AxesParams):
    """What is common to flow and diffusion."""

    law: str = param(
        "",
        "Conductance to solve with: the name of a law or of a whole column; empty for the network's first.",
        choices_from="throat",
    )
    boundary: Boundary = param(
        "reservoirs",
        "Where the faces are held: reservoirs at the image faces, or the centres of the pores that touch them.",
    )


class FlowParams(SolveParams):
    """Flow driven by a pressure drop."""

    pressure_drop: float = param(1.0, "Pressure at the inlet over that at the outlet.", unit="Pa", ge=1e-9, le=1e12)


class DiffusionParams(SolveParams):
    """Diffusion driven by a concentration difference."""

    concentration_difference: float = param(
        1.0, "Concentration at the inlet over that at the outlet.", unit="mol/m3", ge=1e-12, le=1e9
    )


def _flow(inputs: Inputs, params: FlowParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.pnm.solve import solve_flow

    options = params.model_dump()
    drop = options.pop("pressure_drop")
    network, table = solve_flow(inputs["network"], drop=drop, progress=progress, **options)
    return {"network": network, "table": table}


def _diffusion(inputs: Inputs, params: DiffusionParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.pnm.solve import solve_diffusion

    options = params.model_dump()
    drop = options.pop("concentration_difference")
    network, table = solve_diffusion(inputs["network"], drop=drop, progress=progress, **options)
    return {"network": network, "table": table}


def _compare(inputs: Inputs, params: AxesParams, progress: Progress) -> Outputs:
    from porelab_gui.core.transport.pnm.compare import compare

    return {"table": compare(inputs["network"], progress=progress, **params.model_dump())}


def _memory(inputs: Inputs, params: Params) -> Estimate:
    """About 3 kB a pore for the factor of an irregular network, 200 B a throat for the rest."""
    network: Network = inputs["network"]
    return Estimate(ram=3000 * network.n_pores + 200 * network.n_throats)


solve_flow = Method(
    name="solve_flow",
    title="Flow and permeability",
    summary="Pressure, flow and permeability along each axis, with the share of every throat in the dissipation.",
    step="Transport",
    citation=_ADJOINT,
    params=FlowParams,
    inputs=_NETWORK,
    outputs={"network": Network, "table": Table},
    function=_flow,
    estimate=_memory,
)

solve_diffusion = Method(
    name="solve_diffusion",
    title="Diffusion and formation factor",
    summary="Concentration, flux, formation factor and tortuosity along each axis.",
    step="Transport",
    citation=_ADJOINT,
    params=DiffusionParams,
    inputs=_NETWORK,
    outputs={"network": Network, "table": Table},
    function=_diffusion,
    estimate=_memory,
)

compare_transport = Method(
    name="compare_transport",
    title="Compare K and F",
    summary="K and F along each axis under every conductance law and both boundary treatments, in one table.",
    step="Transport",
    citation=_ADJOINT,
    params=AxesParams,
    inputs=_NETWORK,
    outputs={"table": Table},
    function=_compare,
    estimate=_memory,
)

METHODS: tuple[Method, ...] = (conductance_analytic, solve_flow, solve_diffusion, compare_transport, *ASKING)
