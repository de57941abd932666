"""The shipped networks: one file with a network per variant, and how to load it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.learning.weights import MODEL
from porelab_gui.core.nouns import Weights
from porelab_methods.ion_transport.model import Block, IonNet

NAME = "ion_transport"


class IonNets(torch.nn.Module):
    """Networks by name. Those of ``config["members"]`` together are the model of a membrane known by its DSPM-DE
    parameters, those of ``config["told"]`` that of a membrane with fitted strengths; the rest are there to be compared.

    ``bench`` says on which simulated membranes they were fine-tuned: ``membranes``, ``seed``, and whether those were
    fitted within the ``box``.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.nets = torch.nn.ModuleDict(
            {
                name: IonNet(
                    int(c["width"]), int(c["heads"]), int(c["depth"]), bool(c["attend"]), int(c.get("effects", 0))
                )
                for name, c in config["networks"].items()
            }
        )
        self.members = tuple(config["members"])
        self.told = tuple(config.get("told") or ())
        self.bench: dict[str, Any] = dict(config.get("bench") or {})


def describe(net: IonNet) -> dict[str, Any]:
    """The configuration of a network, for ``config.json``."""
    block = net.blocks[0]
    attention = block.attention if isinstance(block, Block) else None
    return {
        "width": net.embed.out_features,
        "heads": attention.heads if attention is not None else 4,
        "depth": len(net.blocks),
        "attend": attention is not None,
        "effects": net.effects,
    }


@dataclass(frozen=True)
class Ensemble:
    """Networks whose corrections are averaged."""

    nets: Sequence[IonNet]

    def correction(self, features: NDArray[np.float32], present: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Mean correction h (B, K, n)."""
        return np.asarray(np.mean([net.correction(features, present) for net in self.nets], axis=0), float)


def pick(nets: IonNets, names: Sequence[str]) -> Ensemble:
    """Some of the networks, averaged."""
    return Ensemble([nets.nets[n] for n in names])  # type: ignore[misc]


def load_nets(weights: Weights) -> IonNets:
    """All networks of a Weights folder; FormatError where it is not of this system."""
    from porelab_gui.core.learning.weights import load_weights, read_config

    if read_config(weights).get("system") != NAME:
        raise FormatError("these weights are not of the ion transport model", where=weights.folder)
    model = load_weights(weights, IonNets)
    if not isinstance(model, IonNets):
        raise FormatError("these weights are not of the ion transport model", where=weights.folder)
    return model


def members(weights: Weights, strengths: bool = False) -> Ensemble:
    """The networks that together are the model, of a membrane with fitted ``strengths`` or of one without; read once
    for as long as the file does not change. InputError where the weights have no such networks."""
    stamp = (weights.folder / MODEL).stat().st_mtime_ns if (weights.folder / MODEL).exists() else 0
    model = _loaded(weights.folder, stamp)
    chosen = [model.nets[name] for name in (model.told if strengths else model.members)]
    nets = [net for net in chosen if isinstance(net, IonNet)]
    if strengths and not nets:  # weights of a single network
        nets = [net for net in (model.nets[name] for name in model.members) if isinstance(net, IonNet) and net.effects]
    if not nets:
        raise InputError(
            "these weights take no strengths of effects beyond DSPM-DE",
            where=weights.folder,
            remedy="Leave the strengths out, or train with train_ion_transport --simulations.",
        )
    return Ensemble(nets)


@lru_cache(maxsize=4)
def _loaded(folder: Path, stamp: int) -> IonNets:
    return load_nets(Weights(folder))


def shipped() -> Weights:
    """The weights that come with the program; InputError that says how to make them where they are absent."""
    from porelab_gui import assets

    try:
        folder = Path(assets.find("weights", NAME))
    except FileNotFoundError as error:
        raise InputError(
            "the weights of the ion transport model are not installed",
            where="ion_transport",
            remedy="Train them with train_ion_transport, or install a complete package.",
        ) from error
    return Weights(folder, name=NAME, source=str(folder))
