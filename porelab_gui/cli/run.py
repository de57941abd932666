"""``porelab run RECIPE.yaml [IMAGE ...]``: replays a recipe without a screen, on other images, for many settings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from porelab_gui.cli.parse import Parser, pair, value
from porelab_gui.cli.results import describe, write_outputs
from porelab_gui.cli.terminal import Bar
from porelab_gui.core.cases import Case, images_in, on_image, plot_cases, run_cases, span, sweep
from porelab_gui.core.export.methods import export
from porelab_gui.core.progress import silent
from porelab_gui.core.recipe import Recipe, Replay, replay
from porelab_gui.core.recipe_files import check_writes


def main(words: list[str]) -> int:
    """Replay, say where result, input or version differs from the recorded one, write the last state of every item."""
    given = _parser().parse_args(words)
    fixed, spans = _settings(given.set)
    images = [*given.image, *(images_in(given.batch) if given.batch else [])]
    size = None if given.voxel_size is None else value(given.voxel_size)
    recipe = Recipe.load(given.recipe)
    check_writes(recipe, given.recipe.parent)
    if spans or given.batch or len(images) > 1:
        return _many(recipe, sweep(fixed, spans, images), size, given.out, given.recipe.name)
    return _one(on_image(recipe, images[0], size) if images else recipe, fixed, given.out, given.recipe.name)


def _parser() -> Parser:
    parser = Parser(prog="porelab run", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("image", type=Path, nargs="*", help="run on these images instead of the recorded one")
    parser.add_argument("--batch", type=Path, metavar="DIR", help="run on every image in a folder")
    parser.add_argument("--voxel-size", metavar="METRES", help="voxel edge of these images: one number or z,y,x")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="STEP.PARAM=VALUE",
        help="change a parameter; start:stop:step runs the recipe for each value",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write every item and the recipe of this run here")
    return parser


def _settings(words: list[str]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    fixed: dict[str, Any] = {}
    spans: dict[str, list[Any]] = {}
    for key, word in (pair(w, "STEP.PARAM=VALUE") for w in words):
        values = span(word)
        if values is None:
            fixed[key] = value(word)
        else:
            spans[key] = list(values)
    return fixed, spans


def _one(recipe: Recipe, settings: dict[str, Any], out: Path | None, name: str) -> int:
    with Bar(name) as bar:
        result = replay(recipe.changed(settings), progress=bar)
    _tell(result)
    if out:
        _write(result, out)
    for item, noun in result.items.items():
        print(describe(item, noun))
    return 0


def _many(recipe: Recipe, cases: list[Case], voxel_size: Any, out: Path | None, name: str) -> int:
    """A row per run on the screen, in runs.csv and runs.png; every run in a folder of its own under ``out``."""
    for case in cases[:1]:
        recipe.changed(case.settings)  # a wrong name is refused before anything runs

    def after(k: int, case: Case, result: Replay) -> None:
        if out:
            stem = f"-{case.image.stem}" if case.image else ""
            _write(result, out / f"run{k + 1:04d}{stem}")

    with Bar(name) as bar:
        table = run_cases(recipe, cases, bar, voxel_size, after)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        export(table, out / "runs.csv", silent)
        plot_cases(table, out / "runs.png")
    print(describe("runs", table))
    return 1 if "failure" in table.columns else 0


def _tell(result: Replay) -> None:
    for sentence in result.differences:
        print(f"porelab: {sentence}", file=sys.stderr)


def _write(result: Replay, out: Path) -> None:
    write_outputs(result.items, out, folder=True)
    result.recipe.save(out / "recipe.yaml")
