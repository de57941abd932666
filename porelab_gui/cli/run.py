"""``porelab run RECIPE.yaml``: replays a recipe without a screen."""

from __future__ import annotations

import sys
from pathlib import Path

from porelab_gui.cli.parse import Parser, pair, value
from porelab_gui.cli.results import describe, write_outputs
from porelab_gui.cli.terminal import Bar
from porelab_gui.core.recipe import Recipe, replay


def main(words: list[str]) -> int:
    """Replay, say where a result differs from the recorded one, write the last state of every item."""
    parser = Parser(prog="porelab run", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="STEP.PARAM=VALUE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write every item and the recipe of this run here")
    given = parser.parse_args(words)
    settings = {k: value(v) for k, v in (pair(w, "STEP.PARAM=VALUE") for w in given.set)}
    recipe = Recipe.load(given.recipe).changed(settings)
    with Bar(given.recipe.name) as bar:
        result = replay(recipe, progress=bar)
    for sentence in result.differences:
        print(f"porelab: {sentence}", file=sys.stderr)
    if given.out:
        write_outputs(result.items, given.out, folder=True)
        result.recipe.save(given.out / "recipe.yaml")
    for name, noun in result.items.items():
        print(describe(name, noun))
    return 0
