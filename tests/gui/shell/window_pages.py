"""Walks through everything that a window shows: steps, Methods, docks, dialogs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QListWidget,
    QTabBar,
    QTableWidget,
    QWidget,
)


def pages(window: Any) -> Iterator[tuple[str, str, QWidget]]:
    """Every page as (step, Method, page), shown when it is given; a step without a choice gives its panel."""
    for step in window.stepper.buttons:
        panel = window.show_step(step)
        names = getattr(panel, "names", ())
        for name in names:
            page = panel.show_method(name)
            QApplication.processEvents()
            yield step, name, page
        if not names:
            yield step, "", panel


def words(root: QWidget) -> set[str]:
    """What stands on the widgets below ``root``, seen or folded away, without ellipses."""
    found: set[str] = set()
    for button in root.findChildren(QAbstractButton):
        found.add(button.text())
    for label in root.findChildren(QLabel):
        found.add(label.text())
    for combo in root.findChildren(QComboBox):
        found |= {combo.itemText(i) for i in range(combo.count())}
    for bar in root.findChildren(QTabBar):
        found |= {bar.tabText(i) for i in range(bar.count())}
    for rows in root.findChildren(QListWidget):
        found |= {rows.item(i).text() for i in range(rows.count())}
    for table in root.findChildren(QTableWidget):
        heads = [table.horizontalHeaderItem(i) for i in range(table.columnCount())]
        found |= {head.text() for head in heads if head is not None}
    return {plain(text) for text in found if text}


def plain(text: str) -> str:
    """Words without mnemonics, ellipses and line breaks."""
    return " ".join(text.replace("&", "").replace("…", "").split())


def bold(path: Path) -> set[str]:
    """Everything in bold that names a control; a whole sentence in bold is prose."""
    text = " ".join(path.read_text(encoding="utf-8").split())
    return {plain(found) for found in re.findall(r"\*\*([^*]+)\*\*", text) if not found.endswith(".")}
