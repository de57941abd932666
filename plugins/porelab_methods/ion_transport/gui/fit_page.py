"""Fit a membrane to a table of rejections: form, parameters with their intervals, and a way to use what was found."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Table
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.numbers import show
from porelab_gui.gui.tables import TableView
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job, State
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.tune_runs import STRENGTHS

NEED = "Columns: ion, feed [mol/m3], flux [m/s], rejection [1]; optional experiment, membrane, sigma."


class OpenTable(QPushButton):
    """Opens a CSV file as a table of the session, as a step of the recipe."""

    def __init__(self, context: Context) -> None:
        super().__init__("Open a table (CSV) …")
        self.context = context
        self.setToolTip(NEED)
        self.clicked.connect(self._ask)

    def open(self, path: Path) -> Job:
        """Load one file."""
        return self.context.session.run("load_table", {"path": str(path)}, {}, {"table": path.stem})

    def _ask(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open a table", "", "Tables (*.csv)")
        if name:
            self.open(Path(name))


class TableForm(QWidget):
    """The form of a Method that learns from a table, with a button that opens one."""

    def __init__(self, context: Context, method: str) -> None:
        super().__init__()
        self.context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.opener = OpenTable(context)
        self.form = MethodForm(context, method)
        need = role(QLabel(NEED), "quiet")
        need.setWordWrap(True)
        for widget in (self.form, self.opener, need):
            column.addWidget(widget)


class FitPage(TableForm):
    """``used(membrane, strengths)`` when the fitted membrane is taken over; by DSPM-DE there are no strengths."""

    used = Signal(object, object)

    def __init__(self, context: Context, method: str = "fit_membrane") -> None:
        super().__init__(context, method)
        self.found: dict[str, float] = {}
        self.said = QLabel()
        self.said.setObjectName("fitted")
        self.said.setWordWrap(True)
        self.table = TableView(context)
        self.use = QPushButton("Use this membrane")
        for widget in (self.said, self.table, self.use):
            self.layout().addWidget(widget)
            widget.hide()
        self.use.clicked.connect(self._use)
        self.form.finished.connect(self._show)

    def _show(self, job: Job) -> None:
        if job.state is not State.DONE or not job.outputs:
            return
        membrane, comparison = job.outputs["membrane"], job.outputs["comparison"]
        assert isinstance(membrane, Table) and isinstance(comparison, Table)
        self.found = {str(n): float(v) for n, v in zip(membrane["parameter"], membrane["value"], strict=True)}
        confidence = float(job.params.model_dump().get("confidence", 0.954))  # two standard errors
        self.said.setText("\n".join([*sentences(membrane, confidence), *membrane.notes]))
        self.table.show_table(comparison)
        self.table.fit_height()
        for widget in (self.said, self.table, self.use):
            widget.show()

    def _use(self) -> None:
        strengths = {n: v for n, v in self.found.items() if n in STRENGTHS}
        self.used.emit(Membrane(**{n: v for n, v in self.found.items() if n not in STRENGTHS}), strengths)


def sentences(membrane: Table, confidence: float) -> list[str]:
    """Every fitted parameter with the ends of its confidence interval."""
    lines = []
    for name, value, low, high, unit in zip(*(membrane[k] for k in membrane.columns), strict=True):
        ends = f"{show(float(low), unit, 3)} to {show(float(high), unit, 3)}"
        words = str(name).replace("_", " ").capitalize()
        lines.append(f"{words} {show(float(value), unit, 3)} ({100 * confidence:g} %: {ends})")
    return lines
