"""The disk cache of results."""

from __future__ import annotations

import os

import numpy as np

from porelab_gui.core.cache import Cache, default_cache, key_of


def test_what_was_put_comes_back(tmp_path):
    cache = Cache(tmp_path / "new" / "folder")
    assert cache.get("k") is None
    assert cache.put("k", {"a": np.arange(5), "b": np.eye(2)})
    again = cache.get("k")
    assert (again["a"] == np.arange(5)).all() and (again["b"] == np.eye(2)).all()


def test_damaged_entry_counts_as_none_and_goes(tmp_path):
    cache = Cache(tmp_path)
    cache.put("k", {"a": np.arange(1000)})
    path = next(tmp_path.glob("*.npz"))
    path.write_bytes(path.read_bytes()[:100])
    assert cache.get("k") is None and not path.exists()


def test_pickled_objects_are_not_loaded(tmp_path):
    np.savez(tmp_path / "k.npz", a=np.array([{"x": 1}], dtype=object))
    assert Cache(tmp_path).get("k") is None


def test_least_recently_used_entry_goes_first(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, 10_000).astype(np.uint8)
    cache = Cache(tmp_path, limit=25_000)
    for k, age in (("old", 300), ("used", 200)):
        cache.put(k, {"a": noise})
        os.utime(tmp_path / f"{k}.npz", (1e9 - age, 1e9 - age))
    os.utime(tmp_path / "old.npz", (1e9 - 100, 1e9 - 100))
    cache.put("new", {"a": noise})
    assert cache.get("used") is None and cache.get("old") is not None and cache.get("new") is not None


def test_entry_beyond_the_limit_is_not_kept(tmp_path):
    assert not Cache(tmp_path, limit=100).put("k", {"a": np.zeros(1000)})


def test_unwritable_folder_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    assert not Cache(tmp_path / "file").put("k", {"a": np.zeros(3)})


def test_key_depends_on_every_part():
    assert key_of("a", 1) != key_of("a", 2) and key_of("a", "bc") != key_of("ab", "c")


def test_folder_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PORELAB_CACHE", str(tmp_path))
    assert default_cache().folder == tmp_path
