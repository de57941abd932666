"""One column of throats against another, linked both ways with the 3D view."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Column
from porelab_gui.gui.columns import ColumnChooser, label
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import spans_decades
from porelab_gui.gui.numbers import readable_scale
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.theme import Colours, role

EMPTY = "Compute two conductances to compare them here: each point is a throat."
REACH = 12  # pixels from a click to the point that it means


class ParityPlot(QWidget):
    """Choosers for both axes above the plot. A click flies to the throat; a chosen throat is ringed."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._data: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self.x, self.y = ColumnChooser("parity_x"), ColumnChooser("parity_y")
        self.log = QCheckBox("log")
        self.log.setChecked(True)
        self.save_button = QPushButton("Save …")
        self.plot = PlotCanvas(context, self._draw)
        self.plot.numbers = self._numbers
        row = QHBoxLayout()
        for widget in (QLabel("x"), self.x, QLabel("y"), self.y, self.log, self.save_button):
            row.addWidget(widget, 1 if widget in (self.x, self.y) else 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        role(self.plot.message, "quiet")
        self.save_button.clicked.connect(self.plot.ask_save)
        self.x.chosen.connect(self._on_columns)
        self.y.chosen.connect(self._on_columns)
        self.log.toggled.connect(self.plot.refresh)
        self.plot.clicked.connect(self._on_click)
        context.layers.networks_changed.connect(self._offer)
        context.selection.throat_changed.connect(self._on_selected)
        self._offer()

    def point(self, index: int) -> tuple[float, float] | None:
        """Where a throat is in the plot, in data coordinates; None when it is not shown."""
        if self._data is None or not 0 <= index < len(self._data[0]):
            return None
        x, y = self._data[0][index], self._data[1][index]
        shown = np.isfinite(x) and np.isfinite(y) and not (self.log.isChecked() and (x <= 0 or y <= 0))
        return (float(x), float(y)) if shown else None

    def _offer(self, name: str = "") -> None:
        view = self.context.layers.view()
        columns = view.network.throats if view else {}
        fresh = not self.x.key
        self.x.offer(columns)
        self.y.offer(columns)
        made = [k for k in columns if k.startswith("g_")]
        if fresh or self.x.key == self.y.key:
            pair = _pair(made) or list(columns)[:2]
            if len(pair) == 2:
                self.x.choose(pair[0])
                self.y.choose(pair[1])
        self._read()

    def _on_columns(self, key: str) -> None:
        self._read()

    def _read(self) -> None:
        view = self.context.layers.view()
        known = view is not None and self.x.key in view.network.throats and self.y.key in view.network.throats
        self._data = None
        if known and view is not None:
            x, y = view.network.throats[self.x.key], view.network.throats[self.y.key]
            self._data = (_scaled(x)[0], _scaled(y, like=x)[0])
        self.plot.message.setText("" if known else EMPTY)
        self.plot.message.setVisible(not known)
        self.log.setEnabled(known)
        if known and view is not None:
            self.log.setChecked(spans_decades(view.network.throats[self.x.key].values))
        self.plot.refresh()

    def _draw(self, axes: Any, chosen: Colours) -> None:
        view = self.context.layers.view()
        if self._data is None or view is None:
            axes.set_axis_off()
            return
        x, y = self._data
        columns = view.network.throats
        axes.plot(x, y, "o", ms=3 if len(x) < 20_000 else 1.5, mew=0, alpha=0.6, color="#4c9be8", rasterized=True)
        if self.log.isChecked():
            axes.set_xscale("log", nonpositive="mask")
            axes.set_yscale("log", nonpositive="mask")
        if columns[self.x.key].unit == columns[self.y.key].unit:
            self._diagonal(axes, x, y, chosen)
        axes.set_xlabel(" ".join(_axis(self.x.key, columns[self.x.key], columns[self.x.key])))
        axes.set_ylabel("\n".join(_axis(self.y.key, columns[self.y.key], columns[self.x.key])))
        if self.context.selection.throat is not None:
            QTimer.singleShot(0, lambda: self._on_selected(self.context.selection.throat, ""))

    def _diagonal(self, axes: Any, x: NDArray[Any], y: NDArray[Any], chosen: Colours) -> None:
        good = np.isfinite(x) & np.isfinite(y)
        if self.log.isChecked():
            good &= (x > 0) & (y > 0)
        if not good.any():
            return
        ends = [float(min(x[good].min(), y[good].min())), float(max(x[good].max(), y[good].max()))]
        axes.plot(ends, ends, "--", lw=1, color=chosen.quiet, zorder=1)
        a, b = (np.log(x[good]), np.log(y[good])) if self.log.isChecked() else (x[good], y[good])
        spread = float(((a - a.mean()) ** 2).sum())
        if spread > 0:
            r2 = 1 - float(((a - b) ** 2).sum()) / spread
            off = float(np.median(np.abs(y[good] - x[good]) / np.abs(np.where(x[good] == 0, np.nan, x[good]))))
            scale = " of the logarithms" if self.log.isChecked() else ""
            axes.set_title(f"R² = {r2:.4f}{scale}, median |y/x − 1| = {off:.1%}", fontsize=8.5)

    def _on_click(self, x: float, y: float, event: Any) -> None:
        view = self.context.layers.view()
        if self._data is None or view is None:
            return
        with np.errstate(all="ignore"):
            away = np.linalg.norm(self.plot.to_pixels(*self._data) - (event.x, event.y), axis=1)
        away = np.where(np.isfinite(away), away, np.inf)
        nearest = int(np.argmin(away))
        if away[nearest] <= REACH:
            self.context.selection.select_pore(None, view.name)
            self.context.selection.select_throat(nearest, view.name)
            self.context.layers.fly_to_throat(nearest, view.name)

    def _on_selected(self, index: int | None, name: str) -> None:
        where = self.point(index) if index is not None else None
        self.plot.mark(*(where or (None, None)))

    def _numbers(self) -> dict[str, NDArray[Any]]:
        view = self.context.layers.view()
        if self._data is None or view is None:
            return {}
        columns = view.network.throats
        head = [f"{k} [{columns[k].unit or '1'}]" for k in (self.x.key, self.y.key)]
        values = [columns[k].values for k in (self.x.key, self.y.key)]
        return {"throat": np.arange(view.network.n_throats), **dict(zip(head, values, strict=True))}


def _pair(keys: list[str]) -> list[str]:
    """Two conductances of the same kind, hydraulic ones first."""
    for kind in ("g_hydraulic.", "g_diffusive."):
        same = [k for k in keys if k.startswith(kind)]
        if len(same) > 1:
            return same[:2]
    return []


def _scaled(column: Column, like: Column | None = None) -> tuple[NDArray[np.float64], str]:
    """Values in a unit that reads well; two columns of one unit get the same factor."""
    model = like if like is not None and like.unit == column.unit else column
    finite = model.values[np.isfinite(model.values)] if model.values.dtype.kind == "f" else model.values
    factor, unit = readable_scale(float(np.abs(finite).max(initial=0)), column.unit)
    return column.values.astype(np.float64) * factor, unit


def _axis(key: str, column: Column, like: Column) -> tuple[str, ...]:
    """Name and unit; of a conductance only the law, since the choosers above say the rest."""
    unit = _scaled(column, like)[1]
    words = label(key.partition(".")[2] or key, Column(np.zeros(0)))
    return (words, f"[{unit}]") if unit else (words,)
