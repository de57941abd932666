"""One editor per kind of value. Each has ``value()`` (or ValueError), ``set_value``, ``mark`` and ``changed``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from porelab_gui.gui.form.number import NumberBox
from porelab_gui.gui.theme import role


class Editor(QWidget):
    """Base: a row of widgets that hold one value."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)

    def value(self) -> Any:
        """The value; ValueError with a sentence when the text is not one."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a value."""
        raise NotImplementedError

    def mark(self, bad: bool) -> None:
        """Draw the value as wrong."""

    def _unit(self, text: str) -> None:
        if text:
            label = QLabel(text)
            label.setProperty("role", "quiet")
            self.row.addWidget(label)


class NumberEditor(Editor):
    """One number and its unit."""

    def __init__(self, box: NumberBox, unit: str = "") -> None:
        super().__init__()
        self.box = box
        self.row.addWidget(box, 1)
        self._unit(unit)
        box.edited.connect(self.changed)

    def value(self) -> float | int:
        return self.box.number()

    def set_value(self, value: Any) -> None:
        self.box.set_number(value)

    def mark(self, bad: bool) -> None:
        self.box.mark(bad)


class NumbersEditor(Editor):
    """A fixed number of numbers with one unit, such as z, y, x."""

    def __init__(self, boxes: Sequence[NumberBox], unit: str = "", names: Sequence[str] = ()) -> None:
        super().__init__()
        self.boxes = list(boxes)
        if len(self.boxes) > 2:
            self.row.setSpacing(2)
        for i, box in enumerate(self.boxes):
            if i < len(names):
                box.setToolTip(names[i])
            if len(self.boxes) > 2:
                role(box, "narrow")
            self.row.addWidget(box, 1)
            box.edited.connect(self.changed)
        self._unit(unit)

    def value(self) -> tuple[float | int, ...]:
        return tuple(box.number() for box in self.boxes)

    def set_value(self, value: Any) -> None:
        for box, number in zip(self.boxes, value, strict=True):
            box.set_number(number)

    def mark(self, bad: bool) -> None:
        for box in self.boxes:
            try:
                box.number()
                box.mark(False)
            except ValueError:
                box.mark(bad)


class ListEditor(Editor):
    """Any number of values of one type, separated by commas."""

    def __init__(self, parse: Callable[[str], Any], show: Callable[[Any], str] = str, unit: str = "") -> None:
        super().__init__()
        self._parse, self._show = parse, show
        self.line = QLineEdit()
        self.line.setPlaceholderText("separated by commas")
        self.row.addWidget(self.line, 1)
        self._unit(unit)
        self.line.textChanged.connect(lambda _: self.changed.emit())

    def value(self) -> tuple[Any, ...]:
        return tuple(self._parse(part.strip()) for part in self.line.text().split(",") if part.strip())

    def set_value(self, value: Any) -> None:
        self.line.setText(", ".join(self._show(v) for v in value))

    def mark(self, bad: bool) -> None:
        _mark_line(self.line, bad)


class BoolEditor(Editor):
    """Yes or no."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QCheckBox()
        self.row.addWidget(self.box)
        self.row.addStretch(1)
        self.box.toggled.connect(lambda _: self.changed.emit())

    def value(self) -> bool:
        return bool(self.box.isChecked())

    def set_value(self, value: Any) -> None:
        self.box.setChecked(bool(value))


class ChoiceEditor(Editor):
    """One of a few values."""

    def __init__(self, choices: Sequence[Any]) -> None:
        super().__init__()
        self.combo = QComboBox()
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for choice in choices:
            self.combo.addItem(_words(choice), choice)
        self.row.addWidget(self.combo, 1)
        self.combo.currentIndexChanged.connect(lambda _: self.changed.emit())

    def value(self) -> Any:
        return self.combo.currentData()

    def set_value(self, value: Any) -> None:
        index = self.combo.findData(value)
        if index >= 0:
            self.combo.setCurrentIndex(index)


class ColumnEditor(Editor):
    """A name out of what the chosen data hold (columns of a network); free text is allowed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.combo = QComboBox()
        self.combo.setEditable(True)
        self.combo.lineEdit().setPlaceholderText("chosen by the program")
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.row.addWidget(self.combo, 1)
        self.combo.currentTextChanged.connect(lambda _: self.changed.emit())

    def offer(self, names: Sequence[str]) -> None:
        """Fill the list, keeping what is chosen."""
        now = self.combo.currentText()
        if [self.combo.itemText(i) for i in range(self.combo.count())] == list(names):
            return
        self.combo.blockSignals(True)
        self.combo.clear()
        self.combo.addItems(list(names))
        self.combo.setCurrentText(now)
        self.combo.blockSignals(False)

    def value(self) -> str:
        return str(self.combo.currentText())

    def set_value(self, value: Any) -> None:
        self.combo.setCurrentText(str(value))


