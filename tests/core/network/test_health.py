"""A network's faults are found, named and repaired."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.errors import InputError
from porelab_gui.core.network.clean import NETWORK_HEALTH, TRIM_NETWORK
from porelab_gui.core.network.health import check
from porelab_gui.core.nouns import Column, Network


def chain(n: int = 5, conns=None, **throats) -> Network:
    """Pores in a row along z; the first touches face_z0, the last face_z1."""
    coords = np.stack([np.arange(n), np.zeros(n), np.zeros(n)], axis=1) * 1e-6
    conns = np.array([[i, i + 1] for i in range(n - 1)] if conns is None else conns)
    faces = {f"face_{a}{k}": np.zeros(n, dtype=bool) for a in "zyx" for k in (0, 1)}
    faces["face_z0"][0] = faces["face_z1"][-1] = True
    columns = {"inscribed_diameter": np.full(len(conns), 1e-6), "direct_length": np.full(len(conns), 1e-6), **throats}
    pores = {**faces, "inscribed_diameter": Column(np.full(n, 2e-6), "m")}
    return Network(coords=coords, conns=conns, pores=pores, throats=columns)


def test_a_sound_chain_spans_its_axis_only():
    health = check(chain())
    assert health.good and dict(health.spans) == {"z": True, "y": False, "x": False}
    assert health.spanning["z"].all() and "isolated" not in health


def test_each_fault_marks_the_throats_that_have_it():
    conns = [[0, 1], [1, 2], [2, 1], [3, 3], [2, 3], [3, 4]]
    network = chain(
        5, conns, direct_length=np.array([1, 1, 1, 1, -1, 1.0]), inscribed_diameter=np.array([1, np.nan, 1, 1, 1, 0.0])
    )
    health = check(network)
    marked = {p.key: np.flatnonzero(p.throats).tolist() for p in health.problems if p.throats.any()}
    assert marked == {"not_finite": [1], "bad_size": [5], "bad_length": [4], "self_loop": [3], "duplicate": [2]}
    assert not health.good


def test_isolated_pores_are_trimmed_and_indices_follow():
    network = chain(7, [[0, 1], [1, 2], [2, 6], [3, 4]])
    health = check(network)
    assert np.flatnonzero(health["isolated"].pores).tolist() == [3, 4, 5]
    assert np.flatnonzero(health["no_throat"].pores).tolist() == [5]
    trimmed = TRIM_NETWORK({"network": network}, {})["network"]
    assert trimmed.n_pores == 4 and trimmed.conns.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert check(trimmed).good


def test_bad_throats_are_dropped_with_their_columns():
    network = chain(3, [[0, 1], [1, 2], [1, 2], [2, 2]], direct_length=np.array([1.0, 2.0, 3.0, 4.0]))
    trimmed = TRIM_NETWORK({"network": network}, {})["network"]
    assert trimmed.throat("direct_length").tolist() == [1.0, 2.0]


def test_trimming_to_an_axis_that_nothing_spans_is_refused_with_advice():
    with pytest.raises(InputError, match=r"along y.*another axis"):
        TRIM_NETWORK({"network": chain()}, {"axis": "y"})


def test_the_report_lists_every_fault_with_counts():
    table = NETWORK_HEALTH({"network": chain(3, [[0, 1], [0, 1]])}, {})["report"]
    row = [s.startswith("throats that repeat") for s in table["problem"]].index(True)
    assert table["serious"][row] and table["throats"][row] == 1
    assert any("along z: does not span" in note for note in table.notes)


@pytest.mark.parametrize("pores", [0, 1])
def test_an_empty_network_is_named_not_raised(pores):
    network = Network(coords=np.zeros((pores, 3)), conns=np.zeros((0, 2)))
    assert "empty" in check(network)
