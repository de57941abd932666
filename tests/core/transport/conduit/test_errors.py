"""Errors of conductances against a reference, throat by throat."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Network
from porelab_gui.core.registry import get
from porelab_gui.core.transport.conduit.errors import agreement, reference_of, worst


@pytest.fixture
def compared(spheres, partition):
    """Regions, and a network whose model is 5 % above, 30 % below and unknown."""
    regions, bare = partition(spheres, [[0, 1], [1, 2], [0, 1]], 1e-6)
    throats = {
        "g_diffusive.dns": Column(np.array([1.0, 2.0, np.nan]), "m3/s"),
        "g_diffusive.cnn": Column(np.array([1.05, 1.4, 3.0]), "m3/s"),
        "cross_sectional_area": Column(np.full(3, np.pi), "m2"),
        "perimeter": Column(np.full(3, 2 * np.pi), "m"),
    }
    return regions, Network(bare.coords, bare.conns, throats=throats, name="net")


def test_errors_are_signed_and_only_where_both_are_known(compared):
    regions, network = compared
    made = get("conductance_errors")({"network": network, "regions": regions}, {})
    net, table = made["network"], made["table"]
    assert net.throat("error_diffusive.cnn")[:2] == pytest.approx([5, -30])
    assert np.isnan(net.throat("error_diffusive.cnn")[2])
    assert net.throat("beyond_10pct_diffusive.cnn")[:2].tolist() == [0, 1]
    assert table["throats"][0] == 2 and table["share_beyond_10pct"][0] == pytest.approx(0.5)
    assert worst(net, "g_diffusive.cnn").tolist() == [1, 0]


def test_size_shape_and_surroundings(compared, spheres):
    regions, network = compared
    net = get("conductance_errors")({"network": network, "regions": regions}, {})["network"]
    assert net.throat("roundness") == pytest.approx(1)
    assert net.throat("conduit_voxels")[0] == np.isin(spheres, (1, 2)).sum()
    at = np.argwhere(np.isin(spheres, (1, 2)))
    box = spheres[tuple(slice(a, b + 1) for a, b in zip(at.min(0), at.max(0), strict=True))]
    assert net.throat("box_porosity")[0] == pytest.approx((box > 0).mean())


def test_the_interval_holds_r2_and_narrows_with_more_throats():
    rng = np.random.default_rng(0)
    widths = []
    for n in (50, 800):
        truth = rng.lognormal(0, 1, n)
        throats = {"g_diffusive.dns": Column(truth), "g_diffusive.x": Column(truth * rng.normal(1, 0.1, n))}
        net = Network(np.zeros((2, 3)), np.tile([[0, 1]], (n, 1)), throats=throats)
        found = agreement(net, "g_diffusive.x", "g_diffusive.dns")
        assert found.low < found.r2 < found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0]
    assert f"{800:,}" in found.sentence(800)


def test_what_is_no_conductance_or_has_no_reference_is_refused(compared):
    with pytest.raises(InputError, match="no conductance"):
        reference_of("total_length")
    _, network = compared
    with pytest.raises(InputError, match="conductance_dns"):
        get("conductance_errors")({"network": network}, {"reference": "lbm"})
