"""Measures against shapes and random sets whose values are known."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.morphology import bodies, correlation, fractal, minkowski, phases, thickness
from porelab_gui.core.image.morphology.method import MORPHOLOGY
from porelab_gui.core.nouns import Labels
from porelab_gui.core.validation.cases_morphology import cantor_set

ISO = (1.0, 1.0, 1.0)
VOXELS = [ISO, (2.0, 1.0, 1.0), (1.0, 1.5, 2.0)]


def ball(radius, voxel=ISO, room=1.3):
    """A ball (radius in lengths) in the middle of a box."""
    half = [int(np.ceil(room * radius / v)) for v in voxel]
    z, y, x = (v * np.arange(-h, h + 1) for h, v in zip(half, voxel, strict=True))
    return z[:, None, None] ** 2 + y[None, :, None] ** 2 + x[None, None, :] ** 2 <= radius**2


def volume(mask, voxel=ISO):
    return mask.size * np.prod(voxel)


@pytest.mark.parametrize("voxel", VOXELS)
def test_ball_has_the_surface_and_curvature_of_a_ball(voxel):
    mask = np.pad(ball(20.0, voxel), 20)
    trimmed = np.prod([n - 1 for n in mask.shape]) * np.prod(voxel)
    assert minkowski.surface_density(mask, voxel) * trimmed == pytest.approx(4 * np.pi * 400, rel=0.02)
    assert minkowski.curvature_density(mask, voxel) * trimmed == pytest.approx(4 * np.pi * 20, rel=0.025)
    assert minkowski.euler(mask, 6) == minkowski.euler(mask, 26) == 1


def test_cylinder_has_the_curvature_of_a_cylinder():
    z, y, x = np.ogrid[:90, :60, :60]
    mask = ((y - 30) ** 2 + (x - 30) ** 2 <= 18.5**2) & (z >= 15) & (z < 75)
    exact = np.pi * 60 + np.pi**2 * 18.5
    assert minkowski.curvature_density(mask, ISO) * volume(mask) == pytest.approx(exact, rel=0.06)
    surface = 2 * np.pi * 18.5 * 60 + 2 * np.pi * 18.5**2
    assert minkowski.surface_density(mask, ISO) * volume(mask) == pytest.approx(surface, rel=0.05)


@pytest.mark.parametrize(
    ("normal", "area"),
    [((0, 0, 1), 1.0), ((0, 1, 1), 2**0.5), ((1, 1, 1), 0.75 * 3**0.5), ((0, 1, 3), 10**0.5 / 3)],
)
def test_planes_of_any_direction_have_their_area(normal, area):
    n = 48
    z, y, x = np.indices((n, n, n)) + 0.5
    mask = normal[0] * z + normal[1] * y + normal[2] * x < sum(normal) * n / 2 - 0.1
    assert minkowski.surface_density(mask, ISO) * n**3 == pytest.approx(area * n**2, rel=0.065)


def test_curvature_of_a_hole_is_minus_that_of_a_ball():
    mask = np.pad(ball(14.0), 12)
    assert minkowski.curvature_density(~mask, ISO) * volume(mask) == pytest.approx(-4 * np.pi * 14, rel=0.07)
    assert minkowski.curvature_density(np.ones((9, 9, 9), bool), ISO) == 0


@pytest.mark.parametrize("level", [-1.5, 0.0, 0.8, 1.5])
def test_densities_of_a_gaussian_field(level):
    """Tomita's formulas for where a Gaussian field of variance 1 lies above a level; l is the variance of its slope."""
    from porelab_gui.core.image.phantoms.shapes import random_field

    sigma, edge = 3.0, 120
    above = random_field(np.random.default_rng(7), (edge,) * 3, sigma) > level
    slope, fall = 1 / (2 * sigma**2), np.exp(-(level**2) / 2)
    surface = 2 / np.pi * slope**0.5 * fall
    assert minkowski.surface_density(above, ISO) == pytest.approx(surface, rel=0.06)
    curvature = slope * level * fall / np.sqrt(2 * np.pi)
    assert minkowski.curvature_density(above, ISO) == pytest.approx(curvature, rel=0.06, abs=6e-4)
    euler = slope**1.5 * (level**2 - 1) * fall / (4 * np.pi**2)
    for connectivity in (6, 14, 26):
        assert minkowski.euler_density(above, ISO, connectivity) == pytest.approx(euler, rel=0.1, abs=2.5e-5)


def test_two_balls_that_overlap():
    """Curvature of the two surfaces less half the edge times the angle between their normals."""
    radius, apart, n = 14.0, 14.0, 80
    z, y, x = np.indices((n, n, n))
    mask = np.zeros((n, n, n), bool)
    for s in (-0.5, 0.5):
        c = n / 2 + s * apart * np.array([0.36, 0.48, 0.8])
        mask |= (z - c[0]) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2 <= radius**2
    rim = np.sqrt(radius**2 - apart**2 / 4)
    angle = np.arccos(1 - apart**2 / (2 * radius**2))
    exact = 4 * np.pi * radius + 2 * np.pi * apart - np.pi * rim * angle
    assert minkowski.curvature_density(mask, ISO) * (n - 1) ** 3 == pytest.approx(exact, rel=0.03)
    assert minkowski.euler(mask, 14) == 1


