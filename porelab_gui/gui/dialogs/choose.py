"""Asks for one of several names, such as the data sets of a file."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QListWidget, QVBoxLayout, QWidget

from porelab_gui.gui.theme import role


class ChooseDialog(QDialog):
    """``chosen(name)`` when the user has picked one."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None, title: str, text: str, names: Sequence[str]) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        column = QVBoxLayout(self)
        label = QLabel(text)
        label.setWordWrap(True)
        label.setMinimumWidth(380)
        column.addWidget(label)
        self.names = QListWidget()
        self.names.addItems(list(names))
        self.names.setCurrentRow(0)
        self.names.itemDoubleClicked.connect(lambda _: self._accept())
        column.addWidget(self.names)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.ok = buttons.addButton("Open", QDialogButtonBox.ButtonRole.AcceptRole)
        role(self.ok, "primary")
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def _accept(self) -> None:
        item = self.names.currentItem()
        if item is not None:
            self.chosen.emit(item.text())
            self.accept()