class ChecksEditor(Editor):
    """Several of a few values."""

    def __init__(self, choices: Sequence[Any]) -> None:
        super().__init__()
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        self.row.addLayout(grid, 1)
        self.boxes: dict[Any, QCheckBox] = {}
        columns = 3 if max((len(str(c)) for c in choices), default=0) < 8 else 1
        for i, choice in enumerate(choices):
            self.boxes[choice] = box = QCheckBox(_words(choice))
            grid.addWidget(box, i // columns, i % columns)
            box.toggled.connect(lambda _: self.changed.emit())

    def value(self) -> tuple[Any, ...]:
        return tuple(choice for choice, box in self.boxes.items() if box.isChecked())

    def set_value(self, value: Any) -> None:
        for choice, box in self.boxes.items():
            box.setChecked(choice in value)


class TextEditor(Editor):
    """Free text."""

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.row.addWidget(self.line, 1)
        self.line.textChanged.connect(lambda _: self.changed.emit())

    def value(self) -> str:
        return str(self.line.text())

    def set_value(self, value: Any) -> None:
        self.line.setText("" if value is None else str(value))

    def mark(self, bad: bool) -> None:
        _mark_line(self.line, bad)


class FileEditor(TextEditor):
    """A path, typed or chosen. ``kind`` is "file", "folder" or "save"."""

    def __init__(self, kind: str = "file") -> None:
        super().__init__()
        self._kind = kind
        self.browse = QPushButton("Browse…")
        self.browse.clicked.connect(self._choose)
        self.row.addWidget(self.browse)

    def _choose(self) -> None:
        start = self.line.text()
        if self._kind == "folder":
            chosen = QFileDialog.getExistingDirectory(self, "Choose a folder", start)
        elif self._kind == "save":
            chosen = QFileDialog.getSaveFileName(self, "Save as", start)[0]
        else:
            chosen = QFileDialog.getOpenFileName(self, "Choose a file", start)[0]
        if chosen:
            self.line.setText(chosen)


class OptionalEditor(Editor):
    """A value that may be left to the program."""

    def __init__(self, inner: Editor, start: Any) -> None:
        super().__init__()
        self.inner = inner
        self.box = QCheckBox()
        self.box.setToolTip("Off: left to the program.")
        self.row.addWidget(self.box)
        self.row.addWidget(inner, 1)
        if start is not None:
            inner.set_value(start)
        inner.setEnabled(False)
        inner.changed.connect(self.changed)
        self.box.toggled.connect(self._toggle)

    def _toggle(self, on: bool) -> None:
        self.inner.setEnabled(on)
        self.changed.emit()

    def value(self) -> Any:
        return self.inner.value() if self.box.isChecked() else None

    def set_value(self, value: Any) -> None:
        self.box.setChecked(value is not None)
        if value is not None:
            self.inner.set_value(value)

    def mark(self, bad: bool) -> None:
        self.inner.mark(bad)


class JsonEditor(TextEditor):
    """Anything else, as JSON."""

    def value(self) -> Any:  # type: ignore[override]
        try:
            return json.loads(self.line.text() or "null")
        except ValueError:
            raise ValueError('not valid JSON, for example {"a": 1} or [1, 2]') from None

    def set_value(self, value: Any) -> None:
        self.line.setText(json.dumps(value, default=str))


def _mark_line(line: QLineEdit, bad: bool) -> None:
    line.setProperty("bad", "true" if bad else "false")
    line.style().unpolish(line)
    line.style().polish(line)


def _words(choice: Any) -> str:
    """A choice as it is shown: its own spelling without underscores."""
    return str(getattr(choice, "value", choice)).replace("_", " ")
