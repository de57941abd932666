"""Direct simulation of Stokes flow in conduits: closed forms, symmetry, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Network, Regions
from porelab_gui.core.transport.conduit.methods import conductance_dns

MU = 2e-3
DUCT = 0.0351443


def simulate(regions, network, **params):
    asked = {"physics": "hydraulic", "viscosity": MU, **params}
    return conductance_dns({"regions": regions, "network": network}, asked)


def rates(regions, network, **params):
    """Conductance in voxel units."""
    edge = regions.voxel_size[0]
    return simulate(regions, network, **params)["network"].throat("g_hydraulic.dns") * MU / edge**3


def duct(width, lengths, axis=2):
    image = np.zeros((width + 2, width + 2, sum(lengths)), dtype=np.int32)
    stop = np.cumsum(lengths)
    for k, (s, e) in enumerate(zip(stop - lengths, stop, strict=True)):
        image[1:-1, 1:-1, s:e] = k + 1
    return np.moveaxis(image, 2, axis)


@pytest.mark.parametrize("lengths", [(12, 12), (11, 11), (12, 9)])
def test_duct_of_any_length_is_its_closed_form_within_the_grid_error(partition, lengths):
    # staggered finite volumes at width w are off by 3.8 / w^2 in a duct, whatever its length
    width, between = 16, sum(lengths) / 2
    g = rates(*partition(duct(width, lengths), [[0, 1]], 3e-6))[0]
    assert g == pytest.approx(DUCT * width**4 / between * (1 + 3.8 / width**2), rel=1e-3)


def test_duct_converges_in_second_order(partition):
    errors = [rates(*partition(duct(w, (w, w)), [[0, 1]]))[0] / (DUCT * w**3) - 1 for w in (6, 12, 24)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.15)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2, abs=0.15)
    assert errors[2] < 0.008


def test_tube_is_hagen_and_poiseuille(partition):
    radius, half = 14.0, 16
    y, x = np.indices((31, 31)) - 15
    inside = y**2 + x**2 <= radius**2
    image = np.where(np.arange(2 * half)[:, None, None] < half, 1, 2) * inside
    g = rates(*partition(image.astype(np.int32), [[0, 1]]))[0]
    area = inside.sum()
    assert g == pytest.approx(area * (area / np.pi) / 8 / half, rel=0.02)  # the wall is a staircase


def test_all_axes_give_the_same(partition):
    values = [rates(*partition(np.ascontiguousarray(duct(6, (7, 9), k)), [[0, 1]]))[0] for k in range(3)]
    assert values == pytest.approx([values[0]] * 3, rel=1e-5)


def test_units(partition):
    out = simulate(*partition(duct(4, (6, 6)), [[0, 1]], 2e-6))
    column = out["network"].throats["g_hydraulic.dns"]
    assert column.unit == "m3/(Pa s)" and column.meta["viscosity"] == MU
    assert column.values[0] == pytest.approx(rates(*partition(duct(4, (6, 6)), [[0, 1]]))[0] * 8e-18 / MU, rel=1e-6)


def test_order_of_the_pair_does_not_matter(partition, spheres):
    flipped = np.where(spheres == 1, 2, np.where(spheres == 2, 1, spheres))
    one, two = rates(*partition(spheres, [[0, 1]]))[0], rates(*partition(flipped, [[0, 1]]))[0]
    assert one > 0 and one == pytest.approx(two, rel=1e-4)


def test_narrow_throat_conducts_far_less_than_the_wide_one(partition):
    def necked(width):
        image = np.zeros((14, 14, 30), dtype=np.int32)
        image[1:13, 1:13, :12], image[1:13, 1:13, 18:] = 1, 2
        lo = 7 - width // 2
        image[lo : lo + width, lo : lo + width, 12:15] = 1
        image[lo : lo + width, lo : lo + width, 15:18] = 2
        return rates(*partition(image, [[0, 1]]))[0]

    ratio = necked(6) / necked(3)
    assert 8 < ratio < 20  # width^4 with end effects


def test_cut_towards_another_pore_does_not_hold_the_fluid_back(partition):
    # a slit between two plates, cut at the sides: against solid it is a duct, against other pores a slit, w^3 / 12
    slit = np.zeros((10, 8, 24), dtype=np.int32)
    slit[1:9, :, :12], slit[1:9, :, 12:] = 1, 2
    solid, pores = np.pad(slit, ((0, 0), (1, 1), (0, 0))), np.pad(slit, ((0, 0), (1, 1), (0, 0)))
    pores[1:9, [0, -1]] = 3
    free = rates(*partition(pores, [[0, 1]]))[0]
    assert free == pytest.approx(8**3 / 12 * (1 + 2 / 8**2) * 8 / 12, rel=1e-3)  # with the grid's error in a slit
    assert rates(*partition(solid, [[0, 1]]))[0] < 0.6 * free


def test_pair_that_touches_at_an_edge_only_does_not_conduct(partition):
    image = np.zeros((4, 6, 6), dtype=np.int32)
    image[:, :3, :3], image[:, 3:, 3:] = 1, 2
    out = simulate(*partition(image, [[0, 1]]))
    assert out["network"].throat("g_hydraulic.dns")[0] == 0 and "apart" in out["table"]["outcome_hydraulic"][0]


def test_one_voxel_throat_and_one_voxel_regions(partition):
    image = np.zeros((9, 9, 15), dtype=np.int32)
    image[1:8, 1:8, :7], image[1:8, 1:8, 8:] = 1, 2
    image[4, 4, 7] = 1
    assert 0 < rates(*partition(image, [[0, 1]]))[0] < 0.2
    two = np.zeros((3, 3, 4), dtype=np.int32)
    two[1, 1, 1], two[1, 1, 2] = 1, 2
    assert rates(*partition(two, [[0, 1]]))[0] > 0


def test_flat_image_of_one_slice(partition):
    image = np.zeros((1, 8, 16), dtype=np.int32)
    image[0, 1:7, :8], image[0, 1:7, 8:] = 1, 2
    assert rates(*partition(image, [[0, 1]]))[0] > 0


def test_unconverged_solve_gives_no_number(partition, spheres):
    out = simulate(*partition(spheres, [[0, 1]]), iterations=1, tolerance=1e-13)
    assert np.isnan(out["network"].throat("g_hydraulic.dns")[0])
    assert "not converged" in out["table"]["outcome_hydraulic"][0]


def test_a_piece_that_does_not_join_the_pair_carries_nothing(partition):
    whole = np.zeros((6, 6, 16), dtype=np.int32)
    whole[1:5, 1:5, :8], whole[1:5, 1:5, 8:12] = 1, 2
    pieces = whole.copy()
    pieces[:, :, 0] = 0
    pieces[1:5, 1:5, 14:] = 1  # an island of region 1 beyond the end of region 2
    out = simulate(*partition(pieces, [[0, 1]]))
    assert out["table"]["outcome_hydraulic"][0] == "solved" and out["network"].throat("g_hydraulic.dns")[0] > 0
    assert out["table"]["voxels_hydraulic"][0] == 16 * 11


def test_centres_in_one_point_give_no_number(partition):
    image = np.zeros((7, 7, 7), dtype=np.int32)
    image[1:6, 1:6, 1:6] = 2
    image[2:5, 2:5, 2:5] = 1
    out = simulate(*partition(image, [[0, 1]]))
    assert np.isnan(out["network"].throat("g_hydraulic.dns")[0])
    assert "coincide" in out["table"]["outcome_hydraulic"][0]


def test_single_region_no_void_and_nan(partition):
    out = simulate(*partition(np.ones((4, 4, 4), dtype=np.int32), np.zeros((0, 2), dtype=int)))
    assert len(out["network"].throat("g_hydraulic.dns")) == 0 and len(out["table"]) == 0
    with pytest.raises(InputError, match="no void voxel"):
        simulate(*partition(np.zeros((4, 4, 4), dtype=np.int32), [[0, 1]]))
    with pytest.raises(InputError, match="must be integers"):
        simulate(Regions(np.full((4, 4, 4), np.nan), 1.0), Network(np.zeros((2, 3)), [[0, 1]]))


def test_voxels_that_are_not_cubes_are_refused(partition):
    with pytest.raises(InputError, match="not cubes"):
        simulate(*partition(duct(4, (6, 6)), [[0, 1]], (1e-6, 1e-6, 2e-6)))


def test_both_kinds_in_one_run(partition, spheres):
    out = simulate(*partition(spheres, [[0, 1], [1, 2]]), physics="both")
    assert {"g_diffusive.dns", "g_hydraulic.dns"} <= set(out["network"].throats)
    assert (out["table"]["g_hydraulic"] > 0).all() and (out["table"]["g_diffusive"] > 0).all()


def test_virtual_pore_is_the_face_of_the_image(partition):
    # from the middle of a region of ten voxels to the face: half its length of duct
    image = duct(8, (10, 10))
    regions, _ = partition(image, [[0, 1]])
    columns = {
        "region": Column(np.arange(1, 4)),
        "boundary": Column(np.array([False, False, True])),
        "face_x0": Column(np.array([True, False, True])),
    }
    conns = np.array([[0, 1], [0, 2], [2, 0]])
    g = rates(regions, Network(np.zeros((3, 3)), conns, pores=columns, extraction={"boundary_width": 3}))
    assert g[1] == pytest.approx(2 * g[0], rel=1e-3) and g[2] == pytest.approx(g[1], rel=1e-5)
