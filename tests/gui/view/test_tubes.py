"""The mesh of tubes and the ray that meets them, against plain geometry."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.gui.network.tubes import build_tubes, pick_ball, pick_tube, sides_for


@pytest.mark.parametrize("sides", [3, 6, 8])
def test_every_vertex_lies_at_the_radius_from_its_axis(sides):
    rng = np.random.default_rng(1)
    a, b, r = rng.random((50, 3)), rng.random((50, 3)), rng.uniform(0.1, 0.2, 50)
    vertices, faces = build_tubes(a, b, r, sides)
    assert vertices.shape == faces.shape == (50 * 2 * sides, 3)
    d = (b - a) / np.linalg.norm(b - a, axis=1)[:, None]
    off = vertices.reshape(50, 2, sides, 3) - np.stack([a, b], 1)[:, :, None]
    along = np.einsum("nesk,nk->nes", off, d)
    assert np.abs(along).max() < 1e-5
    assert np.linalg.norm(off, axis=3) == pytest.approx(np.broadcast_to(r[:, None, None], (50, 2, sides)), rel=1e-4)


def test_triangles_belong_to_their_tube_and_look_outwards():
    a, b = np.array([[0, 0, 0], [5, 5, 5.0]]), np.array([[0, 0, 4], [5, 9, 5.0]])
    vertices, faces = build_tubes(a, b, np.array([1.0, 0.5]), 6)
    owner = faces // 12
    assert (owner == (np.arange(24) // 12)[:, None]).all()
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middle = ((a + b) / 2)[owner[:, 0]]
    assert (np.einsum("ij,ij->i", normal, corners.mean(1) - middle) > 0).all()


def test_a_tube_of_no_length_or_radius_has_finite_vertices():
    vertices, _ = build_tubes(np.zeros((2, 3)), [[0, 0, 0], [1, 0, 0]], [1.0, 0.0], 4)
    assert np.isfinite(vertices).all()


def test_fewer_sides_for_more_throats():
    assert [sides_for(n) for n in (2_000, 20_000, 40_000, 300_000)] == [8, 6, 4, 2]


def test_a_band_lies_across_the_view_along_its_axis():
    rng = np.random.default_rng(2)
    a, b, r = rng.random((30, 3)), rng.random((30, 3)), rng.uniform(0.1, 0.2, 30)
    facing = np.array([0.6, 0.0, 0.8])
    vertices, faces = build_tubes(a, b, r, 2, facing)
    assert (vertices.shape, faces.shape) == ((120, 3), (60, 3))
    corners = vertices.reshape(30, 2, 2, 3)
    across = corners[:, 0, 0] - corners[:, 0, 1]
    assert np.linalg.norm(across, axis=1) == pytest.approx(2 * r, rel=1e-4)
    assert np.abs(across @ facing).max() < 1e-5
    assert np.abs(np.einsum("ij,ij->i", across, b - a)).max() < 1e-5
    assert corners[:, 1].mean(1) == pytest.approx(b, abs=1e-5)


def test_the_ray_meets_the_nearer_of_two_tubes_and_misses_beside_them():
    starts = np.array([[0, 0, -5], [3, 0, -5.0]])
    ends = np.array([[0, 0, 5], [3, 0, 5.0]])
    radii = np.array([1.0, 1.0])
    assert pick_tube([-10, 0.5, 1], [1, 0, 0], starts, ends, radii)[0] == 0
    assert pick_tube([10, 0.5, 1], [-1, 0, 0], starts, ends, radii)[0] == 1
    assert pick_tube([-10, 1.5, 1], [1, 0, 0], starts, ends, radii) is None
    assert pick_tube([-10, 0, 6.5], [1, 0, 0], starts, ends, radii) is None
    assert pick_tube([-10, 1.5, 1], [1, 0, 0], starts, ends, radii, slack=1.0) is not None


def test_the_ray_meets_the_ball_at_its_surface():
    index, far = pick_ball([-10, 0, 0], [2, 0, 0], np.array([[5, 0, 0], [0, 0, 0.0]]), np.array([1.0, 2.0]))
    assert (index, far) == (1, pytest.approx(8.0))


def test_picking_agrees_with_a_dense_sampling_of_the_segments():
    rng = np.random.default_rng(3)
    starts, ends = rng.random((40, 3)), rng.random((40, 3))
    radii = np.full(40, 0.03)
    share = np.linspace(0, 1, 2001)[None, :, None]
    cloud = starts[:, None] + share * (ends - starts)[:, None]
    for _ in range(20):
        origin = np.array([-1.0, *rng.random(2)])
        gap = np.linalg.norm(cloud[:, :, 1:] - origin[1:], axis=2).min(1)
        found = pick_tube(origin, [1, 0, 0], starts, ends, radii)
        assert (found is not None) == bool((gap <= 0.03).any())
        assert found is None or gap[found[0]] <= 0.03 + 1e-3
