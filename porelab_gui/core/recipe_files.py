"""The files that a recipe reads: found beside it, missing, moved to another place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.recipe import Recipe, RecipeStep

READERS = {"load": "path", "correct_labels": "path"}  # Methods that read a file, and the parameter that names it


def file_of(step: RecipeStep) -> Path | None:
    """The file that a step reads, or None."""
    text = str(step.params.get(READERS[step.method], "")) if step.method in READERS else ""
    return Path(text) if text else None


def files_of(recipe: Recipe) -> tuple[Path, ...]:
    """Every file that a recipe reads, in order, each once."""
    return tuple(dict.fromkeys(f for f in map(file_of, recipe.steps) if f is not None))


def missing_files(recipe: Recipe) -> tuple[Path, ...]:
    """The files of a recipe that are not there."""
    return tuple(f for f in files_of(recipe) if not f.exists())


def check_writes(recipe: Recipe, folder: Path) -> None:
    """PorelabError when the recipe would write over a file that is neither in its ``folder`` nor in the current one."""
    ours = (folder.resolve(), Path.cwd().resolve())
    for step in recipe.steps:
        target = Path(str(step.params.get("path", ""))).expanduser().resolve()
        if step.method == "export" and target.is_file() and not any(target.is_relative_to(o) for o in ours):
            raise PorelabError(
                f"its step {step.id} would write over {target}",
                where=folder,
                remedy="Move that file away, or run the recipe from the folder that it lies in.",
            )


def with_files(recipe: Recipe, moved: Callable[[Path], Path]) -> Recipe:
    """The recipe with every file that it reads replaced by ``moved(file)``."""
    steps = []
    for step in recipe.steps:
        file = file_of(step)
        if file is not None:
            step = replace(step, params={**step.params, READERS[step.method]: str(moved(file))})
        steps.append(step)
    return replace(recipe, steps=tuple(steps))


def beside(recipe: Recipe, folder: Path) -> Recipe:
    """Relative names of files made absolute where they lie beside the recipe, in ``folder``."""

    def found(file: Path) -> Path:
        there = folder.resolve() / file
        return there if not file.is_absolute() and there.exists() else file

    return with_files(recipe, found)


def relative_to(recipe: Recipe, folder: Path) -> Recipe:
    """Files inside ``folder`` named relative to it, so that the folder can be moved."""
    root = folder.resolve()

    def short(file: Path) -> Path:
        return file.resolve().relative_to(root) if file.resolve().is_relative_to(root) else file

    return with_files(recipe, short)


def found_again(recipe: Recipe, old: Path, new: Path) -> dict[Path, Path]:
    """Where missing files are now, given that ``old`` is ``new``: others that moved along with it are found too."""
    known = {old: new}
    for file in missing_files(recipe):
        for old_root, new_root in zip(old.parents, new.parents, strict=False):
            if file.is_relative_to(old_root) and (there := new_root / file.relative_to(old_root)).exists():
                known.setdefault(file, there)
            if old_root.name != new_root.name:
                break
    return known


def relocated(recipe: Recipe, known: Mapping[Path, Path]) -> Recipe:
    """The recipe with files at their new places."""
    return with_files(recipe, lambda file: known.get(file, file))
