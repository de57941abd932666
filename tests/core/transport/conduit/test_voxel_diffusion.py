"""Diffusion through whole voxel images."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Cancelled
from porelab_gui.core.transport.conduit.methods import voxel_diffusion


def diffuse(image, progress=None, edge=1e-6, **params):
    extra = () if progress is None else (progress,)
    return voxel_diffusion({"labels": Labels(np.asarray(image).astype(np.uint8), edge)}, params, *extra)


def factors(image, **params):
    return diffuse(image, **params)["table"]["formation_factor"]


def blobs(shape=(20, 24, 28), seed=1, level=-0.2):
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return field / field.std() > level


def dense(image, axis, layer=False, conductivity=(0.0, 1.0), edges=(1.0, 1.0, 1.0)):
    """Relative effective diffusivity by a sparse direct solve of the plain equations."""
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import spsolve

    sigma = np.moveaxis(np.asarray(conductivity)[image.astype(int)], axis, 0)
    h = np.moveaxis(np.array(edges), 0, 0)[[axis, *[k for k in range(3) if k != axis]]]
    ids = np.arange(sigma.size).reshape(sigma.shape)
    rows, cols, bonds = [], [], []
    for k in range(3):
        a, b = np.moveaxis(sigma, k, 0)[:-1], np.moveaxis(sigma, k, 0)[1:]
        i, j = np.moveaxis(ids, k, 0)[:-1], np.moveaxis(ids, k, 0)[1:]
        bond = 2 * a * b / np.maximum(a + b, 1e-300) * np.prod(h) / h[k] ** 2
        rows.append(i.ravel())
        cols.append(j.ravel())
        bonds.append(bond.ravel())
    rows, cols, bonds = (np.concatenate(v) for v in (rows, cols, bonds))
    w = coo_array((bonds, (rows, cols)), shape=(sigma.size,) * 2).tocsr()
    w = w + w.T
    strength = 1e12 if layer else 2 * np.prod(h) / h[0] ** 2
    into, out = np.zeros(sigma.shape), np.zeros(sigma.shape)
    into[0], out[-1] = strength * sigma[0], strength * sigma[-1]
    a = diags_array(np.asarray(w.sum(axis=1)).ravel() + (into + out).ravel() + 1e-12) - w
    x = spsolve(a.tocsc(), into.ravel()).reshape(sigma.shape)
    length = (sigma.shape[0] - (1 if layer else 0)) * h[0]
    return (out * x).sum() * length / (sigma[0].size * h[1] * h[2])


def test_straight_duct_is_the_inverse_of_its_area():
    image = np.zeros((12, 9, 9), bool)
    image[:, 2:7, 3:7] = True
    table = diffuse(image, axes=("z",))["table"]
    assert table["formation_factor"][0] == pytest.approx(81 / 20, rel=1e-6)
    assert table["tortuosity"][0] == pytest.approx(1, rel=1e-6)
    assert table["effective_diffusivity"][0] == pytest.approx(1e-9 * 20 / 81, rel=1e-6)
    assert table.columns["effective_diffusivity"].unit == "m2/s"


@pytest.mark.parametrize("boundary", ["outside", "layer"])
def test_all_axes_agree_with_a_direct_solve(boundary):
    image = blobs()
    f = factors(image, boundary=boundary)
    expected = [1 / dense(image, k, boundary == "layer") for k in range(3)]
    assert f == pytest.approx(expected, rel=2e-5)


def test_flat_voxels_and_phases_agree_with_a_direct_solve():
    image = blobs().astype(np.uint8) + blobs(seed=2)
    f = factors(image, edge=(1e-6, 2e-6, 3e-6), conductivities="0=0.05, 1=1, 2=7.5")
    edges = np.array([1.0, 2.0, 3.0])
    expected = [1 / dense(image, k, conductivity=(0.05, 1, 7.5), edges=edges) for k in range(3)]
    assert f == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_layered_conductivity_is_the_series_and_the_parallel_law(axis):
    image = np.zeros((10, 6, 6), np.uint8)
    image[:5], image[5:] = 1, 2
    f = factors(image, conductivities="1=1, 2=0.25")[axis]
    assert f == pytest.approx(2.5 if axis == 0 else 1 / 0.625, rel=1e-6)


def test_layer_convention_agrees_with_porespy():
    porespy = pytest.importorskip("porespy")
    image = blobs()
    theirs = porespy.simulations.tortuosity_fd(image, axis=1, ftol=1e-7)
    assert factors(image, axes=("y",), boundary="layer")[0] == pytest.approx(theirs.formation_factor, rel=1e-4)


def test_berea_reference_within_a_tenth_of_a_percent(real_data):
    with np.load(real_data("berea/berea_z000-256_pore.npz")) as stored:
        rock = stored["pore"]
    with real_data("berea/reference_K_FF_128.csv").open() as file:
        row = next(r for r in csv.DictReader(file) if r["index"] == "10")
    z, y, x = (int(row[k]) for k in ("z0", "y0", "x0"))
    f = factors(rock[z : z + 128, y : y + 128, x : x + 128])
    assert f == pytest.approx([float(row[f"FF_axis{k}"]) for k in range(3)], rel=1e-3)


@pytest.mark.parametrize(("n", "expected"), [(24, 0.59528), (48, 0.60027)])
def test_insulating_spheres_converge_to_the_series(n, expected):
    # simple cubic array, c = 0.3, one octant of the cell by symmetry: finite volumes with 2 n voxels per cell
    at = (np.arange(n) + 0.5) / n
    z, y, x = np.meshgrid(at, at, at, indexing="ij")
    void = z**2 + y**2 + x**2 > (0.3 * 6 / np.pi) ** (2 / 3)
    relative = 1 / factors(void, axes=("z",))[0]
    assert relative == pytest.approx(expected, rel=2e-3)
    assert relative == pytest.approx(0.60567, abs=0.5 / n)


def test_void_that_does_not_span_has_no_diffusivity():
    image = np.ones((10, 8, 8), bool)
    image[5] = False
    out = diffuse(image)
    table = out["table"]
    assert np.isinf(table["formation_factor"][0]) and table["effective_diffusivity"][0] == 0
    assert np.isfinite(table["formation_factor"][1:]).all()
    assert any("No conducting path" in note and "along z" in note for note in table.notes)
    assert np.isnan(out["concentration"].array()).all()


def test_path_over_an_edge_does_not_count():
    image = np.zeros((2, 3, 3), bool)
    image[0, 1, 1] = image[1, 1, 2] = True
    assert np.isinf(factors(image, axes=("z",))[0])


def test_no_void_is_refused():
    with pytest.raises(InputError, match="no voxel has a label that conducts"):
        diffuse(np.zeros((5, 5, 5)))


def test_one_slice_along_each_axis():
    image = np.ones((1, 6, 8), bool)
    image[0, 2:4, 2:4] = False
    f = factors(image)
    assert f == pytest.approx([1 / dense(image, k) for k in range(3)], rel=1e-5)
    with pytest.raises(InputError, match="three layers"):
        diffuse(image, axes=("z",), boundary="layer")


def test_unconverged_solve_gives_no_number():
    table = diffuse(blobs(), axes=("z",), iterations=1)["table"]
    assert np.isnan(table["formation_factor"][0]) and np.isnan(table["effective_diffusivity"][0])
    assert not table["converged"][0] and any("did not converge" in n for n in table.notes)


@pytest.mark.parametrize("boundary", ["outside", "layer"])
def test_field_falls_from_one_to_zero_and_is_nan_in_the_solid(boundary):
    image = blobs()
    image[:, 0, 0] = False
    field = diffuse(image, axes=("y",), boundary=boundary, tolerance=1e-8)["concentration"].array()
    assert np.isnan(field[~image]).all()
    inside = field[np.isfinite(field)]
    assert inside.min() >= -1e-6 and inside.max() <= 1 + 1e-6
    assert np.nanmean(field[:, 0]) > 0.8 > 0.2 > np.nanmean(field[:, -1])


@pytest.mark.parametrize("listed", ["1", "1=-2", "x=3", "1=nan"])
def test_bad_conductivities_are_refused(listed):
    with pytest.raises(ParameterError):
        diffuse(blobs(), conductivities=listed)


def test_second_run_comes_from_the_cache(monkeypatch):
    from porelab_gui.core.transport.conduit import voxel

    image = blobs()
    first = diffuse(image, axes=("z",))
    monkeypatch.setattr(voxel, "transfer", lambda *a, **k: pytest.fail("solved again"))
    again = diffuse(image, axes=("z",))
    assert again["table"]["formation_factor"][0] == first["table"]["formation_factor"][0]
    assert np.array_equal(again["concentration"].array(), first["concentration"].array(), equal_nan=True)


def test_cancel_stops():
    def refuse(done, total, message="", /, **metrics):
        if "iteration" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        diffuse(blobs(), refuse)


@pytest.mark.parametrize("where", ["torch-cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("conductivity", [(0.0, 1.0), (0.05, 1.0)])
def test_the_device_code_agrees_with_the_compiled_code(where, conductivity, monkeypatch):
    if where == "cuda":
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")
    from porelab_gui.core.transport.conduit import device
    from porelab_gui.core.transport.conduit.diffusion import Conduction, transfer

    monkeypatch.setattr(device, "HOST_BELOW", 200)  # so that coarse levels are on the device too
    image = blobs().astype(np.uint8) + (conductivity[0] > 0)
    values = np.array([0.0, 1.0]) if conductivity[0] == 0 else np.array([0.0, *conductivity])
    conduction = Conduction(image, values, np.ones(3))
    ours, theirs = (transfer(conduction, 0, False, 1e-8, 200, device=d) for d in ("cpu", where))
    assert theirs.converged and theirs.relative == pytest.approx(ours.relative, rel=1e-7)
    assert theirs.iterations <= ours.iterations + 2
    assert np.nanmax(np.abs(theirs.field - ours.field)) < 1e-3


def test_cuda_without_a_device_is_refused():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a device")
    with pytest.raises(ParameterError, match="no CUDA device"):
        diffuse(blobs(), device="cuda", axes=("z",))


def test_labels_with_gaps_of_nan_are_refused():
    labels = np.ones((6, 6, 6))
    labels[2, 2, 2] = np.nan
    with pytest.raises(InputError, match="integers"):
        voxel_diffusion({"labels": Labels(labels, 1e-6)}, {})
