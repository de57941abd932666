"""Projects in the window: saved and opened in the background, claimed by one window, found again after a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QDialog, QFileDialog, QMessageBox, QWidget

from porelab_gui.core.atomic import as_write_error
from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import Noun
from porelab_gui.core.progress import Progress
from porelab_gui.core.recipe import Recipe
from porelab_gui.gui.autosaving import Autosaver, recovery_root
from porelab_gui.gui.context import Context
from porelab_gui.gui.disk_job import disk_job
from porelab_gui.gui.waiting import wait_while
from porelab_gui.session import project, recovery
from porelab_gui.session.claim import Claim, claim
from porelab_gui.session.jobs import Job, State
from porelab_gui.session.session import Session

ELSEWHERE = "the project is open in another window"
REMEDY = "Save it under another name, or close the other window."


class ProjectDesk(QObject):
    """The project of a window: its folder, whether it may be written, what of it is saved. One per session."""

    _known: ClassVar[WeakKeyDictionary[Session, ProjectDesk]] = WeakKeyDictionary()

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(parent)
        self.context, self.parent_ = context, parent
        self.folder: Path | None = None
        self.read_only = False
        self.dialog: QDialog | None = None
        self.remember: Callable[[Path], None] = lambda _: None
        self._claim: Claim | None = None
        self._saved: Any = None
        self._written: project.Known = {}
        self.autosaver = Autosaver(context, self, self._told)
        context.session.stepped.connect(self._retitle)

    @classmethod
    def of(cls, context: Context, parent: QWidget) -> ProjectDesk:
        """The desk of a session, made when first asked for."""
        if context.session not in cls._known:
            cls._known[context.session] = cls(context, parent)
        return cls._known[context.session]

    @property
    def unsaved(self) -> bool:
        """Whether something would be lost with the window."""
        return bool(self.context.session.items) and self.context.session.items is not self._saved

    # -- saving

    def save(self) -> Job | None:
        """Save into the project's own folder; asks for one where there is none."""
        if self.folder is None:
            return self.save_as()
        return self.save_in(self.folder)

    def save_as(self) -> Job | None:
        """Ask for a folder and save there; the window goes on with that project."""
        name = self.folder.name if self.folder else "project.porelab"
        chosen, _ = QFileDialog.getSaveFileName(self.parent_, "Save project as a folder", name)
        return self.save_in(Path(chosen)) if chosen else None

    def save_in(self, folder: Path) -> Job | None:
        """Save all data and the recipe as a background job; a toast says how it ended."""
        try:
            self._take(folder)
        except PorelabError as error:
            self.context.report(error)
            return None
        items, recipe, written = self.context.session.items, self.context.session.recipe, self._written

        def work(progress: Progress) -> None:
            project.save(folder, items, recipe, progress, written)

        def done() -> None:
            self._saved = items
            self.context.notify(f"Project saved in {folder.name}.")
            self._now_in(folder)
            self.autosaver.save()

        return disk_job(self.context.session, "save_project", "Save project", work, done)

    def _take(self, folder: Path) -> None:
        """Claim a folder to write in; PorelabError when another window holds it."""
        if self._claim is not None and self._claim.folder == folder:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise as_write_error(error, folder) from error
        held = claim(folder)
        if held is None:
            raise PorelabError(f"nothing was saved: {ELSEWHERE}, or may not be written", where=folder, remedy=REMEDY)
        self._let_go()
        self._claim, self._written = held, {}

    # -- opening

    def ask_open(self) -> None:
        """Ask for a folder and open it."""
        chosen = QFileDialog.getExistingDirectory(self.parent_, "Open a project folder")
        if chosen:
            self.open(Path(chosen))

    def open(self, folder: Path) -> Job:
        """Open a project in place of what is there (undo brings that back); read-only when another window has it."""
        found: list[project.Opened] = []

        def work(progress: Progress) -> None:
            found.append(project.open_project(folder, progress))

        def done() -> None:
            if self._claim is None or self._claim.folder != folder:
                self._let_go()
                self._claim, self._written = claim(folder), {}
            self._show(found[0], "open project")
            self._saved = self.context.session.items
            self._now_in(folder)
            if self.read_only:
                text = f"{folder.name} is read-only here: {ELSEWHERE}, or it may not be written."
                self.context.notify(f"{text} Save it under another name to go on.", "warning")

        return disk_job(self.context.session, "open_project", "Open project", work, done)

    def close_project(self) -> None:
        """Forget project and data (undo brings the data back)."""
        self._let_go()
        self.folder, self.read_only, self._saved = None, False, None
        self.context.session.clear()

    def _show(self, opened: project.Opened, title: str) -> None:
        self.context.session.replace(opened.items, opened.recipe, title)
        for note in opened.notes:
            self.context.notify(note, "warning")
        if opened.missing:
            from porelab_gui.gui.relocating import ask_relocate

            ask_relocate(self, opened.missing)

    # -- after a crash

    def offer_recovery(self) -> None:
        """Offer what sessions that ended badly have left behind."""
        left = recovery.left_behind(recovery_root())
        if left and self.dialog is None:
            from porelab_gui.gui.dialogs.recover import RecoverDialog

            dialog = RecoverDialog(self.parent_, left)
            dialog.chosen.connect(self.recover)
            dialog.unwanted.connect(recovery.discard)
            self.show(dialog)

    def recover(self, left: recovery.Left) -> Job:
        """Bring unsaved work back; voxels painted since the last step become a step of corrections."""
        found: list[tuple[project.Opened, dict[str, Any]]] = []

        def work(progress: Progress) -> None:
            found.append(recovery.bring_back(left, progress))

        def done() -> None:
            opened, painted = found[0]
            self._show(opened, "recover")
            self._saved, self._written = None, {}
            if left.project and Path(left.project).is_dir():
                self._let_go()
                self._claim = claim(Path(left.project))
                self._now_in(Path(left.project))
            for name, edits in painted.items():
                self._apply(name, edits)
            self.context.notify(f"Brought back {left.title or 'unsaved work'}; save it when it is right.")
            self.autosaver.save()

        return disk_job(self.context.session, "recover", "Bring back unsaved work", work, done)

    def _apply(self, name: str, edits: Any) -> None:
        from porelab_gui.core.image.correct import save_edits
        from porelab_gui.gui.settings import edits_folder

        path = edits_folder() / f"{edits.content_hash}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_edits(edits, path)
        params = {"path": str(path), "digest": edits.content_hash}
        self.context.session.run("correct_labels", params, {"labels": name}, {"labels": name})

    # -- the window

    def show(self, dialog: QDialog) -> None:
        """Put a question on the screen."""
        from porelab_gui.gui.theme import follow_theme

        follow_theme(dialog, self.context.viewer)
        self.dialog = dialog
        dialog.finished.connect(lambda _: setattr(self, "dialog", None))
        dialog.open()

    def may_close(self) -> bool:
        """Ask a person who closes the window what becomes of unsaved work; False keeps the window."""
        if not self.unsaved:
            return True
        ask = QMessageBox.StandardButton
        text = f"Save {self.folder.name if self.folder else 'the session'} before closing?"
        answer = QMessageBox.question(self.parent_, "PoreLab", text, ask.Save | ask.Discard | ask.Cancel)
        if answer == ask.Save:
            job = self.save()
            wait_while(lambda: job is not None and job in self.context.session.queue.active)
            return job is not None and job.state is State.DONE
        return bool(answer == ask.Discard)

    def shut(self) -> None:
        """The window closes: nothing is left behind, and others may write."""
        self.autosaver.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _now_in(self, folder: Path) -> None:
        self.folder, self.read_only = folder, self._claim is None
        self.remember(folder)
        self._retitle()

    def _told(self) -> tuple[str, str, Any]:
        steps = self.context.session.recipe.steps
        loaded = next((n for s in steps if s.method == "load" for n in s.outputs.values()), "")
        return (self.folder.name if self.folder else loaded), str(self.folder or ""), self._saved

    def _retitle(self) -> None:
        if self.folder is None:
            self.context.viewer.title = "PoreLab"
            return
        mark = " (read-only)" if self.read_only else " *" if self.unsaved else ""
        self.context.viewer.title = f"{self.folder.name}{mark} — PoreLab"

    def put_recipe(self, recipe: Recipe, items: Mapping[str, Noun]) -> None:
        """Other files under the same steps, and the data that were read from them."""
        self.context.session.replace({**self.context.session.items, **items}, recipe, "relocate files")
