"""One window for all, with settings of its own, so that no test touches those of the user."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

_HOME = Path(tempfile.mkdtemp(prefix="porelab-tests-"))
os.environ["NAPARI_CONFIG"] = str(_HOME / "napari.yaml")
os.environ["PORELAB_CONFIG"] = str(_HOME)


@pytest.fixture(scope="session")
def window(qapp):
    """A PoreLab window, open for all tests of the shell: opening one takes seconds."""
    from porelab_gui.gui.app import open_window

    made = open_window(size=(1280, 800))
    yield made
    made.close()


@pytest.fixture
def porelab(window):
    """The window with nothing open, no toasts and no questions."""
    window.wait(60)
    window.desk.close_project()
    window.viewer.dims.ndisplay = 2
    for toast in list(window.toasts.shown):
        toast.dismiss()
    window.opener.dialog = None
    yield window
    if window.opener.dialog is not None:
        window.opener.dialog.close()


@pytest.fixture
def grey(tmp_path):
    """A file with an anisotropic-shaped grey image that has dark pores; its array."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(3).random((14, 20, 26)), 2)
    image = np.uint8(255 * (noise - noise.min()) / np.ptp(noise))
    path = tmp_path / "rock.npy"
    np.save(path, image)
    return path, image
