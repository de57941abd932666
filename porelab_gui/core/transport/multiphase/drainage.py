"""The Method ``drainage``: capillary pressure over saturation."""

from __future__ import annotations

import numpy as np

from porelab_gui.core.method import Inputs, Method, Outputs, Port, param
from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.multiphase.fluids import Face, FluidParams, opening, tension_and_angle
from porelab_gui.core.transport.multiphase.invasion import invade

SOURCES = (
    "Wilkinson and Willemsen, J. Phys. A 16 (1983) 3365; Washburn, Phys. Rev. 17 (1921) 273; "
    "Gostick et al., Comput. Sci. Eng. 18 (2016) 60"
)


class DrainageParams(FluidParams):
    """Fluids and faces."""

    inlet: Face = param("all", "Face by which the non-wetting fluid comes in; all for mercury around a plug.")
    trapping: bool = param(False, "The wetting fluid leaves through the opposite face; what is cut off from it stays.")


def run(inputs: Inputs, params: DrainageParams, progress: Progress) -> Outputs:
    """The curve, and the pressure at which each pore and throat is taken."""
    network: Network = inputs["network"]
    tension, angle = tension_and_angle(params)
    progress(0, 1, "invasion")
    found = invade(network, tension, angle, params.inlet, params.trapping)
    volume = np.asarray(network.pore("volume"), float)
    pressures = np.unique(found.pore_pressure[np.isfinite(found.pore_pressure)])
    order = np.argsort(found.pore_pressure)
    filled = np.cumsum(volume[order])
    count = np.searchsorted(found.pore_pressure[order], pressures, side="right")
    saturation = filled[count - 1] / volume.sum()
    size = opening(pressures, tension, angle)
    meta = {"surface_tension": tension, "contact_angle": angle, "inlet": params.inlet, "trapping": params.trapping}
    table = Table(
        {
            "saturation": Column(saturation, "1", "saturation of the non-wetting fluid", meta),
            "capillary_pressure": Column(pressures, "Pa", "capillary pressure", meta),
            "throat_diameter": Column(size, "m", "diameter of the openings passed at this pressure", meta),
        },
        (
            f"{params.fluids}: {1e3 * tension:g} mN/m, {angle:g}° through the invading fluid; inlet {params.inlet}.",
            "Saturations count the volume of the pores, which hold that of the throats; films in corners are left out.",
            *((f"{1 - saturation[-1]:.1%} of the volume is never reached.",) if saturation[-1] < 1 - 1e-9 else ()),
        ),
    )
    pore = Column(found.pore_pressure, "Pa", "capillary pressure at which it is drained", meta)
    throat = Column(found.throat_pressure, "Pa", "capillary pressure at which it is passed", meta)
    progress(1, 1, "drained")
    return {
        "network": network.with_pores(drainage_pressure=pore).with_throats(drainage_pressure=throat),
        "drainage": table,
    }


drainage = Method(
    name="drainage",
    title="Drainage: capillary pressure curve",
    summary="Capillary pressure over saturation while a non-wetting fluid (mercury, oil) invades the network slowly.",
    step="Transport",
    citation=SOURCES,
    params=DrainageParams,
    inputs={"network": Port(Network, "Extract a pore network first.")},
    outputs={"network": Network, "drainage": Table},
    function=run,
)
