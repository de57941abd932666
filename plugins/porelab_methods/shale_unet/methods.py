"""What the system registers: training, application, the interval study, organic or inorganic pores."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Column, Labels, Stack, Table, Weights
from porelab_gui.core.progress import Progress, within

CITATION = (
    "Quantitative characterization of organic and inorganic pores in shale based on deep learning (2024); "
    "U-Net: Ronneberger et al., MICCAI 2015, doi 10.1007/978-3-319-24574-4_28."
)
SLICES_HELP = "Corrected slices to learn from; empty takes equally spaced ones."


class NetParams(Params):
    """Sizes that every training of a U-Net shares."""

    gap: int = param(1, "Least distance between slices of training, validation and test.", unit="slice", ge=1, le=100)
    context: Literal[1, 3, 5] = param(3, "Neighbouring slices that the net sees at once; 1 is a plain 2D U-Net.")
    width: int = param(16, "Channels of the first level.", unit="1", ge=4, le=64, advanced=True)
    depth: int = param(3, "Levels of the net.", unit="1", ge=1, le=4, advanced=True)
    patch: int = param(128, "Edge of the squares cut from the slices.", unit="voxel", ge=32, le=512, advanced=True)
    patches: int = param(160, "Squares per epoch.", unit="1", ge=8, le=10000, advanced=True)
    epochs: int = param(16, "Passes; early stopping may end it sooner.", unit="1", ge=1, le=1000)
    batch_size: int = param(8, "Squares per update.", unit="1", ge=1, le=256, advanced=True)
    learning_rate: float = param(
        3e-3, "First step size; it falls along a cosine.", unit="1", gt=0, le=1, decimals=5, advanced=True
    )
    seed: int = param(0, "Seed of the first weights, the patches and their distortions.", unit="1", ge=0, le=10**6)
    threads: int = param(0, "Processor threads; 0 takes all.", unit="1", ge=0, le=256, advanced=True)


class TrainParams(NetParams):
    """What to learn from and where the weights go."""

    slices: tuple[int, ...] = param((), SLICES_HELP)
    n_slices: int = param(6, "How many equally spaced slices, when none are named.", unit="slice", ge=1, le=200)
    tests: int = param(4, "Slices held out for the score, at Halton points.", unit="slice", ge=0, le=50)
    folder: str = param("", "Folder for the weights; empty takes one of its own in the user's data.", widget="folder")


class StudyParams(NetParams):
    """The interval study: one training per number of slices."""

    first: int = param(2, "Smallest number of training slices.", unit="slice", ge=1, le=50)
    last: int = param(8, "Largest number of training slices.", unit="slice", ge=1, le=50)
    tests: int = param(4, "Slices held out for the score, at Halton points.", unit="slice", ge=1, le=50)


class SegmentParams(Params):
    """Nothing to set: the weights know their own sizes."""


class ClassifyParams(Params):
    """The rule that tells organic from inorganic pores."""

    shell: int = param(3, "Thickness of the shell around a pore that is looked at.", unit="voxel", ge=1, le=20)
    share: float = param(0.5, "A pore is organic when more than this share of its shell is organic matter.",
                         unit="1", ge=0, le=1, step=0.05, decimals=2)  # fmt: skip
    pore: int = param(1, "Label of the pores.", unit="1", ge=0, le=255)
    organic_matter: int = param(2, "Label of the organic matter.", unit="1", ge=0, le=255)


def _recipe(params: NetParams) -> Any:
    from porelab_methods.shale_unet.train import Recipe

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


def default_folder(image: Stack, params: Params) -> Path:
    """A folder that belongs to this image and these settings, so that a broken run is found again."""
    import hashlib

    from platformdirs import user_data_path

    digest = hashlib.blake2b(f"{image.content_hash}{params.model_dump_json()}".encode(), digest_size=6).hexdigest()
    return user_data_path("porelab") / "weights" / f"shale_unet-{digest}"


def run_train(inputs: Inputs, params: TrainParams, progress: Progress) -> Outputs:
    """Train on the chosen slices, score on slices that were held out, write the Weights folder."""
    from porelab_methods.shale_unet.outcome import learn

    image, labels = inputs["image"], inputs["labels"]
    _check_pair(image, labels)
    folder = Path(params.folder) if params.folder else default_folder(image, params)
    weights, table = learn(image, labels, params, _recipe(params), folder, inputs.get("weights"), progress)
    return {"weights": weights, "table": table}


def run_segment(inputs: Inputs, params: SegmentParams, progress: Progress) -> Outputs:
    """Every slice through the net: phases and how sure it is of them."""
    from porelab_methods.shale_unet.outcome import apply

    labels, unsure = apply(inputs["image"], inputs["weights"], progress)
    return {"labels": labels, "uncertainty": unsure}


def run_study(inputs: Inputs, params: StudyParams, progress: Progress) -> Outputs:
    """IoU against the number of training slices, and where another slice no longer pays."""
    from tempfile import TemporaryDirectory

    from porelab_methods.shale_unet.outcome import learn

    image, labels = inputs["image"], inputs["labels"]
    _check_pair(image, labels)
    numbers = range(params.first, max(params.first, params.last) + 1)
    rows = []
    for i, n in enumerate(numbers):
        part = within(progress, i / len(numbers), (i + 1) / len(numbers), f"{n} slices")
        shared = params.model_dump(exclude={"first", "last"})
        one = TrainParams(**shared, n_slices=n)
        with TemporaryDirectory(prefix="porelab-study-") as folder:
            _, table = learn(image, labels, one, _recipe(params), Path(folder), None, part)
        rows.append((n, image.shape[0] * image.voxel_size[0] / (n + 1), float(table["iou"][-1])))
    return {"table": study_table(rows)}


def study_table(rows: list[tuple[int, float, float]]) -> Table:
    """Slices, interval and mean IoU; a note names the first number whose successor gains less than half a point."""
    n, interval, score = (np.array(c) for c in zip(*rows, strict=True))
    gains = np.diff(score, append=score[-1])
    enough = next((int(a) for a, g in zip(n, gains, strict=True) if g < 0.005), int(n[-1]))
    columns = {
        "slices": Column(n, "1", "training slices"),
        "interval": Column(interval, "m", "distance between training slices"),
        "iou": Column(score, "1", "mean IoU on held-out slices"),
        "gain": Column(gains, "1", "gain of one more slice"),
    }
    return Table(columns, (f"After {enough} slices another one gains less than 0.005 in IoU.",), name="interval study")


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


TRAIN = Method(
    name="train_unet",
    title="Train a U-Net",
    summary="Learns to segment a grey stack from a few corrected slices and scores itself on slices it never saw.",
    step="Learn",
    citation=CITATION,
    params=TrainParams,
    inputs={
        "image": Port(Stack, "The grey stack."),
        "labels": Port(Labels, "Phases, corrected on the training, validation and test slices."),
        "weights": Port(Weights, "Earlier weights to go on from.", optional=True),
    },
    outputs={"weights": Weights, "table": Table},
    function=run_train,
    lane="gpu",
    estimate=forecast,
)
SEGMENT = Method(
    name="segment_unet",
    title="Segment with a U-Net",
    summary="Applies a trained U-Net to a whole stack: phases, and how sure the net is of them.",
    step="Segment",
    citation=CITATION,
    params=SegmentParams,
    inputs={"image": Port(Stack, "The grey stack."), "weights": Port(Weights, "Train a U-Net first.")},
    outputs={"labels": Labels, "uncertainty": Stack},
    function=run_segment,
    lane="gpu",
)
STUDY = Method(
    name="study_slices",
    title="How many slices?",
    summary="Trains on 2, 3, ... slices and shows the IoU against their number.",
    step="Learn",
    citation=CITATION,
    params=StudyParams,
    inputs={"image": Port(Stack, "The grey stack."), "labels": Port(Labels, "Corrected phases.")},
    outputs={"table": Table},
    function=run_study,
    lane="gpu",
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
METHODS = (TRAIN, SEGMENT, STUDY, CLASSIFY)
