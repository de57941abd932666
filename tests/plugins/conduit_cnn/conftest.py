"""A small sphere pack with its network and direct simulations, and weights of an untrained net."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.conduit_cnn import store
from porelab_methods.conduit_cnn.dataset import network_of
from porelab_methods.conduit_cnn.media import Medium
from porelab_methods.conduit_cnn.model import CHANNELS, Nets

from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.registry import get

CARD = Card("Net", "Untrained.", "none", "none", [], "many", "porelab x", "")


@pytest.fixture(scope="session")
def pack(tmp_path_factory):
    """(regions, network with diffusive DNS and some hydraulic DNS) of a pack of 44^3 voxels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORELAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        regions, network = network_of(Medium("spheres", 3, 44, 0.6, 6.0, 1.5).image(), 0)
        nouns = {"regions": regions, "network": network}
        nouns["network"] = get("conductance_dns")(nouns, {})["network"]
        some = {"physics": "hydraulic", "count": 20}
        return regions, get("conductance_dns")(nouns, some)["network"]


@pytest.fixture
def weights(tmp_path):
    """``weights(**changes)``: a Weights folder whose net adds nothing to the coarse solve."""

    def make(physics=("diffusive", "hydraulic"), config=None, **changes):
        import torch

        limits = {"width": 4, "blocks": 1, "stretch": 1.0, "strange": 1e9, "longest": 1e9, **changes}
        body = {
            "system": store.NAME,
            "convention": store.CONVENTION,
            "model": store.SMALL,
            "cells": 16,
            "networks": dict.fromkeys(physics, limits),
            **(config or {}),
        }
        torch.manual_seed(0)
        nets = Nets({"networks": {p: {"width": 4, "blocks": 1} for p in physics}})
        for p in physics:
            torch.nn.init.zeros_(nets.nets[p].head[-1].weight)
            torch.nn.init.zeros_(nets.nets[p].head[-1].bias)
            assert nets.nets[p].stem[0].in_channels == len(CHANNELS[p])
        return save_weights(tmp_path / f"w{np.random.default_rng().integers(1 << 30)}", nets, body, CARD)

    return make
