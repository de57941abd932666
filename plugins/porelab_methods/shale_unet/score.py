"""``porelab score shale_unet``: phantoms with known truth, a real nano-tomogram, real SEM tiles; mean over three seeds.

Every figure comes from nets trained here and now; nothing is tuned on the slices, stacks and tiles that are scored.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from porelab_gui.core.learning.metrics import confusion, iou
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import silent
from porelab_gui.core.registry import get
from porelab_methods.shale_unet.held_out import segmented
from porelab_methods.shale_unet.model import UNet
from porelab_methods.shale_unet.recipe import Recipe
from porelab_methods.shale_unet.slices import Split, choose
from porelab_methods.shale_unet.train import PhaseNumbers, train

SEEDS, NUMBERS = (0, 1, 2), (6, 3)  # of rock and net; of training slices
DEPTH, EDGE, TESTS = 64, 256, 8
NOISE = 10.0  # the phantom's own default; the held-out stacks have less and more
OTHER_NOISE, OTHER_DEPTH, OTHER_SEED = (8.0, 12.0), 24, 1000
PHANTOM = Recipe(destripe=True)
SOC = Recipe()
SOC_GAP = 10
PHANTOMS, REAL = "phantom", "Ni-YSZ nano-tomogram"
PAPER = "0.80 to 0.95, organic pores above 0.90"
Rows = list[dict[str, Any]]


def score() -> dict[str, Any]:
    """Figures and rows; miou_soc_6 is NaN and a row says so where the real stack is not at hand."""
    rows = [row for part in (phantoms, soc, tiles_rows) for row in part()]
    return {"figures": figures(rows), "rows": rows}


def figures(rows: Rows) -> dict[str, float]:
    """The agreed keys: means over seeds, and over held-out slices and stacks of the phantoms."""

    def mean(case: str, number: int, column: str = "miou") -> float:
        found = [r[column] for r in rows if r["case"].startswith(case) and r.get("slices") == number]
        return float(np.mean(found)) if found else float("nan")

    return {
        "miou_phantom_6": mean(PHANTOMS, 6),
        "miou_phantom_3": mean(PHANTOMS, 3),
        "iou_organic_6": mean(PHANTOMS, 6, "iou organic pore"),
        "iou_inorganic_6": mean(PHANTOMS, 6, "iou inorganic pore"),
        "miou_soc_6": mean(REAL, 6),
    }


def phantom(seed: int, noise: float, depth: int) -> tuple[Stack, Labels]:
    """A shale phantom with the defaults of ``make_phantom``."""
    params = {"kind": "shale", "depth": depth, "height": EDGE, "width": EDGE, "seed": seed, "noise": noise}
    made = get("make_phantom")({}, {**params, "voxel": 1e-8})
    image, truth = made["image"], made["truth"]
    assert isinstance(image, Stack) and isinstance(truth, Labels)
    return image, truth


def _trained(image: Stack, truth: Labels, split: Split, recipe: Recipe, keep: Path | None) -> tuple[UNet, PhaseNumbers]:
    """A net that has learned; a run that was kept goes on from where it ended."""
    classes = PhaseNumbers(truth)
    with TemporaryDirectory(prefix="porelab-score-") as folder:
        model, _ = train(image, classes, split, recipe, keep or Path(folder), silent)
    return model, classes


def _iou(model: UNet, image: Stack, classes: PhaseNumbers, chosen: Sequence[int], recipe: Recipe) -> Any:
    found = segmented(model, image, chosen, classes.pores, recipe.destripe, mirrors=True)
    counts = [confusion(classes[z], page, len(classes)) for z, page in found]
    return iou(np.sum(counts, axis=0))


def phantoms(seeds: Sequence[int] = SEEDS, keep: Path | None = None) -> Rows:
    """Seeds of rock and net; held-out slices, and two held-out stacks with other noise."""
    return [row for seed in seeds for n in NUMBERS for row in _phantom_rows(seed, n, keep)]


def _phantom_rows(seed: int, n: int, keep: Path | None) -> Rows:
    image, truth = phantom(seed, NOISE, DEPTH)
    split = choose(DEPTH, n, TESTS, gap=2)
    recipe = replace(PHANTOM, seed=seed)
    model, classes = _trained(image, truth, split, recipe, keep and keep / f"phantom_{n}_{seed}")
    cases = [("held-out slices", image, classes, split.test, NOISE)]
    for noise in OTHER_NOISE:
        other, right = phantom(OTHER_SEED + seed, noise, OTHER_DEPTH)
        cases.append(("held-out stack", other, PhaseNumbers(right), tuple(range(2, OTHER_DEPTH - 2, 3)), noise))
    rows = []
    for case, stack, numbered, chosen, noise in cases:
        per_class = _iou(model, stack, numbered, chosen, recipe)
        rows.append(_row(f"{PHANTOMS}, {case}, noise {noise:g}", n, seed, classes.names, per_class))
    return rows


def _row(case: str, n: int, seed: int, names: Sequence[str], per_class: Any) -> dict[str, Any]:
    shares = {f"iou {name}": round(float(v), 4) for name, v in zip(names, per_class, strict=True)}
    mean = round(float(np.mean(per_class)), 4)
    return {"case": case, "slices": n, "seed": seed, **shares, "miou": mean, "paper": PAPER}


def soc(seeds: Sequence[int] = SEEDS, keep: Path | None = None) -> Rows:
    """A grey nano-tomogram of a Ni-YSZ electrode with three phases; test slices 10 away from all others."""
    folder = _data("soc_ni_ysz")
    if folder is None:
        return [{"case": f"{REAL}: the data are not at hand (PORELAB_DATA)"}]
    image, truth = soc_pair(folder)
    split = choose(image.shape[0], 6, 4, SOC_GAP)
    rows: Rows = []
    for seed in seeds:
        recipe = replace(SOC, seed=seed)
        model, classes = _trained(image, truth, split, recipe, keep and keep / f"soc_{seed}")
        rows.append(_row(REAL, 6, seed, classes.names, _iou(model, image, classes, split.test, recipe)))
    return rows


def soc_pair(folder: Path) -> tuple[Stack, Labels]:
    """The grey stack and its phases."""
    import tifffile

    grey = tifffile.imread(folder / "grey16_160x256x256.tif")
    with np.load(folder / "labels_160x256x256.npz", allow_pickle=False) as found:
        labels = np.asarray(found[found.files[0]]).astype(np.uint8)
    voxel = (18.4e-9,) * 3
    phases = {0: "pore", 1: "YSZ", 2: "Ni"}
    return Stack(grey, voxel, name="Ni-YSZ"), Labels(labels, voxel, phases=phases, void=(0,))


def tiles_rows(seeds: Sequence[int] = SEEDS, keep: Path | None = None) -> Rows:
    """SEM tiles of Duvernay shale, split by position, beside local Otsu and a random forest."""
    folder = _data("shale_sem")
    if folder is None:
        return [{"case": "SEM tiles: the data are not at hand (PORELAB_DATA)"}]
    from porelab_methods.shale_unet.tiles import compare

    return compare(folder / "duvernay_tiles.npz", seeds)


def _data(name: str) -> Path | None:
    root = os.environ.get("PORELAB_DATA")
    folder = Path(root) / name if root else None
    return folder if folder is not None and folder.is_dir() else None


def main(words: Sequence[str]) -> None:
    """Part by part: ``python -m porelab_methods.shale_unet.score phantoms 0 --keep FOLDER`` scores one seed."""
    import argparse
    import json

    parts = {"phantoms": phantoms, "soc": soc, "tiles": tiles_rows}
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("part", choices=parts)
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--keep", type=Path, help="where the trainings are kept; one that ended is not repeated")
    asked = parser.parse_args(words)
    rows = parts[asked.part](asked.seeds or SEEDS, asked.keep)
    sys.stdout.write(json.dumps({"figures": figures(rows), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
