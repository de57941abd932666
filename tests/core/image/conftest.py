"""An anisotropic, non-cubic image: any swap of axes shows."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from porelab_gui.core.nouns import Labels, Stack

VOXEL = (10e-9, 5.345e-6, 2.5e-6)


@pytest.fixture
def grey():
    """A uint16 stack 5 x 7 x 11 whose voxels are all different."""
    data = np.arange(5 * 7 * 11, dtype=np.uint16).reshape(5, 7, 11) * 3
    return Stack(data, VOXEL, name="grey")


@pytest.fixture
def phases():
    """Three named phases, two of them void."""
    data = np.random.default_rng(1).integers(0, 3, (5, 7, 11)).astype(np.uint8)
    return Labels(data, VOXEL, {0: "matrix", 1: "organic pore", 2: "slit"}, (1, 2), name="phases")


class _Stranger:
    """Runs a block as a user without rights (really so when the tests run as root)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def __call__(self):
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)


@pytest.fixture
def as_stranger():
    """``with as_stranger(): ...`` has no rights beyond reading ``as_stranger.folder``."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield _Stranger(Path(name))
