"""voxel_stokes against closed forms, itself, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Cancelled
from porelab_gui.core.transport.stokes.methods import voxel_stokes

H = 2e-6
DUCT = 0.0351443  # k / a^2 of a square duct


def solve(void, voxel=H, **params):
    return voxel_stokes({"labels": Labels(np.asarray(void).astype(np.uint8), voxel)}, params)


@pytest.fixture(scope="module")
def rock():
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.random.default_rng(1).normal(size=(24, 24, 24)), 2.2, mode="wrap") > -0.005


@pytest.mark.parametrize("axis", ["z", "y", "x"])
@pytest.mark.parametrize("solver", ["lbm", "fv"])
def test_duct_under_pressure_along_every_axis(solver, axis):
    void = np.moveaxis(np.ones((12, 8, 8), bool), 0, "zyx".index(axis))
    out = solve(void, axes=(axis,), solver=solver, pressure_drop=3.0, viscosity=2e-3)
    table = out["permeability"]
    assert table["permeability"][0] == pytest.approx(DUCT * (8 * H) ** 2, rel=0.03)
    assert table["permeability_mD"][0] == pytest.approx(table["permeability"][0] / 9.869233e-16)
    # the fields are those of the fluid: mean speed by Darcy's law, pressure from half the drop to minus half of it
    darcy = table["permeability"][0] / 2e-3 * 3.0 / (12 * H)
    assert out["velocity"].data.mean() == pytest.approx(darcy, rel=1e-3)
    ends = np.moveaxis(out["pressure"].data, "zyx".index(axis), 0)[[0, -1]]
    assert ends.mean(axis=(1, 2)) == pytest.approx([1.5 * 11 / 12, -1.5 * 11 / 12], rel=1e-3)


@pytest.mark.parametrize("boundary", ["pressure", "periodic"])
def test_the_two_solvers_agree(rock, boundary):
    k = [
        solve(rock, axes=("y",), solver=s, boundary=boundary)["permeability"]["permeability"][0] for s in ("lbm", "fv")
    ]
    assert k[0] == pytest.approx(k[1], rel=0.05)


def test_finite_volumes_tensor_is_symmetric_and_positive(rock):
    table = solve(rock, boundary="periodic", solver="fv", tolerance=1e-5)["permeability"]
    tensor = np.array([[table[f"permeability_{b}"][a] for b in "zyx"] for a in range(3)])
    assert np.allclose(tensor, tensor.T, atol=2e-4 * np.trace(tensor))
    assert np.linalg.eigvalsh((tensor + tensor.T) / 2).min() > 0


def test_turning_the_image_turns_the_permeability(rock):
    straight = solve(rock, axes=("z",), solver="lbm", boundary="periodic")["permeability"]["permeability"][0]
    turned = solve(np.moveaxis(rock, 0, 2), axes=("x",), solver="lbm", boundary="periodic")
    assert turned["permeability"]["permeability"][0] == pytest.approx(straight, rel=1e-3)


def test_flux_is_the_same_through_every_plane(rock):
    from porelab_gui.core.transport.stokes import fv, lbm
    from porelab_gui.core.transport.stokes.faces import Faces
    from porelab_gui.core.transport.stokes.geometry import spanning

    void, faces = spanning(rock, 0), Faces(0, False)
    for flow in (
        lbm.solve(void, faces, 1e-5, 20_000, np.float64),
        fv.solve(void, faces, (1.0, 1.0, 1.0), 1e-6, 2000),
    ):
        flux = flow.velocity[0].sum(axis=(1, 2), dtype=float)
        assert np.ptp(flux) < 2e-3 * flux.mean()


def test_precision_and_viscosity_do_not_change_it(rock):
    one = solve(rock, axes=("z",), solver="lbm", boundary="periodic")["permeability"]["permeability"][0]
    other = solve(rock, axes=("z",), solver="lbm", boundary="periodic", precision="float64", viscosity=0.5)
    assert other["permeability"]["permeability"][0] == pytest.approx(one, rel=2e-4)


def test_voxels_that_are_not_cubes():
    void = np.ones((6, 8, 16), bool)
    voxel = (5e-6, 2e-6, 1e-6)
    table = solve(void, voxel, axes=("z",))["permeability"]
    assert table["permeability"][0] == pytest.approx(DUCT * (16e-6) ** 2, rel=0.04)
    assert any("not cubes" in note for note in table.notes)
    with pytest.raises(ParameterError, match="cubic"):
        solve(void, voxel, axes=("z",), solver="lbm")


@pytest.mark.parametrize("solver", ["lbm", "fv"])
def test_not_converged_gives_no_number(rock, solver):
    out = solve(rock, axes=("z",), solver=solver, max_iterations=10, tolerance=1e-6)
    table = out["permeability"]
    assert np.isnan(table["permeability"][0]) and not table["converged"][0]
    assert any(note.startswith("No permeability along z") for note in table.notes)
    assert not out["velocity"].data.any()


def test_void_that_does_not_span_has_no_flow_and_spoils_no_other_axis():
    void = np.zeros((8, 8, 8), bool)
    void[:, 2:6, 2:6] = True
    void[0, 0, 0] = True
    table = solve(void, axes=("y", "z"), boundary="pressure")["permeability"]
    assert table["permeability"][0] == 0.0
    assert table["permeability"][1] == pytest.approx(DUCT * (4 * H) ** 2 / 4, rel=0.08)
    assert any("does not reach" in note for note in table.notes)


def test_void_that_meets_at_an_edge_is_not_connected():
    void = np.zeros((8, 8, 8), bool)
    void[:4, :4] = True
    void[4:, 4:] = True
    assert solve(void, axes=("z",))["permeability"]["permeability"][0] == 0.0


def test_one_voxel_throat_and_flat_image():
    void = np.zeros((6, 3, 3), bool)
    void[:, 1, 1] = True
    for solver in ("lbm", "fv"):
        assert solve(void, axes=("z",), solver=solver)["permeability"]["permeability"][0] > 0
    flat = np.ones((1, 9, 6), bool)
    flat[:, [0, -1]] = False
    k = solve(flat, axes=("x",), boundary="periodic", solver="fv")["permeability"]["permeability"][0]
    assert k == pytest.approx(7**3 / 12 / 9 * H**2, rel=1e-3)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="no void"):
        solve(np.zeros((4, 4, 4), bool))
    with pytest.raises(InputError, match="no solid"):
        solve(np.ones((4, 4, 4), bool), boundary="periodic")


def test_cancel_stops_it(rock):
    def stop(done, total, message="", /, **metrics):
        if done > 0:
            raise Cancelled

    labels = Labels(rock.astype(np.uint8), H)
    for solver in ("lbm", "fv"):
        with pytest.raises(Cancelled):
            voxel_stokes({"labels": labels}, {"solver": solver}, stop)


@pytest.mark.parametrize("solver", ["lbm", "fv"])
def test_one_voxel_along_the_axis(solver):
    k = solve(np.ones((1, 8, 8), bool), axes=("z",), solver=solver)["permeability"]["permeability"][0]
    assert k == pytest.approx(DUCT * (8 * H) ** 2, rel=0.03)


def test_pressure_drop_between_periodic_sides_is_a_slit():
    void = np.zeros((5, 8, 4), bool)
    void[:, 1:7] = True
    table = solve(void, axes=("z",), sides="periodic")["permeability"]
    assert table["permeability"][0] == pytest.approx(6**3 / 12 / 8 * H**2, rel=1e-4)
    assert any("sides periodic" in note and "Pressures" in note for note in table.notes)
    with pytest.raises(ParameterError, match="periodic sides"):
        solve(void, axes=("z",), sides="periodic", solver="lbm")


@pytest.mark.parametrize("solver", ["lbm", "fv"])
def test_body_force_between_sealed_sides_is_a_duct(solver):
    table = solve(np.ones((4, 8, 8), bool), axes=("z",), boundary="periodic", sides="sealed", solver=solver)
    assert table["permeability"]["permeability"][0] == pytest.approx(DUCT * (8 * H) ** 2, rel=0.03)


def test_periodic_sides_join_what_sealed_ones_part():
    void = np.zeros((6, 1, 6), bool)
    void[:3, :, 0] = void[3:, :, -1] = True
    void[2:4, :, 0] = True  # the two columns meet only around the side
    void[3:, :, 0] = False
    assert solve(void, axes=("z",))["permeability"]["permeability"][0] == 0.0
    void[2, :, -1] = True
    assert solve(void, axes=("z",), sides="periodic")["permeability"]["permeability"][0] > 0


def test_labels_that_are_not_numbers_are_refused():
    with pytest.raises(InputError, match="integers"):
        Labels(np.full((3, 3, 3), np.nan), H)


def test_the_solid_has_no_pressure(rock):
    """As a number it would lie among the fluid's, and cover them in the picture."""
    out = solve(rock, axes=("x",), solver="lbm")
    known = np.isfinite(out["pressure"].data)
    assert not known[~rock].any() and known[out["velocity"].data > 0].all()
    assert (out["velocity"].data[~known] == 0).all()


def test_a_periodic_image_of_one_slice_takes_no_more_iterations_than_a_thick_one():
    y, x = np.indices((32, 32)) - 15.5
    slice_ = (y**2 + x**2 > 16)[None]
    one, two = (
        solve(void, axes=("y",), boundary="periodic", solver="fv", tolerance=1e-3)
        for void in (slice_, np.repeat(slice_, 2, axis=0))
    )
    assert one["permeability"]["permeability"][0] == pytest.approx(two["permeability"]["permeability"][0], rel=1e-6)
    assert one["permeability"]["iterations"][0] == two["permeability"]["iterations"][0] < 25
    assert one["velocity"].shape == slice_.shape and np.isnan(one["pressure"].data[~slice_]).all()
