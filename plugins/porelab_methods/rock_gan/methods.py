"""What the system registers: training, rocks at random, rocks to order, and the comparison with real ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Labels, Table, Weights
from porelab_gui.core.progress import Progress

CITATION = "Ren and Srinivasan, arXiv 2409.11541 (2024); Gulrajani et al., NeurIPS 2017; Hu, Math. Geol. 32, 87 (2000)."
Ending = Literal["tif", "npz", "raw", "mhd", "nrrd"]
WEIGHTS = Port(Weights, "A trained rock generator; left out, the shipped one (Berea sandstone).", optional=True)


class TrainParams(Params):
    """The nets, the crops and the length of the training."""

    net: Literal["convolutional", "paper"] = param(
        "convolutional", "Any output size from one training, or the nets of the paper (128 voxels, for a GPU)."
    )
    crop: int = param(64, "Edge of the crops (the paper's nets take 128).", unit="voxel", ge=32, le=256)
    stride: int = param(8, "Distance between neighbouring crops.", unit="voxel", ge=1, le=256)
    hold_out: float = param(0.25, "Share of the planes, at the end of z, that no training sees.",
                            unit="1", ge=0, le=0.9, step=0.05, decimals=2)  # fmt: skip
    epochs: int = param(60, "Rounds of steps, each with a checkpoint.", unit="1", ge=1, le=100000)
    steps: int = param(100, "Generator steps per epoch.", unit="1", ge=1, le=100000)
    batch_size: int = param(8, "Crops per step.", unit="1", ge=2, le=512)
    critic_steps: int = param(1, "Critic steps per generator step (the paper takes 5).", unit="1", ge=1, le=20)
    penalty: float = param(10.0, "Weight of the gradient penalty.", unit="1", ge=0, le=1000, advanced=True)
    penalty_every: int = param(
        1,
        "Penalise only every so many critic steps, that much harder; saves time.",
        unit="1",
        ge=1,
        le=16,
        advanced=True,
    )
    rate_generator: float = param(
        2e-4,
        "Step size of the generator (Adam; the paper takes 5e-4).",
        unit="1",
        gt=0,
        le=1,
        decimals=6,
        advanced=True,
    )
    rate_critic: float = param(
        4e-4, "Step size of the critic (Adam; the paper takes 1e-4).", unit="1", gt=0, le=1, decimals=6, advanced=True
    )
    average: float = param(
        0.995,
        "Decay per step of the running mean of the weights, which is what is kept.",
        unit="1",
        ge=0,
        lt=1,
        decimals=4,
        advanced=True,
    )
    small_edge: int = param(
        32,
        "Edge of the crops in the first epochs, which are quick and teach the texture; the paper's nets cannot.",
        unit="voxel",
        ge=0,
        le=256,
        advanced=True,
    )
    small_epochs: int = param(45, "How many first epochs see small crops.", unit="1", ge=0, le=100000, advanced=True)
    whole_rate: float = param(
        0.25,
        "Both step sizes fall to this share of themselves with the whole crops.",
        unit="1",
        gt=0,
        le=1,
        decimals=3,
        advanced=True,
    )
    moments: float = param(
        1.0,
        "Weight of the push of whole crops towards porosity, two-point probabilities and Euler density of the stack, "
        "means and correlations; 0 pushes nothing, as the paper.",
        unit="1",
        ge=0,
        le=100,
        decimals=2,
        advanced=True,
    )
    noise: int = param(16, "Random channels per latent cell.", unit="1", ge=1, le=128, advanced=True)
    style: int = param(8, "Latent numbers that hold for a whole rock.", unit="1", ge=1, le=64, advanced=True)
    widths: tuple[int, ...] = param((48, 32, 16, 8), "Channels of the generator's four levels.", advanced=True)
    critic_widths: tuple[int, ...] = param((16, 32, 64, 96), "Channels of the critic's levels.", advanced=True)
    samples: int = param(32, "Rocks measured after each epoch.", unit="1", ge=2, le=1000, advanced=True)
    draw_every: int = param(5, "Epochs between pictures.", unit="1", ge=1, le=1000, advanced=True)
    precision: Literal["auto", "float32", "bfloat16"] = param("auto", "Numbers to compute with.", advanced=True)
    seed: int = param(0, "Seed of weights, crops and latents.", unit="1", ge=0, le=10**6)
    threads: int = param(0, "Processor threads; 0 takes all.", unit="1", ge=0, le=256, advanced=True)
    source: str = param("", "Origin and licence of the stack, for the card of the weights.", advanced=True)
    folder: str = param("", "Folder for the weights; empty takes one of its own in the user's data.", widget="folder")


class CalibrateParams(Params):
    """How many rocks are measured, and how large they are."""

    crops: tuple[int, ...] = param(
        (64, 64, 96, 96),
        "Edge of the measured rocks and crops, one per round: larger ones tell of longer ways, and take longer.",
        unit="voxel",
    )
    pairs: int = param(2000, "Pairs of turned generators a round at the smallest edge (larger: fewer, by volume).",
                       unit="1", ge=2, le=10**6)  # fmt: skip
    samples: int = param(
        600, "Rocks and crops at the smallest edge that tell what is lacking.", unit="1", ge=4, le=10**5
    )
    stride: int = param(16, "Distance between neighbouring crops.", unit="voxel", ge=1, le=512, advanced=True)
    step: float = param(0.08, "How far the generators of a pair are turned, as a share of their weights.",
                        unit="1", gt=0, le=1, step=0.01, decimals=3, advanced=True)  # fmt: skip
    seed: int = param(0, "Seed of latents, turns and crops.", unit="1", ge=0, le=2**31 - 1)
    folder: str = param("", "Folder for the weights; empty takes one of its own in the user's data.", widget="folder")


class RockParams(Params):
    """Size of a rock and how grey becomes pore."""

    size: tuple[int, ...] = param((128,), "Edge of the rock: one number, or z, y, x. The paper's net makes 128.")
    median: int = param(0, "Edge of the median filter's window before the threshold; 0 filters nothing.",
                        unit="voxel", ge=0, le=9)  # fmt: skip
    threshold: Literal["zero", "otsu", "multi_otsu"] = param(
        "zero",
        "Pore where the generator says so (zero), by the rock's histogram in two classes (otsu), or the upper "
        "of three classes (multi_otsu, as the paper may have done).",
    )
    seed: int = param(0, "Seed of the first rock.", unit="1", ge=0, le=2**31 - 1)
    folder: str = param("", "Folder for all rocks as files; empty takes one of its own.", widget="folder")
    format: Ending = param("tif", "File format of the rocks.", advanced=True)


class GenerateParams(RockParams):
    """How many rocks, and how far from the mean one."""

    count: int = param(1, "How many rocks.", unit="1", ge=1, le=10000)
    truncation: float = param(1.0, "Below 1 the latents are drawn closer to the mean: safer and more alike.",
                              unit="1", ge=0, le=2, step=0.1, decimals=2)  # fmt: skip
    drift: bool = param(
        True, "The style changes through a large rock as from crop to crop of the stack; off, a rock has one style."
    )


class ConditionParams(RockParams):
    """What the rocks must be like, and how they are searched."""

    targets: tuple[str, ...] = param(
        ("porosity=0.2+-0.002",),
        "Properties with value (or range of values) and tolerance: NAME=VALUE+-TOLERANCE UNIT or "
        "NAME=LOW..HIGH+-TOLERANCE UNIT. NAME is porosity, permeability (_z, _y, _x), pore_size, throat_size, "
        "formation_factor_z, specific_surface, euler_density, or METHOD/OUTPUT/COLUMN/ROW for any number that a "
        "Method computes.",
    )
    count: int = param(1, "How many rocks, each with targets of its own in the ranges.", unit="1", ge=1, le=10000)
    search: Literal["fast", "line_search", "algorithm_1"] = param(
        "fast",
        "Regression on the style with CMA-ES as fallback; line search along random deformations; or the "
        "paper's Algorithm 1 as written.",
    )
    evaluations: int = param(20, "Most rocks that are made and measured for one.", unit="1", ge=1, le=10000)
    survey: int = param(
        40,
        "Random rocks measured beforehand (once per generator and size): what can be reached, and the regression. "
        "For two properties at once four times as many, for three nine times.",
        unit="1",
        ge=8,
        le=10000,
        advanced=True,
    )


class EvaluateParams(Params):
    """How many samples, of which size."""

    samples: int = param(300, "Generated rocks, and real crops at most.", unit="1", ge=4, le=10000)
    stride: int = param(16, "Distance between neighbouring real crops.", unit="voxel", ge=1, le=512)
    large: int = param(0, "Edge of large rocks whose crops are compared too; 0 leaves it out.",
                       unit="voxel", ge=0, le=1024)  # fmt: skip
    copies: int = param(4, "Rocks that are looked for in the training slab; 0 looks for none.", unit="1", ge=0, le=100)
    seed: int = param(1, "Seed of rocks and crops.", unit="1", ge=0, le=2**31 - 1)
    folder: str = param("", "Folder where measured samples are kept, so that a stopped run goes on.", widget="folder")


def shape_of(size: tuple[int, ...]) -> tuple[int, int, int]:
    """One edge or three as z, y, x; ParameterError for other numbers of them."""
    from porelab_gui.core.errors import ParameterError

    if len(size) not in (1, 3) or not all(16 <= n <= 4096 for n in size):
        raise ParameterError(
            f"the size {size} is not one edge or three edges of 16 to 4096 voxels", where="size",
            remedy="Give one number, or z, y, x.",
        )  # fmt: skip
    return tuple(size) if len(size) == 3 else (size[0],) * 3  # type: ignore[return-value]


def plan_of(params: TrainParams) -> Any:
    """The parameters as ``train`` takes them."""
    from porelab_methods.rock_gan.adversarial import DuelConfig
    from porelab_methods.rock_gan.model import sizes_of
    from porelab_methods.rock_gan.train import Plan

    values = params.model_dump()
    own = ("noise", "style", "widths")
    sizes = sizes_of({"sizes": {k: values[k] for k in own} | {"critic": params.critic_widths}})
    config = DuelConfig(**{k: values[k] for k in DuelConfig.__dataclass_fields__})
    if params.net == "paper" or not 0 < params.small_edge < params.crop:
        config = replace(config, small_edge=0, small_epochs=0)
    given = params.model_dump(exclude={"folder", "threads", "source"}, exclude_defaults=True)
    shared = ("stride", "hold_out", "samples", "draw_every")
    return Plan(kind=params.net, edge=params.crop, source=params.source, sizes=sizes, config=config, given=given,
                **{k: values[k] for k in shared})  # fmt: skip


def training_folder(labels: Labels, params: TrainParams) -> Path:
    """Where the weights go: the length of the run does not change the folder, so that a longer one goes on."""
    from porelab_gui.core.own_folder import own_folder

    if params.folder:
        return Path(params.folder).expanduser()
    told = params.model_dump_json(exclude={"folder", "epochs", "threads", "precision", "draw_every", "source"})
    return own_folder("rocks/weights", labels.content_hash, told)


def run_train(inputs: Inputs, params: TrainParams, progress: Progress) -> Outputs:
    """Train the two nets against each other."""
    from porelab_methods.rock_gan.train import train

    labels = inputs["labels"]
    weights, table = train(labels, plan_of(params), training_folder(labels, params), progress)
    return {"weights": weights, "table": table}


def run_calibrate(inputs: Inputs, params: CalibrateParams, progress: Progress) -> Outputs:
    """Turn a finished generator until its rocks have the measured properties of a stack."""
    from porelab_gui.core.own_folder import own_folder
    from porelab_methods.rock_gan.calibrated import calibrated

    weights, labels = generator_of(inputs), inputs["labels"]
    told = params.model_dump_json(exclude={"folder"})
    own = own_folder("rocks/calibrated", weights.content_hash, labels.content_hash, told)
    folder = Path(params.folder).expanduser() if params.folder else own
    done, table = calibrated(weights, labels, params, folder, progress)
    return {"weights": done, "table": table}


def make_maker(
    weights: Weights, params: RockParams, truncation: float = 1.0, drift: bool = False, precise: bool = False
) -> Any:
    """The maker that the parameters ask for."""
    from porelab_methods.rock_gan.maker import Finish, maker_of

    finish = Finish(params.median, params.threshold)
    return maker_of(weights, shape_of(params.size), finish, truncation, drift, precise=precise)


def rock_folder(kind: str, weights: Weights, params: RockParams) -> Path:
    """Where the rocks go."""
    from porelab_gui.core.own_folder import own_folder

    if params.folder:
        return Path(params.folder).expanduser()
    return own_folder(f"rocks/{kind}", weights.content_hash, params.model_dump_json(exclude={"folder", "count"}))


def generator_of(inputs: Inputs) -> Weights:
    """The chosen generator, or the one that ships."""
    from porelab_gui.assets import find

    given: Weights | None = inputs.get("weights")
    return given if given is not None else Weights(find("weights", "rock_gan"), name="rock_gan")


def run_generate(inputs: Inputs, params: GenerateParams, progress: Progress) -> Outputs:
    """Rocks at random."""
    from porelab_methods.rock_gan.generate import generate

    weights = generator_of(inputs)
    maker = make_maker(weights, params, params.truncation, params.drift)
    folder = rock_folder("generated", weights, params) if params.count > 1 or params.folder else None
    rock, table = generate(maker, params.count, params.seed, folder, params.format, progress)
    return {"rock": rock, "table": table}


def run_condition(inputs: Inputs, params: ConditionParams, progress: Progress) -> Outputs:
    """Rocks with wanted properties."""
    from porelab_gui.core.progress import within
    from porelab_methods.rock_gan.gallery import side_by_side
    from porelab_methods.rock_gan.order import TITLES, Order, fill
    from porelab_methods.rock_gan.search import chosen_search
    from porelab_methods.rock_gan.targets import parse_wishes

    weights = generator_of(inputs)
    wishes = parse_wishes(params.targets)
    maker = make_maker(weights, params, precise=True)
    search, share = chosen_search(params.search, maker, wishes, params.survey, params.seed, progress)
    told = params.model_dump_json(exclude={"folder", "count"})
    folder = rock_folder("ordered", weights, params)
    order = Order(wishes, params.count, search, TITLES[params.search], params.evaluations, params.seed, folder,
                  params.format, f"{maker.key};{told}")  # fmt: skip
    rock, rocks, table = fill(order, maker, within(progress, share, 1.0))
    return {"rock": rock, "rocks": side_by_side(rocks), "table": table}


def run_evaluate(inputs: Inputs, params: EvaluateParams, progress: Progress) -> Outputs:
    """Generated rocks against held-out crops."""
    from porelab_gui.core.own_folder import own_folder
    from porelab_methods.rock_gan.evaluate import evaluate

    weights, labels = generator_of(inputs), inputs["labels"]
    told = params.model_dump_json(exclude={"folder", "samples"})
    own = own_folder("rocks/measured", weights.content_hash, labels.content_hash, told)
    folder = Path(params.folder).expanduser() if params.folder else own
    return evaluate(weights, labels, params, folder, progress)


def train_memory(inputs: Inputs, params: TrainParams) -> Estimate:
    """Weights with their moments, and the activations of one generator step (both nets, forward and back)."""
    from porelab_methods.rock_gan.model import training_edge

    edge = training_edge(params.net, params.crop)
    voxels = params.batch_size * edge**3
    channels = 24.0 if params.net == "paper" else 3.0 * params.widths[3] + 2.0 + params.critic_widths[0]
    weights = 4 * 5 * (6_600_000 if params.net == "paper" else 1_500_000)
    return Estimate(ram=int(weights + 4 * 1.6 * voxels * channels + 300e6))


def rock_memory(inputs: Inputs, params: RockParams) -> Estimate:
    """The widest level of the generator at the size asked for, or of one tile."""
    z, y, x = shape_of(params.size)
    return Estimate(ram=int(4 * 48 * min(float(z * y * x), 160.0**3) + 16.0 * z * y * x + 300e6))


TRAIN = Method(
    name="train_rock_gan",
    title="Train a rock generator",
    summary="Learns the pore space of a segmented stack, so that rocks like it can be made in any number and size.",
    step="Learn",
    citation=CITATION,
    params=TrainParams,
    inputs={"labels": Port(Labels, "A segmented stack, clearly larger than the crops.")},
    outputs={"weights": Weights, "table": Table},
    function=run_train,
    lane="gpu",
    estimate=train_memory,
)
CALIBRATE = Method(
    name="calibrate_rock_gan",
    title="Calibrate a rock generator",
    summary="Turns a trained generator a little, until permeability, throats, loops and more of its rocks, measured "
    "on the rocks themselves, are on average those of a stack.",
    step="Learn",
    citation=CITATION + " Antithetic random directions: Salimans et al., arXiv 1703.03864 (2017).",
    params=CalibrateParams,
    inputs={"weights": WEIGHTS, "labels": Port(Labels, "The segmented stack whose properties the rocks shall have.")},
    outputs={"weights": Weights, "table": Table},
    function=run_calibrate,
    lane="gpu",
)
GENERATE = Method(
    name="generate_rock",
    title="Generate rocks",
    summary="Rocks at random from a trained generator: the first one is shown, all of them are written as files.",
    step="Generate",
    citation=CITATION,
    params=GenerateParams,
    inputs={"weights": WEIGHTS},
    outputs={"rock": Labels, "table": Table},
    function=run_generate,
    lane="gpu",
    estimate=rock_memory,
)
CONDITION = Method(
    name="condition_rock",
    title="Rocks to order",
    summary="Rocks with wanted porosity, permeability, pore size or any property that a Method computes.",
    step="Generate",
    citation=CITATION,
    params=ConditionParams,
    inputs={"weights": WEIGHTS},
    outputs={"rock": Labels, "rocks": Labels, "table": Table},
    function=run_condition,
    lane="gpu",
    estimate=rock_memory,
)
EVALUATE = Method(
    name="evaluate_rock_gan",
    title="Generated against real",
    summary="Properties, correlations, correlation function and pore sizes of generated rocks beside held-out crops.",
    step="Generate",
    citation=CITATION,
    params=EvaluateParams,
    inputs={"weights": WEIGHTS, "labels": Port(Labels, "The stack that the generator was trained on, or another.")},
    outputs=dict.fromkeys(("samples", "distances", "correlations", "curves"), Table),
    function=run_evaluate,
    lane="gpu",
)
METHODS: tuple[Method, ...] = (TRAIN, CALIBRATE, GENERATE, CONDITION, EVALUATE)
