"""What the tests of Stokes flow share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Every test has an empty cache of its own."""
    monkeypatch.setenv("PORELAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
