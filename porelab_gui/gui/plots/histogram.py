"""How the values of a column are spread; a click on a bar marks what is in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Column
from porelab_gui.gui.columns import ColumnChooser
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import Colouring, resolve, spans_decades
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.theme import Colours, role

EMPTY = "Extract or open a network to see how its sizes and conductances are spread."
BINS = 40


class HistogramPlot(QWidget):
    """Counts of one column of throats or pores. A click marks a bar's members in 3D; a chosen one gets a line."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._values: NDArray[np.float64] = np.zeros(0)
        self._edges: NDArray[np.float64] = np.zeros(0)
        self._title = ""
        self.kind = QComboBox()
        self.kind.addItems(["throats", "pores"])
        self.column = ColumnChooser("histogram_column")
        self.log = QCheckBox("log")
        self.save_button = QPushButton("Save …")
        self.plot = PlotCanvas(context, self._draw)
        self.plot.numbers = self._numbers
        role(self.plot.message, "quiet")
        row = QHBoxLayout()
        for widget in (self.kind, self.column, self.log, self.save_button):
            row.addWidget(widget, 1 if widget is self.column else 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        self.save_button.clicked.connect(self.plot.ask_save)
        self.kind.currentIndexChanged.connect(lambda _: self._offer())
        self.column.chosen.connect(self._on_column)
        self.log.toggled.connect(lambda _: self._read())
        self.plot.clicked.connect(self._on_click)
        context.layers.networks_changed.connect(self._offer)
        context.selection.throat_changed.connect(self._on_throat)
        context.selection.pore_changed.connect(self._on_pore)
        self._offer()

    @property
    def of_throats(self) -> bool:
        """Whether the column is one of throats."""
        return self.kind.currentIndex() == 0

    def members(self, value: float) -> NDArray[np.bool_]:
        """Which throats or pores are in the bar that holds a value."""
        k = int(np.clip(np.searchsorted(self._edges, value, side="right") - 1, 0, len(self._edges) - 2))
        last = k == len(self._edges) - 2
        upper = self._values <= self._edges[k + 1] if last else self._values < self._edges[k + 1]
        inside: NDArray[np.bool_] = (self._values >= self._edges[k]) & upper
        return inside

    def _columns(self) -> dict[str, Column]:
        view = self.context.layers.view()
        if view is None:
            return {}
        return dict(view.network.throats if self.of_throats else view.network.pores)

    def _offer(self, name: str = "") -> None:
        self.column.offer(self._columns())
        self._read()

    def _on_column(self, key: str) -> None:
        columns = self._columns()
        if key in columns:
            self.log.blockSignals(True)
            self.log.setChecked(spans_decades(columns[key].values))
            self.log.blockSignals(False)
        self._read()

    def _read(self) -> None:
        columns = self._columns()
        known = self.column.key in columns
        self.plot.message.setText("" if known else EMPTY)
        self.plot.message.setVisible(not known)
        self._values, self._edges = np.zeros(0), np.zeros(0)
        if known:
            made = resolve(Colouring(self.column.key, log=self.log.isChecked()), columns)
            self._values, self._title = made.values.astype(np.float64), made.title
            good = self._values[np.isfinite(self._values)]
            if len(good):
                self._edges = np.histogram_bin_edges(good, bins=BINS)
        self.plot.refresh()

    def _draw(self, axes: Any, chosen: Colours) -> None:
        if len(self._edges) < 2:
            axes.set_axis_off()
            return
        counts, _ = np.histogram(self._values[np.isfinite(self._values)], self._edges)
        axes.stairs(counts, self._edges, fill=True, color="#4c9be8", alpha=0.85)
        axes.set_xlabel(self._title)
        axes.set_ylabel(self.kind.currentText())
        QTimer.singleShot(0, self._mark_selected)

    def _mark_selected(self) -> None:
        self._mark(self.context.selection.throat if self.of_throats else self.context.selection.pore)

    def _on_click(self, x: float, y: float, event: Any) -> None:
        view = self.context.layers.view()
        if view is None or len(self._edges) < 2:
            return
        inside = self.members(x)
        none = np.zeros(view.network.n_pores if self.of_throats else view.network.n_throats, dtype=bool)
        pores, throats = (none, inside) if self.of_throats else (inside, none)
        self.context.layers.highlight(pores, throats, view.name)
        if not inside.any():
            return
        nearest = int(np.nanargmin(np.where(inside, np.abs(self._values - x), np.nan)))
        self.context.selection.select_throat(nearest if self.of_throats else None, view.name)
        self.context.selection.select_pore(None if self.of_throats else nearest, view.name)
        fly = self.context.layers.fly_to_throat if self.of_throats else self.context.layers.fly_to_pore
        fly(nearest, view.name)

    def _on_throat(self, index: int | None, name: str) -> None:
        if self.of_throats:
            self._mark(index)

    def _on_pore(self, index: int | None, name: str) -> None:
        if not self.of_throats:
            self._mark(index)

    def _mark(self, index: int | None) -> None:
        known = index is not None and index < len(self._values) and np.isfinite(self._values[index])
        self.plot.mark(float(self._values[index]) if known and index is not None else None, None)

    def _numbers(self) -> dict[str, NDArray[Any]]:
        counts, _ = np.histogram(self._values[np.isfinite(self._values)], self._edges)
        return {f"from {self._title}": self._edges[:-1], f"to {self._title}": self._edges[1:], "count": counts}
