"""The plot of many runs: one result against the setting that was swept, or against the number of the run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.cases import RUN, across, results_of
from porelab_gui.core.nouns import Table
from porelab_gui.gui.choices import refill_words
from porelab_gui.gui.context import Context
from porelab_gui.gui.numbers import pretty_unit
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.plots.curves import LINES
from porelab_gui.gui.theme import Colours, role

EMPTY = "Results that differ between runs are drawn here."


class RunsPlot(QWidget):
    """A chooser among the results that vary, and their plot."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.table: Table | None = None
        self.combo, self.save = QComboBox(), QPushButton("Save plot …")
        self.combo.setObjectName("runs_result")
        self.combo.setAccessibleName("Result to draw")
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.plot = PlotCanvas(context, self._draw)
        self.plot.numbers = self._numbers
        role(self.plot.message, "quiet")
        self.plot.message.setText(EMPTY)
        row = QHBoxLayout()
        row.addWidget(self.combo, 1)
        row.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        self.save.clicked.connect(self.plot.ask_save)
        self.combo.currentIndexChanged.connect(lambda _: self.plot.refresh())
        self.show_runs(None)

    def show_runs(self, table: Table | None) -> None:
        """Draw a table of runs; the result that is chosen stays."""
        self.table = table
        names = results_of(table) if table is not None else []
        refill_words(self.combo, names, self.combo.currentText())
        self.combo.setEnabled(bool(names))
        self.save.setEnabled(bool(names))
        self.plot.message.setVisible(not names)
        self.plot.refresh()

    def points(self) -> tuple[str, NDArray[Any], NDArray[Any]]:
        """Title of x, x and y of what is drawn."""
        assert self.table is not None
        return *across(self.table), self.table[self.combo.currentText()]

    def _draw(self, axes: Any, chosen: Colours) -> None:
        if self.table is None or not self.combo.count():
            axes.set_axis_off()
            return
        title, x, y = self.points()
        unit = pretty_unit(self.table.columns[self.combo.currentText()].unit)
        swept = title != RUN
        axes.plot(x, y, "o-" if swept else "o", ms=4, lw=1.3, color=LINES[0])
        if not swept:  # runs have no order, and there is none between two of them
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel(title)
        axes.set_ylabel(f"{self.combo.currentText()} [{unit}]" if unit else self.combo.currentText())

    def _numbers(self) -> dict[str, NDArray[Any]]:
        if self.table is None or not self.combo.count():
            return {}
        title, x, y = self.points()
        return {title: np.asarray(x, float), self.combo.currentText(): np.asarray(y, float)}
