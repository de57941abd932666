"""What the rocks should have: one block of fields per property."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.gui.access import make_accessible
from porelab_gui.gui.numbers import pretty_unit
from porelab_gui.gui.theme import role
from porelab_methods.rock_gan.properties import PROPERTIES
from porelab_methods.rock_gan.targets import parse_wish

FIRST = {  # a range to begin with, and a tolerance, in the shown unit
    "porosity": ("0.18", "0.22", "0.002"), "permeability": ("500", "1500", "20"), "pore_size": ("40", "50", "0.3"),
    "throat_size": ("25", "30", "0.3"), "specific_surface": ("10", "14", "0.2"),
    "formation_factor": ("15", "25", "0.5"), "euler_density": ("0", "100", "5"),
}  # fmt: skip
OTHER = "other …"


class TargetRow(QWidget):
    """A property, the ends of the range (the same twice for one value) and the tolerance, in the shown unit."""

    changed = Signal()
    removed = Signal(object)

    def __init__(self, name: str = "porosity") -> None:
        super().__init__()
        self.property, self.path = QComboBox(), QLineEdit()
        self.low, self.high, self.tolerance = QLineEdit(), QLineEdit(), QLineEdit()
        self.unit, self.problem = QLabel(), QLabel()
        self.remove = QPushButton("×")
        self.remove.setFixedWidth(26)
        self.remove.setToolTip("Do not ask for this property.")
        for key, known in PROPERTIES.items():
            self.property.addItem(known.title.split(" (")[0], key)
        self.property.addItem(OTHER, "")
        self.property.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.path.setPlaceholderText("METHOD/OUTPUT/COLUMN/ROW")
        self.path.setToolTip("Any number of any Method, for example morphology/summary/mean local thickness.")
        self.problem.setWordWrap(True)
        role(self.problem, "error")
        role(self.unit, "quiet")
        self._lay_out()
        self.property.currentIndexChanged.connect(self._on_property)
        for line in (self.path, self.low, self.high, self.tolerance):
            line.textChanged.connect(lambda _: self._on_text())
        self.remove.clicked.connect(lambda: self.removed.emit(self))
        self.property.setCurrentIndex(self.property.findData(name))
        self._on_property()

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 4)
        grid.setVerticalSpacing(3)
        grid.addWidget(self.property, 0, 0)
        grid.addWidget(self.remove, 0, 1)
        grid.addWidget(self.path, 1, 0, 1, 2)
        numbers = QHBoxLayout()
        for line, tip in (
            (self.low, "Lower end; each rock gets a value of its own in the range."),
            (self.high, "Upper end; empty or the same for one value."),
            (self.tolerance, "How far off a rock may be."),
        ):
            line.setMinimumWidth(44)
            line.setToolTip(tip)
        for widget in (self.low, QLabel("to"), self.high, QLabel("±"), self.tolerance, self.unit):
            numbers.addWidget(widget)
        grid.addLayout(numbers, 2, 0, 1, 2)
        grid.addWidget(self.problem, 3, 0, 1, 2)

    @property
    def text(self) -> str:
        """The wish as the Method reads it."""
        name = self.property.currentData() or self.path.text().strip()
        known = PROPERTIES.get(name)
        unit = "" if known is None or known.label == "1" else f" {known.label}"
        low, high = self.low.text().strip().replace(",", "."), self.high.text().strip().replace(",", ".")
        ends = low if high in ("", low) else f"{low}..{high}"
        return f"{name}={ends}+-{self.tolerance.text().strip().replace(',', '.')}{unit}"

    def check(self) -> bool:
        """Say what is wrong; True when it is a wish."""
        try:
            parse_wish(self.text)
            self.problem.setText("")
        except PorelabError as error:
            self.problem.setText(error.remedy or error.what if "is not a target" in error.what else error.sentence)
        self.problem.setVisible(bool(self.problem.text()))
        return not self.problem.text()

    def set_numbers(self, low: str, high: str, tolerance: str) -> None:
        """Fill the fields."""
        for line, text in ((self.low, low), (self.high, high), (self.tolerance, tolerance)):
            line.setText(text)

    def _on_property(self) -> None:
        name = self.property.currentData()
        self.path.setVisible(not name)
        known = PROPERTIES.get(name)
        label = known.label if known is not None and known.label != "1" else ""
        self.unit.setText(pretty_unit(label.replace("um", "µm")))
        stem = next((k for k in FIRST if name and name.startswith(k)), None)
        if stem is not None:
            self.set_numbers(*FIRST[stem])
        self._on_text()

    def _on_text(self) -> None:
        self.check()
        self.changed.emit()


class TargetsEditor(QWidget):
    """All properties that are asked for."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[TargetRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(role(QLabel("Rocks should have"), "section"))
        self.add_button = QPushButton("Add a property")
        self._column.addWidget(self.add_button)
        self.add_button.clicked.connect(lambda: self.add(self._unused()))
        self.add("porosity")

    def add(self, name: str) -> TargetRow:
        """One more property."""
        row = TargetRow(name)
        self.rows.append(row)
        self._column.insertWidget(self._column.count() - 1, row)
        row.changed.connect(self.changed)
        row.removed.connect(self._remove)
        self._update()
        make_accessible(row)
        return row

    def value(self) -> tuple[str, ...]:
        """All wishes as the Method reads them."""
        return tuple(row.text for row in self.rows)

    def good(self) -> bool:
        """Whether all of them can be read."""
        told = [row.check() for row in self.rows]  # each of them marks what is wrong
        return all(told)

    def _unused(self) -> str:
        used = {row.property.currentData() for row in self.rows}
        return next((k for k in PROPERTIES if k not in used), "porosity")

    def _remove(self, row: TargetRow) -> None:
        self.rows.remove(row)
        row.setParent(None)
        row.deleteLater()
        self._update()

    def _update(self) -> None:
        for row in self.rows:
            row.remove.setEnabled(len(self.rows) > 1)
        self.changed.emit()
