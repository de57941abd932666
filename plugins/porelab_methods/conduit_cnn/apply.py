"""``conductance_cnn``: predictions as columns of the network and rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.method import Outputs
from porelab_gui.core.nouns import Column, Network, Regions, Table, Weights
from porelab_gui.core.progress import Progress, within
from porelab_gui.core.transport.conduit.dns import Conduits
from porelab_gui.core.transport.conduit.selection import chosen_throats
from porelab_methods.conduit_cnn import store
from porelab_methods.conduit_cnn.model import DIFFUSIVE
from porelab_methods.conduit_cnn.predict import Predicted, predict

if TYPE_CHECKING:
    from porelab_methods.conduit_cnn.methods import ConductanceCnnParams

I64 = NDArray[np.int64]
UNITS = {"diffusive": "m3/s", "hydraulic": "m3/(Pa s)"}


def run(
    regions: Regions, network: Network, weights: Weights | None, params: ConductanceCnnParams, progress: Progress
) -> Outputs:
    """The network with ``g_<physics>.<law>`` and flags, NaN where not selected, and a table of what was predicted."""
    chosen = chosen_throats(network.n_throats, params.throats, params.count, params.seed)
    physics = ("diffusive", "hydraulic") if params.physics == "both" else (params.physics,)
    progress(0, 1, "measuring regions")
    conduits = Conduits.of(regions, network, params.threads)
    pairs = conduits.labels[network.conns[chosen]]
    found = predict(conduits, pairs, physics, weights or store.shipped(), params.threads, within(progress, 0.05, 1.0))
    law = params.name or "cnn"
    columns: dict[str, Column] = {}
    for p, made in found.items():
        scale, meta = _scale(p, conduits.edge, params)
        columns |= _columns(p, made, chosen, network.n_throats, scale, {**meta, "law": law}, law)
    return {"network": network.with_throats(columns), "table": _table(network, chosen, found, conduits.edge, params)}


def _scale(physics: str, edge: float, params: ConductanceCnnParams) -> tuple[float, dict[str, float]]:
    """From voxel units to SI, and the fluid that it holds for."""
    if physics == DIFFUSIVE:
        return params.diffusivity * edge, {"diffusivity": params.diffusivity}
    return edge**3 / params.viscosity, {"viscosity": params.viscosity}


def _columns(
    physics: str, made: Predicted, chosen: I64, n: int, scale: float, meta: dict[str, Any], law: str
) -> dict[str, Column]:
    def full(values: NDArray[Any], nothing: Any) -> NDArray[Any]:
        out = np.full(n, nothing)
        out[chosen] = values
        return out

    spread = np.where(made.value > 0, (made.high - made.low) / (2 * np.where(made.value > 0, made.value, 1)), 0.0)
    return {
        f"g_{physics}.{law}": Column(
            full(made.value * scale, np.nan), UNITS[physics], f"{physics} conductance by the conduit net", meta
        ),
        f"spread_{physics}.{law}": Column(
            full(spread, np.nan), "1", f"half of the 90 % interval of the {physics} conductance, relative"
        ),
        f"unlike_{physics}.{law}": Column(
            full(made.unlike | made.large, False),
            "1",
            "unlike the conduits of the training, or larger than any of them",
        ),
    }


def _table(
    network: Network, chosen: I64, found: dict[str, Predicted], edge: float, params: ConductanceCnnParams
) -> Table:
    columns = {
        "throat": Column(chosen, "1"),
        "pore_1": Column(network.conns[chosen, 0], "1"),
        "pore_2": Column(network.conns[chosen, 1], "1"),
    }
    notes: list[str] = []
    for p, made in found.items():
        scale, _ = _scale(p, edge, params)
        for key, values in (("", made.value), ("_low", made.low), ("_high", made.high), ("_coarse", made.coarse)):
            columns[f"g_{p}{key}"] = Column(values * scale, UNITS[p], f"{p} conductance{key.replace('_', ', ')}")
        words = [_outcome(*flags) for flags in zip(made.simulated, made.large, made.unlike, strict=True)]
        columns[f"outcome_{p}"] = Column(np.array(words, dtype=str))
        for word in sorted(set(words) - {"predicted"}):
            notes.append(f"{p}: {words.count(word)} x {word}")
    return Table(columns, notes=tuple(notes), name="conduits by the net")


def _outcome(simulated: bool, large: bool, unlike: bool) -> str:
    if simulated:
        return "solved directly: the coarse grid does not join the centres"
    if large:
        return "larger than any conduit of the training"
    return "unlike the conduits of the training" if unlike else "predicted"
