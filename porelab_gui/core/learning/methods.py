"""The Method ``load_weights``: a folder of trained weights, from here or from a stranger."""

from __future__ import annotations

from pathlib import Path

from porelab_gui.core.errors import FormatError
from porelab_gui.core.learning.weights import read_config
from porelab_gui.core.method import Inputs, Method, Outputs, Params, param
from porelab_gui.core.nouns import Weights
from porelab_gui.core.progress import Progress


class LoadWeightsParams(Params):
    """Where the folder is."""

    path: str = param("", "Folder with config.json and safetensors files; nothing in it is executed.", widget="folder")


def run(inputs: Inputs, params: LoadWeightsParams, progress: Progress) -> Outputs:
    """Check that the folder holds weights and name it."""
    folder = Path(params.path).expanduser()
    if not params.path or not folder.is_dir():
        raise FormatError("there is no such folder", where=params.path or None, remedy="Choose a folder of weights.")
    weights = Weights(folder.resolve(), name=folder.name, source=str(folder))
    read_config(weights)
    if not any(folder.glob("*.safetensors")):
        raise FormatError("there are no weights in it", where=folder, remedy="Choose a folder with safetensors files.")
    return {"weights": weights}


LOAD_WEIGHTS = Method(
    name="load_weights",
    title="Open trained weights",
    summary="Opens a folder of weights (card, configuration, safetensors); reading it executes nothing.",
    step="Learn",
    citation="Cards: Mitchell et al. (2019) Proc. FAT*, 220, doi 10.1145/3287560.3287596",
    params=LoadWeightsParams,
    inputs={},
    outputs={"weights": Weights},
    function=run,
    lane="gpu",
)
METHODS = (LOAD_WEIGHTS,)
