"""What the system registers for use: coarsen, super-resolve, and compare before with after the correction."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Estimate, Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.nouns import Column, Field, Labels, Stack, Table, VoxelSize, Weights
from porelab_gui.core.progress import Progress, within
from porelab_methods.superres.train_methods import CITATION

LEVELS = (
    "Grey level of void and of solid, whose middle is the threshold; empty for labels and for shares of void (0 to 1)."
)
CUT = (
    "How probabilities become void: as many of the likeliest fine voxels as the share of void of their low-resolution "
    "voxel says (measured), at one half, or auto: measured where the net was trained on means. Noise in the shares "
    "passes into a measured cut."
)
LOW = "low (cut at one half)"
CHANGES = {0: "solid", 1: "void", 2: "became void", 3: "became solid"}
SEEN_AS = {2: "#ffb300", 3: "#e53935"}


class CoarsenParams(Params):
    """How the low-resolution image is made."""

    factor: Literal[2, 4, 8] = param(4, "Fine voxels along an edge of a coarse one.")
    how: Literal["mean", "nearest", "gaussian"] = param(
        "mean", "Share of void, the middle voxel, or a blur of half the factor with noise."
    )
    noise: float = param(0.05, "Standard deviation of the noise after the blur.", unit="1", ge=0, le=1, decimals=3)
    seed: int = param(0, "Seed of the noise.", unit="1", ge=0, le=10**6)


class ResolveParams(Params):
    """Grey levels, tiles and where the result goes."""

    levels: tuple[float, ...] = param((), LEVELS)
    cut: Literal["auto", "measured", "half"] = param("auto", CUT)
    tile: int = param(32, "Low-resolution voxels along the edge of a tile.", unit="voxel", ge=4, le=1024, advanced=True)
    folder: str = param("", "Zarr folder for the result; empty keeps it in memory while it is small.", widget="folder")


class CompareParams(Params):
    """Grey levels and the solvers."""

    levels: tuple[float, ...] = param((), LEVELS)
    cut: Literal["auto", "measured", "half"] = param("auto", CUT)
    network: bool = param(True, "Also K by the pore network of each image.")


def scaled(voxel: VoxelSize, by: float) -> VoxelSize:
    """A voxel size times a number."""
    return (voxel[0] * by, voxel[1] * by, voxel[2] * by)


def fine_shape(low: tuple[int, int, int], factor: int, like: Stack | None) -> tuple[int, int, int]:
    """Shape of the result: that of ``like`` (whose edges the factor need not divide), else ``factor`` times ``low``."""
    if like is None:
        return (low[0] * factor, low[1] * factor, low[2] * factor)
    if tuple(-(-n // factor) for n in like.shape) != low:
        raise InputError(
            f"an image of {like.shape} voxels is not {factor} times finer than one of {low}", where=like.name,
            remedy="Choose the image that the low-resolution one was made from, or none.",
        )  # fmt: skip
    return like.shape


def run_coarsen(inputs: Inputs, params: CoarsenParams, progress: Progress) -> Outputs:
    """Share of void at a coarser voxel."""
    from porelab_methods.superres.pairs import described, downsampled

    labels: Labels = inputs["labels"]
    low = downsampled(labels.void_mask(), params.factor, params.how, params.noise, params.seed)
    name = f"{labels.name or 'image'} {params.factor} times coarser"
    source = f"{labels.source or labels.name}: {described(params.how, params.factor, params.noise)}"
    return {"low": Stack(low, scaled(labels.voxel_size, params.factor), name=name, source=source)}


def run_resolve(inputs: Inputs, params: ResolveParams, progress: Progress) -> Outputs:
    """Tile by tile, in memory or to Zarr."""
    from porelab_gui.core.learning.device import best_device
    from porelab_gui.core.own_folder import own_folder
    from porelab_methods.superres.cutting import rule_of
    from porelab_methods.superres.keep import shipped
    from porelab_methods.superres.nets import opened
    from porelab_methods.superres.pairs import shares_of
    from porelab_methods.superres.tiles import needs_disk, resolved

    image, weights = inputs["image"], inputs.get("weights") or shipped("corrected")
    net, config = opened(weights, "superres")
    shares = shares_of(image, params.levels)
    shape = fine_shape(image.shape, net.factor, inputs.get("truth"))
    place = Path(params.folder).expanduser() if params.folder else None
    if place is None and needs_disk(shape):
        told = (image.content_hash, weights.content_hash, params.levels, params.cut)
        place = own_folder("superres/volume", *told) / "volume.zarr"
    rule = rule_of(config.get("how", "")) if params.cut == "auto" else params.cut
    data = resolved(net.to(best_device()), image.data, shares, shape, params.tile, place, progress, rule)
    voxel = scaled(image.voxel_size, 1.0 / net.factor)
    name = f"{image.name or 'image'}, {'corrected' if config['corrected'] else 'super-resolved'}"
    return {"volume": Labels(data, voxel, name=name, source=str(place or image.source))}


def run_compare(inputs: Inputs, params: CompareParams, progress: Progress) -> Outputs:
    """Both images, what the correction changed, what the measurement contradicts, and K of each."""
    from porelab_methods.superres.keep import shipped
    from porelab_methods.superres.nets import check_voxel, opened
    from porelab_methods.superres.pairs import shares_of
    from porelab_methods.superres.quality import artefacts, interpolated

    image, truth = inputs["image"], inputs.get("truth")
    assert isinstance(image, Stack)
    made: dict[str, Any] = {}
    for k, (key, own) in enumerate((("before", "before"), ("after", "corrected"))):
        wanted = {"image": image, "weights": inputs.get(key) or shipped(own), "truth": truth}
        part = within(progress, 0.1 * k, 0.1 * k + 0.1)
        made[key] = run_resolve(wanted, ResolveParams(levels=params.levels, cut=params.cut), part)["volume"]
    before, after = made["before"], made["after"]
    if before.shape != after.shape:
        raise InputError("the two super-resolvers have different factors", where="after", remedy="Choose a pair.")
    surrogate = None
    if inputs.get("surrogate") is not None:
        surrogate, config = opened(inputs["surrogate"], "surrogate")
        check_voxel(config, after.voxel_size, "surrogate")
    low = shares_of(image, params.levels)(image.array())
    factor = round(image.voxel_size[0] / after.voxel_size[0])
    first, second = before.void_mask(), after.void_mask()
    difference = np.where(first == second, second, np.where(second, 2, 3)).astype(np.uint8)
    coarse = Labels((low > 0.5).astype(np.uint8), image.voxel_size, name=LOW)
    images = {LOW: coarse, **named(before, after, truth)}
    table = k_table(images, surrogate, params.network, within(progress, 0.2, 1.0))
    off = interpolated(artefacts(low, second, factor), factor, 0, after.shape)
    return {
        "super_resolved": before.renamed("super-resolved"),
        "corrected": after.renamed("corrected"),
        "difference": Labels(
            difference, after.voxel_size, CHANGES, (1,), name="changed by the correction", colours=SEEN_AS
        ),
        "artefacts": Field(
            np.abs(off), after.voxel_size, quantity="share of void off the measurement", name="artefacts"
        ),
        "table": table,
    }


def named(before: Any, after: Any, truth: Any) -> dict[str, Labels]:
    """The images by the words of the table."""
    images = {"super-resolved": before, "corrected": after}
    return images | ({"true": truth} if truth is not None else {})


def k_table(images: dict[str, Labels], surrogate: Any, network: bool, progress: Progress) -> Table:
    """K along z of each image, each at its own voxel size: by Stokes flow, by its network, and (fine images only, for
    comparison) by the surrogate."""
    from porelab_gui.core.units import MILLIDARCY
    from porelab_methods.superres.blocks import LAW
    from porelab_methods.superres.nets import predicted_k
    from porelab_methods.superres.quality import network_k, stokes_k

    rows: list[tuple[str, str, float, float, float]] = []
    guessed = {}  # first, as a surrogate that does not fit refuses here and not after minutes of flow
    if surrogate is not None:
        guessed = {name: predicted_k(surrogate, x.void_mask()) for name, x in images.items() if name != LOW}
    for k, (name, labels) in enumerate(images.items()):
        void, area = labels.void_mask(), labels.voxel_size[0] ** 2 / MILLIDARCY
        share = within(progress, k / len(images), (k + 1) / len(images), name)
        laws = {LAW: stokes_k(void, share)}
        if network:
            laws["pore network (SNOW, analytic conductances)"] = network_k(void)
        if name in guessed:
            laws["surrogate (it trained the image: no judge)"] = guessed[name]
        rows += [(name, law, v * area, float(void.mean()), labels.voxel_size[0]) for law, v in laws.items()]
    image, law, value, porosity, voxel = zip(*rows, strict=True)
    columns = {
        "image": Column(np.array(image)), "law": Column(np.array(law)), "permeability_z": Column(np.array(value), "mD"),
        "porosity": Column(np.array(porosity), "1"), "voxel": Column(np.array(voxel), "m"),
    }  # fmt: skip
    return Table(columns, name="permeability of each image")


def resolve_memory(inputs: Inputs, params: ResolveParams) -> Estimate:
    """One tile through the widest layers, and the result unless it goes to disk."""
    fine = 8**3 * int(np.prod([float(n) for n in inputs["image"].shape]))
    tile = min(float(fine), ((params.tile + 26) * 8.0) ** 3)
    return Estimate(ram=int(tile * 100 + min(fine, 1 << 30) + 3e8))


WEIGHTS = Port(Weights, "A super-resolver of one's own; left out, the program's (x4).", optional=True)
AFTER = Port(Weights, "The corrected super-resolver; left out, the program's (x4).", optional=True)
IMAGE = Port(Stack, "The low-resolution image: grey, shares of void, or labels.")
TRUTH = Port(Labels, "The fine image, where it is known: the result gets its shape.", optional=True)
COARSEN = Method(
    name="coarsen_stack", title="Coarsen a segmented stack",
    summary="The share of void at 2, 4 or 8 times the voxel size; edges that do not fit are padded.",
    step="Super-resolve", citation=CITATION, params=CoarsenParams,
    inputs={"labels": Port(Labels, "A segmented high-resolution stack.")}, outputs={"low": Stack}, function=run_coarsen,
)  # fmt: skip
RESOLVE = Method(
    name="super_resolve", title="Super-resolve a stack",
    summary="Makes the fine image of a low-resolution one, tile by tile, whatever its size.",
    step="Super-resolve", citation=CITATION, params=ResolveParams,
    inputs={"image": IMAGE, "weights": WEIGHTS, "truth": TRUTH},
    outputs={"volume": Labels}, function=run_resolve, lane="gpu", estimate=resolve_memory,
)  # fmt: skip
COMPARE = Method(
    name="compare_superres", title="Before and after the correction",
    summary="Both fine images, the voxels that the correction changed, artefacts, and the permeability of each by "
    "solvers that took no part in it.",
    step="Super-resolve", citation=CITATION, params=CompareParams,
    inputs={"image": IMAGE, "before": WEIGHTS, "after": AFTER,
            "truth": TRUTH, "surrogate": Port(Weights, "The surrogate, for comparison.", optional=True)},
    outputs={"super_resolved": Labels, "corrected": Labels, "difference": Labels, "artefacts": Field, "table": Table},
    function=run_compare, lane="gpu",
)  # fmt: skip
