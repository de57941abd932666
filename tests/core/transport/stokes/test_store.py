"""Flows kept on disk: the second solve is the first, and large fields are chunks on disk."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.nouns import Field, Labels
from porelab_gui.core.transport.stokes import run, store
from porelab_gui.core.transport.stokes.methods import voxel_stokes


@pytest.fixture
def duct(tmp_path, monkeypatch):
    monkeypatch.setenv("PORELAB_CACHE", str(tmp_path / "cache"))
    void = np.zeros((10, 8, 8), np.uint8)
    void[:, 1:7, 1:7] = 1
    return Labels(void, 1e-6)


def _refuse(*args, **kwargs):
    raise AssertionError("it was solved again")


@pytest.mark.parametrize("large", [False, True])
def test_a_second_solve_comes_from_the_disk(duct, monkeypatch, large):
    monkeypatch.setattr(store, "LARGE", 10 if large else 10**9)
    first = voxel_stokes({"labels": duct}, {"axes": ("z",)})
    assert hasattr(first["velocity"].data, "dask") is large
    monkeypatch.setattr(run, "solve_axis", _refuse)
    again = voxel_stokes({"labels": duct}, {"axes": ("z",), "pressure_drop": 2.0})
    assert again["permeability"]["permeability"][0] == first["permeability"]["permeability"][0]
    assert again["permeability"]["seconds"][0] == first["permeability"]["seconds"][0]
    one, two = np.asarray(first["velocity"].data), np.asarray(again["velocity"].data)
    assert one.max() > 0 and np.allclose(two, 2 * one, rtol=1e-6)
    assert isinstance(again["pressure"], Field) and again["pressure"].unit == "Pa"


def test_another_tolerance_or_image_is_solved_anew(duct, monkeypatch):
    voxel_stokes({"labels": duct}, {"axes": ("z",)})
    monkeypatch.setattr(run, "solve_axis", _refuse)
    with pytest.raises(AssertionError):
        voxel_stokes({"labels": duct}, {"axes": ("z",), "tolerance": 1e-4})
    with pytest.raises(AssertionError):
        voxel_stokes({"labels": Labels(np.roll(duct.data, 1, axis=1), 1e-6)}, {"axes": ("z",)})


def test_what_did_not_converge_is_not_kept(duct, monkeypatch):
    asked = {"axes": ("z",), "tolerance": 1e-6, "max_iterations": 10, "solver": "lbm"}
    assert np.isnan(voxel_stokes({"labels": duct}, asked)["permeability"]["permeability"][0])
    monkeypatch.setattr(run, "solve_axis", _refuse)
    with pytest.raises(AssertionError):
        voxel_stokes({"labels": duct}, asked)


def test_old_fields_make_room(tmp_path):
    field = np.ones((4, 4, 4), np.float32)
    for name in ("a", "b", "c"):
        store.write_chunked(tmp_path / f"{name}.zarr", np.stack([field] * 3), field)
    store._make_room(tmp_path, limit=1)
    assert not list(tmp_path.glob("*.zarr"))