def test_euler_of_known_bodies_and_of_noise():
    from skimage.measure import euler_number

    torus = np.zeros((5, 9, 9), bool)
    torus[2, 2:7, 2:7] = True
    torus[2, 4, 4] = False
    shell = ball(6.0) & ~np.pad(ball(2.0), 5)[: ball(6.0).shape[0], : ball(6.0).shape[1], : ball(6.0).shape[2]]
    corner = np.zeros((4, 4, 4), bool)
    corner[1, 1, 1] = corner[2, 2, 2] = True
    assert minkowski.euler(torus, 6) == minkowski.euler(torus, 26) == 0
    assert minkowski.euler(shell, 6) == 2
    assert (minkowski.euler(corner, 6), minkowski.euler(corner, 26)) == (2, 1)
    noise = np.random.default_rng(0).random((17, 20, 23)) < 0.4
    assert minkowski.euler(noise, 6) == euler_number(noise, 1)
    assert minkowski.euler(noise, 26) == euler_number(noise, 3)
    assert minkowski.euler(torus, 14) == 0 and minkowski.euler(shell, 14) == 2


def overlapping_balls(edge=110, radius=7.0, share=0.35, seed=0):
    """A Boolean model of balls: everything about it is known."""
    rng = np.random.default_rng(seed)
    margin = radius
    density = -np.log(1 - share) / (4 / 3 * np.pi * radius**3)
    count = rng.poisson(density * (edge + 2 * margin) ** 3)
    mask = np.zeros((edge,) * 3, bool)
    from porelab_gui.core.image.phantoms.shapes import draw_ellipsoid

    for centre in rng.random((count, 3)) * (edge + 2 * margin) - margin:
        draw_ellipsoid(mask, centre, np.full(3, radius), np.eye(3))
    return mask, density, radius


@pytest.fixture(scope="module")
def boolean_model():
    return overlapping_balls()


def test_two_point_of_overlapping_balls(boolean_model):
    mask, density, radius = boolean_model
    found = correlation.two_point(mask, ISO, 30)
    r = found.distance
    union = 4 / 3 * np.pi * radius**3 * np.where(r < 2 * radius, 1 + 0.75 * r / radius - r**3 / (16 * radius**3), 2)
    share = mask.mean()
    exact = 2 * share - 1 + np.exp(-density * union)
    np.testing.assert_allclose(found.radial, exact, atol=0.03)
    assert found.radial[0] == pytest.approx(share)
    assert found.axes[0, 0] == pytest.approx(share)
    assert found.radial[-1] == pytest.approx(share**2, abs=0.02)


def test_two_point_counts_pairs_exactly():
    mask = np.random.default_rng(0).random((9, 11, 14)) < 0.4
    found = correlation.two_point(mask, (1.0, 1.0, 2.0), 5)
    for lag in range(6):
        assert found.axes[0, lag] == pytest.approx((mask[: 9 - lag] & mask[lag:]).mean())
        assert found.axes[1, lag] == pytest.approx((mask[:, : 11 - lag] & mask[:, lag:]).mean())
        assert found.axes[2, lag] == pytest.approx((mask[..., : 14 - lag] & mask[..., lag:]).mean())


def test_chords_of_overlapping_balls_obey_cauchy(boolean_model):
    mask, density, radius = boolean_model
    share = mask.mean()
    mean = np.mean([correlation.mean_chord(correlation.chords(~mask, a), mask.shape[a]) for a in range(3)])
    assert mean == pytest.approx(1 / (density * np.pi * radius**2), rel=0.08)
    surface = minkowski.surface_density(mask, ISO)
    assert surface == pytest.approx(3 / radius * -np.log(1 - share) * (1 - share), rel=0.08)


def test_chords_of_slabs():
    mask = np.zeros((40, 6, 7), bool)
    mask[3:8], mask[12:19], mask[30:] = True, True, True
    assert sorted(correlation.chords(mask, 0).tolist()) == sorted([5] * 42 + [7] * 42)
    assert len(correlation.chords(mask, 1)) == 0


@pytest.mark.parametrize("voxel", [ISO, (1.0, 2.0, 1.0)])
def test_thickness_of_ball_slab_and_cylinder(voxel):
    mask = ball(12.0, voxel)
    wide = thickness.local_thickness(mask, voxel, 40)
    assert np.median(wide[mask]) == pytest.approx(24.0, rel=0.06)
    assert (wide[~mask] == 0).all() and (wide[mask] > 0).all()
    slab = np.zeros((40, 20, 30), bool)
    slab[10:25] = True
    wide = thickness.local_thickness(slab, voxel, 40)[slab]
    np.testing.assert_allclose(wide, 15 * voxel[0], rtol=0.08)


