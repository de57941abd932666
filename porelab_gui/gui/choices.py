"""Filling a list of choices anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtWidgets import QComboBox


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
