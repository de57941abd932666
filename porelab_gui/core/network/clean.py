"""The Methods that report a network's health and repair it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.core.progress import Progress

CITATION = "PoreLab; the checks follow OpenPNM's network health check, Gostick et al., CiSE 18, 60 (2016)"


class HealthParams(Params):
    """The report needs no choice."""


class TrimParams(Params):
    """What a repaired network leaves out."""

    isolated: bool = param(True, "Leave out pores in clusters that join no two opposite faces of the image.")
    axis: str = param(
        "",
        "Keep only clusters that join the two faces of this axis (z, y or x); empty takes any axis.",
        pattern="^[zyx]?$",
        choices=["", "z", "y", "x"],
    )
    bad_throats: bool = param(
        True, "Leave out throats with a zero or negative size, self loops, repeated pairs and NaN."
    )


def report(inputs: Inputs, params: HealthParams, progress: Progress) -> Outputs:
    """One row per fault: how many pores and throats have it."""
    from porelab_gui.core.network.health import check

    network: Network = inputs["network"]
    progress(0, 1, "checking")
    health = check(network)
    rows = health.problems
    count = int(health.cluster.max(initial=-1)) + 1
    notes = [f"{network.n_pores} pores, {network.n_throats} throats, {count} clusters"]
    notes += [f"along {axis}: {'joins both faces' if yes else 'does not span'}" for axis, yes in health.spans.items()]
    table = Table(
        columns={
            "problem": Column(np.array([p.sentence for p in rows], dtype=str), title="what is wrong"),
            "serious": Column(np.array([p.serious for p in rows], dtype=bool), title="must be repaired"),
            "pores": Column(np.array([p.pores.sum() for p in rows], dtype=np.int64), title="pores"),
            "throats": Column(np.array([p.throats.sum() for p in rows], dtype=np.int64), title="throats"),
        },
        notes=tuple(notes),
        name=f"health of {network.name or 'network'}",
    )
    return {"report": table}


def trim(inputs: Inputs, params: TrimParams, progress: Progress) -> Outputs:
    """The network without what the parameters leave out; InputError when nothing would remain."""
    network: Network = inputs["network"]
    progress(0, 2, "throats")
    if params.bad_throats:
        network = drop_bad(network)
    progress(1, 2, "clusters")
    if params.isolated or params.axis:
        network = drop_isolated(network, params.axis)
    return {"network": replace(network, name=f"{inputs['network'].name or 'network'}, trimmed")}


def drop_bad(network: Network) -> Network:
    from porelab_gui.core.network.health import check

    bad = np.zeros(network.n_throats, dtype=bool)
    for problem in check(network).problems:
        if problem.serious:
            bad |= problem.throats
    columns = {k: replace(c, values=c.values[~bad]) for k, c in network.throats.items()}
    return replace(network, conns=network.conns[~bad], throats=columns)


def drop_isolated(network: Network, axis: str) -> Network:
    from porelab_gui.core.network.health import check

    health = check(network)
    keep = health.spanning[axis] if axis else health.spanning_any
    if not keep.any():
        raise InputError(
            f"no cluster of pores joins two opposite faces{' along ' + axis if axis else ''}, so nothing would remain",
            where=network.name or None,
            remedy="Take a larger image or another axis, or check the segmentation.",
        )
    return network.keep(keep)


NETWORK_HEALTH = Method(
    name="network_health",
    title="Network health",
    summary="What is wrong with a network before it is computed on.",
    step="Network",
    citation=CITATION,
    params=HealthParams,
    inputs={"network": Port(Network, "Extract or open a network first.")},
    outputs={"report": Table},
    function=report,
    lane="quick",
)

TRIM_NETWORK = Method(
    name="trim_network",
    title="Trim network",
    summary="The network without isolated clusters and unusable throats.",
    step="Network",
    citation=CITATION,
    params=TrimParams,
    inputs={"network": Port(Network, "Extract or open a network first.")},
    outputs={"network": Network},
    function=trim,
    lane="quick",
)
