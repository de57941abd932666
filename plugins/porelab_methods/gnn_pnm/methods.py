"""What the system registers: its data set, training, conductances, comparison with the voxels, sensitivity."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from porelab_gui.core.errors import ParameterError
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Network, Table, Weights
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.fluid import Diffusing, Viscous

CITATION = (
    "Zhao and Xiao, J. Hydrology 675 (2026) 135602, arXiv 2509.13841 (a graph neural network inside the solver); "
    "gradient of K: Dirichlet's principle, see core/transport/pnm/autograd.py."
)
Axis = Literal["z", "y", "x"]
DATA_HELP = "Folder of the data set; empty takes the one in the user's data."


class DataParams(Params):
    """How many media of which size; what is there already is kept."""

    networks: int = param(
        60, "Media of 64 voxels edge: sphere packs, overlapping spheres, blobs, Gaussian fields, fibres.", unit="1",
        ge=0, le=100_000,
    )  # fmt: skip
    wide: int = param(0, "Media of 96 voxels edge.", unit="1", ge=0, le=10_000)
    unseen: int = param(5, "Media of a family that is never trained on (bubbles).", unit="1", ge=0, le=10_000)
    growth: int = param(0, "Media of 200 voxels edge, for the test alone.", unit="1", ge=0, le=1000)
    conduits: bool = param(
        False, "Simulate every conduit of the training media too, for the weight 'dns' of the training."
    )
    rocks: bool = param(True, "Boxes of real rocks too, where their images are at hand (PORELAB_DATA).")
    folder: str = param("", DATA_HELP, widget="folder")
    seed: int = param(1, "Seed of the media.", unit="1", ge=0, le=2**20, advanced=True)
    solver: Literal["auto", "lbm", "fv"] = param("fv", "Stokes solver of the labels.", advanced=True)
    threads: int = param(0, "Processor threads; 0 takes all.", unit="1", ge=0, le=256, advanced=True)


class TrainParams(Params):
    """How to train; see train.Recipe."""

    data: str = param("", DATA_HELP, widget="folder")
    variant: Literal["full", "lean"] = param(
        "full",
        "Features: all that the extraction measures, or only diameters and positions, for imported networks.",
    )
    members: int = param(1, "Nets that are averaged.", unit="1", ge=1, le=16)
    epochs: int = param(20, "Passes over the networks.", unit="1", ge=1, le=10_000)
    width: int = param(32, "Channels of the nets.", unit="1", ge=4, le=256, advanced=True)
    rounds: int = param(2, "Rounds of messages between pores.", unit="1", ge=1, le=8, advanced=True)
    batch: int = param(12, "Networks per update.", unit="1", ge=1, le=1024, advanced=True)
    learning_rate: float = param(
        4e-3, "First step size; it falls along a cosine.", unit="1", gt=0, le=1, decimals=5, advanced=True
    )
    weight_decay: float = param(1e-3, "Pull of the weights to zero.", unit="1", ge=0, le=1, decimals=6, advanced=True)
    diffusion: float = param(0.5, "Weight of ln F in the loss; that of ln K is 1.", unit="1", ge=0, le=100, decimals=3)
    flow: float = param(
        0.0, "Weight of the flow through throats, where the data set has that of the voxels.", unit="1", ge=0, le=100,
        decimals=3, advanced=True,
    )  # fmt: skip
    dns: float = param(
        0.0, "Weight of ln g against simulated conduits, where the data set has them.", unit="1", ge=0, le=100,
        decimals=3, advanced=True,
    )  # fmt: skip
    folder: str = param("", "Folder for the weights; empty takes one of its own in the user's data.", widget="folder")
    seed: int = param(0, "Seed of weights and batches.", unit="1", ge=0, le=10**6)
    threads: int = param(0, "Processor threads; 0 takes all.", unit="1", ge=0, le=256, advanced=True)


class ApplyParams(Viscous, Diffusing):
    """The fluid that conductances are for."""


class SensitivityParams(Params):
    """Axes to ask for."""

    axes: tuple[Axis, ...] = param(("z", "y", "x"), "Axes to drive the flow along.")


class CompareParams(Params):
    """Axes to compare."""

    axes: tuple[Axis, ...] = param(("z", "y", "x"), "Axes to drive the flow along.")


def data_folder(given: str) -> Path:
    """Where the samples are."""
    from platformdirs import user_data_path

    return Path(given) if given else user_data_path("porelab") / "gnn_pnm" / "data"


def weights_folder(params: TrainParams) -> Path:
    """The folder named, or one that belongs to these settings, so that a broken run is found again."""
    import hashlib

    from platformdirs import user_data_path

    if params.folder:
        return Path(params.folder)
    settings = params.model_dump_json(exclude={"folder", "threads", "epochs"})
    digest = hashlib.blake2b(settings.encode(), digest_size=6).hexdigest()
    return user_data_path("porelab") / "weights" / f"gnn_pnm-{digest}"


def run_data(inputs: Inputs, params: DataParams, progress: Progress) -> Outputs:
    """Build what the folder lacks; one row per part of the data set."""
    from porelab_methods.gnn_pnm.build import build_folder

    return {"table": build_folder(params, data_folder(params.folder), progress)}


def run_train(inputs: Inputs, params: TrainParams, progress: Progress) -> Outputs:
    """Weights, and their scores on what was held out."""
    from porelab_methods.gnn_pnm.learn import learn
    from porelab_methods.gnn_pnm.train import Recipe

    recipe = Recipe(**{k: getattr(params, k) for k in Recipe.__dataclass_fields__ if k in TrainParams.model_fields})
    folder = weights_folder(params)
    weights, table, _ = learn(data_folder(params.data), recipe, folder, command_of(params), progress)
    return {"weights": weights, "table": table}


def command_of(params: TrainParams) -> str:
    """The command that repeats a training."""
    defaults = TrainParams()
    given = params.model_dump(exclude={"folder", "data", "threads"})
    changed = {k: v for k, v in given.items() if v != getattr(defaults, k)}
    said = " ".join(f"--{k} {v}" for k, v in changed.items())
    return f"porelab train_gnn_pnm --data FOLDER {said}".strip()


def _weights(inputs: Inputs) -> Weights:
    from porelab_methods.gnn_pnm.apply import shipped

    given: Weights | None = inputs.get("weights")
    return given if given is not None else shipped()


def run_apply(inputs: Inputs, params: ApplyParams, progress: Progress) -> Outputs:
    """The network with learned conductances, and a row about them."""
    from porelab_methods.gnn_pnm.apply import apply
    from porelab_methods.gnn_pnm.outcome import apply_table

    progress(0, 1, "message passing")
    done = apply(inputs["network"], _weights(inputs), params.viscosity, params.diffusivity)
    progress(1, 1, "done")
    return {"network": done.network, "table": apply_table(done)}


def run_sensitivity(inputs: Inputs, params: SensitivityParams, progress: Progress) -> Outputs:
    """Dissipation shares and the sensitivity to every size."""
    from porelab_methods.gnn_pnm.apply import load
    from porelab_methods.gnn_pnm.features import best_variant
    from porelab_methods.gnn_pnm.sensitivity import sensitivities, table, with_columns

    if not params.axes:
        raise ParameterError("no axis to solve along", where="sensitivity_gnn.axes", remedy="Name z, y or x.")
    network = inputs["network"]
    progress(0, 1, "derivatives")
    model = load(_weights(inputs), best_variant(network)[0])
    found = sensitivities(network, model, params.axes)
    progress(1, 1, "done")
    return {"network": with_columns(network, found), "table": table(network, found)}


def run_compare(inputs: Inputs, params: CompareParams, progress: Progress) -> Outputs:
    """K and F by every law, with the voxel values beside them."""
    from porelab_methods.gnn_pnm.outcome import compare

    voxels = {k: inputs.get(k) for k in ("permeability", "diffusion")}
    return {"comparison": compare(inputs["network"], voxels, params.axes, progress)}


def _data_memory(inputs: Inputs, params: DataParams) -> Estimate:
    edge = 200 if params.growth else (96 if params.wide else 64)
    return Estimate(ram=int(400e6 + 450 * edge**3))


def _train_memory(inputs: Inputs, params: TrainParams) -> Estimate:
    return Estimate(ram=int(1.2e9 * params.batch / 12 * params.width / 32))


_MODEL: Any = Port(Weights, "Trained weights; left out, the shipped ones are taken.", optional=True)
_NETWORK: Any = Port(Network, "Extract or open a pore network first.")

build_gnn_data = Method(
    name="build_gnn_data",
    title="Networks with known permeability",
    summary="Makes media of several families, extracts their networks and computes K and F of their voxels: the data "
    "set of the GNN. Goes on where it was stopped.",
    step="Learn",
    citation=CITATION,
    params=DataParams,
    inputs={},
    outputs={"table": Table},
    function=run_data,
    lane="process",
    estimate=_data_memory,
)

train_gnn_pnm = Method(
    name="train_gnn_pnm",
    title="Train throat conductances",
    summary="Trains a graph neural network through the solver: it learns every conductance from one permeability per "
    "network.",
    step="Learn",
    citation=CITATION,
    params=TrainParams,
    inputs={},
    outputs={"weights": Weights, "table": Table},
    function=run_train,
    lane="gpu",
    estimate=_train_memory,
)

conductance_gnn = Method(
    name="conductance_gnn",
    title="Conductance by graph network",
    summary="Hydraulic and diffusive conductance of every throat by the trained graph neural network.",
    step="Conductance",
    citation=CITATION,
    params=ApplyParams,
    inputs={"network": _NETWORK, "weights": _MODEL},
    outputs={"network": Network, "table": Table},
    function=run_apply,
    lane="gpu",
)

compare_gnn = Method(
    name="compare_gnn",
    title="Compare with the voxels",
    summary="K and F along each axis by every law and boundary treatment, beside the values of the voxels themselves.",
    step="Transport",
    citation=CITATION,
    params=CompareParams,
    inputs={
        "network": _NETWORK,
        "permeability": Port(Table, "Permeability from Stokes flow on the voxels.", optional=True),
        "diffusion": Port(Table, "Diffusion on voxels.", optional=True),
    },
    outputs={"comparison": Table},
    function=run_compare,
    lane="process",
)

sensitivity_gnn = Method(
    name="sensitivity_gnn",
    title="What decides K",
    summary="d ln K / d ln g of every throat, and what each size of pores and throats does to K.",
    step="Transport",
    citation=CITATION,
    params=SensitivityParams,
    inputs={"network": _NETWORK, "weights": _MODEL},
    outputs={"network": Network, "table": Table},
    function=run_sensitivity,
    lane="gpu",
)

METHODS: tuple[Method, ...] = (build_gnn_data, train_gnn_pnm, conductance_gnn, compare_gnn, sensitivity_gnn)
