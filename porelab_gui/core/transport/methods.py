"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from typing import Literal

from porelab_gui.core.method import Inputs, Method, Outputs, Port, param
from porelab_gui.core.nouns import Network
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.fluid import Diffusing, Viscous

Law = Literal["cylinder", "cones_and_cylinders", "spheres_and_cylinders", "valvatne_blunt"]


class ConductanceParams(Viscous, Diffusing):
    """Which laws, on which of the network's diameters, for which fluid."""

    laws: tuple[Law, ...] = param(
        ("cylinder", "cones_and_cylinders", "spheres_and_cylinders", "valvatne_blunt"),
        "Shapes of pores and throats to compute conductances for; each becomes a column.",
    )
    pore_diameter: Literal["inscribed", "equivalent", "extended"] = param(
        "equivalent", "Diameter of the pore body: largest inscribed sphere, sphere of equal volume, or extended sphere."
    )
    throat_diameter: Literal["inscribed", "equivalent"] = param(
        "inscribed", "Diameter of the throat: largest inscribed circle, or circle of equal area."
    )
    length: Literal["total", "direct"] = param(
        "total", "Length of a conduit: centre to throat to centre, or the straight line between the centres."
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

METHODS: tuple[Method, ...] = (conductance_analytic,)
