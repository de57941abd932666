"""The estimate that a search keeps of values that jump."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.rock_gan.tracking import Track


def test_without_jumps_a_wrong_slope_is_learned():
    true, start = np.array([[2.0, -1.0]]), np.array([[1.4, -0.4]])
    track = Track(np.zeros(2), np.zeros(1), start, np.zeros(1))
    rng = np.random.default_rng(0)
    for _ in range(8):
        style = track.style + 0.1 * rng.standard_normal(2)
        track.moved(style, true @ style)
    assert track.slopes == pytest.approx(true, abs=0.1)
    assert track.value == pytest.approx(true @ track.style, abs=0.01)


def test_jumps_are_averaged_and_not_followed():
    """Measured again and again at one place, the estimate is the mean of the measurements."""
    measured = np.random.default_rng(1).standard_normal(9)
    track = Track(np.zeros(3), measured[:1], np.ones((1, 3)), np.ones(1))
    for value in measured[1:]:
        track.moved(track.style, np.array([value]))
    assert track.value[0] == pytest.approx(measured.mean(), abs=1e-9)


def test_properties_do_not_disturb_each_other():
    slopes, jitter = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.0, 1.0])
    track = Track(np.zeros(2), np.zeros(2), slopes, jitter)
    track.moved(np.array([0.3, 0.0]), np.array([0.3, 5.0]))
    assert track.value[0] == pytest.approx(0.3, abs=1e-6) and 0 < track.value[1] < 5.0
