"""The slices with their states, and how much of each a person has changed."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from porelab_gui.core.image.review import review_of, slice_changes
from porelab_gui.core.nouns import Labels
from porelab_gui.core.review import SliceState
from porelab_gui.gui.correcting.target import Target
from porelab_gui.gui.theme import role

HEADS = ("slice", "state", "changed\n[%]", "of pores\n[%]")
DOTS = {
    SliceState.UNTOUCHED: "#9aa0a6", SliceState.AUTOMATIC: "#4c9be8",
    SliceState.CORRECTED: "#f2994a", SliceState.DONE: "#43a047",
}  # fmt: skip
TURN_MS = 8


class Tally:
    """Changed pixels and automatic pore pixels of every slice; -1 where they have not been counted yet."""

    def __init__(self, target: Target) -> None:
        self.target = target
        depth = target.labels.shape[0]
        self.changed = np.full(depth, -1, np.int64)
        self.pores = np.full(depth, -1, np.int64)
        self.states = review_of(target.labels).states.copy()
        touched = np.unique(review_of(target.labels).index // review_of(target.labels).plane)
        self.changed[np.setdiff1d(np.arange(depth), touched)] = 0

    @property
    def left(self) -> list[int]:
        """Slices that are still to be counted: all in memory, on disk only those with changes."""
        known = (self.changed >= 0) if self.target.lazy else (self.changed >= 0) & (self.pores >= 0)
        return [int(z) for z in np.flatnonzero(~known)]

    def count(self, z: int) -> None:
        """Count a slice as it is kept, or as it is painted now."""
        labels, target = self.target.labels, self.target
        now = np.asarray(labels.data[z])
        first = review_of(labels).automatic_slice(z, now)
        if z in target.pending():
            _, y, x = target.start
            now = np.array(now)
            page = target.page(z)
            now[y : y + page.shape[0], x : x + page.shape[1]] = page
            kept = SliceState(int(review_of(labels).states[z]))
            fresh = not np.array_equal(now, np.asarray(labels.data[z]))
            self.states[z] = max(kept, SliceState.CORRECTED) if fresh else kept
        else:
            self.states[z] = review_of(labels).states[z]
        self.changed[z], self.pores[z] = slice_changes(first, now, labels.void, False)

    def words(self) -> str:
        """Overall: changed pixels, of all and of the automatic pore pixels."""
        labels = self.target.labels
        total = int(self.changed[self.changed >= 0].sum())
        whole = float(np.prod(labels.shape))
        text = f"{total:,} pixels changed: {total / whole:.2%} of all"
        if self.left:
            return f"{text} (still counting)"
        pores = int(self.pores[self.pores >= 0].sum())
        where = " in the slices counted" if (self.pores < 0).any() else ""
        return f"{text}, {total / pores:.2%} of the automatic pore pixels{where}" if pores else text


class SliceModel(QAbstractTableModel):
    """One row per slice."""

    def __init__(self) -> None:
        super().__init__()
        self.tally: Tally | None = None

    def show(self, tally: Tally | None) -> None:
        """Show other slices."""
        self.beginResetModel()
        self.tally = tally
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if self.tally is None else len(self.tally.states)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        shown = role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal
        return HEADS[section] if shown else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.tally is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(index.row(), index.column())
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 1:
            return QColor(DOTS[SliceState(int(self.tally.states[index.row()]))])
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() != 1:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def text(self, row: int, column: int) -> str:
        """One cell."""
        assert self.tally is not None
        changed, pores = int(self.tally.changed[row]), int(self.tally.pores[row])
        if column == 0:
            return str(row)
        if column == 1:
            return SliceState(int(self.tally.states[row])).word
        if changed < 0 or (column == 3 and pores <= 0):
            return "…" if changed < 0 or pores < 0 else "–"
        labels = self.tally.target.labels
        whole = labels.shape[1] * labels.shape[2]
        return f"{100 * changed / (whole if column == 2 else pores):.2f}"

    def touch(self, rows: list[int]) -> None:
        """These rows have new contents."""
        for row in rows:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(HEADS) - 1))


class SliceList(QWidget):
    """``asked(z)`` when a slice is clicked. Counting goes on in short turns, which never stop the window."""

    asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.model = SliceModel()
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setObjectName("slices")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(21)
        for column, wide in enumerate((48, 0, 66, 66)):
            stretch = QHeaderView.ResizeMode.Fixed if wide else QHeaderView.ResizeMode.Stretch
            self.table.horizontalHeader().setSectionResizeMode(column, stretch)
            if wide:
                self.table.setColumnWidth(column, wide)
        self.table.setMinimumWidth(120)
        self.table.setShowGrid(False)
        self.table.setIconSize(QSize(10, 10))
        self.table.setFixedHeight(170)
        self.table.clicked.connect(lambda index: self.asked.emit(index.row()))
        self.states, self.overall = QLabel(), QLabel()
        for label in (self.states, self.overall):
            label.setWordWrap(True)
        self.overall.setObjectName("overall")
        across = QVBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(4)
        for widget in (self.table, role(self.states, "quiet"), self.overall):
            across.addWidget(widget)
        self._timer = QTimer(self, interval=20)
        self._timer.timeout.connect(self._turn)

    @property
    def tally(self) -> Tally | None:
        """The counts that are shown."""
        return self.model.tally

    def show_target(self, target: Target | None) -> None:
        """Show the slices of other labels, or none."""
        self.model.show(Tally(target) if target is not None else None)
        self._say()
        if target is not None:
            self._timer.start()

    def recount(self, slices: list[int]) -> None:
        """Count these slices again, as they are painted now."""
        if self.tally is not None:
            for z in slices:
                self.tally.count(z)
            self.model.touch(slices)
            self._say()

    def show_slice(self, z: int) -> None:
        """Mark the slice in view."""
        if 0 <= z < self.model.rowCount():
            self.table.selectRow(z)
            self.table.scrollTo(self.model.index(z, 0))

    def finish(self) -> None:
        """Count what is left now."""
        if self.tally is not None:
            self.recount(self.tally.left)

    def _turn(self) -> None:
        import time

        end = time.perf_counter() + TURN_MS / 1000
        done: list[int] = []
        left = self.tally.left if self.tally is not None else []
        for z in left:
            if time.perf_counter() > end:
                break
            self.tally.count(z)  # type: ignore[union-attr]
            done.append(z)
        self.model.touch(done)
        if len(done) == len(left):
            self._timer.stop()
            self._say()

    def _say(self) -> None:
        tally = self.tally
        self.overall.setText(tally.words() if tally is not None else "")
        self.states.setText(state_words(tally.target.labels, tally.states) if tally is not None else "")


def state_words(labels: Labels, states: Any) -> str:
    """How many slices stand in each state."""
    counts = [(int(np.count_nonzero(states == s)), s.word) for s in reversed(SliceState)]
    return ", ".join(f"{n} {word}" for n, word in counts if n) + f" of {labels.shape[0]} slices"