def test_thickness_tells_two_sizes_apart():
    small, large = np.pad(ball(5.0), 12), np.pad(ball(11.0), 12)
    n = large.shape[0]
    mask = np.zeros((n, n, n + small.shape[2]), bool)
    mask[:, :, :n] = large
    s = small.shape[0]
    mask[:s, :s, n:] |= small
    wide = thickness.local_thickness(mask, ISO, 40)
    assert np.median(wide[:, :, :n][mask[:, :, :n]]) == pytest.approx(22, rel=0.08)
    assert np.median(wide[:, :, n:][mask[:, :, n:]]) == pytest.approx(10, rel=0.12)


@pytest.mark.parametrize("kept", [1, 2, 4, 6, 8])
def test_box_dimension_of_cantor_sets(kept):
    """Keeping m of the 8 octants at each of 6 levels gives the dimension log2 m exactly."""
    edges, counts = fractal.box_counts(cantor_set(kept))
    assert fractal.fractal_dimension(edges, counts) == pytest.approx(np.log2(kept), abs=1e-9)


def test_box_counts_hold_any_voxel_and_cover_odd_ends():
    mask = np.zeros((9, 9, 9), bool)
    mask[8, 8, 8] = mask[0, 0, 0] = True
    edges, counts = fractal.box_counts(mask)
    assert edges.tolist() == [1, 2, 4] and counts.tolist() == [2, 2, 2]


def test_lacunarity_of_noise_and_of_a_full_image():
    mask = np.random.default_rng(0).random((64, 64, 64)) < 0.3
    edges, values = fractal.lacunarity(mask)
    np.testing.assert_allclose(values[:4], 1 + 0.7 / 0.3 / edges[:4].astype(float) ** 3, rtol=0.01)
    assert (fractal.lacunarity(np.ones((16, 16, 16), bool))[1] == 1).all()


@pytest.mark.parametrize("voxel", [ISO, (2.0, 1.0, 1.0)])
def test_semi_axes_of_an_ellipsoid(voxel):
    from scipy.spatial.transform import Rotation

    from porelab_gui.core.image.phantoms.shapes import draw_ellipsoid

    axes = np.array([22.0, 13.0, 7.0])
    fine = np.zeros((64, 64, 64), bool)
    draw_ellipsoid(fine, np.full(3, 31.5), axes, Rotation.from_euler("zyx", (0.4, 0.7, 0.2)).as_matrix())
    regions = np.where(fine, 3, 0)[:: int(voxel[0])]
    found = bodies.measure(regions, voxel)
    assert found.label.tolist() == [3]
    np.testing.assert_allclose(found.semi_axes[0], axes, rtol=0.03)
    np.testing.assert_allclose(found.aspect_ratio, 7 / 22, rtol=0.04)
    assert found.volume[0] == pytest.approx(4 / 3 * np.pi * np.prod(axes), rel=0.02)


def test_connection_counts_what_joins_the_faces():
    mask = np.zeros((10, 10, 10), bool)
    mask[:, 2, 2] = True  # through z
    mask[5, 5, 0:5] = True  # dead end
    found = phases.connection(mask)
    assert found.through == (0.01, 0.0, 0.0)
    assert (found.clusters, found.largest) == (2, 10 / 15)


def test_representative_volume_of_noise():
    """Uncorrelated voxels: the deviation of the mean of N of them is sqrt(p (1 - p)/N)."""
    mask = np.random.default_rng(0).random((80, 80, 80)) < 0.3
    for edge, mean, deviation, _ in phases.representative(mask, ISO, 400, 0)[:6]:
        assert mean == pytest.approx(0.3, abs=0.01)
        assert deviation == pytest.approx(np.sqrt(0.21 / round(edge) ** 3), rel=0.2)


def test_method_gives_tables_with_units():
    mask, *_ = overlapping_balls(60, 6.0)
    labels = Labels(mask.astype(np.uint8), (2e-6, 1e-6, 1e-6), {0: "matrix", 1: "pore"}, (1,), name="balls")
    out = MORPHOLOGY({"labels": labels}, {"sizes": 8, "reach": 16})
    assert set(out) == set(MORPHOLOGY.outputs)
    summary = dict(zip(out["summary"]["quantity"], out["summary"]["value"], strict=True))
    units = dict(zip(out["summary"]["quantity"], out["summary"]["unit"], strict=True))
    assert summary["porosity"] == summary["fraction of pore"] == mask.mean()
    assert units["specific surface"] == "1/m"
    assert all(len(out[k]) > 3 for k in out)
    assert out["profiles"]["fraction"][:60].mean() == pytest.approx(mask.mean())
    assert out["pore_sizes"]["at_least"][0] == pytest.approx(1.0)
    brief = MORPHOLOGY({"labels": labels}, {"two_point": False, "thickness": False, "bodies": False, "rev": False})
    assert len(brief["two_point"]) == 0 and brief["two_point"].notes == ("not asked for",)


def test_all_solid_is_refused():
    labels = Labels(np.zeros((5, 6, 7), np.uint8), 1e-6, name="stone")
    with pytest.raises(InputError, match="stone: no voxel is void"):
        MORPHOLOGY({"labels": labels}, {})
