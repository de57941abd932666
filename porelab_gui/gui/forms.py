"""The form of a Method, made from its declaration: inputs, parameters, memory forecast and one primary button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.method import Method
from porelab_gui.core.nouns import Network
from porelab_gui.core.registry import get
from porelab_gui.gui.context import Context
from porelab_gui.gui.form.build import is_advanced, label_of, make_editor, tooltip_of
from porelab_gui.gui.form.editors import ColumnEditor, Editor
from porelab_gui.gui.form.forecast import forecast
from porelab_gui.gui.form.inputs import InputChooser
from porelab_gui.gui.theme import restyle, role
from porelab_gui.gui.what import WhatIsThis
from porelab_gui.session.jobs import Job

REVEAL = 100  # ms: what has just been shown takes its place first
LONGEST = 34  # characters on a button that fit the narrowest column


def short(title: str) -> str:
    """What a button says: the title of its Method where it fits."""
    return title if len(title) <= LONGEST else "Run"


class Field:
    """An editor with its label and the line under it that says what is wrong."""

    def __init__(self, form: QFormLayout, name: str, editor: Editor, label: str, tooltip: str) -> None:
        self.editor = editor
        self.caption = QLabel(label)
        self.caption.setToolTip(tooltip)
        self.caption.setWordWrap(True)
        editor.setToolTip(tooltip)
        editor.setObjectName(name)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        role(self.problem, "error")
        self.problem.hide()
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(editor)
        column.addWidget(self.problem)
        form.addRow(self.caption, box)

    def say(self, problem: str) -> None:
        """Show or clear what is wrong with the value."""
        self.editor.mark(bool(problem))
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))


class MethodForm(QWidget):
    """Everything needed to run one Method.

    ``started(job)`` when the button was pressed and the values were good; ``finished(job)`` when it has ended.
    ``hidden`` names parameters that the caller sets itself through ``set_values``.
    """

    started = Signal(object)
    finished = Signal(object)

    def __init__(
        self,
        context: Context,
        method_name: str,
        *,
        hidden: tuple[str, ...] = (),
        button: str | None = None,
        heading: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.context, self.method = context, get(method_name)
        self.fields: dict[str, Field] = {}
        self._fixed: dict[str, Any] = {}
        self._hidden = hidden
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        if heading:
            self._add_heading()
        self.chooser = InputChooser(context, self.method)
        self._column.addWidget(self.chooser)
        self.outputs: dict[str, QLineEdit] = {}
        self._add_fields()
        self._add_foot(button or short(self.method.title))
        self._timer = QTimer(self, singleShot=True, interval=200)
        self._timer.timeout.connect(self._forecast)
        self.chooser.changed.connect(self._refresh)
        self._refresh()

    # -- what callers use

    def values(self) -> dict[str, Any]:
        """Parameters as they stand; ParameterError or ValueError when one is wrong."""
        found = {name: field.editor.value() for name, field in self.fields.items()}
        return {**found, **self._fixed}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Fill parameters; those without a field of their own are kept for the run."""
        for name, value in values.items():
            if name in self.fields:
                self.fields[name].editor.set_value(value)
            else:
                self._fixed[name] = value
        self._refresh()

    def run(self) -> Job | None:
        """What the button does: check, then queue. None when a value is wrong or an input is missing."""
        if not self.check() or self.chooser.missing():
            return None
        try:
            job = self.context.session.run(
                self.method.name, self.values(), self.chooser.chosen(), self._names(), done=self._done
            )
        except PorelabError as error:
            self.context.report(error)
            return None
        self.started.emit(job)
        return job

    def check(self) -> bool:
        """Mark what is wrong, field by field; True when all is well."""
        problems = self._problems()
        for name, field in self.fields.items():
            field.say(problems.get(name, ""))
        self.general.setText(problems.get("", ""))
        self.general.setVisible("" in problems)
        self._enable(not problems)
        return not problems

    def insert_above_button(self, widget: QWidget) -> None:
        """Put what else belongs to this work right above the button."""
        self._column.insertWidget(self._column.indexOf(self.button), widget)

    def reveal(self, widget: QWidget) -> None:
        """Scroll a result of this page into sight, when it has come while the page is looked at."""
        QTimer.singleShot(REVEAL, self, lambda: self._scroll_to(widget))

    def _scroll_to(self, widget: QWidget) -> None:
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None and widget.isVisible():
            area.ensureWidgetVisible(widget, 0, self._column.spacing())

    # -- building

    def _add_heading(self) -> None:
        title = role(QLabel(self.method.title), "title")
        title.setWordWrap(True)
        summary = QLabel(self.method.summary)
        summary.setWordWrap(True)
        self._column.addWidget(title)
        self._column.addWidget(summary)
        self._column.addWidget(WhatIsThis(self.method.citation))

    def _add_fields(self) -> None:
        main, self.advanced = _form(), QWidget()
        folded = _form(self.advanced)
        for name, info in self.method.params.model_fields.items():
            if name in self._hidden:
                continue
            editor = make_editor(info)
            target = folded if is_advanced(info) else main
            self.fields[name] = Field(target, name, editor, label_of(name, info), tooltip_of(info))
            editor.changed.connect(self._refresh)
        self._column.addLayout(main)
        self._add_output_names(folded)
        self.more = QToolButton()
        self.more.setText("Advanced")
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setCheckable(True)
        role(self.more, "link")
        self.more.toggled.connect(self._fold)
        self.advanced.hide()
        self.more.setVisible(folded.rowCount() > 0)
        self._column.addWidget(self.more)
        self._column.addWidget(self.advanced)

    def _add_output_names(self, folded: QFormLayout) -> None:
        for port in self.method.outputs:
            if port in self.method.inputs:
                continue  # the result takes the place of what it was made from
            line = QLineEdit()
            line.setPlaceholderText(port)
            line.setToolTip("Under this name the result is kept; another name keeps both results.")
            folded.addRow(f"Name of {port}", line)
            self.outputs[port] = line

    def _fold(self, open_: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.advanced.setVisible(open_)

    def _add_foot(self, text: str) -> None:
        self.general = QLabel()
        self.general.setWordWrap(True)
        role(self.general, "error")
        self.general.hide()
        self.memory = QLabel()
        self.memory.setWordWrap(True)
        role(self.memory, "quiet")
        self.memory.hide()
        self.button = QPushButton(text)
        self.button.setObjectName("run")
        role(self.button, "primary")
        self.button.clicked.connect(lambda: self.run())
        for widget in (self.general, self.memory, self.button):
            self._column.addWidget(widget)

    # -- keeping up

    def _refresh(self) -> None:
        for field in self.fields.values():
            if isinstance(field.editor, ColumnEditor):
                field.editor.offer(self._columns(field.editor.source))
        if self.check() and self.method.estimate is not None:
            self._timer.start()

    def _columns(self, source: str) -> list[str]:
        chosen = [self.context.session.items.get(name) for name in self.chooser.chosen().values()]
        network = next((n for n in chosen if isinstance(n, Network)), None)
        if network is None:
            return []
        return list(network.pores if source.startswith("pore") else network.throats)

    def _problems(self) -> dict[str, str]:
        found: dict[str, Any] = dict(self._fixed)
        problems = {}
        for name, field in self.fields.items():
            try:
                found[name] = field.editor.value()
            except ValueError as error:
                problems[name] = str(error)
        return problems or _refusals(self.method, found, set(self.fields))

    def _enable(self, good: bool) -> None:
        missing = self.chooser.missing()
        self.button.setEnabled(good and not missing)
        self.button.setToolTip(missing or ("" if good else "Correct the marked values first."))

    def _forecast(self) -> None:
        inputs = {p: self.context.session.items[n] for p, n in self.chooser.chosen().items()}
        try:
            text, bad = forecast(self.method, inputs, self.method.validate(self.values()))
        except (PorelabError, ValueError):
            text, bad = "", False
        restyle(self.memory, "error" if bad else "quiet")
        self.memory.setText(text)
        self.memory.setVisible(bool(text) and not self.chooser.missing())

    def _names(self) -> dict[str, str]:
        return {port: line.text().strip() for port, line in self.outputs.items() if line.text().strip()}

    def _done(self, job: Job) -> None:
        self.finished.emit(job)


def _form(parent: QWidget | None = None) -> QFormLayout:
    form = QFormLayout(parent) if parent else QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setVerticalSpacing(6)
    form.setHorizontalSpacing(8)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return form


def _refusals(method: Method, values: Mapping[str, Any], shown: set[str]) -> dict[str, str]:
    """What pydantic refuses, by field; the key "" holds what belongs to no field."""
    try:
        method.params.model_validate(dict(values))
    except ValidationError as error:
        return {str(e["loc"][0]) if e["loc"] and e["loc"][0] in shown else "": _plain(e["msg"]) for e in error.errors()}
    return {}


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
