"""The coarse solve: exact where a cell is a voxel, close where it is not, alike under the symmetries of the cube."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from porelab_methods.conduit_cnn import coarsen
from porelab_methods.conduit_cnn.features import Geometry
from porelab_methods.conduit_cnn.partition import partition

from porelab_gui.core.nouns import Network, Regions
from porelab_gui.core.transport.conduit.dns import Conduits


def geometry(regions, network, hydraulic=False, cells=16):
    conduits = Conduits.of(regions, network, 1)
    return Geometry.of(conduits, conduits.labels[network.conns], hydraulic, cells, 1)


def test_with_a_cell_per_voxel_the_coarse_solve_is_the_direct_simulation(pack):
    regions, network = pack
    made = geometry(regions, network, cells=44).represent(np.arange(network.n_throats))
    g = network.throat("g_diffusive.dns") / (1e-6 * network.throats["g_diffusive.dns"].meta["diffusivity"])
    assert made.good.all()
    assert np.exp(made.priors[:, 0]) == pytest.approx(g, rel=1e-4)


def test_the_coarse_solve_of_a_straight_duct_is_area_over_length():
    image = np.zeros((70, 24, 24), np.int32)
    image[:, 2:22, 2:22] = 1
    image[35:] *= 2
    network = Network(np.zeros((2, 3)), np.array([[0, 1]]))
    made = geometry(Regions(image, 1.0), network, hydraulic=True).represent(np.arange(1))
    # 400 voxels of area over the 35 between the centroids; the point sources are averaged out over their balls
    assert np.exp(made.priors[0, 0]) == pytest.approx(400 / 35, rel=0.08)
    # k of a square duct is 0.0351443 a^2; the wall distance is a rough stand-in for the flow profile
    assert np.exp(made.priors[0, 1]) == pytest.approx(0.0351443 * 20**4 / 35, rel=0.35)


def test_a_thin_layer_between_two_cells_keeps_its_resistance():
    mark = np.ones((8, 4, 4), np.uint8)
    mark[3, :, :] = 0
    mark[3, 1, 1] = 1
    of = np.arange(8) // 4, np.arange(4) // 2, np.arange(4) // 2
    over, _, _ = coarsen.layers(mark, np.zeros((0, 0, 0), np.float32), *of, 2)
    bonds = coarsen.series(over, of[0], 2, 1.0)
    # half of a full layer pair (4 faces), then two layers through the hole of 1, one full, half of a full one
    assert bonds[0, 0, 0] == pytest.approx(1 / (0.5 / 4 + 1 + 1 + 1 / 4 + 0.5 / 4), rel=0.2)
    assert bonds[0, 1, 1] == 0 or bonds[0, 1, 1] > bonds[0, 0, 0]


def test_the_neck_of_a_conduit_gets_the_small_cells():
    """Two cubes of 30 voxels joined by a neck of 4 x 4 x 6: voxels of their own in the neck, large cells beside it."""
    mark = np.zeros((66, 30, 30), np.uint8)
    mark[:30], mark[36:] = 1, 2
    mark[30:36, 13:17, 5:9] = 1
    z, y, x = partition(mark, np.array([[14.5, 14.5, 14.5], [50.5, 14.5, 14.5]]), 16, 66 / 16)
    assert len(set(z[30:36])) == 6 and z[-1] - z[0] <= 15
    assert len(set(y[12:18])) >= 4 and len(set(x[4:10])) >= 3
    for of in (z, y, x):
        assert (np.diff(of) >= 0).all() and (np.diff(of) <= 1).all()
    assert np.bincount(z).max() >= 5


def test_cells_by_dissipation_beat_an_even_grid(pack):
    regions, network = pack
    rows = np.arange(network.n_throats)
    g = network.throat("g_diffusive.dns") / (1e-6 * network.throats["g_diffusive.dns"].meta["diffusivity"])
    found = np.exp(geometry(regions, network, cells=10).represent(rows).priors[:, 0])
    assert np.median(np.abs(found / g - 1)) < 0.055  # an even grid of ten cells misses by 0.071


def test_swapping_the_labels_changes_nothing(pack):
    regions, network = pack
    there = geometry(regions, network, True).represent(np.arange(12))
    back = Network(network.coords, network.conns[:, ::-1], pores=network.pores)
    again = geometry(regions, back, True).represent(np.arange(12))
    assert np.array_equal(there.channels, again.channels)
    assert np.array_equal(there.numbers, again.numbers)


def test_all_turns_of_the_cube_lead_to_the_same_cells(pack):
    regions, network = pack
    throat = int(np.argmax(network.throat("cross_sectional_area")))
    image = regions.array()
    one = None
    for axes, flips in itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)):
        turned = np.ascontiguousarray(image.transpose(axes)[:: flips[0], :: flips[1], :: flips[2]])
        made = geometry(Regions(turned, 1e-6), Network(network.coords, network.conns[[throat]])).represent(np.arange(1))
        shares = made.channels[0, :2]
        one = shares if one is None else one
        assert np.array_equal(shares, one), (axes, flips)


def test_regions_that_share_an_edge_only_are_not_reached():
    image = np.zeros((8, 8, 8), np.int32)
    image[:4, :4] = 1
    image[4:, 4:] = 2
    made = geometry(Regions(image, 1.0), Network(np.zeros((2, 3)), np.array([[0, 1]]))).represent(np.arange(1))
    assert not made.good[0]
