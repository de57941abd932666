"""A small stack of three phases with its truth, and a net that has learned it, for all tests of the system."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.nouns import Labels, Stack

VOXEL = (1e-8,) * 3
SMALL = {"width": 8, "depth": 2, "patch": 32, "patches": 32, "epochs": 9, "n_slices": 2, "tests": 2, "context": 3}
SMALL["threads"] = 1


@pytest.fixture(autouse=True)
def _one_thread():
    """Tiny nets gain nothing from threads, and lose much on a busy machine; set before every test, since others that
    ran in this process may have put the number back."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def rock():
    """Three phases of blobs, each with its own grey level, some noise and stripes."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(5)
    field = gaussian_filter(rng.standard_normal((20, 64, 64)), 3)
    truth = np.digitize(field, np.quantile(field, [0.2, 0.8])).astype(np.uint8)
    grey = np.choose(truth, [40, 120, 200]) + rng.normal(scale=12, size=truth.shape) + rng.normal(scale=6, size=64)
    phases = {0: "pore", 1: "matrix", 2: "organic matter"}
    return Stack(grey.astype(np.float32), VOXEL, name="rock"), Labels(truth, VOXEL, phases=phases, void=(0,))


@pytest.fixture(scope="session")
def trained(rock, tmp_path_factory):
    """Outputs of train_unet on two slices."""
    from porelab_methods.shale_unet.methods import TRAIN

    image, truth = rock
    folder = tmp_path_factory.mktemp("weights") / "net"
    return TRAIN({"image": image, "labels": truth}, {**SMALL, "folder": str(folder)})
