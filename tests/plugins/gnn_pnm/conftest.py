"""Small media, extracted once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.gnn_pnm import media
from porelab_methods.gnn_pnm.labels import Sample, as_labels, extract
from porelab_methods.gnn_pnm.model import Ensemble, ThroatNet


@pytest.fixture(scope="session")
def networks():
    """Four networks of 36^3, two families, which all span z, y and x."""
    made = []
    for seed in (1, 2):
        for family in ("blobs", "spheres"):
            rng = np.random.default_rng(seed)
            made.append(extract(as_labels(media.MAKERS[family](rng, (36,) * 3)), 1)[1].renamed(f"{family}{seed}"))
    return made


@pytest.fixture
def network(networks):
    """One of them."""
    return networks[0]


@pytest.fixture
def samples(networks):
    """The networks with labels from the analytic base law times 1.6 (K) and 1.2 (F)."""
    from porelab_methods.gnn_pnm.features import graph_of
    from porelab_methods.gnn_pnm.systems import KINDS, system_of

    made = []
    for n, network in enumerate(networks):
        graph = graph_of(network, "full")
        value = np.full((2, 3), np.nan)
        for k, kind in enumerate(KINDS):
            for axis, name in enumerate("zyx"):
                found = system_of(network, name, kind, graph.unit).solve(np.exp(graph.base[:, k])).value
                value[k, axis] = found * (1.6 * graph.unit**2 if k == 0 else 1.2)
        shares = np.full((3, network.n_throats), np.nan)
        role = "validation" if n == 3 else "train"
        made.append(Sample(network, value[0], 1 / value[1], shares, "blobs" if n % 2 == 0 else "spheres", role))
    return made


@pytest.fixture(params=["full", "lean"])
def wild(request, network):
    """Nets whose weights are random throughout, the read-out's too, and their variant."""
    from porelab_methods.gnn_pnm.features import graph_of
    from porelab_methods.gnn_pnm.model import Tensors

    torch.manual_seed(3)
    nets = []
    for _ in range(2):
        net = ThroatNet(request.param, 16, 2, 12)
        net.learn_scales(Tensors.of([graph_of(network, request.param)]))
        for read in net.read:
            torch.nn.init.uniform_(read.last.rise, -0.3, 0.3)  # what is negative must not count
            torch.nn.init.normal_(read.last.free.weight, std=0.3)
            torch.nn.init.constant_(read.weight, 0.7)
        nets.append(net.eval())
    return Ensemble(nets).eval()
