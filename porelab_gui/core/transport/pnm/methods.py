"""Methods that ask a solved network questions: where the flow is decided, and what a change would do."""

from __future__ import annotations

from porelab_gui.core.method import Inputs, Method, Outputs, Port
from porelab_gui.core.nouns import Network, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.pnm.ranking import RankParams, ranked
from porelab_gui.core.transport.pnm.what_if import ChangeParams, changed


def _rank(inputs: Inputs, params: RankParams, progress: Progress) -> Outputs:
    return {"table": ranked(inputs["network"], params)}


def _change(inputs: Inputs, params: ChangeParams, progress: Progress) -> Outputs:
    return {"network": changed(inputs["network"], params)}


rank_throats = Method(
    name="rank_throats",
    title="Where the flow is decided",
    summary="The throats that decide K or F: their shares in the dissipation, d ln K / d ln g, the greatest first.",
    step="Transport",
    citation="Gradient: Zhao and Xiao, J. Hydrology 675 (2026) 135602; Dirichlet's principle.",
    params=RankParams,
    inputs={"network": Port(Network, "Solve for flow or diffusion first.")},
    outputs={"table": Table},
    function=_rank,
    lane="quick",
)

change_conductance = Method(
    name="change_conductance",
    title="Change conductances",
    summary="A class of throats conducts better or worse; the changed conductances become a column of their own.",
    step="Transport",
    citation="Gradient: Zhao and Xiao, J. Hydrology 675 (2026) 135602; Dirichlet's principle.",
    params=ChangeParams,
    inputs={"network": Port(Network, "Compute conductances first.")},
    outputs={"network": Network},
    function=_change,
    lane="quick",
)

METHODS: tuple[Method, ...] = (rank_throats, change_conductance)
