"""Below the steps: undo, redo and the recipe, wherever the stepper is docked."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QWidget

from porelab_gui.gui.context import Context
from porelab_gui.gui.dialogs.many_runs import ask_many_runs
from porelab_gui.gui.recipes import ask_replay, ask_save
from porelab_gui.gui.reporting import ask_report
from porelab_gui.gui.theme import role
from porelab_gui.gui.undoing import redo, redo_title, undo, undo_title
from porelab_gui.gui.what import question

ABOUT = (
    "The steps from an image to permeability and formation factor. Networks as in Gostick, Phys. Rev. E 96, 023307 "
    "(2017), with OpenPNM, Gostick et al., Comput. Sci. Eng. 18 (2016) 60, and PoreSpy, Gostick et al., J. Open Source "
    "Softw. 4 (2019) 1296; shown by napari, doi 10.5281/zenodo.3555620. Every page names its own source."
)


class Foot(QWidget):
    """Undo and redo that say what they would do, the report, and a menu for the recipe."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.undo, self.redo, self.recipe = QPushButton("Undo"), QPushButton("Redo"), QToolButton()
        self.undo.clicked.connect(lambda: undo(context))
        self.redo.clicked.connect(lambda: redo(context))
        self.report = QPushButton("Report…")
        self.report.setToolTip(
            "HTML page and PDF of this session: pictures, tables, laws, citations, how to repeat it."
        )
        self.report.clicked.connect(lambda: ask_report(context, self))
        self.recipe.setText("Recipe")
        role(self.recipe, "menu")
        self.recipe.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.recipe)
        menu.addAction("Save recipe…", lambda: ask_save(context, self))
        menu.addAction("Save as Python script…", lambda: ask_save(context, self, script=True))
        menu.addAction("Replay a recipe…", lambda: ask_replay(context, self))
        menu.addAction("Many runs: sweep or batch…", lambda: ask_many_runs(context, self.window()))
        self.recipe.setMenu(menu)
        for widget in (self.undo, self.redo):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(question(ABOUT))
        row.addWidget(self.report)
        row.addWidget(self.recipe)
        context.session.stepped.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Say what the buttons would do."""
        back, again = undo_title(self.context), redo_title(self.context)
        self.undo.setToolTip(f"Undo: {back}" if back else "There is nothing to undo.")
        self.redo.setToolTip(f"Redo: {again}" if again else "There is nothing to do again.")
        self.undo.setEnabled(bool(back))
        self.redo.setEnabled(bool(again))
        count = len(self.context.session.recipe.steps)
        self.recipe.setText(f"Recipe ({count})" if count else "Recipe")
