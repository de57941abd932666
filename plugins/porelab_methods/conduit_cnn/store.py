"""Weights folders of this system: what they must say, and how they become nets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from porelab_gui.core.errors import FormatError, InputError
from porelab_gui.core.learning.weights import load_weights, read_config
from porelab_gui.core.nouns import Weights
from porelab_methods.conduit_cnn.model import CHANNELS, ConduitNet, Nets, ResNet50, folded

NAME = "conduit_cnn"
# how voxels become numbers; weights that learned from other numbers would be silently wrong
CONVENTION = "PoreSpy size factor, 6-connected voxels, ball means; series bonds on cells by dissipation v2"
SMALL, RESNET = "small", "resnet50"


@dataclass(frozen=True)
class Model:
    """Nets by physics with what the weights folder says of them."""

    nets: dict[str, nn.Module]
    config: dict[str, Any]

    @property
    def kind(self) -> str:
        """ "small" or "resnet50"."""
        return str(self.config.get("model", SMALL))

    @property
    def cells(self) -> int:
        """Edge of the coarse grid."""
        return int(self.config.get("cells", 16))

    def range_of(self, physics: str) -> dict[str, float]:
        """Edges of boxes [voxel] and strangeness seen in training, and the factor of the interval."""
        found = self.config["networks"][physics]
        return {k: float(found[k]) for k in ("longest", "strange", "stretch")}


def load(weights: Weights, device: torch.device) -> Model:
    """The nets of a Weights folder, ready for use; FormatError where it is of another system or convention."""
    config = read_config(weights)
    if config.get("system") != NAME:
        raise FormatError(
            "these weights are not of the conduit net", where=weights.folder, remedy="Choose another folder."
        )
    if config.get("convention") != CONVENTION:
        raise FormatError(
            f"these weights learned from another voxel convention ({config.get('convention', 'not named')}), so their "
            "conductances would be wrong here",
            where=weights.folder,
            remedy="Train them again with train_conduit_cnn.",
        )
    if config.get("model") == RESNET:
        net = load_weights(weights, lambda _: ResNet50())
        return Model({"diffusive": net.to(device)}, config)
    unknown = set(config.get("networks", {})) - set(CHANNELS)
    if unknown or not config.get("networks"):
        raise FormatError("the configuration names no net of this system", where=weights.folder)
    model = load_weights(weights, Nets)
    assert isinstance(model, Nets)
    nets: dict[str, nn.Module] = {}
    for physics, net in model.nets.items():
        assert isinstance(net, ConduitNet)
        nets[physics] = folded(net).to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return Model(nets, config)


def shipped() -> Weights:
    """The weights that come with the program; InputError that says how to make them where they are absent."""
    from porelab_gui import assets

    try:
        folder = Path(assets.find("weights", NAME))
    except FileNotFoundError as error:
        raise InputError(
            "the weights of the conduit net are not installed",
            where=NAME,
            remedy="Train them with train_conduit_cnn, or install a complete package.",
        ) from error
    return Weights(folder, name=NAME, source=str(folder))


def load_trainable(weights: Weights) -> dict[str, ConduitNet]:
    """The small nets of a folder as they were trained, to go on from."""
    config = read_config(weights)
    if config.get("system") != NAME or config.get("convention") != CONVENTION or config.get("model") != SMALL:
        raise FormatError(
            "these weights are not of the small conduit net under this voxel convention",
            where=weights.folder,
            remedy="Train from the start.",
        )
    model = load_weights(weights, Nets)
    assert isinstance(model, Nets)
    return {physics: net.train() for physics, net in model.nets.items() if isinstance(net, ConduitNet)}
