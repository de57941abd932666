"""The Methods of this room, as the entry point finds them."""

from __future__ import annotations

from typing import Literal

from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Port, param
from porelab_gui.core.nouns import Network, Regions, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.fluid import Diffusing


class ConductanceDnsParams(Diffusing):
    """What is simulated, in which conduits, how exactly."""

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
        1e-7, "Relative residual at which a solve stops.", unit="1", ge=1e-13, le=1e-3, decimals=12, advanced=True
    )
    iterations: int = param(
        400, "Iterations after which a solve is given up.", unit="1", ge=1, le=100_000, advanced=True
    )
    threads: int = param(0, "Processor threads to use; 0 takes all.", unit="1", ge=0, le=1024, advanced=True)
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
    summary="Diffusive conductance of every throat, solved on the voxels of its two pores.",
    step="Conductance",
    citation="Misaghian et al., Comput. Geosci. 162 (2022) 105086, doi 10.1016/j.cageo.2022.105086 (definition); "
    "solved by multigrid-preconditioned conjugate gradients.",
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

METHODS: tuple[Method, ...] = (conductance_dns,)
