"""``porelab score shale_unet``: phantoms with known truth, a real nano-tomogram, real SEM tiles; mean over three seeds.

Every figure comes from nets trained here and now; nothing is tuned on the slices, stacks and tiles that are scored.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from porelab_gui.core.learning.metrics import confusion, iou
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import silent
from porelab_gui.core.registry import get
from porelab_methods.shale_unet.data import Slices
from porelab_methods.shale_unet.model import UNet
from porelab_methods.shale_unet.recipe import Recipe
from porelab_methods.shale_unet.slices import Split, choose
from porelab_methods.shale_unet.train import PhaseNumbers, scores, train

SEEDS = (0, 1, 2)
DEPTH, EDGE, TESTS = 64, 256, 8
NOISE = 10.0  # the phantom's own default; the held-out stacks have less and more
OTHER_NOISE, OTHER_DEPTH, OTHER_SEED = (8.0, 12.0), 24, 1000
PHANTOM = Recipe(destripe=True)
SOC = Recipe()
SOC_GAP = 10
PAPER = "0.80 to 0.95, organic pores above 0.90"
Rows = list[dict[str, Any]]


def score() -> dict[str, Any]:
    """Figures and rows; miou_soc_6 is NaN and a row says so where the real stack is not at hand."""
    figures: dict[str, float] = {}
    rows: Rows = []
    for part in (phantoms, soc, tiles_rows):
        found, more = part()
        figures |= found
        rows += more
    return {"figures": figures, "rows": rows}


def phantom(seed: int, noise: float, depth: int) -> tuple[Stack, Labels]:
    """A shale phantom with the defaults of ``make_phantom``."""
    params = {"kind": "shale", "depth": depth, "height": EDGE, "width": EDGE, "seed": seed, "noise": noise}
    made = get("make_phantom")({}, {**params, "voxel": 1e-8})
    image, truth = made["image"], made["truth"]
    assert isinstance(image, Stack) and isinstance(truth, Labels)
    return image, truth


def _trained(image: Stack, truth: Labels, split: Split, recipe: Recipe) -> tuple[UNet, PhaseNumbers, float]:
    classes, started = PhaseNumbers(truth), time.monotonic()
    with TemporaryDirectory(prefix="porelab-score-") as folder:
        model, _ = train(image, classes, split, recipe, Path(folder), silent)
    return model, classes, time.monotonic() - started


def _iou(model: UNet, image: Stack, classes: PhaseNumbers, chosen: Sequence[int], recipe: Recipe) -> Any:
    held = Slices.of(image, classes, tuple(chosen), recipe.context, recipe.destripe)
    return iou(scores(model, held, classes.pores, mirrors=True))


def phantoms(seeds: Sequence[int] = SEEDS, numbers: Sequence[int] = (6, 3)) -> tuple[dict[str, float], Rows]:
    """Mean over seeds (of rock and net) and over held-out slices and two held-out stacks with other noise."""
    rows: Rows = []
    found: dict[int, list[Any]] = {n: [] for n in numbers}
    for seed in seeds:
        image, truth = phantom(seed, NOISE, DEPTH)
        others = [phantom(OTHER_SEED + seed, noise, OTHER_DEPTH) for noise in OTHER_NOISE]
        for n in numbers:
            split = choose(DEPTH, n, TESTS, gap=2)
            recipe = Recipe(**{**PHANTOM.__dict__, "seed": seed})
            model, classes, seconds = _trained(image, truth, split, recipe)
            cases = [("held-out slices", image, classes, split.test, NOISE)]
            middle = range(2, OTHER_DEPTH - 2, 3)
            cases += [
                ("held-out stack", other, PhaseNumbers(right), tuple(middle), noise)
                for (other, right), noise in zip(others, OTHER_NOISE, strict=True)
            ]
            for case, stack, numbered, chosen, noise in cases:
                per_class = _iou(model, stack, numbered, chosen, recipe)
                found[n].append(per_class)
                rows.append(_row(f"phantom, {case}, noise {noise:g}", n, seed, classes.names, per_class, seconds))
    figures: dict[str, float] = {}
    for n, per_case in found.items():
        mean = np.mean(per_case, axis=0)
        by_name = dict(zip(classes.names, mean, strict=True))
        figures[f"miou_phantom_{n}"] = float(mean.mean())
        if n == 6:
            figures["iou_organic_6"] = float(by_name["organic pore"])
            figures["iou_inorganic_6"] = float(by_name["inorganic pore"])
    return figures, rows


def _row(case: str, n: int, seed: int, names: Sequence[str], per_class: Any, seconds: float) -> dict[str, Any]:
    shares = {f"iou {name}": round(float(v), 4) for name, v in zip(names, per_class, strict=True)}
    mean = {"miou": round(float(np.mean(per_class)), 4), "training_s": round(seconds, 1)}
    return {"case": case, "slices": n, "seed": seed, **shares, **mean, "paper": PAPER}


def soc(seeds: Sequence[int] = SEEDS) -> tuple[dict[str, float], Rows]:
    """A grey nano-tomogram of a Ni-YSZ electrode with three phases; test slices 10 away from all others."""
    folder = _data("soc_ni_ysz")
    if folder is None:
        return {"miou_soc_6": float("nan")}, [{"case": "Ni-YSZ: the data are not at hand (PORELAB_DATA)"}]
    image, truth = soc_pair(folder)
    split = choose(image.shape[0], 6, 4, SOC_GAP)
    rows: Rows = []
    means = []
    for seed in seeds:
        recipe = Recipe(**{**SOC.__dict__, "seed": seed})
        model, classes, seconds = _trained(image, truth, split, recipe)
        per_class = _iou(model, image, classes, split.test, recipe)
        means.append(float(np.mean(per_class)))
        rows.append(_row("Ni-YSZ nano-tomogram", 6, seed, classes.names, per_class, seconds))
    return {"miou_soc_6": float(np.mean(means))}, rows


def soc_pair(folder: Path) -> tuple[Stack, Labels]:
    """The grey stack and its phases."""
    import tifffile

    grey = tifffile.imread(folder / "grey16_160x256x256.tif")
    with np.load(folder / "labels_160x256x256.npz", allow_pickle=False) as found:
        labels = np.asarray(found[found.files[0]]).astype(np.uint8)
    voxel = (18.4e-9,) * 3
    phases = {0: "pore", 1: "YSZ", 2: "Ni"}
    return Stack(grey, voxel, name="Ni-YSZ"), Labels(labels, voxel, phases=phases, void=(0,))


def tiles_rows(seeds: Sequence[int] = SEEDS) -> tuple[dict[str, float], Rows]:
    """SEM tiles of Duvernay shale, split by position, beside local Otsu and a random forest."""
    folder = _data("shale_sem")
    if folder is None:
        return {}, [{"case": "SEM tiles: the data are not at hand (PORELAB_DATA)"}]
    from porelab_methods.shale_unet.tiles import compare

    return {}, compare(folder / "duvernay_tiles.npz", seeds)


def _data(name: str) -> Path | None:
    root = os.environ.get("PORELAB_DATA")
    folder = Path(root) / name if root else None
    return folder if folder is not None and folder.is_dir() else None


def table(truth: Any, found: Any, count: int) -> Any:
    """IoU per class of class images."""
    return iou(confusion(truth, found, count))


def main(words: Sequence[str]) -> None:
    """Part by part: ``python -m porelab_methods.shale_unet.score phantoms 0`` scores one seed."""
    import json

    part = {"phantoms": phantoms, "soc": soc, "tiles": tiles_rows}[words[0]]
    seeds = [int(w) for w in words[1:]] or SEEDS
    figures, rows = part(seeds)
    sys.stdout.write(json.dumps({"figures": figures, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
