"""The Method ``effective_properties``: F, tortuosity and K of the network beside those of the voxels."""

from __future__ import annotations

import numpy as np

from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Column, Labels, Network, Table
from porelab_gui.core.progress import Progress, within
from porelab_gui.core.transport.conduit.methods import voxel_diffusion
from porelab_gui.core.transport.methods import Axis, Boundary
from porelab_gui.core.transport.pnm.solve import solve_diffusion, solve_flow
from porelab_gui.core.transport.stokes.methods import voxel_stokes


class EffectiveParams(Params):
    """What is compared."""

    axes: tuple[Axis, ...] = param(("z", "y", "x"), "Axes to compare along.")
    law: str = param("", "Law of the network's conductances; empty for its first.", choices_from="throat")
    boundary: Boundary = param("reservoirs", "Where the network's faces are held.")
    flow: bool = param(False, "Permeability too: Stokes flow on the voxels takes much longer than diffusion.")


def run(inputs: Inputs, params: EffectiveParams, progress: Progress) -> Outputs:
    """One row per axis: network, voxels and their ratio."""
    network, labels = inputs["network"], inputs["labels"]
    options = {"axes": params.axes, "boundary": params.boundary}
    _, ours = solve_diffusion(network, params.law, **options)  # type: ignore[arg-type]
    part = within(progress, 0.0, 0.4 if params.flow else 1.0)
    truth = voxel_diffusion({"labels": labels}, {"axes": params.axes}, part)["table"]
    assert isinstance(truth, Table)
    porosity = labels.porosity()
    network_f, voxel_f = _along(ours, "F", params.axes), _along(truth, "formation_factor", params.axes)
    columns = {
        "axis": Column(np.array(params.axes)),
        "F_network": Column(network_f, "1", "formation factor of the network"),
        "F_voxel": Column(voxel_f, "1", "formation factor of the voxels"),
        "F_ratio": Column(network_f / voxel_f, "1", "network over voxels"),
        "D_network": Column(1 / network_f, "1", "effective over free diffusivity, network"),
        "D_voxel": Column(1 / voxel_f, "1", "effective over free diffusivity, voxels"),
        "tau_network": Column(porosity * network_f, "1", "tortuosity factor, porosity times F, network"),
        "tau_voxel": Column(porosity * voxel_f, "1", "tortuosity factor, porosity times F, voxels"),
    }
    notes = [*ours.notes, *truth.notes]
    if params.flow:
        _, flow = solve_flow(network, params.law, **options)  # type: ignore[arg-type]
        part = within(progress, 0.4, 1.0)
        stokes = voxel_stokes({"labels": labels}, {"axes": params.axes}, part)["permeability"]
        assert isinstance(stokes, Table)
        k_network, k_voxel = _along(flow, "K_m2", params.axes), _along(stokes, "permeability", params.axes)
        columns["K_network"] = Column(k_network, "m2", "permeability of the network")
        columns["K_voxel"] = Column(k_voxel, "m2", "permeability of the voxels")
        columns["K_ratio"] = Column(k_network / k_voxel, "1", "network over voxels")
        notes += [*flow.notes, *stokes.notes]
    said = (f"Network: law {params.law or 'its first'}, faces held at {params.boundary}. Porosity {porosity:.4f}.",)
    return {"effective_properties": Table(columns, (*said, *dict.fromkeys(notes)))}


def _along(table: Table, key: str, axes: tuple[str, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A column in the order of the axes."""
    by_axis = dict(zip((str(a) for a in table["axis"]), np.asarray(table[key], float), strict=True))
    return np.array([by_axis[a] for a in axes])


effective_properties = Method(
    name="effective_properties",
    title="Effective properties beside voxels",
    summary="Formation factor, effective diffusivity, tortuosity and, if asked, permeability: network beside voxels.",
    step="Transport",
    citation=f"{voxel_diffusion.citation.rstrip('.')}; {voxel_stokes.citation}",
    params=EffectiveParams,
    inputs={
        "network": Port(Network, "Extract a pore network and compute its conductances first."),
        "labels": Port(Labels, "The labels from which the network was extracted."),
    },
    outputs={"effective_properties": Table},
    function=run,
)
