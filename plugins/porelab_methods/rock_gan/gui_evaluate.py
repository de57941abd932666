"""The page "Generated against real": box plots, correlations, scatter and curves of the newest comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton

from porelab_gui.core.nouns import Table
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.learning.boxes import draw_boxes
from porelab_gui.gui.plots.canvas import PlotCanvas, dress
from porelab_gui.gui.plots.curves import LINES
from porelab_gui.gui.theme import Colours, role
from porelab_methods.rock_gan.properties import PROPERTIES
from porelab_methods.rock_gan.samples import NAMES

NAME = "evaluate_rock_gan"
VIEWS = ("box plots", "correlations", "permeability over porosity", "correlation function", "pore sizes")
SHORT = ("φ", "S", "χ", "K", "Dp", "Dt")


class EvaluatePage(MethodForm):
    """The form, and pictures of what it found."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, NAME)
        self.which, self.save_button = QComboBox(), QPushButton("Save …")
        self.which.setAccessibleName("Picture")
        self.which.addItems(VIEWS)
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        role(self.notes, "quiet")
        self.plot = PlotCanvas(context, self._draw)
        self.plot.setMinimumHeight(340)
        self._extra: list[Any] = []
        row = QHBoxLayout()
        row.addWidget(self.which, 1)
        row.addWidget(self.save_button)
        self._column.addLayout(row)
        for widget in (self.plot, self.notes):
            self._column.addWidget(widget)
        self.which.currentIndexChanged.connect(lambda _: self.plot.refresh())
        self.save_button.clicked.connect(self.plot.ask_save)
        context.session.changed.connect(self._on_session)
        self._on_session(())

    def table(self, name: str) -> Table | None:
        """A table of the newest comparison."""
        found = self.context.session.items.get(name)
        return found if isinstance(found, Table) else None

    def _on_session(self, names: tuple[str, ...]) -> None:
        there = all(self.table(n) is not None for n in ("samples", "distances", "correlations", "curves"))
        for widget in (self.which, self.save_button, self.plot, self.notes):
            widget.setVisible(there)
        distances = self.table("distances")
        self.notes.setText("\n".join(distances.notes) if distances is not None else "")
        self.plot.refresh()

    def _draw(self, axes: Any, chosen: Colours) -> None:
        for old in self._extra:
            old.remove()
        self._extra = []
        axes.set_axis_off()
        axes.set_in_layout(False)
        draw = (self._boxes, self._matrices, self._scatter, self._curves, self._curves)[self.which.currentIndex()]
        if self.table("samples") is not None:
            draw(chosen)

    def _subplot(self, rows: int, columns: int, k: int, chosen: Colours) -> Any:
        plot = self.plot._figure.add_subplot(rows, columns, k + 1)
        dress(self.plot._figure, plot, chosen)
        self._extra.append(plot)
        return plot

    def _sets(self, name: str) -> dict[str, Any]:
        table = self.table("samples")
        assert table is not None
        factor = PROPERTIES[name].factor
        return {str(s): table[name][table["set"] == s] / factor for s in dict.fromkeys(table["set"])}

    def _boxes(self, chosen: Colours) -> None:
        for k, name in enumerate(NAMES):
            known = PROPERTIES[name]
            title = (
                known.title.split(",")[0]
                .split(" (")[0]
                .replace("mean inscribed ", "")
                .replace("Euler characteristic per volume", "Euler density")
            )
            plot = self._subplot(2, 3, k, chosen)
            sets = {s.replace("generated", "made"): v for s, v in self._sets(name).items()}
            draw_boxes(plot, f"{title} [{known.label}]", sets, chosen)
            plot.tick_params(labelsize=6.5)
            plot.tick_params(axis="x", labelrotation=45)
            plot.title.set_fontsize(7)

    def _matrices(self, chosen: Colours) -> None:
        table = self.table("correlations")
        assert table is not None
        for k, kind in enumerate(("real", "generated")):
            plot = self._subplot(2, 1, k, chosen)
            matrix = table["correlation"][table["set"] == kind].reshape(6, 6)
            plot.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
            plot.set_xticks(range(6), SHORT)
            plot.set_yticks(range(6), SHORT)
            plot.set_title(kind)
            for i, j in np.ndindex(6, 6):
                dark = abs(matrix[i, j]) > 0.6
                text = f"{matrix[i, j]:.1f}".replace("-0.0", "0.0")
                plot.text(j, i, text, ha="center", va="center", fontsize=6.5, color="white" if dark else "black")

    def _scatter(self, chosen: Colours) -> None:
        plot = self._subplot(1, 1, 0, chosen)
        porosity, permeability = self._sets("porosity"), self._sets("permeability")
        for k, s in enumerate(porosity):
            plot.plot(porosity[s], permeability[s], "o", ms=3, alpha=0.6, mec="none", color=LINES[k], label=s)
        plot.set_xlabel("porosity")
        plot.set_ylabel("permeability [mD]")
        plot.set_yscale("log", nonpositive="mask")
        _legend(plot, chosen)

    def _curves(self, chosen: Colours) -> None:
        table = self.table("curves")
        assert table is not None
        what, words = (
            ("two-point", ("lag [µm]", "probability"))
            if self.which.currentIndex() == 3
            else ("pore size", ("diameter [µm]", "share of pore space up to it"))
        )
        plot = self._subplot(1, 1, 0, chosen)
        for k, s in enumerate(("real", "generated")):
            rows = (table["curve"] == what) & (table["set"] == s)
            x, mean, spread = table["length"][rows] * 1e6, table["mean"][rows], table["deviation"][rows]
            plot.plot(x, mean, color=LINES[k], lw=1.4, label=s)
            plot.fill_between(x, mean - spread, mean + spread, color=LINES[k], alpha=0.2, lw=0)
        plot.set_xlabel(words[0])
        plot.set_ylabel(words[1])
        _legend(plot, chosen)


def _legend(plot: Any, chosen: Colours) -> None:
    legend = plot.legend(fontsize=7, frameon=False)
    for text in legend.get_texts():
        text.set_color(chosen.text)
