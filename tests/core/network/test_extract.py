"""Extraction gives PoreSpy's peaks and measures, scikit-image's labels, and clear sentences for bad input."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.network.extract import EXTRACT_NETWORK
from porelab_gui.core.network.health import check
from porelab_gui.core.network.measures import FACES
from porelab_gui.core.network.snow import engine, pads, peaks
from porelab_gui.core.network.snow.basins import flood
from porelab_gui.core.network.snow.distance import squared_distance
from porelab_gui.core.nouns import Labels
from porelab_gui.core.progress import Cancelled, silent

H = 2.5e-6
SHAPE = (56, 49, 63)


def blobs(porosity: float = 0.45) -> np.ndarray:
    from porespy.generators import blobs

    return blobs(SHAPE, porosity=porosity, blobiness=0.6, seed=3)


def spheres() -> np.ndarray:
    rng = np.random.default_rng(5)
    grid = np.indices(SHAPE).reshape(3, -1).T
    image = np.ones(len(grid), dtype=bool)
    for centre, radius in zip(rng.random((60, 3)) * SHAPE, rng.uniform(5, 9, 60), strict=True):
        image &= ((grid - centre) ** 2).sum(axis=1) > radius**2
    return image.reshape(SHAPE)


def fibres() -> np.ndarray:
    rng = np.random.default_rng(2)
    grid = np.indices(SHAPE).reshape(3, -1).T
    image = np.ones(len(grid), dtype=bool)
    for start, way in zip(rng.random((25, 3)) * SHAPE, rng.normal(size=(25, 3)), strict=True):
        image &= np.linalg.norm(np.cross(grid - start, way / np.linalg.norm(way)), axis=1) > 3
    return image.reshape(SHAPE)


IMAGES = {"blobs": blobs, "tight": lambda: blobs(0.25), "spheres": spheres, "fibres": fibres}


@pytest.fixture(scope="module", params=IMAGES)
def image(request) -> np.ndarray:
    return np.ascontiguousarray(IMAGES[request.param]())


def with_shell(image: np.ndarray) -> np.ndarray:
    return np.pad(squared_distance(image.astype(np.uint8), 2, silent, "", one_label=True), 1)


def as_image(shape, found: peaks.Peaks) -> np.ndarray:
    label = np.zeros(shape, dtype=np.int32)
    label.reshape(-1)[found.members] = np.repeat(np.arange(1, len(found) + 1), np.diff(found.starts))
    return label


def labels(data: np.ndarray, **more) -> Labels:
    return Labels(data.astype(np.uint8), (H, H, H), name="sample", **more)


def network_of(data, **params):
    return EXTRACT_NETWORK({"labels": data if isinstance(data, Labels) else labels(data)}, params)["network"]


@pytest.mark.parametrize("sigma, r_max", [(0.4, 4), (0, 3)])
def test_peaks_are_porespys_at_every_stage(image, sigma, r_max):
    import scipy.ndimage as spim
    from porespy.filters import find_peaks, trim_nearby_peaks, trim_saddle_points
    from porespy.tools import get_edt
    from porespy.tools._label import _label_components

    d2 = with_shell(image)
    inside = (slice(1, -1),) * 3
    dt = get_edt()(image)
    assert np.array_equal(np.sqrt(d2[inside].astype(np.float32)), dt)
    theirs = find_peaks(spim.gaussian_filter(dt, sigma) * image if sigma else dt.copy(), r_max=r_max)
    found, mark = peaks.candidates(d2, sigma, r_max, 2, silent)
    assert np.array_equal(mark[inside] > 0, theirs)
    theirs = trim_saddle_points(theirs, dt)
    groups = peaks.true_groups(mark, d2, found, silent)
    assert np.array_equal(as_image(d2.shape, groups)[inside] > 0, theirs)
    markers, _ = _label_components(trim_nearby_peaks(theirs, dt) > 0, conn="max")
    assert np.array_equal(as_image(d2.shape, peaks.find(d2, sigma, r_max, 2, silent))[inside], markers)


def test_labels_are_scikit_images_where_no_two_voxels_tie(image):
    from skimage.segmentation import watershed

    d2 = with_shell(image)
    markers = as_image(d2.shape, peaks.find(d2, 0.4, 4, 2, silent))
    jitter = np.sqrt(d2) + 1e-3 * np.random.default_rng(0).random(d2.shape)
    rank = np.empty(d2.size, dtype=np.uint32)
    rank[np.argsort(jitter, axis=None)] = np.arange(1, d2.size + 1)
    rank = np.where(d2 > 0, rank.reshape(d2.shape), 0).astype(np.uint32)
    theirs = watershed(-rank.astype(float), markers, mask=d2 > 0)
    flood(rank, markers, 2, silent)
    assert np.array_equal(markers, theirs)


def test_labels_are_scikit_images_on_plateaus_too_but_for_markers_of_equal_height(image):
    from skimage.segmentation import watershed

    d2 = with_shell(image)
    markers = as_image(d2.shape, peaks.find(d2, 0.4, 4, 2, silent))
    theirs = watershed(-np.sqrt(d2.astype(np.float32)), markers, mask=d2 > 0)
    flood(d2.copy(), markers, 2, silent)
    void = d2 > 0
    assert np.array_equal(markers[void] == 0, theirs[void] == 0)
    assert np.mean(markers[void] != theirs[void]) < 0.001


@pytest.mark.parametrize("width", [0, 3])
def test_measures_are_porespys_on_the_same_regions(image, width):
    from porespy.networks import add_boundary_regions

    from porelab_gui.core.network.porespy_engine import measure, quiet

    regions, ours = engine.extract(image.astype(np.uint8), sigma=0.4, r_max=4, boundary_width=width, progress=silent)
    phases, frame = image.astype(int), regions.astype(int)
    with quiet():
        if width:
            frame, phases = add_boundary_regions(frame, pad_width=width), np.pad(phases, width, mode="edge")
            mine = pads.padded(regions, pads.face_pores(regions, int(regions.max()) + 1), width)
            assert np.array_equal(mine, frame)
        theirs = measure(frame, phases, regions, width, "standard")
    for key in ours.__dataclass_fields__:
        np.testing.assert_allclose(getattr(ours, key), getattr(theirs, key), rtol=0, atol=1e-11, err_msg=key)


def test_both_engines_agree_to_one_per_cent():
    big = blobs(0.6)
    ours, theirs = (network_of(big, engine=e) for e in ("porelab", "porespy"))
    assert ours.n_pores == theirs.n_pores
    assert ours.n_throats == pytest.approx(theirs.n_throats, rel=0.01)
    for key in ("total_length", "cross_sectional_area", "inscribed_diameter"):
        assert ours.throat(key).mean() == pytest.approx(theirs.throat(key).mean(), rel=0.01)


def test_accuracy_high_is_the_same_in_both_engines():
    ball = np.zeros((24, 20, 40), dtype=bool)
    z, y, x = np.indices(ball.shape)
    for centre in (11, 27):
        ball |= (z - 11) ** 2 + (y - 9) ** 2 + (x - centre) ** 2 < 81
    one, two = (network_of(ball, engine=e, accuracy="high", boundary_width=0) for e in ("porelab", "porespy"))
    assert one.n_pores == 2 and one.n_throats == 1
    for key in ("surface_area", "volume"):
        np.testing.assert_allclose(one.pore(key), two.pore(key), rtol=0.02)
    np.testing.assert_allclose(one.throat("cross_sectional_area"), two.throat("cross_sectional_area"), rtol=0.02)


def test_units_and_positions_are_si_on_a_non_cubic_image():
    data = np.zeros((20, 30, 50), dtype=bool)
    z, y, x = np.indices(data.shape)
    data[(z - 9) ** 2 + (y - 14) ** 2 + (x - 12) ** 2 < 49] = True
    data[(z - 9) ** 2 + (y - 14) ** 2 + (x - 36) ** 2 < 49] = True
    data[9, 14, 12:36] = True
    network = network_of(data, boundary_width=0)
    assert network.size == pytest.approx((20 * H, 30 * H, 50 * H))
    np.testing.assert_allclose(network.coords[[0, -1], :2], np.array([[9, 14], [9, 14]]) * H, atol=0.1 * H)
    assert network.throat("direct_length").min() > 0
    assert network.porosity == pytest.approx(data.mean())
    assert network.pore("volume").sum() == pytest.approx(data.sum() * H**3)


def test_faces_and_virtual_pores():
    data = blobs(0.6)
    network = network_of(data)
    virtual = network.pore("boundary")
    faces = np.stack([network.pore(f) for f in FACES], axis=1)
    assert virtual.any() and (faces[virtual].sum(axis=1) == 1).all()
    outside = (network.coords < -0.5 * H) | (network.coords > (np.array(SHAPE) - 0.5) * H)
    assert np.array_equal(outside.any(axis=1), virtual)
    inner = network_of(data, boundary_width=0)
    assert not inner.pore("boundary").any() and inner.n_pores == (~virtual).sum()
    assert all(check(network).spans.values())


def test_phases_have_throats_between_them():
    z = np.indices(SHAPE)[0]
    data = np.where(blobs(0.7), np.where(z < 28, 7, 3), 0)
    given = labels(data, phases={0: "matrix", 3: "organic", 7: "inorganic"}, void=(3, 7))
    network = network_of(given)
    assert set(network.pore("phase")) == {3, 7}
    ends = network.pore("phase")[network.conns]
    assert np.array_equal(ends[:, 0] != ends[:, 1], network.throat("interphase")) and network.throat("interphase").any()
    low = network.pore("phase") == 7
    assert network.coords[low & ~network.pore("boundary"), 0].max() < 28 * H
    merged = network_of(given, merge_phases=True)
    assert not merged.throat("interphase").any()
    theirs = network_of(given, engine="porespy")
    assert network.n_pores == pytest.approx(theirs.n_pores, rel=0.02)
    assert network.n_throats == pytest.approx(theirs.n_throats, rel=0.02)


@pytest.mark.parametrize(
    "data, pores",
    [
        (np.ones((12, 13, 14), dtype=bool), 1),
        (np.pad(np.ones((6, 6, 6), dtype=bool), 4), 1),
    ],
    ids=["all void", "void that touches no face"],
)
def test_odd_images_still_give_a_network(data, pores):
    network = network_of(data, boundary_width=0)
    assert network.n_pores == pores and network.n_throats == 0
    assert network.pore("volume").sum() == pytest.approx(data.sum() * H**3)


def test_a_flat_image_and_strided_arrays_work():
    thin = blobs(0.6)[20:21]
    assert network_of(thin, boundary_width=0).n_pores > 3
    whole = blobs(0.6).astype(np.uint8)
    strided = Labels(whole[::-1, :, ::-1], (H, H, H))
    copied = Labels(np.ascontiguousarray(whole[::-1, :, ::-1]), (H, H, H))
    assert network_of(strided).content_hash == network_of(copied).content_hash


def test_labels_with_gaps_are_the_same_pores_as_those_without():
    """Labels 0, 3, 200 and 70000: nothing is counted by the largest number, and each name stays."""
    z = np.indices(SHAPE)[0]
    close = np.where(blobs(0.7), np.where(z < 28, 1, 2), 0)
    gaps = np.array([0, 200, 70_000], dtype=np.int32)[close]
    gaps[(close == 0) & (z > 40)] = 3  # another solid
    one = network_of(labels(close, phases={0: "solid", 1: "a", 2: "b"}, void=(1, 2)))
    two = network_of(Labels(gaps, (H, H, H), phases={0: "solid", 3: "clay", 200: "a", 70_000: "b"}, void=(200, 70_000)))
    assert set(two.pore("phase")) == {200, 70_000}
    assert np.array_equal(one.conns, two.conns) and np.array_equal(one.coords, two.coords)
    assert np.array_equal(one.pore("phase") == 2, two.pore("phase") == 70_000)
    assert np.array_equal(one.throat("interphase"), two.throat("interphase"))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("width", [0, 3])
def test_a_slice_as_a_volume_one_voxel_thick_gives_a_network(axis, width):
    thin = np.take(blobs(0.6), [20], axis=axis)
    network = network_of(thin, boundary_width=width)
    inner = ~network.pore("boundary")
    assert inner.sum() > 3 and np.isfinite(network.coords).all()
    assert np.ptp(network.coords[inner, axis]) == 0


@pytest.mark.parametrize("kind", ["fortran", "transposed", "strided", "big endian", "read-only"])
def test_arrays_of_any_layout_give_the_same_network(kind):
    whole = blobs(0.6).astype(np.uint16)
    padded = np.zeros(tuple(2 * n for n in whole.shape), np.uint16)
    padded[::2, ::2, ::2] = whole
    given = {
        "fortran": np.asfortranarray(whole),
        "transposed": np.ascontiguousarray(whole.T).T,
        "strided": padded[::2, ::2, ::2],
        "big endian": whole.astype(">u2"),
        "read-only": whole.copy(),
    }[kind]
    given.flags.writeable = kind != "read-only"
    assert network_of(Labels(given, (H, H, H))).content_hash == network_of(Labels(whole, (H, H, H))).content_hash


def test_no_void_is_refused_naming_the_label():
    with pytest.raises(InputError, match=r"label 1 \(pore\)"):
        network_of(np.zeros((10, 10, 10)))
    with pytest.raises(InputError, match="label 5"):
        network_of(labels(blobs().astype(np.uint8), void=(1, 5)))
    with pytest.raises(ParameterError, match="once"):
        network_of(blobs(), phases=(1, 1))


@pytest.mark.parametrize("engine", ["porelab", "porespy"])
def test_void_too_thin_for_a_pore_is_refused(engine):
    with pytest.raises(InputError, match="nowhere thicker than two voxels"):
        network_of(np.pad(np.ones((1, 1, 5), dtype=bool), 3), engine=engine)


def test_anisotropic_voxels_are_refused_with_the_offer_to_resample():
    with pytest.raises(InputError, match="Resample the image to cubes of 1 um"):
        network_of(Labels(blobs().astype(np.uint8), (2e-6, 1e-6, 1e-6)))


def test_trim_leaves_only_what_spans():
    data = blobs(0.25)
    network = network_of(data, trim=True)
    assert "isolated" not in check(network)
    assert network.n_pores < network_of(data).n_pores
    assert network.pore("region").max() > network.n_pores  # labels of regions stay


def test_cancel_and_progress():
    seen = []

    def progress(done, total, message="", /, **metrics):
        seen.append((done / total, message))
        if done / total > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        EXTRACT_NETWORK({"labels": labels(blobs())}, {}, progress)
    assert [f for f, _ in seen] == sorted(f for f, _ in seen)
    assert len({m for _, m in seen}) > 5


def test_previews_come_in_order():
    stages = []
    engine.extract(
        blobs().astype(np.uint8),
        sigma=0.4,
        r_max=4,
        boundary_width=3,
        progress=silent,
        preview=lambda stage, data: stages.append((stage, data.shape)),
    )
    assert [s for s, _ in stages] == ["peaks", "regions"] and stages[1][1] == SHAPE


def test_the_same_network_for_any_number_of_threads():
    data = blobs(0.6)
    assert network_of(data, threads=1).coords.tolist() == network_of(data, threads=3).coords.tolist()
    assert np.array_equal(network_of(data, threads=1).conns, network_of(data, threads=3).conns)


@pytest.mark.data
def test_a_real_rock_gives_porespys_network(real_data):
    with np.load(real_data("leopard/leopard_100_pore.npz")) as found:
        pore = found["pore"][:64, :64, :64]
    ours, theirs = (network_of(pore, engine=e) for e in ("porelab", "porespy"))
    assert np.array_equal(ours.conns, theirs.conns)
    for key in ("inscribed_diameter", "total_length", "cross_sectional_area", "perimeter"):
        np.testing.assert_allclose(ours.throat(key), theirs.throat(key), rtol=1e-9)
