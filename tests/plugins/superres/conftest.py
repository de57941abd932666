"""Blocks of a random medium and nets of a few hundred numbers, trained once for all files."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.superres.blocks import medium
from porelab_methods.superres.methods import CORRECTION, DATA, SUPERRES, SURROGATE

from porelab_gui.core.nouns import Labels

VOXEL = (4e-6,) * 3
QUICK = {"epochs": 1, "batch_size": 2, "threads": 1, "precision": "float32"}


@pytest.fixture(scope="session")
def rock():
    return Labels(medium(48, 0)[:, :24, :24].astype(np.uint8), VOXEL, name="blobs")


@pytest.fixture(scope="session")
def data(rock, tmp_path_factory):
    """Blocks of 16^3 of a stack: three for training, two for validation, one for the test."""
    folder = tmp_path_factory.mktemp("data")
    params = {"folder": str(folder), "edge": 16, "stride": 16, "validation": 1 / 3, "test": 1 / 3, "axes": ("z", "x")}
    table = DATA({"labels": rock}, params)["table"]
    return folder, table, params


@pytest.fixture(scope="session")
def trained(data, tmp_path_factory):
    root = tmp_path_factory.mktemp("weights")
    shared = {**QUICK, "data": str(data[0])}
    wanted = {"members": 2, "slab": 8, "width": 2, "folder": str(root / "s")}
    surrogate = SURROGATE({}, {**shared, **wanted})["surrogate"]
    direct = SURROGATE({}, {**shared, **wanted, "sees": "low", "slab": 4, "folder": str(root / "d")})["surrogate"]
    before = SUPERRES({}, {**shared, "width": 4, "blocks": 1, "folder": str(root / "b")})["super_resolver"]
    made = CORRECTION(
        {"super_resolver": before, "surrogate": surrogate}, {**shared, "epochs": 2, "folder": str(root / "a")}
    )
    return {"surrogate": surrogate, "direct": direct, "before": before, "after": made["corrected"], "curve": made}
