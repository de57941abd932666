"""Results as tables with a unit per column: copied to the clipboard, saved as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QGuiApplication, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import Table
from porelab_gui.gui.choices import refill_words
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import readable
from porelab_gui.gui.numbers import pretty_unit
from porelab_gui.gui.theme import role

KINDS = {"CSV": ".csv", "Parquet": ".parquet", "JSON": ".json"}
EMPTY = "No results yet. Solve flow or diffusion in the step Transport."


class TableModel(QAbstractTableModel):
    """A Table for Qt; cells are made when they are looked at, so that a long one costs nothing."""

    def __init__(self, table: Table | None = None) -> None:
        super().__init__()
        self.table = table
        self._keys = list(table.columns) if table is not None else []

    def show(self, table: Table | None) -> None:
        """Show another table."""
        self.beginResetModel()
        self.table = table
        self._keys = list(table.columns) if table is not None else []
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if self.table is None else len(self.table)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(self._keys)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(index.row(), index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole and self._number(index.column()):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical or self.table is None:
            return section + 1 if role == Qt.ItemDataRole.DisplayRole else None
        column = self.table.columns[self._keys[section]]
        if role == Qt.ItemDataRole.DisplayRole:
            return heading(self._keys[section], column.unit)
        return column.title or None if role == Qt.ItemDataRole.ToolTipRole else None

    def text(self, row: int, column: int) -> str:
        """One cell as it is shown."""
        assert self.table is not None
        value = self.table[self._keys[column]][row]
        return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)

    def _number(self, column: int) -> bool:
        return self.table is not None and self.table[self._keys[column]].dtype.kind in "iuf"


def heading(key: str, unit: str) -> str:
    """The head of a column: name over unit."""
    name = key.removesuffix("_m2").removesuffix("_mD") if key.startswith("K_") else readable(key)
    shown = pretty_unit(unit)
    return f"{name}\n[{shown}]" if shown else f"{name}\n"


class TableView(QWidget):
    """One Table with its notes, and buttons to copy and to save it."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.model = TableModel()
        self.grid = QTableView()
        self.grid.setModel(self.model)
        self.grid.setObjectName("result_table")
        self.grid.setMinimumWidth(120)
        self.grid.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.grid.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.grid.verticalHeader().hide()
        self.grid.verticalHeader().setDefaultSectionSize(22)
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        role(self.notes, "quiet")
        self.copy_button, self.save_button = QPushButton("Copy"), QPushButton("Save as CSV …")
        self.copy_button.clicked.connect(self.copy)
        self.save_button.clicked.connect(self._ask_save)
        QShortcut(QKeySequence.StandardKey.Copy, self.grid, self.copy)
        row = QHBoxLayout()
        for button in (self.copy_button, self.save_button):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.grid, 1)
        column.addWidget(self.notes)
        column.addLayout(row)

    def show_table(self, table: Table | None, notes: bool = True) -> None:
        """Show a table, or nothing."""
        self.model.show(table)
        self.grid.resizeColumnsToContents()
        self.notes.setText("\n".join(table.notes) if table is not None and notes else "")
        self.notes.setVisible(bool(self.notes.text()))
        for button in (self.copy_button, self.save_button):
            button.setEnabled(table is not None)

    def fit_height(self) -> None:
        """Be as tall as the rows need, without a scroll bar of its own."""
        rows = min(self.model.rowCount(), 12)
        header = self.grid.horizontalHeader().sizeHint().height()
        bar = self.grid.horizontalScrollBar().sizeHint().height()
        self.grid.setFixedHeight(header + rows * 22 + bar + 6)

    def copy(self) -> str:
        """The selected cells (all when nothing is selected) to the clipboard, tab-separated with headings."""
        chosen = self.grid.selectionModel().selectedIndexes()
        rows = sorted({i.row() for i in chosen}) or range(self.model.rowCount())
        columns = sorted({i.column() for i in chosen}) or range(self.model.columnCount())
        head = [
            str(self.model.headerData(c, Qt.Orientation.Horizontal) or "").replace("\n", " ").strip() for c in columns
        ]
        lines = ["\t".join(head)] + ["\t".join(self.model.text(r, c) for c in columns) for r in rows]
        text = "\n".join(lines)
        QGuiApplication.clipboard().setText(text)
        return text

    def save(self, path: Path) -> None:
        """Write the whole table, as its ending says; a failure is shown as a toast and leaves nothing behind."""
        from porelab_gui.core.export.methods import export
        from porelab_gui.core.progress import silent

        if self.model.table is None:
            return
        try:
            export(self.model.table, path, silent)
            self.context.notify(f"Saved {path.name}.", "info")
        except PorelabError as error:
            self.context.report(error)

    def _ask_save(self) -> None:
        kinds = {f"{title} (*{ending})": ending for title, ending in KINDS.items()}
        name, kind = QFileDialog.getSaveFileName(self, "Save table", "table.csv", ";;".join(kinds))
        if name:
            known = name.endswith(tuple(kinds.values()))
            self.save(Path(name if known else f"{name}{kinds.get(kind, '.csv')}"))


class TablesPanel(QWidget):
    """The tables of the session, the newest first."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.combo = QComboBox()
        self.combo.setObjectName("table")
        self.view = TableView(context)
        self.empty = QLabel(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        role(self.empty, "quiet")
        self.notes_button = QPushButton("Notes")
        self.notes_button.setCheckable(True)
        self.notes_button.toggled.connect(self._show_notes)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(self._head())
        for widget in (self.view, self.empty):
            column.addWidget(widget)
        self.combo.currentTextChanged.connect(self._show)
        context.session.changed.connect(self._refresh)
        self._refresh(())

    def _head(self) -> QHBoxLayout:
        """The chooser and the buttons in one row: the dock is low, and the table needs what there is."""
        row = QHBoxLayout()
        row.addWidget(self.combo, 1)
        for button in (self.notes_button, self.view.copy_button, self.view.save_button):
            row.addWidget(button)
        return row

    def _show_notes(self, on: bool) -> None:
        self.view.notes.setVisible(on and bool(self.view.notes.text()))

    def _refresh(self, names: tuple[str, ...]) -> None:
        items = self.context.session.items
        tables = [k for k in reversed(list(items)) if isinstance(items[k], Table)]
        fresh = next((n for n in tables if n in names), self.combo.currentText())
        refill_words(self.combo, tables, fresh)
        head = (self.combo, self.notes_button, self.view.copy_button, self.view.save_button)
        for widget in (*head, self.view):
            widget.setVisible(bool(tables))
        self.empty.setVisible(not tables)
        self._show(self.combo.currentText())

    def _show(self, name: str) -> None:
        noun = self.context.session.items.get(name)
        table = noun if isinstance(noun, Table) else None
        self.view.show_table(table)
        count = len(table.notes) if table is not None else 0
        self.notes_button.setText(f"Notes ({count})" if count else "Notes")
        self.notes_button.setEnabled(count > 0)
        self._show_notes(self.notes_button.isChecked())
