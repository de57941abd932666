"""What the system registers for learning: data set, surrogate, super-resolver, correction."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Labels, Table, Weights
from porelab_gui.core.progress import Progress

CITATION = "Fernandes et al., Sci. Rep. 14 (2024), doi 10.1038/s41598-024-67367-1."


class DataParams(Params):
    """Where blocks come from and how they are parted."""

    source: Literal["stack", "media", "deepore"] = param(
        "stack",
        "Blocks of the given stack, random media (smooth fields and overlapping grains), or an HDF5 file of DeePore.",
    )
    name: str = param("blocks", "Name of this group of blocks; a data set may hold several.")
    folder: str = param("", "Folder of the data set; groups are added to it.", widget="folder")
    edge: int = param(64, "Edge of the blocks (DeePore: 256).", unit="voxel", ge=8, le=512)
    stride: int = param(48, "Distance between neighbouring training blocks.", unit="voxel", ge=1, le=512)
    validation: float = param(0.15, "Share of the planes, media or volumes that choose the epoch.",
                              unit="1", ge=0, le=0.9, step=0.05, decimals=2)  # fmt: skip
    test: float = param(0.15, "Share, at the end, that no training sees; 1 keeps the whole group for the test.",
                        unit="1", ge=0, le=1, step=0.05, decimals=2)  # fmt: skip
    most: int = param(0, "Training blocks at most, spread evenly; 0 takes all.", unit="1", ge=0, le=1_000_000)
    most_held: int = param(0, "Validation and test blocks at most, each.", unit="1", ge=0, le=1_000_000)
    axes: tuple[Literal["z", "y", "x"], ...] = param(("z", "y", "x"), "Axes whose K is solved; each gives an example.")
    count: int = param(300, "How many random media.", unit="1", ge=1, le=1_000_000)
    family: Literal["both", "fields", "grains"] = param(
        "both", "Random media: smooth Gaussian fields, overlapping grains, or both in turns."
    )
    voxel: float = param(5e-6, "Voxel edge of random media and of DeePore's volumes (its notes say 1 um).",
                         unit="m", display="um", gt=0, le=1e-3)  # fmt: skip
    file: str = param("", "The HDF5 file of DeePore.", widget="file")
    seed: int = param(0, "Seed of the random media.", unit="1", ge=0, le=10**6)


class Training(Params):
    """Shared by the trainings."""

    data: str = param("", "Folder of the data set.", widget="folder")
    epochs: int = param(40, "Rounds over all training blocks.", unit="1", ge=1, le=100000)
    batch_size: int = param(4, "Blocks per step.", unit="1", ge=1, le=512)
    rate: float = param(1e-3, "Step size.", unit="1", gt=0, le=1, decimals=6)
    patience: int = param(30, "Epochs without progress after which it stops.", unit="1", ge=1, le=100000)
    threads: int = param(0, "Processor threads; 0 leaves them.", unit="1", ge=0, le=256, advanced=True)
    precision: Literal["auto", "float32", "bfloat16"] = param("auto", "Numbers to compute with.", advanced=True)
    seed: int = param(0, "Seed of weights, turns and noise.", unit="1", ge=0, le=10**6)
    folder: str = param("", "Folder for the weights; empty takes one of its own in the user's data.", widget="folder")


class Lowered(Training):
    """How the low-resolution image is made."""

    factor: Literal[2, 4, 8] = param(4, "Voxels of the fine image along an edge of a low-resolution voxel.")
    how: Literal["mean", "nearest", "gaussian"] = param(
        "mean", "Down-sampling: share of void, the middle voxel, or a blur of half the factor with noise."
    )
    noise: float = param(0.05, "Standard deviation of the noise after the blur.", unit="1", ge=0, le=1, decimals=3)


class SurrogateParams(Lowered):
    """The regression of log10 K."""

    sees: Literal["high", "low"] = param(
        "high", "The fine image (surrogate), or the low-resolution one alone (direct net, for comparison)."
    )
    form: Literal["flow", "views"] = param(
        "flow", "Conductivities of coarse cells and Darcy's law on them (ours: right with a fraction of the blocks), "
        "or 2D branches over three views, summed (the paper).",
    )  # fmt: skip
    members: int = param(2, "Nets in the ensemble; the first is the one that corrects.", unit="1", ge=1, le=16)
    cell: Literal[1, 2, 4, 8] = param(4, "Flow: voxels of the fine image along an edge of a coarse cell.",
                                      unit="voxel", advanced=True)  # fmt: skip
    slab: int = param(8, "Views: slices that are the channels of a branch; the edge takes all at once, as the paper.",
                      unit="voxel", ge=1, le=512, advanced=True)  # fmt: skip
    width: int = param(16, "Channels of the first layer.", unit="1", ge=1, le=256, advanced=True)


class SuperresParams(Lowered):
    """The super-resolver."""

    width: int = param(24, "Channels at low resolution.", unit="1", ge=1, le=256, advanced=True)
    blocks: int = param(4, "Residual blocks.", unit="1", ge=0, le=64, advanced=True)


class CorrectionParams(Training):
    """The weights of the terms; Adam at 1e-4 and patience 30 as in the paper."""

    rate: float = param(1e-4, "Step size (Adam).", unit="1", gt=0, le=1, decimals=6)
    surrogate_weight: float = param(1.0, "Weight of the squared error of log10 K by the first surrogate.",
                                    unit="1", ge=0, le=1e6)  # fmt: skip
    ensemble_weight: float = param(1.0, "Weight of the same by the other surrogates.",
                                   unit="1", ge=0, le=1e6)  # fmt: skip
    voxel_weight: float = param(10.0, "Weight of the squared voxel error (the paper: 0).", unit="1", ge=0, le=1e6)
    porosity_weight: float = param(100.0, "Weight of the squared error of the porosity.", unit="1", ge=0, le=1e6)
    critic_weight: float = param(
        0.0, "Weight of a critic that learns to tell made images from true ones; 0 does without.",
        unit="1", ge=0, le=1e6, decimals=4,
    )  # fmt: skip
    shown: Literal["soft", "cut"] = param(
        "soft", "What the surrogates see: probabilities (the paper), or the image cut as solvers see it, with the "
        "gradient passed on as if uncut.",
    )  # fmt: skip
    aim: Literal["solved", "surrogate"] = param(
        "solved", "What K is held against: the solved one (the paper), or what the same surrogates say of the true "
        "image, so that their own error cancels.",
    )  # fmt: skip


def data_of(params: Training) -> Path:
    """The data set; InputError when there is none."""
    from porelab_methods.superres.dataset import groups

    folder = Path(params.data).expanduser()
    if not params.data or not groups(folder):
        raise InputError("this folder holds no blocks", where=params.data or "data", remedy="Build the data set first.")
    return folder


def fit_config(params: Training, last: float) -> Any:
    """Parameters as the fit loop takes them; the rate falls to ``last`` times the first."""
    from porelab_gui.core.learning.fit import FitConfig

    return FitConfig(
        epochs=params.epochs, batch_size=params.batch_size, learning_rate=params.rate,
        final_learning_rate=last * params.rate, weight_decay=0.0, patience=params.patience, seed=params.seed,
        precision=params.precision, threads=params.threads, draw_every=1,
    )  # fmt: skip


def folder_of(kind: str, params: Training, *more: str) -> Path:
    """Where the weights go."""
    from porelab_gui.core.own_folder import own_folder

    if params.folder:
        return Path(params.folder).expanduser()
    return own_folder(f"superres/{kind}", params.model_dump_json(exclude={"folder", "epochs", "threads"}), *more)


def given(params: Params) -> dict[str, Any]:
    """What differs from the defaults, for the command in the card."""
    return params.model_dump(exclude={"folder", "threads", "data"}, exclude_defaults=True)


def run_data(inputs: Inputs, params: DataParams, progress: Progress) -> Outputs:
    """Cut or make blocks and solve K of each."""
    from porelab_gui.core.own_folder import own_folder
    from porelab_methods.superres import blocks
    from porelab_methods.superres.dataset import entry_table, write_group

    shares = (params.validation if params.test < 1 else 0.0, params.test)
    labels, law, voxel = inputs.get("labels"), blocks.LAW, params.voxel
    told: str = params.source
    found: Any
    if params.source == "stack":
        if not isinstance(labels, Labels):
            raise InputError("there is no stack to cut blocks from", where="labels", remedy="Segment an image first.")
        if not labels.isotropic:
            raise InputError("the voxels are not cubes", where=labels.name, remedy="Resample the stack first.")
        found, voxel = blocks.from_stack(labels, params.edge, params.stride, shares), labels.voxel_size[0]
        told = f"{labels.name or 'stack'} ({labels.content_hash[:12]})"
    elif params.source == "media":
        found = blocks.from_media(params.count, params.edge, params.seed, shares, params.family)
    else:
        found, law = blocks.from_deepore(Path(params.file).expanduser(), params.edge, shares), blocks.DEEPORE_LAW
    head = {"source": told, "voxel": voxel, "law": law} | params.model_dump(
        mode="json", exclude={"folder", "name", "most", "most_held", "voxel", "source"}
    )
    limits = {"train": params.most, "validation": params.most_held, "test": params.most_held}
    root = Path(params.folder).expanduser() if params.folder else own_folder("superres/blocks")
    axes = tuple("zyx".index(a) for a in dict.fromkeys(params.axes))
    made = write_group(root / params.name, head, found, limits, axes, progress)
    return {"table": entry_table(made, law)}


def run_surrogate(inputs: Inputs, params: SurrogateParams, progress: Progress) -> Outputs:
    """Regression of log10 K."""
    import torch

    from porelab_methods.superres import keep, learn
    from porelab_methods.superres.dataset import needed
    from porelab_methods.superres.nets import Ensemble
    from porelab_methods.superres.pairs import described

    data, high = data_of(params), params.sees == "high"
    train, valid = (needed(data, part) for part in ("train", "validation"))
    low = None if high else learn.Lowering(params.factor, params.how, params.noise, params.seed)
    torch.manual_seed(params.seed)
    cell = params.cell if high else 1  # the low-resolution image is coarse already
    net = Ensemble(params.members, params.slab, params.width, params.form, cell)
    folder = folder_of("surrogate" if high else "direct", params)
    pairs = learn.Pairs(train, low, True), learn.Pairs(valid, low, False)
    result = learn.train_regression(net, pairs, high, fit_config(params, 0.05), folder / "run", progress)
    config = {"system": "surrogate" if high else "direct", "form": params.form, "members": params.members,
              "slab": params.slab, "cell": cell, "width": params.width, **keep.facts(data, train)}  # fmt: skip
    if not high:
        config |= {"factor": params.factor, "lowering": described(params.how, params.factor, params.noise)}
    command = keep.command_of("train_surrogate", given(params))
    weights = keep.keep(folder, net, config, result, data, len(valid), command)
    return {"surrogate": weights, "table": keep.curve_table(result, "training of the surrogate")}


def run_superres(inputs: Inputs, params: SuperresParams, progress: Progress) -> Outputs:
    """Voxel error only."""
    import torch

    from porelab_methods.superres import keep, learn
    from porelab_methods.superres.dataset import needed
    from porelab_methods.superres.nets import SuperResolver
    from porelab_methods.superres.pairs import described

    data = data_of(params)
    train, valid = (needed(data, part) for part in ("train", "validation"))
    low = learn.Lowering(params.factor, params.how, params.noise, params.seed)
    torch.manual_seed(params.seed)
    net = SuperResolver(params.factor, params.width, params.blocks)
    folder = folder_of("superres", params)
    pairs = learn.Pairs(train, low, True), learn.Pairs(valid, low, False)
    result = learn.train_superresolver(net, pairs, fit_config(params, 0.05), folder / "run", progress)
    config = {
        "system": "superres", "factor": params.factor, "width": params.width, "depth": params.blocks,
        "how": params.how, "noise": params.noise, "corrected": False,
        "lowering": described(params.how, params.factor, params.noise), **keep.facts(data, train),
    }  # fmt: skip
    command = keep.command_of("train_superres", given(params))
    weights = keep.keep(folder, net, config, result, data, len(valid), command)
    return {"super_resolver": weights, "table": keep.curve_table(result, "training of the super-resolver")}


def run_correction(inputs: Inputs, params: CorrectionParams, progress: Progress) -> Outputs:
    """Gradients of the permeability error into the super-resolver."""
    from porelab_methods.superres import keep, learn
    from porelab_methods.superres.correct import Weighing, correct
    from porelab_methods.superres.dataset import needed
    from porelab_methods.superres.nets import check_voxel, opened

    net, config = opened(inputs["super_resolver"], "superres")
    surrogate, known = opened(inputs["surrogate"], "surrogate")
    data = data_of(params)
    train, valid = (needed(data, part) for part in ("train", "validation"))
    for size in config["voxel_sizes"]:
        check_voxel(known, (size,) * 3, "surrogate")
    low = learn.Lowering(config["factor"], config["how"], config["noise"], params.seed)
    weighing = Weighing(params.surrogate_weight, params.ensemble_weight, params.voxel_weight,
                        params.porosity_weight, params.critic_weight, params.shown, params.aim)  # fmt: skip
    inputs_hash = inputs["super_resolver"].content_hash + inputs["surrogate"].content_hash
    folder = folder_of("corrected", params, inputs_hash)
    pairs = learn.Pairs(train, low, True), learn.Pairs(valid, low, False)
    result = correct(net, surrogate, pairs, weighing, fit_config(params, 1.0), folder / "run", progress)
    config |= {"corrected": True, "weighing": weighing.__dict__, "correction_blocks": keep.facts(data, train)["blocks"]}
    command = keep.command_of("finetune_superres", given(params))
    weights = keep.keep(folder, net, config, result, data, len(valid), command)
    return {"corrected": weights, "tradeoff": keep.curve_table(result, "voxel error and error of K")}


def data_memory(inputs: Inputs, params: DataParams) -> Estimate:
    """One block in the solver, and all blocks as bits."""
    return Estimate(ram=int(800 * 0.4 * params.edge**3 + 3e8))


DATA = Method(
    name="build_superres_data", title="Blocks of known permeability",
    summary="Cuts or makes cubes and solves their permeability; a stopped build goes on where it was.",
    step="Super-resolve", citation="DeePore: Rabbani et al., Adv. Water Resour. 146 (2020) 103787.", params=DataParams,
    inputs={"labels": Port(Labels, "A segmented high-resolution stack (source: stack).", optional=True)},
    outputs={"table": Table}, function=run_data, estimate=data_memory,
)  # fmt: skip
SURROGATE = Method(
    name="train_surrogate", title="Train the surrogate of K",
    summary="Learns log10 K of a block from its voxels: by conductivities of coarse cells and Darcy's law on them, or "
    "by the paper's three 2D branches over its xy, xz and yz views, summed.",
    step="Super-resolve", citation=CITATION, params=SurrogateParams, inputs={},
    outputs={"surrogate": Weights, "table": Table}, function=run_surrogate, lane="gpu",
)  # fmt: skip
SUPERRES = Method(
    name="train_superres", title="Train the super-resolver",
    summary="Learns to make the fine image from the low-resolution one: 3D residual net with sub-voxel upsampling.",
    step="Super-resolve", citation=CITATION, params=SuperresParams, inputs={},
    outputs={"super_resolver": Weights, "table": Table}, function=run_superres, lane="gpu",
)  # fmt: skip
CORRECTION = Method(
    name="finetune_superres", title="Correct until K is right",
    summary="Sends the error of the permeability, told by frozen surrogates, into the super-resolver.",
    step="Super-resolve", citation=CITATION, params=CorrectionParams,
    inputs={"super_resolver": Port(Weights, "Train a super-resolver first."),
            "surrogate": Port(Weights, "Train a surrogate first.")},
    outputs={"corrected": Weights, "tradeoff": Table}, function=run_correction, lane="gpu",
)  # fmt: skip
