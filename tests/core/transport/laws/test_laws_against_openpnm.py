"""The laws equal OpenPNM's models on the same geometry, and closed forms where OpenPNM has none."""

from dataclasses import replace

import numpy as np
import pytest

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Network
from porelab_gui.core.registry import get

MU, D = 1.7e-3, 2.3e-9


def cubic_network(seed=0, shape=(4, 5, 6), spacing=1e-4, overlap=False):
    """Random sizes on a lattice; ``overlap`` lets pores reach into each other."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).reshape(-1, 3)
    index = np.arange(len(grid)).reshape(shape)
    pairs = [
        np.c_[index[:-1].ravel(), index[1:].ravel()],
        np.c_[index[:, :-1].ravel(), index[:, 1:].ravel()],
        np.c_[index[:, :, :-1].ravel(), index[:, :, 1:].ravel()],
    ]
    conns = np.concatenate(pairs)
    low, high = (0.9, 1.3) if overlap else (0.3, 0.7)
    pore = rng.uniform(low, high, len(grid)) * spacing
    throat = pore[conns].min(axis=1) * rng.uniform(0.3, 0.8, len(conns))
    area = np.pi / 4 * throat**2 * rng.uniform(1, 1.5, len(conns))
    perimeter = np.sqrt(area / rng.uniform(0.03, 0.0795, len(conns)))
    return Network(
        (grid + 0.5) * spacing,
        conns,
        pores={"equivalent_diameter": pore, "inscribed_diameter": pore * 0.9, "extended_diameter": pore * 1.1},
        throats={
            "inscribed_diameter": throat,
            "equivalent_diameter": throat * 1.05,
            "total_length": rng.uniform(1.0, 1.3, len(conns)) * spacing,
            "cross_sectional_area": area,
            "perimeter": perimeter,
        },
        size=tuple(np.array(shape) * spacing),
    )


def openpnm_factors(network, length, kind):
    """(hydraulic, diffusive) whole-conduit size factors by OpenPNM."""
    import openpnm as op

    pn = op.network.Network(coords=network.coords, conns=network.conns)
    pn["pore.diameter"] = network.pore("equivalent_diameter")
    pn["throat.diameter"] = network.throat("inscribed_diameter")
    if length == "total":
        pn["throat.spacing"] = network.throat("total_length")
    models = op.models.geometry
    parts = [getattr(getattr(models, f"{s}_size_factors"), kind)(pn) for s in ("hydraulic", "diffusive")]
    return [1 / (1 / p).sum(axis=1) for p in parts]


@pytest.mark.parametrize("law", ["cones_and_cylinders", "spheres_and_cylinders"])
@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("length", ["total", "direct"])
def test_equals_openpnm(law, overlap, length):
    network = cubic_network(overlap=overlap)
    out = get("conductance_analytic")(
        {"network": network}, {"laws": [law], "length": length, "viscosity": MU, "diffusivity": D}
    )["network"]
    hydraulic, diffusive = openpnm_factors(network, length, law)
    assert out.throat(f"g_hydraulic.{law}") == pytest.approx(hydraulic / MU, rel=1e-8)
    assert out.throat(f"g_diffusive.{law}") == pytest.approx(diffusive * D, rel=1e-8)
    assert out.throats[f"g_hydraulic.{law}"].meta["viscosity"] == MU
    assert out.throats[f"g_diffusive.{law}"].meta["diffusivity"] == D


def test_cylinder_is_hagen_poiseuille_and_fick():
    network = cubic_network()
    params = {"laws": ["cylinder"], "viscosity": MU, "diffusivity": D, "length": "total"}
    out = get("conductance_analytic")({"network": network}, params)
    d, length = network.throat("inscribed_diameter"), network.throat("total_length")
    got = out["network"]
    assert got.throat("g_hydraulic.cylinder") == pytest.approx(np.pi * d**4 / (128 * MU * length), rel=1e-12)
    assert got.throat("g_diffusive.cylinder") == pytest.approx(D * np.pi * d**2 / (4 * length), rel=1e-12)


def test_valvatne_blunt_equals_openpnm():
    import openpnm as op

    network = cubic_network()
    shape_p = np.random.default_rng(3).uniform(0.02, 0.0795, network.n_pores)
    network = network.with_pores(shape_factor=Column(shape_p))
    params = {"laws": ["valvatne_blunt"], "viscosity": MU, "length": "total"}
    got = get("conductance_analytic")({"network": network}, params)["network"]

    pn = op.network.Network(coords=network.coords, conns=network.conns)
    pn["pore.diameter"] = network.pore("inscribed_diameter")  # by the law's definition
    pn["throat.diameter"] = network.throat("inscribed_diameter")
    pn["throat.spacing"] = network.throat("total_length")
    pn["throat.conduit_lengths"] = op.models.geometry.conduit_lengths.cones_and_cylinders(pn)
    pn["pore.shape_factor"] = shape_p
    pn["pore.area"] = (network.pore("inscribed_diameter") / 2) ** 2 / (4 * shape_p)
    pn["throat.cross_sectional_area"] = network.throat("cross_sectional_area")
    pn["throat.shape_factor"] = network.throat("cross_sectional_area") / network.throat("perimeter") ** 2
    phase = op.phase.Phase(network=pn)
    phase["pore.viscosity"] = phase["throat.viscosity"] = MU
    oracle = op.models.physics.hydraulic_conductance.valvatne_blunt(phase)
    assert got.throat("g_hydraulic.valvatne_blunt") == pytest.approx(oracle, rel=1e-8)


def test_equal_diameters_reduce_every_shape_to_the_tube():
    """A cone, a sphere cut at its equator and a duct of circular section are all the tube when nothing narrows."""
    d, length = 2e-5, 1e-4
    network = Network(
        [[0, 0, 0], [length, 0, 0]],
        [[0, 1]],
        pores={"inscribed_diameter": [d, d]},
        throats={
            "inscribed_diameter": [d],
            "cross_sectional_area": [np.pi / 4 * d**2],
            "perimeter": [np.pi * d],
        },
    )
    got = get("conductance_analytic")(
        {"network": network}, {"pore_diameter": "inscribed", "length": "direct", "viscosity": MU}
    )["network"]
    tube = np.pi * d**4 / (128 * MU * length)
    for law in ("cylinder", "cones_and_cylinders", "spheres_and_cylinders"):
        assert got.throat(f"g_hydraulic.{law}")[0] == pytest.approx(tube, rel=1e-9), law
    # k G A^2 with k = 1/2, G = 1/(4 pi) is Hagen-Poiseuille
    assert got.throat("g_hydraulic.valvatne_blunt")[0] == pytest.approx(tube, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_conductances_stay_positive_whatever_the_overlap(seed):
    """OpenPNM gives negative conductances or raises where one pore swallows another; ours stay positive and finite."""
    rng = np.random.default_rng(seed)
    n, m = 30, 80
    conns = np.array([rng.choice(n, 2, replace=False) for _ in range(m)])
    network = Network(
        rng.uniform(0, 1e-4, (n, 3)),
        conns,
        pores={"equivalent_diameter": 10 ** rng.uniform(-6, -3.5, n)},
        throats={
            "inscribed_diameter": 10 ** rng.uniform(-6, -4, m),
            "total_length": rng.uniform(1e-6, 1e-4, m),
            "cross_sectional_area": 10 ** rng.uniform(-12, -9, m),
            "perimeter": 10 ** rng.uniform(-6, -4, m),
        },
    )
    out = get("conductance_analytic")({"network": network}, {})["network"]
    for key, column in out.throats.items():
        if key.startswith("g_"):
            assert np.isfinite(column.values).all() and (column.values > 0).all(), key


def test_conductances_scale_with_the_cube_and_the_length():
    """g_hydraulic ~ length^3, g_diffusive ~ length: the laws hold no hidden length."""
    small, large = cubic_network(spacing=1e-9), cubic_network(spacing=1e-2)
    run = get("conductance_analytic")
    a, b = (run({"network": n}, {})["network"] for n in (small, large))
    for law in ("cylinder", "cones_and_cylinders", "spheres_and_cylinders", "valvatne_blunt"):
        assert b.throat(f"g_hydraulic.{law}") == pytest.approx(a.throat(f"g_hydraulic.{law}") * 1e21, rel=1e-9)
        assert b.throat(f"g_diffusive.{law}") == pytest.approx(a.throat(f"g_diffusive.{law}") * 1e7, rel=1e-9)


def test_a_boundary_pore_has_no_half_pore():
    """The end of a conduit that is a face adds no resistance: half a lattice conduit conducts twice as well."""
    d, half = 1e-5, 5e-5
    base = {"inscribed_diameter": [d]}
    face = Network(
        [[0, 0, 0], [half, 0, 0]],
        [[0, 1]],
        pores={"equivalent_diameter": [np.nan, 3e-5], "boundary": [True, False]},
        throats=base,
    )
    full = Network([[0, 0, 0], [2 * half, 0, 0]], [[0, 1]], pores={"equivalent_diameter": [3e-5, 3e-5]}, throats=base)
    params = {"laws": ["cylinder", "cones_and_cylinders", "spheres_and_cylinders"], "length": "direct"}
    run = get("conductance_analytic")
    a, b = (run({"network": n}, params)["network"] for n in (face, full))
    for law in params["laws"]:
        assert a.throat(f"g_hydraulic.{law}")[0] == pytest.approx(2 * b.throat(f"g_hydraulic.{law}")[0], rel=1e-9)


def test_sizes_that_are_no_lengths_are_refused_naming_the_pores():
    network = cubic_network()
    sizes = network.pore("equivalent_diameter").copy()
    sizes[[3, 7]] = 0.0, np.nan
    with pytest.raises(InputError, match=r"pore 3, 7"):
        get("conductance_analytic")({"network": network.with_pores(equivalent_diameter=Column(sizes))}, {})
    lengths = network.throat("total_length").copy()
    lengths[5] = -1
    with pytest.raises(InputError, match=r"throat 5"):
        changed = network.with_throats(total_length=Column(lengths))
        get("conductance_analytic")({"network": changed}, {"length": "total"})


def test_wide_throats_are_narrowed_and_said_so():
    network = cubic_network()
    wide = network.throat("inscribed_diameter").copy()
    wide[0] = 1e-3
    out = get("conductance_analytic")({"network": network.with_throats(inscribed_diameter=Column(wide))}, {})
    notes = out["network"].throats["g_hydraulic.spheres_and_cylinders"].meta["notes"]
    assert notes == ["1 throats are wider than a pore they join and were narrowed to it"]


def test_a_network_with_inscribed_diameters_only():
    """Files of other programs know no equivalent sphere: the inscribed one is taken, and that is said."""
    network = cubic_network()
    bare = replace(network, pores={"inscribed_diameter": network.pores["inscribed_diameter"]})
    run = get("conductance_analytic")
    a = run({"network": bare}, {"laws": ["cones_and_cylinders"]})["network"].throats["g_hydraulic.cones_and_cylinders"]
    b = run({"network": network}, {"laws": ["cones_and_cylinders"], "pore_diameter": "inscribed"})["network"]
    assert a.values == pytest.approx(b.throat("g_hydraulic.cones_and_cylinders"), rel=1e-12)
    assert a.meta["pore_diameter"] == "inscribed" and "inscribed diameter was taken" in a.meta["notes"][0]


def test_a_boundary_pore_behind_the_face_ends_at_the_face():
    """The pad of voxels that stands for a reservoir adds no length."""
    h = 1e-6
    network = Network(
        [[9.5 * h, 0, 0], [-2 * h, 0, 0]],
        [[0, 1]],
        pores={"inscribed_diameter": [4 * h, np.nan], "boundary": [False, True]},
        throats={"inscribed_diameter": [4 * h]},
        size=(20 * h, 20 * h, 20 * h),
        voxel_size=h,
    )
    out = get("conductance_analytic")({"network": network}, {"laws": ["cylinder"], "viscosity": MU})["network"]
    assert out.throat("g_hydraulic.cylinder")[0] == pytest.approx(np.pi * (4 * h) ** 4 / (128 * MU * 10 * h), rel=1e-9)


def test_statoil_network_of_a_sand_pack(real_data):
    """Valvatne-Blunt on the file's own shape factors and lengths: K of tens of darcies, as for a clean sand."""
    network = get("load")({}, {"path": str(real_data("networks/F42A/F42A_link1.dat"))})
    network = next(iter(network.values()))
    out = get("conductance_analytic")({"network": network}, {"laws": ["valvatne_blunt"]})["network"]
    table = get("solve_flow")({"network": out}, {"axes": ["x"]})["table"]
    assert table["flow_in"][0] == pytest.approx(table["flow_out"][0], rel=1e-10)
    assert 30e3 < table["K_mD"][0] < 90e3
