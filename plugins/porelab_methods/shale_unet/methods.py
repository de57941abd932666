"""What the system registers: training, application, the loop's next slice, the interval study, statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from porelab_gui.core.errors import InputError
from porelab_gui.core.image.review import BY_HAND, slices_in
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Labels, Stack, Table, Weights
from porelab_gui.core.progress import Progress, within
from porelab_methods.shale_unet.recipe import Recipe

CITATION = (
    "Quantitative characterization of organic and inorganic pores in shale based on deep learning (2024); "
    "U-Net: Ronneberger et al., MICCAI 2015, doi 10.1007/978-3-319-24574-4_28."
)
SLICES_HELP = (
    "Slices to learn from; empty takes those that were corrected or finished by hand, or equally spaced ones where "
    "there are none."
)


class NetParams(Params):
    """Sizes that every training of a U-Net shares."""

    gap: int = param(1, "Least distance between slices of training, validation and test.", unit="slice", ge=1, le=100)
    context: Literal[1, 3, 5, 7] = param(
        Recipe.context, "Neighbouring slices that the net sees at once; 1 is a plain 2D U-Net."
    )
    destripe: bool = param(Recipe.destripe, "Take vertical stripes (curtains) out of each slice first.")
    epochs: int = param(Recipe.epochs, "Passes; early stopping may end it sooner.", unit="1", ge=1, le=1000)
    width: int = param(Recipe.width, "Channels of the first level.", unit="1", ge=4, le=64, advanced=True)
    depth: int = param(Recipe.depth, "Levels of the net.", unit="1", ge=1, le=4, advanced=True)
    patch: int = param(
        Recipe.patch, "Edge of the squares cut from the slices.", unit="voxel", ge=32, le=512, advanced=True
    )
    patches: int = param(Recipe.patches, "Squares per epoch.", unit="1", ge=8, le=10000, advanced=True)
    batch_size: int = param(Recipe.batch_size, "Squares per update.", unit="1", ge=1, le=256, advanced=True)
    learning_rate: float = param(
        Recipe.learning_rate,
        "Largest step size; it falls along a cosine.",
        unit="1",
        gt=0,
        le=1,
        decimals=5,
        advanced=True,
    )
    balance: float = param(
        Recipe.balance, "Weight of rare phases in the loss: their share to the power of minus this.", unit="1", ge=0,
        le=1, decimals=2, step=0.1, advanced=True,
    )  # fmt: skip
    seed: int = param(
        Recipe.seed, "Seed of the first weights, the patches and their distortions.", unit="1", ge=0, le=10**6
    )
    threads: int = param(Recipe.threads, "Processor threads; 0 takes all.", unit="1", ge=0, le=256, advanced=True)


class TrainParams(NetParams):
    """What to learn from and where the weights go."""

    slices: tuple[int, ...] = param((), SLICES_HELP)
    n_slices: int = param(6, "How many equally spaced slices, when none are named.", unit="slice", ge=1, le=200,
                          title="Spaced slices")  # fmt: skip
    tests: int = param(4, "Slices held out for the score, at Halton points.", unit="slice", ge=0, le=50)
    folder: str = param("", "Folder for the weights; empty takes one of its own in the user's data.", widget="folder")


class StudyParams(NetParams):
    """The interval study: one training per number of slices."""

    first: int = param(2, "Smallest number of training slices.", unit="slice", ge=1, le=50)
    last: int = param(8, "Largest number of training slices.", unit="slice", ge=1, le=50)
    tests: int = param(4, "Slices held out for the score, at Halton points.", unit="slice", ge=1, le=50)


class SegmentParams(Params):
    """How the whole stack is gone through."""

    phase: str = param("", "Phase whose probability is wanted too; empty: none.")
    mirrors: bool = param(False, "Average over mirrored slices: a little better, four times as long.")
    scheduler: str = param(
        "", "Address of a Dask scheduler whose workers take the blocks; empty works here.", advanced=True
    )
    folder: str = param(
        "", "Folder for results and probabilities of all phases (Zarr); empty keeps a small stack in memory.",
        widget="folder", advanced=True,
    )  # fmt: skip


class NextParams(Params):
    """How far from corrected slices to look."""

    gap: int = param(1, "Least distance to a corrected slice.", unit="slice", ge=1, le=100)


class StatisticsParams(Params):
    """Which slices to look at."""

    slices: tuple[int, ...] = param((), "Slices to measure; empty takes the corrected ones, or all where none are.")
    depth: float = param(
        1.0, "Pores are cut where the neck is narrower by this much.", unit="voxel", ge=0.1, le=50, decimals=1
    )


class ClassifyParams(Params):
    """The rule that tells organic from inorganic pores."""

    shell: int = param(3, "Thickness of the shell around a pore that is looked at.", unit="voxel", ge=1, le=20)
    share: float = param(0.5, "A pore is organic when more than this share of its shell is organic matter.",
                         unit="1", ge=0, le=1, step=0.05, decimals=2)  # fmt: skip
    pore: int = param(1, "Label of the pores.", unit="1", ge=0, le=255)
    organic_matter: int = param(2, "Label of the organic matter.", unit="1", ge=0, le=255)


def _recipe(params: NetParams) -> Recipe:
    return Recipe(**{k: getattr(params, k) for k in Recipe.__dataclass_fields__})


def _check_pair(image: Stack, labels: Labels) -> None:
    if image.shape != labels.shape:
        raise InputError(
            f"the image is {image.shape} and the labels are {labels.shape}",
            where=labels.name or None,
            remedy="Choose the labels of this image.",
        )
    if len(labels.phases) < 2:
        raise InputError(
            "the labels name one phase only", where=labels.name or None, remedy="Name at least two phases."
        )


def run_train(inputs: Inputs, params: TrainParams, progress: Progress) -> Outputs:
    """Train on the chosen slices, score on slices that were held out, write the Weights folder."""
    from porelab_methods.shale_unet.outcome import command_of, learn, split_of

    image, labels = inputs["image"], inputs["labels"]
    _check_pair(image, labels)
    split = split_of(labels, params.n_slices, params.tests, params.gap, params.slices)
    folder = Path(params.folder) if params.folder else None
    command = command_of(params.model_dump())
    weights, table = learn(image, labels, split, _recipe(params), folder, inputs.get("weights"), progress, command)
    return {"weights": weights, "table": table}


def run_segment(inputs: Inputs, params: SegmentParams, progress: Progress) -> Outputs:
    """Every slice through the net: phases, how sure it is of them, the probability of one phase."""
    from porelab_methods.shale_unet.apply import apply

    settings = params.model_dump()
    return apply(inputs["image"], inputs["weights"], progress, earlier=inputs.get("labels"), **settings)


def forecast_segment(inputs: Inputs, params: SegmentParams) -> Estimate:
    """One block at work, and the results where they stay in memory."""
    from porelab_methods.shale_unet.apply import needed_bytes

    return Estimate(ram=needed_bytes(inputs["image"], inputs["weights"]))


def run_next(inputs: Inputs, params: NextParams, progress: Progress) -> Outputs:
    """Slices by what their correction would give."""
    from porelab_methods.shale_unet.loop import ranking

    labels: Labels | None = inputs.get("labels")
    used = () if labels is None or labels.review is None else slices_in(labels, *BY_HAND)
    return {"next_slices": ranking(inputs["uncertainty"], used, params.gap)}


def run_study(inputs: Inputs, params: StudyParams, progress: Progress) -> Outputs:
    """IoU against the number of training slices, and where another slice no longer pays."""
    from porelab_methods.shale_unet.study import study

    image, labels = inputs["image"], inputs["labels"]
    _check_pair(image, labels)
    numbers = range(params.first, max(params.first, params.last) + 1)
    return {"table": study(image, labels, numbers, params.tests, params.gap, _recipe(params), progress)}


def run_statistics(inputs: Inputs, params: StatisticsParams, progress: Progress) -> Outputs:
    """Porosity by type, organic porosity, slices, pores; and how far the labels agree with the truth."""
    import numpy as np

    from porelab_gui.core.nouns import Column
    from porelab_methods.shale_unet import measures as m

    labels: Labels = inputs["labels"]
    truth: Labels | None = inputs.get("truth")
    corrected = () if labels.review is None else slices_in(labels, *BY_HAND)
    chosen = params.slices or corrected or tuple(range(labels.shape[0]))
    if any(not 0 <= z < labels.shape[0] for z in chosen):
        raise InputError(f"slice {max(chosen)} is outside the stack of {labels.shape[0]}", where=labels.name or None)
    kinds = m.Kinds.of(labels)
    rows = m.composition(m.counts_of(labels, within(progress, 0.0, 0.2)), kinds)
    columns = {"measure": Column(np.array([r[0] for r in rows])), "value": Column(np.array([r[1] for r in rows]), "1")}
    found: dict[str, Table] = {"summary": Table(columns, (m.maturity(rows),), name="shale summary")}
    found["slices"] = m.slice_rows(labels, chosen, kinds)
    found["pores"] = m.pore_shapes(labels, kinds, params.depth, within(progress, 0.3, 0.9))
    if truth is not None:
        _check_pair(truth, labels)
        found["agreement"] = m.agreement(labels, truth, chosen)
    return found


def run_classify(inputs: Inputs, params: ClassifyParams, progress: Progress) -> Outputs:
    """Pores split in organic and inorganic by what surrounds them."""
    from porelab_methods.shale_unet.classify import organic_or_not

    return {"labels": organic_or_not(inputs["labels"], params, progress)}


def forecast(inputs: Inputs, params: TrainParams) -> Estimate:
    """Weights, gradients, moments and activations of one step, from the sizes alone."""
    widths = [params.width * 2**i for i in range(params.depth + 1)]
    weights = sum(9 * w * w * 6 for w in widths) * 4 * 4
    pixels = params.batch_size * params.patch**2
    activations = sum(8 * w * pixels // 4**i for i, w in enumerate(widths)) * 4
    image: Stack = inputs["image"]
    slices = (len(params.slices) or params.n_slices) + 2 + params.tests
    return Estimate(ram=weights + 2 * activations + slices * image.shape[1] * image.shape[2] * (4 * params.context + 8))


IMAGE = Port(Stack, "The grey stack.")
TRAIN = Method(
    name="train_unet",
    title="Train a U-Net",
    summary="Learns to segment a grey stack from a few corrected slices and scores itself on slices it never saw.",
    step="Learn",
    citation=CITATION,
    params=TrainParams,
    inputs={
        "image": IMAGE,
        "labels": Port(Labels, "Phases, corrected on the training, validation and test slices."),
        "weights": Port(Weights, "Earlier weights to go on from.", optional=True),
    },
    outputs={"weights": Weights, "table": Table},
    function=run_train,
    lane="gpu",
    estimate=forecast,
    version="2",
)
SEGMENT = Method(
    name="segment_unet",
    title="Segment with a U-Net",
    summary="Applies a trained U-Net to a whole stack: phases, and how sure the net is of them.",
    step="Segment",
    citation=CITATION,
    params=SegmentParams,
    inputs={
        "image": IMAGE,
        "weights": Port(Weights, "Train a U-Net first."),
        "labels": Port(Labels, "Labels whose corrected slices are kept.", optional=True),
    },
    outputs={"labels": Labels, "uncertainty": Stack, "probability": Stack},
    function=run_segment,
    lane="gpu",
    estimate=forecast_segment,
    version="2",
)
NEXT = Method(
    name="next_slice",
    title="Next slice to correct",
    summary="Ranks the slices by what their correction would teach the net.",
    step="Learn",
    citation=CITATION,
    params=NextParams,
    inputs={
        "uncertainty": Port(Stack, "The uncertainty layer: segment with a U-Net first."),
        "labels": Port(Labels, "Labels that know which slices are corrected.", optional=True),
    },
    outputs={"next_slices": Table},
    function=run_next,
)
STUDY = Method(
    name="study_slices",
    title="How many slices?",
    summary="Trains on 2, 3, ... slices and shows the IoU against their number.",
    step="Learn",
    citation=CITATION,
    params=StudyParams,
    inputs={"image": IMAGE, "labels": Port(Labels, "Corrected phases.")},
    outputs={"table": Table},
    function=run_study,
    lane="gpu",
)
STATISTICS = Method(
    name="shale_statistics",
    title="Shale statistics",
    summary="Porosity by type, organic matter and its porosity, fractal dimension, lacunarity, aspect ratios; with a "
    "truth also IoU, confusion and the recall of small pores.",
    step="Segment",
    citation=CITATION,
    params=StatisticsParams,
    inputs={
        "labels": Port(Labels, "Phases named organic pore, inorganic pore, organic matter."),
        "truth": Port(Labels, "Labels to compare with.", optional=True),
    },
    outputs={"summary": Table, "slices": Table, "pores": Table, "agreement": Table},
    function=run_statistics,
)
CLASSIFY = Method(
    name="classify_pores",
    title="Organic or inorganic pores",
    summary="Calls a pore organic when the shell around it is mostly organic matter.",
    step="Segment",
    citation=CITATION,
    params=ClassifyParams,
    inputs={"labels": Port(Labels, "Phases with pores and organic matter.")},
    outputs={"labels": Labels},
    function=run_classify,
)
METHODS = (TRAIN, SEGMENT, NEXT, STUDY, STATISTICS, CLASSIFY)
