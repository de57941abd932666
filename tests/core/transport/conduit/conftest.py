"""Small partitions for the tests of direct simulation."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.nouns import Network, Regions


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Every test has an empty cache of its own."""
    monkeypatch.setenv("PORELAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def partition():
    """``partition(image, conns, edge)``: Regions and a bare Network of that label image."""

    def make(image, conns, edge=1.0):
        image = np.asarray(image)
        count = max(int(image.max(initial=0)), int(np.max(conns, initial=-1)) + 1)
        return Regions(image, edge), Network(np.zeros((count, 3)), np.asarray(conns))

    return make


@pytest.fixture
def spheres():
    """Three overlapping spheres of different size, one region each, split at the nearest centre."""
    z, y, x = np.indices((26, 30, 44))
    centres, radii = [(12, 14, 10), (13, 15, 24), (12, 12, 35)], [9.4, 8.2, 6.3]
    far = [np.sqrt((z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2) / r for (a, b, c), r in zip(centres, radii, strict=True)]
    d = np.stack(far)
    return np.where(d.min(axis=0) < 1, d.argmin(axis=0) + 1, 0).astype(np.int32)
