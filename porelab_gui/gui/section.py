"""A part of a panel that can be folded away under its title."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QToolButton, QVBoxLayout, QWidget

from porelab_gui.gui.theme import role


class Section(QWidget):
    """``content`` under a title that opens and closes it."""

    def __init__(self, title: str, content: QWidget, name: str, open_: bool = False) -> None:
        super().__init__()
        self.content = content
        self.head = QToolButton()
        self.head.setObjectName(f"section_{name}")
        self.head.setText(title)
        self.head.setCheckable(True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        role(self.head, "fold")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.head)
        column.addWidget(content)
        self.head.toggled.connect(self._fold)
        self.head.setChecked(open_)
        self._fold(open_)

    def _fold(self, open_: bool) -> None:
        self.head.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.content.setVisible(open_)
