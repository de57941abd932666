"""``conductance_cnn``: columns, intervals, flags and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.conduit_cnn.model import ConduitNet, ResNet50, folded, size_of

from porelab_gui.core.errors import FormatError, InputError, ParameterError
from porelab_gui.core.nouns import Network, Regions
from porelab_gui.core.registry import get


def predict(pack, weights, **params):
    regions, network = pack
    return get("conductance_cnn")({"regions": regions, "network": network, "weights": weights}, params)


def test_the_reference_has_the_size_of_the_papers_net():
    assert size_of(ResNet50()) == 47_284_353
    assert size_of(ConduitNet(6, 23, 16, 1)) < 5_000_000


def test_folding_the_normalisation_changes_nothing():
    import torch

    torch.manual_seed(1)
    net = ConduitNet(4, 17, 4, 2).train()
    image, numbers = torch.rand(6, 4, 16, 16, 16), torch.randn(6, 17)
    net(image, numbers)
    before = net.eval()(image, numbers)
    assert torch.allclose(folded(net)(image, numbers), before, atol=1e-4)


def test_a_net_that_adds_nothing_gives_the_coarse_value_in_si(pack, weights):
    made = predict(pack, weights(), physics="both", diffusivity=2e-9, viscosity=3e-3)
    table, network = made["table"], made["network"]
    assert network.throat("g_diffusive.cnn") == pytest.approx(table["g_diffusive_coarse"])
    assert network.throats["g_diffusive.cnn"].meta["diffusivity"] == 2e-9
    # the coarse grid is not the voxels, but far from useless
    ratio = network.throat("g_diffusive.cnn") / (2 * network.throat("g_diffusive.dns"))
    assert abs(np.median(ratio) - 1) < 0.1
    assert (table["g_diffusive_low"] < table["g_diffusive"]).all()
    assert (table["g_diffusive_high"] > table["g_diffusive"]).all()
    assert set(table["outcome_diffusive"]) == {"predicted"}
    once = predict(pack, weights(), physics="both", diffusivity=1e-9, viscosity=1e-3)["network"]
    assert network.throat("g_hydraulic.cnn") * 3 == pytest.approx(once.throat("g_hydraulic.cnn"))


def test_only_the_chosen_throats_are_predicted(pack, weights):
    made = predict(pack, weights(), throats="0-4, 7", name="mine")
    known = np.isfinite(made["network"].throat("g_diffusive.mine"))
    assert np.flatnonzero(known).tolist() == [0, 1, 2, 3, 4, 7]
    assert len(made["table"]) == 6


def test_a_conduit_larger_than_those_of_the_training_is_flagged(pack, weights):
    made = predict(pack, weights(longest=20))
    large = made["network"].throat("unlike_diffusive.cnn")
    assert large.any() and not large.all()
    assert "larger than any conduit of the training" in set(made["table"]["outcome_diffusive"])
    assert any("larger" in note for note in made["table"].notes)


def test_a_conduit_unlike_the_training_is_flagged(pack, weights):
    made = predict(pack, weights(strange=1e-6))
    assert set(made["table"]["outcome_diffusive"]) == {"unlike the conduits of the training"}
    assert made["network"].throat("unlike_diffusive.cnn").all()


def test_weights_of_another_voxel_convention_are_refused(pack, weights):
    with pytest.raises(FormatError, match="another voxel convention"):
        predict(pack, weights(config={"convention": "18-connected"}))


def test_weights_of_another_system_are_refused(pack, weights):
    with pytest.raises(FormatError, match="not of the conduit net"):
        predict(pack, weights(config={"system": "shale_unet"}))


def test_weights_without_the_physics_asked_for_are_refused(pack, weights):
    with pytest.raises(InputError, match="no net for the hydraulic"):
        predict(pack, weights(physics=("diffusive",)), physics="hydraulic")


def test_an_empty_selection_is_refused(pack, weights):
    regions, network = pack
    empty = Network(network.coords, np.zeros((0, 2), int), pores=network.pores)
    with pytest.raises(InputError, match="no throat is selected"):
        predict((regions, empty), weights())
    with pytest.raises(ParameterError, match="outside"):
        predict(pack, weights(), throats="99999")


def test_voxels_that_are_not_cubes_are_refused_for_stokes_flow_alone(pack, weights):
    regions, network = pack
    flat = Regions(regions.array(), (1e-6, 1e-6, 2e-6))
    with pytest.raises(InputError, match="not cubes"):
        predict((flat, network), weights(), physics="hydraulic")
    made = predict((flat, network), weights(), physics="diffusive")
    assert np.isfinite(made["network"].throat("g_diffusive.cnn")).all()


def test_a_pair_that_the_coarse_grid_does_not_join_is_solved_directly(weights):
    image = np.zeros((8, 8, 8), np.int32)
    image[:4, :4] = 1
    image[4:, 4:] = 2
    pair = Regions(image, 1e-6), Network(np.zeros((2, 3)), np.array([[0, 1]]))
    made = predict(pair, weights())
    assert made["network"].throat("g_diffusive.cnn")[0] == 0
    assert "solved directly" in made["table"]["outcome_diffusive"][0]


@pytest.mark.gpu
def test_a_graphics_processor_gives_the_same(pack, weights):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    from porelab_methods.conduit_cnn import predict as module

    from porelab_gui.core.transport.conduit.dns import Conduits

    regions, network = pack
    conduits = Conduits.of(regions, network)
    pairs = conduits.labels[network.conns]
    folder = weights()
    there = module.predict(conduits, pairs, ("diffusive",), folder)["diffusive"].value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "best_device", lambda: torch.device("cpu"))
        here = module.predict(conduits, pairs, ("diffusive",), folder)["diffusive"].value
    assert there == pytest.approx(here, rel=1e-3)
