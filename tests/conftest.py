"""Shared fixtures: where the real images are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from porelab_gui.cli.display import virtual_display

if os.environ.get("PYTEST_XDIST_WORKER"):  # a display of its own: windows of two workers never take each other's focus
    _display = virtual_display(always=True, last=True)
    _display.__enter__()

DATA = Path(os.environ.get("PORELAB_DATA") or Path(__file__).parents[1] / ".." / "shared" / "data")


@pytest.fixture(scope="session")
def real_data():
    """``real_data("berea/file.npz")`` is the path of a real image; the test skips, naming it, where it is absent."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"needs {name} of the real images (set PORELAB_DATA)")
        return path

    return find
