"""The palette: every phase with its key, colour, name and whether it is pore space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QColorDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.image.editing.correct import is_void_name
from porelab_gui.gui.palette import phase_colours
from porelab_gui.gui.theme import role

KEYS = 9
SHALE = ("matrix", "organic pore", "inorganic pore", "organic matter")
CLEAR = "transparent"


class PhasePalette(QWidget):
    """``chosen(label)`` when another phase is to be painted with; ``edited()`` when names, colours or void changed."""

    chosen = Signal(int)
    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.phases: dict[int, str] = {}
        self.colours: dict[int, str] = {}
        self.void: set[int] = set()
        self.label = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(2, 1)
        column.addLayout(self._grid)
        self.group = QButtonGroup(self)
        self.group.idClicked.connect(self.choose)
        self.names: dict[int, QLineEdit] = {}
        self.swatches: dict[int, QToolButton] = {}
        self.boxes: dict[int, QCheckBox] = {}
        row = QHBoxLayout()
        self.new_phase, self.add, self.shale = QLineEdit(), QPushButton("Add"), QPushButton("Shale set")
        self.new_phase.setPlaceholderText("new phase")
        self.new_phase.setMinimumWidth(60)
        self.shale.setToolTip("Adds what is missing of " + ", ".join(SHALE) + ".")
        for widget, stretch in ((self.new_phase, 1), (self.add, 0), (self.shale, 0)):
            row.addWidget(widget, stretch)
        column.addLayout(row)
        self.add.clicked.connect(self._add_typed)
        self.new_phase.returnPressed.connect(self._add_typed)
        self.shale.clicked.connect(lambda: self.add_phases([n for n in SHALE if n not in self.phases.values()]))

    def show_phases(self, phases: Mapping[int, str], void: tuple[int, ...], colours: Mapping[int, str]) -> None:
        """Show these phases; the chosen label stays when it is among them."""
        self.phases, self.void, self.colours = dict(phases), set(void), dict(colours)
        if self.label not in self.phases:
            self.label = next((v for v in void if v in self.phases), next(iter(self.phases), 0))
        self._rebuild()

    def choose(self, label: int) -> None:
        """Paint with this phase from now on."""
        if label in self.phases:
            self.label = label
            self.group.button(label).setChecked(True)
            self.chosen.emit(label)

    def choose_row(self, row: int) -> None:
        """The phase of a key: 0 is the first."""
        labels = list(self.phases)
        if row < len(labels):
            self.choose(labels[row])

    def add_phases(self, names: list[str]) -> None:
        """New phases after those that are there; the last one is chosen."""
        for name in names:
            label = max(self.phases, default=-1) + 1
            self.phases[label] = name
            if is_void_name(name):
                self.void.add(label)
        if names:
            self._rebuild()
            self.choose(max(self.phases))
            self.edited.emit()

    def set_colour(self, label: int, colour: str) -> None:
        """Another colour (#rrggbb) for a phase."""
        self.colours[label] = colour
        self._paint_swatches()
        self.edited.emit()

    def _add_typed(self) -> None:
        name = self.new_phase.text().strip()
        if name:
            self.new_phase.clear()
            self.add_phases([name])

    def _rename(self, label: int) -> None:
        name = self.names[label].text().strip()
        if name and name != self.phases[label]:
            self.phases[label] = name
            self.edited.emit()
        elif not name:
            self.names[label].setText(self.phases[label])

    def _toggle_void(self, label: int, void: bool) -> None:
        (self.void.add if void else self.void.discard)(label)
        self.edited.emit()

    def _ask_colour(self, label: int) -> None:
        shown = phase_colours(self.phases, self.colours).get(label, CLEAR)
        found = QColorDialog.getColor(QColor("#ffffff" if shown == CLEAR else shown), self, self.phases[label])
        if found.isValid():
            self.set_colour(label, found.name())

    # -- building

    def _rebuild(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        for button in self.group.buttons():
            self.group.removeButton(button)
        self.names, self.swatches, self.boxes = {}, {}, {}
        for row, (label, name) in enumerate(self.phases.items()):
            for col, widget in enumerate(self._row(row, label, name)):
                self._grid.addWidget(widget, row, col)
        self._paint_swatches()

    def _row(self, row: int, label: int, name: str) -> list[QWidget]:
        key = QToolButton()
        key.setText(str(row + 1) if row < KEYS else "·")
        key.setCheckable(True)
        key.setChecked(label == self.label)
        key.setObjectName(f"phase_{label}")
        key.setToolTip(f"Paint with {name} (label {label})." + (f" Key {row + 1}." if row < KEYS else ""))
        role(key, "step")
        self.group.addButton(key, label)
        swatch = self.swatches[label] = QToolButton()
        swatch.setToolTip("Choose the colour.")
        swatch.clicked.connect(lambda _=False, v=label: self._ask_colour(v))
        line = self.names[label] = QLineEdit(name)
        line.setMinimumWidth(60)
        line.setToolTip("The name of the phase; type to change it.")
        line.editingFinished.connect(lambda v=label: self._rename(v))
        box = self.boxes[label] = QCheckBox("pore")
        box.setToolTip("This phase is pore space.")
        box.setChecked(label in self.void)
        box.toggled.connect(lambda on, v=label: self._toggle_void(v, on))
        return [key, swatch, line, box]

    def _paint_swatches(self) -> None:
        colours = phase_colours(self.phases, self.colours)
        for label, swatch in self.swatches.items():
            swatch.setIcon(_swatch(colours.get(label, CLEAR)))


def _swatch(colour: Any) -> QIcon:
    """A square of the colour; a crossed one where the image shows through."""
    pixmap = QPixmap(16, 16)
    clear = colour == CLEAR
    pixmap.fill(QColor(0, 0, 0, 0) if clear else QColor(str(colour)))
    if clear:
        painter = QPainter(pixmap)
        painter.setPen(QColor("#8a8f98"))
        painter.drawRect(0, 0, 15, 15)
        painter.drawLine(0, 15, 15, 0)
        painter.end()
    return QIcon(pixmap)
