"""SEM tiles with hand masks: the U-Net beside local Otsu and a random forest on standard features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.editing.local_otsu import LocalOtsuParams
from porelab_gui.core.image.editing.local_otsu import run as local_otsu
from porelab_gui.core.learning.metrics import confusion, iou
from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.progress import silent
from porelab_methods.shale_unet.data import Slices
from porelab_methods.shale_unet.recipe import Recipe
from porelab_methods.shale_unet.slices import Split
from porelab_methods.shale_unet.train import PhaseNumbers, scores, train

NAMES = ("clay and organic matter", "mineral grain")
# rows of tiles; tiles overlap by half, so that a row between the parts is left out
TRAIN_ROWS, VALIDATION_ROWS, TEST_ROWS = range(16), range(17, 20), range(21, 30)
RECIPE = Recipe(context=1, epochs=8)
PIXELS, TREES = 60_000, 60


def split_by_position(rows: NDArray[np.integer]) -> Split:
    """Tiles by the row where they were cut; no pixel of one part occurs in another."""
    parts = (TRAIN_ROWS, VALIDATION_ROWS, TEST_ROWS)
    train, validation, test = (tuple(np.flatnonzero(np.isin(rows, part)).tolist()) for part in parts)
    return Split(train, validation, test)


def compare(path: Path, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """One row per method (and seed of the net): IoU of both classes and their mean, over the same test tiles."""
    with np.load(path, allow_pickle=False) as found:
        grey, truth, places = found["image"], (found["mask"] > 0).astype(np.uint8), found["row_col"]
    split = split_by_position(places[:, 0])
    test = list(split.test)
    rows = [_row("U-Net", s, _unet(grey, truth, split, s)) for s in seeds]
    rows.append(_row("local Otsu", "", iou(confusion(truth[test], _otsu(grey[test]), 2))))
    if find_spec("sklearn") is None:
        return [*rows, {"case": "Duvernay SEM tiles", "method": "random forest: scikit-learn is not installed"}]
    forest = _forest(grey, truth, split, seeds[0])
    rows.append(_row("random forest", seeds[0], iou(confusion(truth[test], forest, 2))))
    return rows


def _row(method: str, seed: Any, per_class: NDArray[np.floating]) -> dict[str, Any]:
    shares = {f"iou {n}": round(float(v), 4) for n, v in zip(NAMES, per_class, strict=True)}
    return {
        "case": "Duvernay SEM tiles",
        "method": method,
        "seed": seed,
        **shares,
        "miou": round(float(per_class.mean()), 4),
    }


def _unet(grey: NDArray[Any], truth: NDArray[np.uint8], split: Split, seed: int) -> NDArray[np.floating]:
    voxel = (1e-8,) * 3
    image = Stack(grey, voxel, name="tiles")
    classes = PhaseNumbers(Labels(truth, voxel, phases=dict(enumerate(NAMES)), void=()))
    with TemporaryDirectory(prefix="porelab-tiles-") as folder:
        model, _ = train(image, classes, split, replace(RECIPE, seed=seed), Path(folder), silent)
    return iou(scores(model, Slices.of(image, classes, split.test, RECIPE.context), (), mirrors=True))


def _otsu(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Local Otsu with its default window; what is bright is mineral."""
    stack = Stack(grey, (1e-8,) * 3, name="tiles")
    params = LocalOtsuParams(void="bright", contrast=0.0, gate=10.0)
    return np.asarray(local_otsu({"image": stack}, params, silent)["labels"].array())  # type: ignore[attr-defined]


def features(page: NDArray[Any]) -> NDArray[np.float32]:
    """Standard features of each pixel (H, W, n): smoothed grey, gradient and curvature at several scales."""
    from skimage.feature import multiscale_basic_features

    grey = page.astype(np.float32) / 255.0
    return np.asarray(multiscale_basic_features(grey, sigma_min=1, sigma_max=8), np.float32)


def _forest(grey: NDArray[Any], truth: NDArray[np.uint8], split: Split, seed: int) -> NDArray[np.uint8]:
    """scikit-learn's random forest (an extra of the benchmarks) on pixels of the training tiles."""
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(seed)
    x, y = [], []
    share = PIXELS // len(split.train)
    for t in split.train:
        picks = rng.choice(truth[t].size, share, replace=False)
        maps = features(grey[t])
        x.append(maps.reshape(-1, maps.shape[-1])[picks])
        y.append(truth[t].ravel()[picks])
    forest = RandomForestClassifier(TREES, min_samples_leaf=5, n_jobs=-1, random_state=seed)
    forest.fit(np.concatenate(x), np.concatenate(y))
    pages = [features(grey[t]) for t in split.test]
    return np.stack([forest.predict(m.reshape(-1, m.shape[-1])).reshape(m.shape[:2]) for m in pages])
