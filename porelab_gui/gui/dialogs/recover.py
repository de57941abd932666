"""Offers the work of sessions that ended before it was saved."""

from __future__ import annotations

import time
from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QListWidget, QVBoxLayout, QWidget

from porelab_gui.gui.theme import role
from porelab_gui.session.recovery import Left


class RecoverDialog(QDialog):
    """``chosen(left)`` to bring one back, ``unwanted(left)`` to delete one; closing it asks again next time."""

    chosen = Signal(object)
    unwanted = Signal(object)

    def __init__(self, parent: QWidget | None, left: Sequence[Left]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Unsaved work")
        self._left = list(left)
        column = QVBoxLayout(self)
        text = QLabel("PoreLab ended before this was saved:")
        self.names = QListWidget()
        self.names.setMinimumWidth(440)
        self.names.addItems([_line(one) for one in self._left])
        self.names.setCurrentRow(0)
        for widget in (text, self.names):
            column.addWidget(widget)
        buttons = QDialogButtonBox()
        self.bring = buttons.addButton("Bring back", QDialogButtonBox.ButtonRole.AcceptRole)
        self.later = buttons.addButton("Later", QDialogButtonBox.ButtonRole.RejectRole)
        self.delete = buttons.addButton("Delete", QDialogButtonBox.ButtonRole.DestructiveRole)
        role(self.bring, "primary")
        self.bring.clicked.connect(self._bring)
        self.delete.clicked.connect(self._delete)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def _bring(self) -> None:
        row = self.names.currentRow()
        self.accept()
        if row >= 0:
            self.chosen.emit(self._left[row])

    def _delete(self) -> None:
        row = self.names.currentRow()
        if row >= 0:
            self.names.takeItem(row)
            self.unwanted.emit(self._left.pop(row))
        if not self._left:
            self.reject()


def _line(one: Left) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.written))
    painted = ", with voxels painted since" if one.pending else ""
    return f"{one.title or 'session'}, {when}{painted}"
