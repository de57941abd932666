"""The Method ``update_network``: what a correction of the labels does to K, F and to each throat that it touches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.network.extract import EXTRACT_NETWORK
from porelab_gui.core.network.update import Updated, update
from porelab_gui.core.nouns import Column, Labels, Network, Regions, Table
from porelab_gui.core.progress import Progress, within
from porelab_gui.core.transport.methods import Axis, Boundary, conductance_analytic
from porelab_gui.core.transport.pnm.solve import solve_diffusion, solve_flow

SIZES = ("inscribed_diameter", "cross_sectional_area", "total_length")


class UpdateParams(Params):
    """How K and F are computed before and after."""

    axes: tuple[Axis, ...] = param(("z", "y", "x"), "Axes of permeability and formation factor.")
    law: str = param("", "Analytic law of both conductances; empty for the first.")
    boundary: Boundary = param("reservoirs", "Where the faces are held.")


def run(inputs: Inputs, params: UpdateParams, progress: Progress) -> Outputs:
    """Update, compute the analytic laws of both networks alike, and compare."""
    before: Network = inputs["network"]
    found = update(inputs["labels"], inputs["regions"], before, within(progress, 0.0, 0.8))
    settings = _settings(before)
    old = conductance_analytic({"network": before}, settings)["network"]
    new = conductance_analytic({"network": found.network}, settings)["network"]
    assert isinstance(old, Network) and isinstance(new, Network)
    progress(0.85, 1.0, "K and F before and after")
    effect = _effect(old, new, params, found)
    progress(1.0, 1.0, "updated")
    return {"network": new, "regions": found.regions, "effect": effect, "touched_throats": _touched(old, new, found)}


def _settings(network: Network) -> dict[str, Any]:
    """Parameters of the analytic laws that the network has; the defaults where it has none."""
    metas = [c.meta for k, c in network.throats.items() if k.startswith(("g_hydraulic.", "g_diffusive."))]
    known = {k: v for meta in metas for k, v in meta.items() if k in conductance_analytic.params.model_fields}
    return {k: v for k, v in known.items() if k != "laws"}


def _effect(old: Network, new: Network, params: UpdateParams, found: Updated) -> Table:
    columns: dict[str, Column] = {"axis": Column(np.array(params.axes))}
    for key, unit, solve in (("K_m2", "m2", solve_flow), ("F", "1", solve_diffusion)):
        one, two = (np.array([_solved(solve, n, axis, params, key) for axis in params.axes]) for n in (old, new))
        columns[f"{key}_before"] = Column(one, unit)
        columns[f"{key}_after"] = Column(two, unit)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns[f"{key}_change"] = Column(100 * (two / one - 1), "%")
    edges = "" if found.box is None else " x ".join(str(s.stop - s.start) for s in found.box)
    how = f"A box of {edges} voxels was extracted again." if edges else "No voxel of the pore space has changed."
    count = f"{int(found.old_throats.sum())} throats went, {int(found.new_throats.sum())} came."
    law = (
        f"Law {params.law or 'spheres_and_cylinders'}, faces held at {params.boundary}; not a number: faces not joined."
    )
    return Table(columns, (how, count, law))


def _solved(solve: Any, network: Network, axis: str, params: UpdateParams, key: str) -> float:
    try:
        _, table = solve(network, params.law, axes=(axis,), boundary=params.boundary)
    except PorelabError:
        return float("nan")
    return float(table[key][0])


def _touched(old: Network, new: Network, found: Updated) -> Table:
    """A row per touched throat: before and after where it joins the same two places, else only one of both."""
    gone, came = np.flatnonzero(found.old_throats), np.flatnonzero(found.new_throats)
    partner = _partners(_centres(old)[gone], _centres(new)[came])
    rows = [(int(g), int(came[p]) if p >= 0 else -1) for g, p in zip(gone, partner, strict=True)]
    rows += [(-1, int(t)) for k, t in enumerate(came) if k not in set(partner.tolist())]
    one, two = (np.array([r[k] for r in rows], np.int64) for k in (0, 1))
    what = np.where(one < 0, "new", np.where(two < 0, "gone", "changed"))
    columns = {
        "throat_before": Column(one, "", "number in the network before; -1: none"),
        "throat_after": Column(two, "", "number in the network after; -1: none"),
        "what": Column(what.astype(str) if len(rows) else np.array([], dtype="U8")),
    }
    laws = [k for k in old.throats if k.startswith(("g_hydraulic.", "g_diffusive."))][:2]
    for key in (*SIZES, *laws):
        columns[f"{key}_before"] = Column(_picked(old.throats, key, one), old.throats[key].unit)
        columns[f"{key}_after"] = Column(_picked(new.throats, key, two), old.throats[key].unit)
    return Table(columns)


def _centres(network: Network) -> NDArray[np.float64]:
    return np.column_stack([np.asarray(network.throat(f"centre_{a}"), float) for a in "zyx"])


def _partners(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each old throat the new one at the nearest place, when that is mutual; -1 for none."""
    from scipy.spatial import cKDTree

    if not len(old) or not len(new):
        return np.full(len(old), -1, np.int64)
    there, back = cKDTree(new).query(old)[1], cKDTree(old).query(new)[1]
    found: NDArray[np.int64] = np.where(back[there] == np.arange(len(old)), there, -1)
    return found


def _picked(columns: Mapping[str, Column], key: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    values = np.asarray(columns[key].values, float)
    return np.where(rows >= 0, values[np.clip(rows, 0, None)], np.nan) if len(values) else np.full(len(rows), np.nan)


update_network = Method(
    name="update_network",
    title="Update after a correction",
    summary="Extracts only that part of the network again which a correction touches; K, F and each touched "
    "throat before and after.",
    step="Network",
    citation=EXTRACT_NETWORK.citation,
    params=UpdateParams,
    inputs={
        "labels": Port(Labels, "The corrected labels."),
        "regions": Port(Regions, "The regions of the network, from before the correction."),
        "network": Port(Network, "The network from before the correction."),
    },
    outputs={"network": Network, "regions": Regions, "effect": Table, "touched_throats": Table},
    function=run,
)
