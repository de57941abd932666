"""A chooser among the columns of a network."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

from porelab_gui.core.nouns import Column
from porelab_gui.gui.choices import Choice
from porelab_gui.gui.network.colouring import colourable, readable
from porelab_gui.gui.numbers import pretty_unit

SHORT = {"g_hydraulic": "g hydraulic", "g_diffusive": "g diffusive"}


def label(key: str, column: Column) -> str:
    """A column as one reads it: its name in words and its unit."""
    head, _, tail = key.partition(".")
    words = f"{SHORT.get(head, readable(head))}{', ' + readable(tail) if tail else ''}"
    unit = pretty_unit(column.unit)
    return f"{words} [{unit}]" if unit else words


class ColumnChooser(Choice):
    """Lists the columns that hold one number per row. ``chosen(key)`` when the user or ``choose`` picks one.

    ``none`` is the text of an entry that stands for no column.
    """

    chosen = Signal(str)

    def __init__(self, name: str, none: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._none = none
        self._keys: list[str] = []
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.currentIndexChanged.connect(lambda _: self.chosen.emit(self.key))

    @property
    def key(self) -> str:
        """The chosen column, "" for none."""
        return self.currentData() or ""

    def offer(self, columns: Mapping[str, Column]) -> None:
        """List these columns; the choice stays when it is still there."""
        keys = colourable(columns)
        if keys == self._keys:
            return
        before, self._keys = self.key, keys
        self.blockSignals(True)
        self.clear()
        if self._none or not keys:
            self.addItem(self._none or "no columns yet", "")
        for key in keys:
            self.addItem(label(key, columns[key]), key)
            self.setItemData(self.count() - 1, columns[key].title or key, 3)
        self.setCurrentIndex(max(0, self.findData(before)))
        self.blockSignals(False)
        if self.key != before:
            self.chosen.emit(self.key)

    def choose(self, key: str) -> bool:
        """Pick a column by key; False when it is not listed."""
        index = self.findData(key)
        if index >= 0:
            self.setCurrentIndex(index)
        return index >= 0
