"""Direct simulation of diffusion in conduits."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.nouns import Column, Network, Regions
from porelab_gui.core.progress import Cancelled
from porelab_gui.core.transport.conduit.methods import conductance_dns

D = 1e-9
BOTH = [[0, 1], [1, 2]]


def simulate(regions, network, progress=None, **params):
    extra = () if progress is None else (progress,)
    return conductance_dns({"regions": regions, "network": network}, {"diffusivity": D, **params}, *extra)


def size_factors(regions, network, **params):
    return simulate(regions, network, **params)["network"].throat("g_diffusive.dns") / D


def oracle(image, conns):
    porespy = pytest.importorskip("porespy")
    return porespy.networks.diffusive_size_factor_DNS(np.asarray(image), np.asarray(conns))


def test_line_of_voxels_is_a_resistor_ladder(partition):
    # the balls round to nothing, so the means are over the regions: a unit current drops 1 per bond
    line = np.array([1] * 5 + [2] * 5).reshape(1, 1, 10)
    g = size_factors(*partition(line, [[0, 1]]))[0]
    source, sink = 1, 6  # the definition puts the centroid half a voxel low and takes the first of equals
    c = -np.clip(np.arange(10), source, sink).astype(float)
    assert g == pytest.approx(1 / (c[:5].mean() - c[5:].mean()), rel=1e-6)


def test_fixture_value_of_the_pair(real_data, partition):
    import h5py

    with h5py.File(real_data("conduits/pair.hdf5")) as file:
        image = np.asarray(file["pair"]).astype(np.int32)
    assert size_factors(*partition(image, [[0, 1]]))[0] == pytest.approx(8.38610123, rel=1e-8)
    flipped = np.where(image > 0, 3 - image, 0)
    assert size_factors(*partition(flipped, [[0, 1]]))[0] == pytest.approx(8.38610123, rel=1e-8)


def test_every_conduit_agrees_with_porespy_on_spheres(partition, spheres):
    assert size_factors(*partition(spheres, BOTH)) == pytest.approx(oracle(spheres, BOTH), rel=1e-6)


def ragged():
    """Nearest-centre cells of random points in blobs: one-voxel throats, slits, several pieces, hollow regions."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(5)
    void = gaussian_filter(rng.normal(size=(24, 22, 26)), 1.6) > 0.0
    centres = rng.uniform(0, 22, size=(14, 3))
    grid = np.indices(void.shape).reshape(3, -1).T
    cell = ((grid[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1).reshape(void.shape) + 1
    return np.where(void, cell, 0).astype(np.int32)


def faces_between(image):
    pairs = set()
    for axis in range(3):
        a, b = np.moveaxis(image, axis, 0)[:-1], np.moveaxis(image, axis, 0)[1:]
        rows = (a != b) & (a > 0) & (b > 0)
        pairs |= {tuple(sorted(p)) for p in zip(a[rows].tolist(), b[rows].tolist(), strict=True)}
    return np.array(sorted(pairs)) - 1


def test_every_conduit_agrees_with_porespy_on_ragged_regions(partition):
    image = ragged()
    conns = faces_between(image)
    assert len(conns) > 20
    assert size_factors(*partition(image, conns)) == pytest.approx(oracle(image, conns), rel=1e-5)


def test_conductance_is_size_factor_times_edge_times_diffusivity(partition, spheres):
    small = simulate(*partition(spheres, BOTH, 2e-6))["network"]
    expected = D * 2e-6 * size_factors(*partition(spheres, BOTH))
    assert small.throat("g_diffusive.dns") == pytest.approx(expected, rel=1e-9)
    assert small.throats["g_diffusive.dns"].unit == "m3/s"
    assert small.throats["g_diffusive.dns"].meta["diffusivity"] == D


def test_turning_the_image_hardly_matters(partition, spheres):
    turned = np.ascontiguousarray(spheres.transpose(2, 0, 1))
    assert size_factors(*partition(turned, BOTH)) == pytest.approx(size_factors(*partition(spheres, BOTH)), rel=0.02)


def test_flat_voxels_agree_with_cubes(partition):
    flat = np.zeros((8, 8, 24), dtype=np.int32)
    flat[1:7, 1:7, :12], flat[1:7, 1:7, 12:] = 1, 2
    cubes = np.repeat(flat, 2, axis=2)
    coarse = simulate(*partition(flat, [[0, 1]], (1e-6, 1e-6, 2e-6)))["network"].throat("g_diffusive.dns")[0]
    fine = simulate(*partition(cubes, [[0, 1]], 1e-6))["network"].throat("g_diffusive.dns")[0]
    assert coarse == pytest.approx(fine, rel=0.1)


def test_long_duct_conducts_as_area_over_length(partition):
    image = np.zeros((7, 7, 96), dtype=np.int32)
    for k in range(4):
        image[1:6, 1:6, 24 * k : 24 * (k + 1)] = k + 1
    g = size_factors(*partition(image, [[0, 1], [1, 2], [2, 3]]))
    assert 1 / g[1] == pytest.approx(24 / 25, rel=0.08)
    assert g[0] == pytest.approx(g[1], rel=1e-6)


def test_pair_that_touches_at_an_edge_only_does_not_conduct(partition):
    image = np.zeros((4, 6, 6), dtype=np.int32)
    image[:, :3, :3], image[:, 3:, 3:] = 1, 2
    out = simulate(*partition(image, [[0, 1]]))
    assert out["network"].throat("g_diffusive.dns")[0] == 0
    assert "apart" in out["table"]["outcome_diffusive"][0] and "1 x apart" in out["table"].notes[0]


def test_region_in_pieces_follows_porespy_or_joins(partition):
    image = np.zeros((5, 5, 20), dtype=np.int32)
    image[1:4, 1:4, :9] = 1  # the great piece of region 1 does not touch region 2
    image[1:4, 1:4, 11:13], image[1:4, 1:4, 13:17] = 1, 2
    like_porespy = simulate(*partition(image, [[0, 1]]))
    assert like_porespy["network"].throat("g_diffusive.dns") / D == pytest.approx(oracle(image, [[0, 1]]), rel=1e-6)
    assert "does not hold both" in like_porespy["table"]["outcome_diffusive"][0]
    joined = simulate(*partition(image, [[0, 1]]), pieces="joined")
    assert joined["table"]["outcome_diffusive"][0] == "solved" and joined["table"]["voxels_diffusive"][0] == 54


def test_one_voxel_throat(partition):
    image = np.zeros((9, 9, 15), dtype=np.int32)
    image[1:8, 1:8, :7], image[1:8, 1:8, 8:] = 1, 2
    image[4, 4, 7] = 1
    g = size_factors(*partition(image, [[0, 1]]))
    assert g == pytest.approx(oracle(image, [[0, 1]]), rel=1e-6) and 0 < g[0] < 1


def test_centres_in_one_voxel_give_no_number(partition):
    # region 2 is a closed shell around region 1, so both centroids fall into the same voxel
    image = np.zeros((7, 7, 7), dtype=np.int32)
    image[1:6, 1:6, 1:6] = 2
    image[2:5, 2:5, 2:5] = 1
    out = simulate(*partition(image, [[0, 1]]))
    assert np.isnan(out["network"].throat("g_diffusive.dns")[0])
    assert "coincide" in out["table"]["outcome_diffusive"][0]


def test_unconverged_solve_gives_no_number(partition, spheres):
    out = simulate(*partition(spheres, BOTH), iterations=1)
    assert np.isnan(out["network"].throat("g_diffusive.dns")).all()
    assert "not converged" in out["table"]["outcome_diffusive"][0]


def test_single_region_without_throats(partition):
    out = simulate(*partition(np.ones((4, 4, 4), dtype=np.int32), np.zeros((0, 2), dtype=int)))
    assert len(out["network"].throat("g_diffusive.dns")) == 0 and len(out["table"]) == 0


def test_image_of_one_slice(partition):
    image = np.zeros((1, 8, 16), dtype=np.int32)
    image[0, 1:7, :8], image[0, 1:7, 8:] = 1, 2
    assert size_factors(*partition(image, [[0, 1]])) == pytest.approx(oracle(image, [[0, 1]]), rel=1e-6)


def test_no_void_is_refused(partition):
    with pytest.raises(InputError, match="no void voxel"):
        simulate(*partition(np.zeros((4, 4, 4), dtype=np.int32), [[0, 1]]))


def test_network_of_other_regions_is_refused(partition, spheres):
    regions, _ = partition(spheres, BOTH)
    with pytest.raises(InputError, match="region 5"):
        simulate(regions, Network(np.zeros((5, 3)), [[0, 4]]))


def test_regions_with_nan_are_refused(partition, spheres):
    regions = Regions(np.where(spheres == 0, np.nan, spheres), 1.0)
    with pytest.raises(InputError, match="must be integers"):
        simulate(regions, Network(np.zeros((3, 3)), BOTH))


def test_selection_leaves_the_others_open(partition, spheres):
    whole = size_factors(*partition(spheres, BOTH))
    part = size_factors(*partition(spheres, BOTH), throats="1")
    assert np.isnan(part[0]) and part[1] == pytest.approx(whole[1], rel=1e-9)
    drawn = simulate(*partition(spheres, BOTH), count=1, seed=4)
    assert np.isfinite(drawn["network"].throat("g_diffusive.dns")).sum() == 1 and len(drawn["table"]) == 1


@pytest.mark.parametrize("listed", ["7", "1-x", "3-1", "-1"])
def test_bad_selection_is_refused(partition, spheres, listed):
    with pytest.raises(ParameterError):
        simulate(*partition(spheres, BOTH), throats=listed)


def test_second_run_comes_from_the_cache(partition, spheres, own_cache, monkeypatch):
    from porelab_gui.core.transport.conduit import conductance

    first = size_factors(*partition(spheres, BOTH), throats="0")
    calls = []
    solve = conductance.solve_diffusive
    monkeypatch.setattr(conductance, "solve_diffusive", lambda c, p, *a: calls.append(len(p)) or solve(c, p, *a))
    assert size_factors(*partition(spheres, BOTH), throats="0")[0] == first[0] and not calls
    both = size_factors(*partition(spheres, BOTH))
    assert calls == [1] and both[0] == first[0] and list(own_cache.glob("*.npz"))
    size_factors(*partition(np.roll(spheres, 1, axis=0), BOTH))
    assert calls == [1, 2]


def test_cancel_stops(partition, spheres):
    def refuse(done, total, message="", /, **metrics):
        if "conduits" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        simulate(*partition(spheres, BOTH), progress=refuse)


def test_virtual_pores_are_the_pads_that_porespy_puts_on_the_faces(partition):
    from porespy.networks import add_boundary_regions

    image = np.zeros((6, 6, 20), dtype=np.int32)
    image[1:5, 1:5, :10], image[1:5, 1:5, 10:] = 1, 2
    padded = add_boundary_regions(image, pad_width=3)
    regions, _ = partition(image, [[0, 1]])
    conns = np.array([[0, 1], [0, 2], [1, 3]])
    columns = {
        "region": Column(np.arange(1, 5)),
        "boundary": Column(np.array([False, False, True, True])),
        "face_x0": Column(np.array([True, False, True, False])),
        "face_x1": Column(np.array([False, True, False, True])),
    }
    network = Network(np.zeros((4, 3)), conns, extraction={"boundary_width": 3}, pores=columns)
    assert size_factors(regions, network) == pytest.approx(oracle(padded, conns), rel=1e-6)


def test_threads_do_not_change_the_numbers(partition, spheres):
    one = size_factors(*partition(spheres, BOTH), threads=1, cache=False)
    two = size_factors(*partition(spheres, BOTH), threads=2, cache=False)
    assert (one == two).all()


def on_device(image, conns, partition, **how):
    from porelab_gui.core.progress import silent
    from porelab_gui.core.transport.conduit.dns import Conduits, Solver, solve_diffusive

    regions, network = partition(image, conns)
    return solve_diffusive(Conduits.of(regions, network), np.asarray(conns) + 1, Solver(**how), silent)


@pytest.fixture
def one_thread():
    """Torch on one thread: these tensors are too small to share."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("at_once", [4_000_000, 5000])
def test_batches_on_a_torch_device_are_the_compiled_solves(partition, monkeypatch, one_thread, at_once):
    from porelab_gui.core.transport.conduit import batched

    monkeypatch.setattr(batched, "NODES_AT_ONCE", at_once)
    image = ragged()
    conns = np.vstack([faces_between(image), [[0, 13]]])  # the last pair is probably apart; either way both agree
    ours, device = (on_device(image, conns, partition, device=d) for d in ("cpu", "torch-cpu"))
    assert np.array_equal(ours[:, 3:], device[:, 3:])
    assert device[:, 0] == pytest.approx(ours[:, 0], rel=1e-6, nan_ok=True)


def test_batch_that_does_not_converge_gives_no_number(partition):
    image = ragged()
    found = on_device(image, faces_between(image), partition, device="torch-cpu", iterations=0, tolerance=1e-12)
    assert np.isnan(found[:, 0]).any() and set(found[np.isnan(found[:, 0]), 4]) <= {2.0, 3.0}
