"""The fluid-only lattice: storage, links, conservation, and the vector kernel against the plain one."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.transport.stokes import kernels, vector
from porelab_gui.core.transport.stokes.lattice import OPPOSITE, VELOCITIES, WEIGHTS, build, place


@pytest.fixture(scope="module")
def void():
    rng = np.random.default_rng(3)
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(rng.normal(size=(12, 14, 40)), 1.2) > -0.05


def _stream(void, populations, periodic):
    """What arrives at every voxel: from the neighbour, or its own turned around where the link is closed."""
    arrived = np.empty_like(populations)
    for q in range(19):
        c = VELOCITIES[q]
        steps = [np.where(np.arange(3) == a, c, 0) for a in np.flatnonzero(c)]
        open_ = np.roll(void, c, axis=(0, 1, 2))
        if len(steps) > 1:
            open_ &= np.roll(void, steps[0], axis=(0, 1, 2)) | np.roll(void, steps[1], axis=(0, 1, 2))
        for axis in np.flatnonzero(c) if not periodic else ():
            open_[tuple(slice(None) if a != axis else (0 if c[axis] > 0 else -1) for a in range(3))] = False
        arrived[q] = np.where(open_, np.roll(populations[q], c, axis=(0, 1, 2)), populations[OPPOSITE[q]])
    return arrived * void


def _collide(void, f, force, even, odd):
    """Two-relaxation-time collision with Guo's force, as the equations are written."""
    density = f.sum(axis=0)
    momentum = np.tensordot(VELOCITIES.T, f, axes=1) + 0.5 * force[:, None, None, None]
    out = np.empty_like(f)
    for q in range(19):
        plus = (f[q] + f[OPPOSITE[q]]) / 2 - WEIGHTS[q] * density
        minus = (f[q] - f[OPPOSITE[q]]) / 2 - 3 * WEIGHTS[q] * np.tensordot(VELOCITIES[q], momentum, axes=1)
        push = 3 * WEIGHTS[q] * (1 - odd / 2) * (VELOCITIES[q] @ force)
        out[q] = f[q] - even * plus - odd * minus + push
    return out * void


def _two_steps(lattice, f, constants, odd_step):
    index = (lattice.starts, lattice.first, lattice.window, lattice.blocks)
    kernels.even_step(f, 0, lattice.n_blocks, constants)
    kernels.swap_places(f, lattice.swaps, 0, len(lattice.swaps))
    odd_step(f, 0, lattice.n_blocks, constants, *index)
    kernels.swap_places(f, lattice.swaps, 0, len(lattice.swaps))


@pytest.mark.parametrize("periodic", [True, False])
def test_two_steps_are_those_of_the_dense_equations(void, periodic):
    lattice = build(void, (periodic,) * 3)
    even, odd, force = 1.3, 0.7, np.array([0.3, -0.2, 0.5])
    dense = np.random.default_rng(0).normal(size=(19, *void.shape)) * void
    f, cells = np.zeros(lattice.size), np.arange(lattice.cells)
    for q in range(19):
        f[place(q, cells)] = dense[q][void]
    _two_steps(lattice, f, kernels.constants(even, odd, force, np.float64), kernels.odd_step_plain)
    for _ in range(2):
        dense = _stream(void, _collide(void, dense, force, even, odd), periodic)
    for q in range(19):
        assert np.allclose(f[place(q, cells)], dense[q][void], atol=1e-12), q


@pytest.mark.parametrize("kernel", ["vector", "single"])
def test_fast_kernels_are_the_plain_one(void, kernel):
    if kernel == "vector" and not vector.supported():
        pytest.skip("needs AVX-512")
    lattice = build(void, (True, True, True))
    f = np.random.default_rng(1).normal(size=lattice.size).astype(np.float32)
    g = f.copy()
    constants = kernels.constants(1.1, 0.8, np.array([0.1, 0, 0]), np.float32)
    for _ in range(2):
        _two_steps(lattice, f, constants, kernels.odd_step_plain)
        _two_steps(lattice, g, constants, getattr(kernels, f"odd_step_{kernel}"))
    cells = np.arange(lattice.cells)
    for q in range(19):
        assert np.array_equal(f[place(q, cells)], g[place(q, cells)])


def test_closed_box_keeps_its_mass(void):
    lattice = build(void, (False, False, False))
    f = np.random.default_rng(2).normal(size=lattice.size)
    cells = np.arange(lattice.cells)
    before = sum(f[place(q, cells)].sum() for q in range(19))
    for _ in range(5):
        _two_steps(lattice, f, kernels.constants(1.0, 0.9, np.array([1.0, 0, 0]), np.float64), kernels.odd_step_plain)
    assert sum(f[place(q, cells)].sum() for q in range(19)) == pytest.approx(before, abs=1e-9)


def test_storage_is_within_a_hundred_bytes():
    from scipy.ndimage import gaussian_filter

    rock = gaussian_filter(np.random.default_rng(5).normal(size=(64, 64, 64)), 2.5) > 0.02
    lattice = build(rock, (False, False, False))
    assert (4 * lattice.size + lattice.index_bytes) / lattice.cells <= 100
