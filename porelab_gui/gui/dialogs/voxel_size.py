"""Asks for the voxel size that a file does not state."""

from __future__ import annotations

from decimal import Decimal

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from porelab_gui.core.nouns import AXES, VoxelSize
from porelab_gui.gui.form.number import NumberBox, Range
from porelab_gui.gui.theme import role

UNITS = {"µm": Decimal("1e-6"), "nm": Decimal("1e-9"), "mm": Decimal("1e-3")}


class VoxelSizeRow(QWidget):
    """Three lengths with one unit, tied together until the user says that the voxel is not a cube."""

    edited = Signal()

    def __init__(self, start: VoxelSize | None = None) -> None:
        super().__init__()
        self.unit = QComboBox()
        self.unit.addItems(list(UNITS))
        self.cube = QCheckBox("Cubic voxels")
        self.boxes = [NumberBox(Range(gt=0.0, le=1.0)) for _ in AXES]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        column.addLayout(row)
        for axis, box in zip(AXES, self.boxes, strict=True):
            row.addWidget(QLabel(axis))
            row.addWidget(box, 1)
            box.edited.connect(self.edited)
        row.addWidget(self.unit)
        column.addWidget(self.cube)
        self.boxes[0].edited.connect(self._tie)
        self.cube.toggled.connect(self._tie)
        self.unit.currentTextChanged.connect(lambda _: self.edited.emit())
        self.cube.setChecked(start is None or max(start) <= min(start) * 1.001)
        if start is not None:
            self.set_voxel(start)

    def set_voxel(self, voxel: VoxelSize) -> None:
        """Show a size; zeros are left empty for the user."""
        largest = max(voxel)
        self.unit.setCurrentText("nm" if 0 < largest < 1e-7 else "mm" if largest >= 1e-3 else "µm")
        for box, length in zip(self.boxes, voxel, strict=True):
            if length > 0:
                box.lineEdit().setText(_shown(length, UNITS[self.unit.currentText()]))

    def voxel(self) -> VoxelSize:
        """The size in metres; ValueError with a sentence."""
        factor = UNITS[self.unit.currentText()]
        sizes = []
        for axis, box in zip(AXES, self.boxes, strict=True):
            try:
                number = Decimal(str(box.number_text())) * factor
            except ArithmeticError:
                raise ValueError(f"The voxel edge along {axis} is not a number.") from None
            if not number.is_finite() or number <= 0:
                raise ValueError(f"The voxel edge along {axis} must be a positive length.")
            sizes.append(float(number))
        return sizes[0], sizes[1], sizes[2]

    def _tie(self) -> None:
        tied = self.cube.isChecked()
        for box in self.boxes[1:]:
            box.setEnabled(not tied)
            if tied and box.text() != self.boxes[0].text():
                box.lineEdit().setText(self.boxes[0].text())


class VoxelSizeDialog(QDialog):
    """``accepted_size(voxel)`` when the user has given three positive lengths."""

    accepted_size = Signal(object)

    def __init__(self, parent: QWidget | None, name: str, hint: VoxelSize | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Voxel size")
        column = QVBoxLayout(self)
        text = QLabel(f"{name} does not say how large a voxel is. Permeability scales with its square: give it once.")
        text.setWordWrap(True)
        text.setMinimumWidth(420)
        column.addWidget(text)
        if hint:
            guess = QLabel("The values below are a guess from the file or its name: check them.")
            column.addWidget(role(guess, "quiet"))
        self.row = VoxelSizeRow(hint)
        column.addWidget(self.row)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        column.addWidget(role(self.problem, "error"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.ok = buttons.addButton("Use this size", QDialogButtonBox.ButtonRole.AcceptRole)
        role(self.ok, "primary")
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.row.edited.connect(self._check)
        self._check()
        self.row.boxes[0].setFocus()

    def _check(self) -> None:
        try:
            self.row.voxel()
        except ValueError as error:
            typed = any(box.text().strip() for box in self.row.boxes)
            self.problem.setText(str(error) if typed else "")
            self.ok.setEnabled(False)
            return
        self.problem.setText("")
        self.ok.setEnabled(True)

    def _accept(self) -> None:
        self.accepted_size.emit(self.row.voxel())
        self.accept()


def _shown(length: float, factor: Decimal) -> str:
    from porelab_gui.gui.quantities import to_text

    return to_text(length, factor)
