"""Trained weights on a network: conductance columns, their ratio to the analytic law, and what to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError
from porelab_gui.core.learning.weights import load_weights, read_config
from porelab_gui.core.nouns import Column, Network, Weights
from porelab_methods.gnn_pnm.familiar import Familiar
from porelab_methods.gnn_pnm.features import BASE, Graph, Variant, best_variant, graph_of
from porelab_methods.gnn_pnm.model import PROCESSES, Ensemble, Tensors, build

LAW = "gnn"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """One variant ready to use."""

    net: Ensemble
    familiar: Familiar

    @property
    def variant(self) -> Variant:
        """Which features it takes."""
        return self.net.variant

    def factors(self, graph: Graph) -> tuple[Floats, Floats, Floats]:
        """(size factors [m3, m], ln ratio to the analytic law, spread between the nets), each (Nt, 2)."""
        tensors = Tensors.of([graph])
        with torch.no_grad():
            ratio = self.net(tensors).double().numpy()
            spread = self.net.spread(tensors).double().numpy()
        return np.exp(ratio + graph.base) * np.array([graph.unit**3, graph.unit]), ratio, spread


def shipped() -> Weights:
    """The weights that come with the program."""
    from porelab_gui.assets import find

    folder = find("weights", "gnn_pnm")
    return Weights(folder, name="gnn_pnm", source=str(folder))


def load(weights: Weights, variant: Variant) -> Model:
    """The variant of a Weights folder: the folder itself or its subfolder of that name; FormatError without it."""
    config = read_config(weights)
    if config.get("variant") != variant:
        inner = weights.folder / variant
        if not inner.is_dir():
            raise FormatError(
                f"these weights know the variant {config.get('variant')!r} only, and the network needs {variant!r}",
                where=weights.folder,
                remedy="Train that variant in the step Learn, or extract the network from its image.",
            )
        weights = Weights(inner, name=weights.name, source=str(inner))
        config = read_config(weights)
    return Model(_net(weights), _familiar(config, weights.folder))


def _net(weights: Weights) -> Ensemble:
    net = load_weights(weights, build)
    assert isinstance(net, Ensemble)
    return net


def _familiar(config: Mapping[str, Any], folder: Path) -> Familiar:
    try:
        return Familiar.read(config["familiar"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError("the configuration does not describe the training set", where=folder) from error


@dataclass(frozen=True)
class Applied:
    """A network with learned conductances, and sentences about them; ``distance`` from the training set."""

    network: Network
    notes: tuple[str, ...]
    distance: float
    limit: float
    variant: Variant
    spread: float


def apply(network: Network, weights: Weights, viscosity: float, diffusivity: float) -> Applied:
    """Columns ``g_hydraulic.gnn``, ``g_diffusive.gnn``, ``gnn_ratio.*`` and ``gnn_spread.*``.

    InputError when features are missing that every variant needs.
    """
    variant, lacking = best_variant(network)
    model = load(weights, variant)
    graph = graph_of(network, variant)
    factors, ratio, spread = model.factors(graph)
    made = _columns(variant, factors, ratio, spread, viscosity, diffusivity)
    notes = _notes(network, model, graph, lacking)
    filled = network.with_throats(made)
    return Applied(
        filled.with_throats(_errors(filled)), notes, model.familiar.distance(graph), model.familiar.limit, variant,
        float(np.median(spread[:, 0])),
    )  # fmt: skip


def _columns(
    variant: Variant, factors: Floats, ratio: Floats, spread: Floats, viscosity: float, diffusivity: float
) -> dict[str, Column]:
    pore = "equivalent" if variant == "full" else "inscribed"
    shared = {"law": LAW, "pore_diameter": pore, "variant": variant}
    made = {
        f"g_hydraulic.{LAW}": Column(
            factors[:, 0] / viscosity, "m3/(Pa s)", "hydraulic conductance, GNN", {**shared, "viscosity": viscosity}
        ),
        f"g_diffusive.{LAW}": Column(
            factors[:, 1] * diffusivity, "m3/s", "diffusive conductance, GNN", {**shared, "diffusivity": diffusivity}
        ),
    }
    for k, process in enumerate(PROCESSES):
        law = BASE[process].replace("_", " ")
        made[f"gnn_ratio.{process}"] = Column(np.exp(ratio[:, k]), "1", f"{process}: GNN over {law}")
        made[f"gnn_spread.{process}"] = Column(spread[:, k], "1", f"{process}: spread of ln g between the nets")
    return made


def _errors(network: Network) -> dict[str, Column]:
    """Relative error against simulated conduits, for the processes that were simulated."""
    made = {}
    for process in PROCESSES:
        truth = network.throats.get(f"g_{process}.dns")
        if truth is None:
            continue
        g = truth.values.astype(float)
        fluid = next(k for k in ("viscosity", "diffusivity") if k in truth.meta)
        mine = network.throats[f"g_{process}.{LAW}"]
        same = mine.meta[fluid] / truth.meta[fluid] if process == "hydraulic" else truth.meta[fluid] / mine.meta[fluid]
        error = np.where(g > 0, mine.values * same / np.where(g > 0, g, 1) - 1, np.nan)
        made[f"gnn_error.{process}"] = Column(error, "1", f"{process}: GNN over direct simulation, minus 1")
    return made


def _notes(network: Network, model: Model, graph: Graph, lacking: list[str]) -> tuple[str, ...]:
    notes = [model.familiar.sentence(graph, model.variant)]
    if lacking:
        notes.append(
            f"The network has no {', no '.join(lacking)}; the variant trained without them was taken, which is less "
            "accurate."
        )
    if not graph.face.any():
        notes.append(
            "The network has no boundary pores: the way from the faces to the first pores counts as tubes of the "
            "pores' diameter, which the model did not learn. Extract with a boundary width above 0 to have it learned."
        )
    return tuple(n for n in notes if n)
