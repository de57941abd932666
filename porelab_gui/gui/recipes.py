"""Recipes in the window: save, save as a script, replay."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import PorelabError
from porelab_gui.core.image.correct import with_edits_beside
from porelab_gui.core.recipe import Recipe, RecipeStep
from porelab_gui.core.recipe_files import check_writes
from porelab_gui.gui.context import Context
from porelab_gui.session.jobs import Job, State


def save_recipe(context: Context, path: Path) -> None:
    """Write the steps done so far; corrections by hand are copied beside the recipe."""
    try:
        recipe = with_edits_beside(context.session.recipe, path)
        recipe.save(path)
    except PorelabError as error:
        context.report(error)
        return
    context.notify(f"Recipe with {len(recipe.steps)} steps saved as {path.name}.")


def save_script(context: Context, path: Path) -> None:
    """Write the steps as a Python script."""
    try:
        recipe = with_edits_beside(context.session.recipe, path)
        with writing(path, "w") as handle:
            handle.write(recipe.as_script())
    except PorelabError as error:
        context.report(error)
        return
    context.notify(f"Script with {len(recipe.steps)} steps saved as {path.name}.")


def replay_here(context: Context, path: Path) -> None:
    """Run the steps of a recipe in this window, one job after another; data already open stay."""
    try:
        recipe = Recipe.load(path)
        check_writes(recipe, path.parent)
    except PorelabError as error:
        context.report(error)
        return
    if recipe.steps:
        Replayer(context, recipe).next()


class Replayer:
    """Feeds the queue one step at a time, and says where a result differs from the recorded one."""

    def __init__(self, context: Context, recipe: Recipe) -> None:
        self.context, self.waiting, self.total = context, list(recipe.steps), len(recipe.steps)
        self.differences: list[str] = []

    def next(self) -> None:
        """Queue the next step, or say that all is done."""
        if not self.waiting:
            self._conclude()
            return
        step = self.waiting.pop(0)
        try:
            self.context.session.run(
                step.method, step.params, step.inputs, step.outputs, done=lambda job: self._after(job, step)
            )
        except PorelabError as error:
            self.context.report(error)

    def _after(self, job: Job, step: RecipeStep) -> None:
        if job.state is not State.DONE:
            left = len(self.waiting)
            self.context.notify(f"The replay stopped at {step.id}; {left} steps were not run.", "warning")
            return
        for port, digest in job.hashes.items():
            if step.hashes.get(port, digest) != digest:
                self.differences.append(f"{step.id}: {step.outputs.get(port, port)} differs from the recorded result")
        self.next()

    def _conclude(self) -> None:
        if self.differences:
            details = "\n".join(self.differences)
            self.context.notify(f"{len(self.differences)} results differ from the recipe's.", "warning", details)
        else:
            self.context.notify(f"Replayed {self.total} steps; every result is the recorded one.")


def ask_save(context: Context, parent: QWidget, script: bool = False) -> None:
    """The dialog for saving, when there is something to save."""
    if not context.session.recipe.steps:
        context.notify("There are no steps to save yet. Load an image first.", "warning")
        return
    kind, name = ("Python script (*.py)", "recipe.py") if script else ("Recipe (*.yaml)", "recipe.yaml")
    chosen, _ = QFileDialog.getSaveFileName(parent, "Save recipe", name, kind)
    if chosen:
        (save_script if script else save_recipe)(context, Path(chosen))


def ask_replay(context: Context, parent: QWidget) -> None:
    """The dialog for a recipe to replay."""
    chosen, _ = QFileDialog.getOpenFileName(parent, "Replay a recipe", "", "Recipe (*.yaml *.yml)")
    if chosen:
        replay_here(context, Path(chosen))
