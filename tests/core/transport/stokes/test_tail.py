"""The estimate of what is still to come."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.transport.stokes.tail import Settled, remainder


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.5])
def test_geometric_history_is_summed(rate):
    history = 2 - np.exp(-rate * np.arange(40))
    truth = (2 - history[-1]) / history[-1]
    assert remainder(history) == pytest.approx(truth, rel=1e-3, abs=5e-7)


def test_a_slow_tail_behind_a_fast_start_is_not_taken_for_the_end():
    n = np.arange(400)
    history = 1 - 0.5 * np.exp(-0.2 * n) - 0.3 * np.exp(-0.005 * n)
    settled, stopped = Settled(1e-2), None
    for i, value in enumerate(history):
        if settled(value):
            stopped = i
            break
    # the step difference is below the tolerance long before; the value must be within twice the tolerance
    assert stopped is None or 1 - history[stopped] < 2e-2


def test_growing_or_short_histories_are_open():
    assert remainder([1.0, 2.0, 3.0]) == np.inf
    assert remainder(1.2 ** np.arange(30)) == np.inf
    assert remainder([0.0] * 30) == np.inf
