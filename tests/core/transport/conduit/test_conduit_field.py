"""The field of one conduit is that of its conductance."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import ParameterError
from porelab_gui.core.transport.conduit.field import conduit_field
from porelab_gui.core.transport.conduit.methods import conductance_dns


def test_field_and_conductance_are_of_one_solve(partition, spheres):
    regions, network = partition(spheres, [[0, 1], [1, 2]])
    found = conduit_field(regions, network, 1)
    g = conductance_dns({"regions": regions, "network": network}, {"diffusivity": 1.0})["network"]
    assert found.size_factor == pytest.approx(g.throat("g_diffusive.dns")[1], rel=1e-6)
    box = tuple(slice(c, c + n) for c, n in zip(found.corner, found.values.shape, strict=True))
    inside = np.isin(regions.data[box], (2, 3))
    assert np.isfinite(found.values[inside]).all() and np.isnan(found.values[~inside]).all()
    # a harmonic field has its extremes at the source and the sink, and every other voxel is the mean of its neighbours
    around = [np.roll(found.values, s, axis) for axis in range(3) for s in (1, -1)]
    mean = np.mean(np.stack(around), axis=0)[2:-2, 2:-2, 2:-2]
    gap = np.abs(mean - found.values[2:-2, 2:-2, 2:-2])
    assert np.nanmedian(gap) < 1e-4


def test_what_has_no_field_is_refused(partition):
    apart = np.array([1, 1, 0, 2, 2]).reshape(1, 1, 5)
    regions, network = partition(apart, [[0, 1]])
    with pytest.raises(ParameterError, match="share no face"):
        conduit_field(regions, network, 0)
    with pytest.raises(ParameterError, match="no throat 7"):
        conduit_field(regions, network, 7)
