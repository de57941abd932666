"""A parameter sweep or a folder of images: the steps of the session, once per value and image, as one job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.cases import Case, images_in, several, sweep
from porelab_gui.core.errors import PorelabError
from porelab_gui.core.recipe import Recipe, RecipeStep
from porelab_gui.core.registry import get
from porelab_gui.gui.choices import refill
from porelab_gui.gui.context import Context
from porelab_gui.gui.dialogs.runs_plot import RunsPlot
from porelab_gui.gui.form.build import label_of, tooltip_of
from porelab_gui.gui.tables import TableView
from porelab_gui.gui.theme import follow_theme, restyle, role
from porelab_gui.session.jobs import FINISHED, Job, State
from porelab_gui.session.many_runs import many_runs, table_of
from porelab_gui.session.session import Session

NO_STEPS = "There are no steps yet: do once by hand what is to be done many times."
EXPLAIN = (
    "Every step of this session runs again, once per value and per image, without touching the data that are open. "
    "Steps that runs share are done once; a run that fails has its sentence in the table."
)
MICRO = 1e-6


class SpanRow(QWidget):
    """One parameter of one step, and the values that it takes. ``changed`` after every edit."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.recipe = Recipe()
        self.step, self.parameter, self.values = QComboBox(), QComboBox(), QLineEdit()
        self.remove = QPushButton("Remove")
        for widget, name, words in (
            (self.step, "sweep_step", "Step"),
            (self.parameter, "sweep_parameter", "Parameter"),
            (self.values, "sweep_values", "Values"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(words)
        for combo in (self.step, self.parameter):
            combo.setMinimumContentsLength(18)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.values.setPlaceholderText("start:stop:step, or values and commas")
        self.values.setMinimumWidth(190)
        self.now = role(QLabel(), "quiet")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for part, stretch in ((self.step, 2), (self.parameter, 2), (self.values, 2), (self.now, 2), (self.remove, 0)):
            row.addWidget(part, stretch)
        self.step.currentIndexChanged.connect(lambda _: self._offer_parameters())
        self.parameter.currentIndexChanged.connect(lambda _: self._on_parameter())
        self.values.textChanged.connect(lambda _: self.changed.emit())

    def offer(self, recipe: Recipe) -> None:
        """List the steps of a recipe that have parameters; what is chosen stays where it is still there."""
        before, self.recipe = (self.step.currentData(), self.parameter.currentData()), recipe
        steps = [s for s in recipe.steps if get(s.method).params.model_fields]
        refill(self.step, ((_named(s), s.id) for s in steps), before[0])
        self._offer_parameters()
        if self.step.currentData() == before[0]:
            self.parameter.setCurrentIndex(max(0, self.parameter.findData(before[1])))

    def span(self) -> tuple[str, list[Any]] | None:
        """(STEP.PARAM, values); None where no values are given; ParameterError where they are none."""
        key = f"{self.step.currentData()}.{self.parameter.currentData()}"
        return (key, several(self.values.text())) if self.values.text().strip() else None

    def _offer_parameters(self) -> None:
        step = self._step()
        fields = get(step.method).params.model_fields if step is not None else {}
        numeric = [k for k, info in fields.items() if info.annotation in (int, float)]
        refill(self.parameter, ((label_of(k, info), k) for k, info in fields.items()), numeric[0] if numeric else "")
        for row, info in enumerate(fields.values()):
            self.parameter.setItemData(row, tooltip_of(info), Qt.ItemDataRole.ToolTipRole)
        self._on_parameter()

    def _step(self) -> Any:
        return next((s for s in self.recipe.steps if s.id == self.step.currentData()), None)

    def _on_parameter(self) -> None:
        step, name = self._step(), self.parameter.currentData()
        if step is None or not name:
            self.now.setText("")
            return
        info = get(step.method).params.model_fields[name]
        unit = dict(info.json_schema_extra or {}).get("unit", "")  # type: ignore[arg-type]
        self.now.setText(f"now {step.params.get(name, info.default)}{f' {unit}' if unit not in ('', '1') else ''}")
        self.now.setToolTip(tooltip_of(info))
        self.changed.emit()


def _named(step: RecipeStep) -> str:
    """A step as one reads it: the title of its Method, and a number where it ran more than once."""
    return f"{get(step.method).title}{step.id.removeprefix(step.method).replace('_', ' ')}"


class ManyRunsDialog(QDialog):
    """Settings above, results below; stays while the job runs, and the window with it. One per session."""

    _known: ClassVar[WeakKeyDictionary[Session, ManyRunsDialog]] = WeakKeyDictionary()

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(parent)
        self.context = context
        self.job: Job | None = None
        self.rows: list[SpanRow] = []
        self._listed: tuple[tuple[str, int], Sequence[Path]] = (("", 0), ())
        self.setWindowTitle("Many runs: sweep or batch")
        self.resize(980, 640)
        self.add_button, self.run_button, self.stop_button = (
            QPushButton("Add a parameter"),
            QPushButton("Run"),
            QPushButton("Stop"),
        )
        self.folder, self.browse, self.voxel = QLineEdit(), QPushButton("Browse…"), QLineEdit()
        self.told, self.bar = QLabel(), QProgressBar()
        self.table, self.plot = TableView(context), RunsPlot(context)
        self._arrange()
        self._connect()
        self.add()
        follow_theme(self, context.viewer)

    @classmethod
    def of(cls, context: Context, parent: QWidget) -> ManyRunsDialog:
        """The dialog of a session, made when first asked for."""
        if context.session not in cls._known:
            cls._known[context.session] = cls(context, parent)
        return cls._known[context.session]

    # -- what buttons do

    def add(self) -> SpanRow:
        """One more parameter; several make every combination."""
        row = SpanRow()
        row.offer(self.context.session.recipe)
        row.changed.connect(self.refresh)
        row.remove.clicked.connect(lambda: self._remove(row))
        self.rows.append(row)
        self._rows.addWidget(row)
        self.refresh()
        return row

    def cases(self) -> list[Case]:
        """Every run that is asked for; PorelabError naming what is wrong."""
        spans = dict(found for row in self.rows if (found := row.span()) is not None)
        images = self.images()
        return sweep({}, spans, images) if spans or images else []

    def images(self) -> Sequence[Path]:
        """The images of the folder, which is listed anew when it has changed, not at every key."""
        text = self.folder.text().strip()
        folder = Path(text)
        key = (text, folder.stat().st_mtime_ns if folder.is_dir() else 0)
        if text and key != self._listed[0]:
            self._listed = (key, images_in(folder))
        return self._listed[1] if text else ()

    def run(self) -> Job | None:
        """Queue all runs as one job."""
        try:
            size = float(self.voxel.text().replace(",", ".")) * MICRO if self.voxel.text().strip() else None
            self.job = many_runs(self.context.session.queue, self.context.session.recipe, self.cases(), size)
        except (PorelabError, ValueError) as error:
            self._tell(getattr(error, "sentence", str(error)), bad=True)
            return None
        self.refresh()
        self._on_job(self.job)
        return self.job

    # -- keeping up

    def refresh(self) -> None:
        """Say how many runs are asked for, or what is wrong."""
        steps = len(self.context.session.recipe.steps)
        running = self.job is not None and self.job.state not in FINISHED
        good = False
        try:
            count = len(self.cases()) if steps else 0
            good = bool(count)
            words = (
                f"{count} runs of {steps} steps." if count else "Give values for a parameter, or a folder of images."
            )
            self._tell(words if steps else NO_STEPS)
        except PorelabError as error:
            self._tell(error.sentence, bad=True)
        self.run_button.setEnabled(good and not running)
        self.run_button.setToolTip("" if good else self.told.text())
        self.stop_button.setEnabled(running)
        for row in self.rows:
            row.remove.setEnabled(len(self.rows) > 1)

    def _on_job(self, job: Job) -> None:
        if job is not self.job:
            return
        self.bar.setVisible(True)
        self.bar.setValue(int(1000 * job.fraction))
        self.bar.setFormat(job.message or job.state.value)
        table = table_of(job)
        if table is not self.plot.table:
            self.table.show_table(table)
            self.plot.show_runs(table)
        if job.state in FINISHED:
            self._finish(job, 0 if table is None else len(table))

    def _finish(self, job: Job, rows: int) -> None:
        self.refresh()
        words = {State.DONE: "Done", State.CANCELLED: "Stopped", State.FAILED: "Failed"}[job.state]
        self.bar.setFormat(f"{words}: {rows} runs")
        if job.state is State.CANCELLED:
            self._tell(f"Stopped after {rows} runs; the table keeps them.")

    def _on_stepped(self) -> None:
        for row in self.rows:
            row.offer(self.context.session.recipe)
        self.refresh()

    def _tell(self, text: str, bad: bool = False) -> None:
        restyle(self.told, "error" if bad else "quiet")
        self.told.setText(text)

    def _remove(self, row: SpanRow) -> None:
        self.rows.remove(row)
        row.setParent(None)
        row.deleteLater()
        self.refresh()

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "A folder of images")
        if chosen:
            self.folder.setText(chosen)

    # -- building

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        text = role(QLabel(EXPLAIN), "quiet")
        text.setWordWrap(True)
        column.addWidget(text)
        self._rows = QVBoxLayout()
        column.addLayout(self._rows)
        column.addLayout(self._images())
        foot = QHBoxLayout()
        role(self.run_button, "primary")
        self.told.setWordWrap(True)
        for widget, stretch in (
            (self.add_button, 0),
            (self.told, 1),
            (self.bar, 1),
            (self.stop_button, 0),
            (self.run_button, 0),
        ):
            foot.addWidget(widget, stretch)
        column.addLayout(foot)
        self.bar.setRange(0, 1000)
        self.bar.hide()
        self.split = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.table, self.plot):
            self.split.addWidget(widget)
        self.split.setSizes([480, 480])
        self.split.setChildrenCollapsible(False)
        column.addWidget(self.split, 1)

    def _images(self) -> QFormLayout:
        form = QFormLayout()
        row = QHBoxLayout()
        self.folder.setPlaceholderText("empty: the image of this session")
        self.folder.setAccessibleName("Images in")
        self.browse.setAccessibleName("Browse for a folder of images")
        self.voxel.setPlaceholderText("as the files say")
        self.voxel.setAccessibleName("Voxel edge of these images in micrometres")
        self.voxel.setMaximumWidth(120)
        for widget, stretch in (
            (self.folder, 1),
            (self.browse, 0),
            (QLabel("Voxel edge"), 0),
            (self.voxel, 0),
            (role(QLabel("µm"), "quiet"), 0),
        ):
            row.addWidget(widget, stretch)
        form.addRow("Images in", row)
        return form

    def _connect(self) -> None:
        self.add_button.clicked.connect(lambda: self.add())
        self.run_button.clicked.connect(lambda: self.run())
        self.stop_button.clicked.connect(
            lambda: self.context.session.queue.cancel(self.job) if self.job is not None else None
        )
        self.browse.clicked.connect(self._ask_folder)
        self.folder.textChanged.connect(lambda _: self.refresh())
        self.context.session.queue.changed.connect(self._on_job)
        self.context.session.stepped.connect(self._on_stepped)


def ask_many_runs(context: Context, parent: QWidget) -> ManyRunsDialog:
    """Show the dialog."""
    dialog = ManyRunsDialog.of(context, parent)
    dialog.show()
    dialog.raise_()
    return dialog
