"""Content hashes of arrays that stay on disk, and what reading them does not load."""

from __future__ import annotations

import os
import subprocess
import sys

import dask
import dask.array as da
import numpy as np
import pytest

from porelab_gui.core import hashing
from porelab_gui.core.nouns import Stack

SHAPE = (40, 96, 100)


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(hashing, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(hashing, "PLACES", 2)
    monkeypatch.setattr(hashing, "WINDOW", 8)


def test_without_a_file_all_voxels_count(small_limit):
    voxels = np.zeros(SHAPE, np.uint8)
    lazy = da.from_delayed(dask.delayed(lambda: voxels)(), SHAPE, np.uint8)
    before = Stack(lazy, 1e-6).content_hash
    voxels[0, 0, 0] = 1
    assert Stack(lazy, 1e-6).content_hash != before


def test_an_array_by_dask_itself_follows_its_zarr_folder(small_limit, tmp_path):
    import zarr

    group = zarr.open_group(str(tmp_path / "a"), mode="w", zarr_format=2)
    group.create_array("x", shape=SHAPE, dtype="u1", chunks=(20, 48, 50))[...] = 3
    lazy = da.from_zarr(str(tmp_path / "a"), component="x")
    before = Stack(lazy, 1e-6).content_hash
    assert Stack(lazy, 1e-6).content_hash == before
    chunk = max(p for p in (tmp_path / "a" / "x").rglob("*") if p.is_file() and not p.name.startswith("."))
    os.utime(chunk, ns=(2**62, 2**62))
    assert Stack(lazy, 1e-6).content_hash != before


def test_reading_a_lazy_image_does_not_look_for_a_cluster(tmp_path):
    """dask imports ``distributed`` for that, most of a second of each opening."""
    path = tmp_path / "a_64x64x64_1um_uint8.raw"
    np.zeros((64, 64, 64), np.uint8).tofile(path)
    code = (
        "import sys; from porelab_gui.core.image.formats import lazy; lazy.EAGER_BYTES = 0; lazy.COARSEST = 16\n"
        "from porelab_gui.core.image.formats.dispatch import read_any\n"
        f"s = read_any({str(path)!r}); s.content_hash; s.array()\n"
        "assert hasattr(s.data, 'dask') and 'distributed' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
