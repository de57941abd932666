"""Projects in the window: save in the background, open, and say what could not be found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QWidget

from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Noun
from porelab_gui.core.progress import Progress
from porelab_gui.gui.context import Context
from porelab_gui.session import project
from porelab_gui.session.jobs import Job, State


class _Nothing(Params):
    """A job of the window itself has no parameters."""


def save_project(context: Context, folder: Path) -> Job:
    """Save all data and the recipe as a background job; a toast says how it ended."""
    items, recipe = dict(context.session.items), context.session.recipe

    def run(_inputs: Any, _params: Any, progress: Progress) -> dict[str, Noun]:
        project.save(folder, items, recipe, progress)
        return {}

    def done(job: Job) -> None:
        if job.state is State.DONE:
            context.notify(f"Project saved in {folder.name}.")
        elif job.error is not None:
            context.report(job.error, job.trace)

    return context.session.queue.submit(_job("save_project", "Save project", run), {}, _Nothing(), done)


def open_project(context: Context, folder: Path) -> Job:
    """Open a project in place of what is there (undo brings that back)."""
    found: list[project.Opened] = []

    def run(_inputs: Any, _params: Any, progress: Progress) -> dict[str, Noun]:
        found.append(project.open_project(folder, progress))
        return {}

    def done(job: Job) -> None:
        if job.state is State.DONE:
            context.session.replace(found[0].items, found[0].recipe, "open project")
            for note in found[0].notes:
                context.notify(note, "warning")
        elif job.error is not None:
            context.report(job.error, job.trace)

    return context.session.queue.submit(_job("open_project", "Open project", run), {}, _Nothing(), done)


def ask_save(context: Context, parent: QWidget) -> None:
    """Ask for a folder and save."""
    chosen, _ = QFileDialog.getSaveFileName(parent, "Save project as a folder", "project.porelab")
    if chosen:
        save_project(context, Path(chosen))


def ask_open(context: Context, parent: QWidget) -> None:
    """Ask for a folder and open it."""
    chosen = QFileDialog.getExistingDirectory(parent, "Open a project folder")
    if chosen:
        open_project(context, Path(chosen))


def _job(name: str, title: str, run: Any) -> Method:
    return Method(name, title, title + ".", "Export", "", _Nothing, {}, {}, run, lane="gpu")
