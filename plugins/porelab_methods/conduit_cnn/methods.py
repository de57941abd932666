"""What the system registers: prediction and training."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Network, Regions, Table, Weights
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.fluid import Diffusing, Viscous

CITATION = (
    "Misaghian et al., Comput. Geosci. 162 (2022) 105086, doi 10.1016/j.cageo.2022.105086 (problem and reference net); "
    "small net on a coarse solve: docs/conduit_cnn.md."
)


class ConductanceCnnParams(Diffusing, Viscous):
    """What is predicted, for which throats."""

    physics: Literal["diffusive", "hydraulic", "both"] = param("diffusive", "Which conductance to predict.")
    throats: str = param("", "Throat numbers to predict, such as 0-99, 120; empty for all.")
    count: int = param(0, "Throats drawn at random; 0 takes all.", unit="1", ge=0, le=100_000_000, advanced=True)
    seed: int = param(0, "Seed of the random draw.", unit="1", ge=0, le=2**31 - 1, advanced=True)
    name: str = param("cnn", "Name of the columns, so that two models can stand side by side.", advanced=True)
    threads: int = param(0, "Processor threads to use; 0 takes all.", unit="1", ge=0, le=1024, advanced=True)


class TrainParams(Params):
    """Which images, which net, how long."""

    physics: Literal["diffusive", "hydraulic", "both"] = param("both", "Which conductances to learn.")
    model: Literal["small", "resnet50"] = param(
        "small", "The small net, or the paper's 3D ResNet-50 (47,284,353 parameters; wants a graphics processor)."
    )
    images: int = param(86, "Parent images to make and simulate, when no network is given.", unit="1", ge=1, le=112)
    size: int = param(120, "Greatest edge of these images.", unit="voxel", ge=32, le=120)
    per_image: int = param(160, "Conduits taken from an image at most.", unit="1", ge=1, le=100_000)
    rocks: bool = param(False, "Use crops of real rock too (needs the folder of images, PORELAB_DATA).")
    epochs: int = param(12, "Passes over the conduits.", unit="1", ge=1, le=1000)
    width: int = param(16, "Channels of the first level.", unit="1", ge=4, le=128, advanced=True)
    blocks: int = param(1, "Residual blocks per level.", unit="1", ge=1, le=8, advanced=True)
    batch_size: int = param(32, "Conduits per update.", unit="1", ge=1, le=4096, advanced=True)
    learning_rate: float = param(
        2e-3, "First step size; it falls along a cosine.", unit="1", gt=0, le=1, decimals=5, advanced=True
    )
    seed: int = param(0, "Seed of the first weights and of the order.", unit="1", ge=0, le=10**6)
    threads: int = param(0, "Processor threads; 0 takes all.", unit="1", ge=0, le=256, advanced=True)
    data: str = param("", "Folder of simulated images; empty takes the user's cache.", widget="folder", advanced=True)
    folder: str = param("", "Folder for the weights; empty takes one of its own in the user's data.", widget="folder")


def _predict(inputs: Inputs, params: ConductanceCnnParams, progress: Progress) -> Outputs:
    from porelab_methods.conduit_cnn.apply import run

    return run(inputs["regions"], inputs["network"], inputs.get("weights"), params, progress)


def _predict_estimate(inputs: Inputs, params: ConductanceCnnParams) -> Estimate:
    """The image three times over (labels, distances, int32 copy), and the batches."""
    voxels = 1
    for n in inputs["regions"].shape:
        voxels *= n
    return Estimate(ram=500_000_000 + 24 * voxels)


def default_folder(params: TrainParams, *hashes: str) -> Path:
    """A folder that belongs to these data and settings, so that a broken run is found again."""
    from platformdirs import user_data_path

    told = "".join(hashes) + params.model_dump_json()
    return (
        user_data_path("porelab")
        / "weights"
        / f"conduit_cnn-{hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"
    )


def _train(inputs: Inputs, params: TrainParams, progress: Progress) -> Outputs:
    from porelab_methods.conduit_cnn.learn import run

    regions, network, earlier = (inputs.get(k) for k in ("regions", "network", "weights"))
    hashes = [i.content_hash for i in (regions, network, earlier) if i is not None]
    folder = Path(params.folder) if params.folder else default_folder(params, *hashes)
    weights, table = run(regions, network, earlier, params, folder, progress)
    return {"weights": weights, "table": table}


def _train_estimate(inputs: Inputs, params: TrainParams) -> Estimate:
    """Conduits as bytes on the coarse grid, and an image while it is simulated."""
    conduits = params.images * params.per_image
    return Estimate(ram=600_000_000 + conduits * 7 * 16**3 + 200 * params.size**3)


PREDICT = Method(
    name="conductance_cnn",
    title="Conductance by the conduit net",
    summary="Conductance of every throat by a small 3D net on a coarse solve, with an interval and flags.",
    step="Conductance",
    citation=CITATION,
    params=ConductanceCnnParams,
    inputs={
        "regions": Port(Regions, "Extract a network first and use the regions that come with it."),
        "network": Port(Network, "Extract a network first."),
        "weights": Port(Weights, "Weights of one's own; left out, those of the program are used.", optional=True),
    },
    outputs={"network": Network, "table": Table},
    function=_predict,
    lane="gpu",
    estimate=_predict_estimate,
)
TRAIN = Method(
    name="train_conduit_cnn",
    title="Train the conduit net",
    summary="Makes images and simulates their conduits, or takes a network that was simulated, and trains on them.",
    step="Learn",
    citation=CITATION,
    params=TrainParams,
    inputs={
        "regions": Port(Regions, "Regions behind the network to learn from; left out, images are made.", optional=True),
        "network": Port(Network, "A network with conductances by direct simulation.", optional=True),
        "weights": Port(Weights, "Earlier weights to go on from.", optional=True),
    },
    outputs={"weights": Weights, "table": Table},
    function=_train,
    lane="gpu",
    estimate=_train_estimate,
)
METHODS = (PREDICT, TRAIN)
