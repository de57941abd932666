"""Signed errors of a conductance against size, shape or surroundings of the conduits; a click chooses a throat."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.transport.conduit.errors import error_key
from porelab_gui.gui.context import Context
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.theme import Colours

AGAINST = (
    ("size", "conduit_voxels", "voxels of the conduit", True),
    ("shape", "roundness", "4π area / perimeter² of the throat", False),
    ("porosity", "box_porosity", "void share of its box", False),
)
REACH = 12  # pixels from a click to the point that it means
MOST = 60.0  # per cent at the ends of the plot


class ErrorPlot(QWidget):
    """A chooser above the plot."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.model = ""
        self.against = QComboBox()
        self.against.setObjectName("error_against")
        self.against.addItems([name for name, *_ in AGAINST])
        self.save_button = QPushButton("Save …")
        self.plot = PlotCanvas(context, self._draw)
        self.plot.numbers = self._numbers
        self.plot.setFixedHeight(190)
        row = QHBoxLayout()
        row.addWidget(QLabel("Error against"))
        row.addWidget(self.against, 1)
        row.addWidget(self.save_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.plot)
        self.against.currentIndexChanged.connect(lambda _: self.plot.refresh())
        self.save_button.clicked.connect(self.plot.ask_save)
        self.plot.clicked.connect(self._on_click)

    def show_model(self, model: str) -> None:
        """Plot the errors of another conductance."""
        self.model = model
        self.plot.refresh()

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Abscissa and signed error of every throat, None where a column is missing."""
        view, key = self.context.layers.view(), AGAINST[self.against.currentIndex()][1]
        error = error_key(self.model) if self.model else ""
        if view is None or key not in view.network.throats or error not in view.network.throats:
            return None
        return np.asarray(view.network.throat(key), float), np.asarray(view.network.throat(error), float)

    def _draw(self, axes: Any, chosen: Colours) -> None:
        data = self.points()
        if data is None:
            axes.set_axis_off()
            return
        x, y = data
        _, _, title, log = AGAINST[self.against.currentIndex()]
        axes.axhspan(-10, 10, color="#4c9be8", alpha=0.15, lw=0)
        axes.axhline(0, lw=1, color=chosen.quiet)
        axes.plot(x, np.clip(y, -MOST, MOST), "o", ms=3, mew=0, alpha=0.6, color="#4c9be8", rasterized=True)
        if log:
            axes.set_xscale("log")
        limit = min(MOST, max(15.0, float(np.nanmax(np.abs(y), initial=0.0)))) * 1.05
        axes.set_ylim(-limit, limit)
        axes.set_xlabel(title)
        axes.set_ylabel("error [%]")

    def _on_click(self, x: float, y: float, event: Any) -> None:
        view, data = self.context.layers.view(), self.points()
        if data is None or view is None:
            return
        with np.errstate(all="ignore"):
            at = self.plot.to_pixels(data[0], np.clip(data[1], -MOST, MOST))
            away = np.linalg.norm(at - (event.x, event.y), axis=1)
        away = np.where(np.isfinite(away), away, np.inf)
        if away.min(initial=np.inf) <= REACH:
            self.context.selection.select_throat(int(away.argmin()), view.name)
            self.plot.mark(float(data[0][away.argmin()]), float(data[1][away.argmin()]))

    def _numbers(self) -> dict[str, NDArray[Any]]:
        data = self.points()
        return {} if data is None else {AGAINST[self.against.currentIndex()][1]: data[0], "error [%]": data[1]}
