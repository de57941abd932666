"""Source files that have moved: asks where they are and takes those that moved along with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QLabel, QListWidget, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Noun
from porelab_gui.core.progress import Progress
from porelab_gui.core.recipe_files import file_of, found_again, relocated
from porelab_gui.core.registry import get
from porelab_gui.gui.disk_job import disk_job
from porelab_gui.gui.theme import role

if TYPE_CHECKING:
    from porelab_gui.gui.projects import ProjectDesk

Found = tuple[dict[str, Noun], list[str]]


class RelocateDialog(QDialog):
    """``found(old, new)`` when the user has pointed at a file that moved."""

    found = Signal(object, object)

    def __init__(self, parent: QWidget | None, missing: Sequence[Path]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Files have moved")
        column = QVBoxLayout(self)
        label = QLabel("The project was made from files that are no longer at their place. Say where one of them is: "
                       "others that moved along with it are found too.")  # fmt: skip
        label.setWordWrap(True)
        label.setMinimumWidth(460)
        self.names = QListWidget()
        self.names.addItems([str(p) for p in missing])
        self.names.setCurrentRow(0)
        note = QLabel("Without them the results stay, and the recipe cannot be replayed.")
        note.setWordWrap(True)
        for widget in (label, self.names, role(note, "quiet")):
            column.addWidget(widget)
        buttons = QDialogButtonBox()
        self.locate = buttons.addButton("Locate…", QDialogButtonBox.ButtonRole.AcceptRole)
        self.leave = buttons.addButton("Leave it", QDialogButtonBox.ButtonRole.RejectRole)
        role(self.locate, "primary")
        buttons.accepted.connect(self._ask)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def _ask(self) -> None:
        old = Path(self.names.currentItem().text())
        if old.suffix:
            chosen, _ = QFileDialog.getOpenFileName(self, f"Where is {old.name}?", "", f"*{old.suffix};;All files (*)")
        else:
            chosen = QFileDialog.getExistingDirectory(self, f"Where is {old.name}?")
        if chosen:
            self.accept()
            self.found.emit(old, Path(chosen))


def ask_relocate(desk: ProjectDesk, missing: Sequence[Path]) -> None:
    """Ask for files of the recipe that are gone."""
    dialog = RelocateDialog(desk.parent_, missing)
    dialog.found.connect(lambda old, new: relocate(desk, old, new))
    desk.show(dialog)


def relocate(desk: ProjectDesk, old: Path, new: Path) -> None:
    """Put files at their new places into the recipe; they are read, and one that is another image is named."""
    session = desk.context.session
    known = found_again(session.recipe, old, new)
    recipe = relocated(session.recipe, known)
    steps = [s for s in recipe.steps if s.method == "load" and file_of(s) in known.values()]
    made: Found = ({}, [])

    def work(progress: Progress) -> None:
        for done, step in enumerate(steps):
            progress(done, len(steps), step.id)
            noun = get("load")({}, step.params)["image"]
            name = step.outputs.get("image", "image")
            if step.hashes.get("image", noun.content_hash) != noun.content_hash:
                made[1].append(f"{file_of(step)} is not the file from which {name} was made.")
            elif name not in session.items:
                made[0][name] = noun.renamed(name)

    def done() -> None:
        desk.put_recipe(recipe, made[0])
        for text in made[1]:
            desk.context.notify(text, "warning")
        desk.context.notify(f"Found {len(known)} of the moved files; save the project to keep their new places.")

    disk_job(session, "relocate", "Read moved files", work, done)
