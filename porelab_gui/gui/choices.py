"""Lists of choices: filled anew, and with an ellipsis where the words are too long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter


def refill(combo: QComboBox, entries: Iterable[tuple[str, Any]], chosen: Any) -> None:
    """List (text, data) without telling anyone; what has ``chosen`` as its data is picked, else the first."""
    combo.blockSignals(True)
    combo.clear()
    for text, data in entries:
        combo.addItem(text, data)
    combo.setCurrentIndex(max(0, combo.findData(chosen)))
    combo.blockSignals(False)


def refill_words(combo: QComboBox, words: Iterable[str], chosen: str) -> None:
    """The same where the data are the words themselves."""
    refill(combo, ((word, word) for word in words), chosen)


class Choice(QComboBox):
    """A combo box that ends words without room in an ellipsis; a style sheet makes Qt cut them."""

    def paintEvent(self, event: QPaintEvent | None) -> None:
        option, painter = QStyleOptionComboBox(), QStylePainter(self)
        self.initStyleOption(option)
        edit = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        elide = Qt.TextElideMode.ElideRight
        option.currentText = self.fontMetrics().elidedText(option.currentText, elide, edit.width() - 2)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
