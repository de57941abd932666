"""The shapes that have known answers are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.validation import run_cases
from porelab_gui.core.validation.shapes import CENTRES, channel, cylinder_cell, sphere_cell


@pytest.mark.parametrize("kind", ["slit", "duct", "tube", "triangle"])
def test_channels_have_their_area_and_a_wall_around(kind):
    void, area = channel(kind, 40)
    assert np.count_nonzero(void[0]) == pytest.approx(area, rel=0.02)
    assert not void[:, [0, -1]].any()


@pytest.mark.parametrize("lattice", list(CENTRES))
def test_sphere_cells_meet_the_solid_fraction(lattice):
    void, spheres = sphere_cell(lattice, 0.3, 32)
    assert 1 - void.mean() == pytest.approx(0.3, abs=0.005)
    assert spheres == len(CENTRES[lattice])
    # the three axes are alike
    assert np.array_equal(void, np.swapaxes(void, 0, 1))


def test_cylinder_cell_meets_the_solid_fraction():
    assert 1 - cylinder_cell(0.4, 64).mean() == pytest.approx(0.4, abs=0.005)


def test_channel_cases_hold():
    report = run_cases(["slit", "duct by", "tube by finite"])
    assert report["figures"]["cases"] == 5 and report["figures"]["failed"] == 0
