""" "What is this?": what a page or a dock does and which paper is behind it, folded away until it is asked for."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QTabWidget, QToolButton, QVBoxLayout, QWhatsThis, QWidget

from porelab_gui.gui.theme import role

NAME = "what_is_this"
NO_SOURCE = "Whoever wrote this Method names no source."


class WhatIsThis(QWidget):
    """A link that unfolds the text; ``about`` is the text."""

    def __init__(self, about: str) -> None:
        super().__init__()
        self.about = about or NO_SOURCE
        self.link, self.text = QToolButton(), QLabel(self.about)
        self.link.setObjectName(NAME)
        self.link.setText("What is this?")
        self.link.setProperty("about", self.about)
        self.link.setCheckable(True)
        self.link.setCursor(Qt.CursorShape.PointingHandCursor)
        role(self.link, "link")
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.text.setAccessibleName(self.about)
        role(self.text, "quiet")
        self.text.hide()
        self.link.toggled.connect(self.text.setVisible)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.link)
        column.addWidget(self.text)


def question(about: str) -> QToolButton:
    """The same for a dock, where there is room for a sign only: a click opens the text beside it."""
    button = QToolButton()
    button.setObjectName(NAME)
    button.setText("?")
    button.setToolTip("What is this?")
    button.setAccessibleName("What is this?")
    button.setProperty("about", about)
    role(button, "icon")
    button.clicked.connect(lambda: QWhatsThis.showText(button.mapToGlobal(button.rect().bottomLeft()), about, button))
    return button


def ask_in_corner(tabs: QTabWidget, about: str) -> None:
    """Put the sign at the end of a row of tabs."""
    tabs.setCornerWidget(question(about), Qt.Corner.TopRightCorner)
