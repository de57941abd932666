"""The lattice on a torch device is the compiled one."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.nouns import Labels
from porelab_gui.core.transport.stokes import lbm
from porelab_gui.core.transport.stokes.faces import Faces
from porelab_gui.core.transport.stokes.geometry import spanning
from porelab_gui.core.transport.stokes.lbm_device import DeviceLbm
from porelab_gui.core.transport.stokes.methods import voxel_stokes

TAU = 1.1


@pytest.fixture(scope="module")
def rock():
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.random.default_rng(4).normal(size=(14, 12, 17)), 1.5, mode="wrap") > -0.02


@pytest.mark.parametrize("periodic", [True, False])
def test_steps_are_those_of_the_compiled_lattice(rock, periodic):
    faces = Faces(1, periodic)
    void = rock if periodic else spanning(rock, 1)
    start = np.random.default_rng(0).normal(size=int(void.sum()))
    flows = []
    for made in (
        lbm.Lbm(void, faces, np.float64, TAU, 1),
        DeviceLbm(void, faces, np.float64, TAU, "cpu"),
    ):
        made.begin_with(start)
        made.advance(8)
        flows.append((made.permeability(), *made.fields()))
    for one, other in zip(*flows, strict=True):
        assert np.allclose(one, other, atol=1e-5 * np.abs(one).max())


@pytest.mark.gpu
def test_permeability_on_cuda_is_that_of_the_processor(rock):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    labels = Labels(rock.astype(np.uint8), 1e-6)
    k = [
        voxel_stokes({"labels": labels}, {"axes": ("x",), "solver": "lbm", "device": d, "cache": False})[
            "permeability"
        ]["permeability"][0]
        for d in ("cpu", "cuda")
    ]
    assert k[0] == pytest.approx(k[1], rel=1e-4)


def test_device_that_is_not_there_is_refused(rock):
    import torch

    from porelab_gui.core.errors import ParameterError

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(ParameterError, match="CUDA"):
        voxel_stokes({"labels": Labels(rock.astype(np.uint8), 1e-6)}, {"device": "cuda", "cache": False})
