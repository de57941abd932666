"""The interval study: trainings on 2, 3, ... slices tested on the same slices, as one job with its plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from porelab_gui.core.learning.pictures import show_line
from porelab_gui.core.nouns import Labels, Stack, Table
from porelab_gui.core.progress import Progress, within
from porelab_methods.shale_unet.loop import study_table
from porelab_methods.shale_unet.outcome import score_table
from porelab_methods.shale_unet.recipe import Recipe
from porelab_methods.shale_unet.slices import Split, choose
from porelab_methods.shale_unet.train import PhaseNumbers, train


def splits(depth: int, numbers: Sequence[int], tests: int, gap: int) -> list[Split]:
    """A split per number of slices; every one is tested on the same slices, which none of them learns from."""
    alone = [choose(depth, n, 0, gap) for n in numbers]
    used = sorted({z for s in alone for z in (*s.train, *s.validation)})
    test = choose(depth, 1, tests, gap, tuple(used)).test if tests else ()
    return [Split(s.train, s.validation, test, s.notes) for s in alone]


def study(
    image: Stack, labels: Labels, numbers: Sequence[int], tests: int, gap: int, recipe: Recipe, progress: Progress
) -> Table:
    """Slices, interval (m) and mean IoU on the common test slices."""
    classes = PhaseNumbers(labels)
    rows: list[tuple[int, float, float]] = []
    for i, (n, split) in enumerate(zip(numbers, splits(image.shape[0], numbers, tests, gap), strict=True)):
        part = within(progress, i / len(numbers), (i + 1) / len(numbers), f"{n} slices")
        with TemporaryDirectory(prefix="porelab-study-") as folder:
            model, _ = train(image, classes, split, recipe, Path(folder), part)
        score = float(score_table(model, image, classes, split, recipe)["iou"][-1])
        rows.append((n, image.shape[0] * image.voxel_size[0] / (n + 1), score))
        counts, scores = np.array([r[0] for r in rows]), np.array([r[2] for r in rows])
        show_line(progress, "IoU against slices", counts, {"mean IoU": scores}, "training slices", "IoU on test slices")
    return study_table(rows)
