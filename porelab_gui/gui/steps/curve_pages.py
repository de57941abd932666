"""Pages of Methods whose result is a curve: the form, the plot, and buttons that save it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Table
from porelab_gui.core.units import MILLIDARCY
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.plots.curves import LINES
from porelab_gui.gui.theme import Colours, role

MICRO = 1e6
Draw = Callable[[Any, Table, Colours], None]


class CurvePage(QWidget):
    """The form of ``method`` and the plot of the table that it gives."""

    method = ""
    port = ""
    height = 240

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.form = MethodForm(context, self.method)
        self.plot = PlotCanvas(context, self._draw)
        self.plot.numbers = self._numbers
        self.plot.setFixedHeight(self.height)
        self.notes, self.save = QLabel(), QPushButton("Save plot …")
        self.notes.setWordWrap(True)
        self.save.clicked.connect(self.plot.ask_save)
        for widget in (self.form, self.plot, role(self.notes, "quiet"), self.save):
            column.addWidget(widget)
        context.session.changed.connect(self._on_session)
        self.refresh()

    @property
    def table(self) -> Table | None:
        """The newest result of this Method in the session."""
        for step in reversed(self.context.session.recipe.steps):
            noun = self.context.session.items.get(step.outputs.get(self.port, ""))
            if step.method == self.method and isinstance(noun, Table):
                return noun
        return None

    def refresh(self) -> None:
        """Show the newest result."""
        table = self.table
        for widget in (self.plot, self.notes, self.save):
            widget.setVisible(table is not None)
        self.notes.setText("" if table is None else "\n".join(table.notes))
        self.plot.refresh()

    def draw(self, axes: Any, table: Table, chosen: Colours) -> None:
        """The curve of a table."""
        raise NotImplementedError

    def _draw(self, axes: Any, chosen: Colours) -> None:
        if self.table is not None:
            self.draw(axes, self.table, chosen)

    def _numbers(self) -> dict[str, Any]:
        columns = {} if self.table is None else self.table.columns
        numbers = {k: c for k, c in columns.items() if c.values.dtype.kind in "iuf"}
        return {f"{k} [{c.unit or '1'}]": np.asarray(c.values, float) for k, c in numbers.items()}

    def _on_session(self, names: tuple[str, ...]) -> None:
        self.refresh()


class DrainagePage(CurvePage):
    """Capillary pressure over the saturation of the non-wetting fluid."""

    method, port = "drainage", "drainage"

    def draw(self, axes: Any, table: Table, chosen: Colours) -> None:
        """A staircase: at each pressure the saturation jumps to what the openings let in."""
        axes.step(table["saturation"], table["capillary_pressure"] / 1e3, where="pre", color=LINES[0], lw=1.5)
        axes.set(xlim=(0, 1), yscale="log", xlabel="saturation, non-wetting", ylabel="capillary pressure [kPa]")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


class RelativePage(CurvePage):
    """Relative permeability of both fluids over the saturation of the wetting one."""

    method, port = "relative_permeability", "relative_permeability"

    def draw(self, axes: Any, table: Table, chosen: Colours) -> None:
        """Both curves."""
        for key, text, colour in (("kr_wetting", "wetting", LINES[0]), ("kr_nonwetting", "non-wetting", LINES[1])):
            axes.plot(table["wetting_saturation"], table[key], "o-", ms=3, lw=1.3, color=colour, label=text)
        axes.set(xlim=(0, 1), ylim=(-0.02, 1.05), xlabel="saturation, wetting", ylabel="relative permeability")
        _legend(axes, chosen, "upper left")


class RepresentativePage(CurvePage):
    """Porosity, permeability and formation factor over the edge of the samples."""

    method, port, height = "representative_volume", "representative_volume", 420

    def draw(self, axes: Any, table: Table, chosen: Colours) -> None:
        """Mean, standard deviation and extremes, each over its value in the largest samples."""
        edge = table["edge"] * MICRO
        for (key, text), colour in zip((("porosity", "porosity"), ("K_m2", "K"), ("F", "F")), LINES, strict=False):
            last = table[f"{key}_mean"][-1]
            mean, low, high = (table[f"{key}_{k}"] / last for k in ("mean", "min", "max"))
            axes.errorbar(edge, mean, table[f"{key}_std"] / last, color=colour, marker="o", ms=4, lw=1.3, capsize=3,
                          label=f"{text}, 1 is {_shown(key, float(last))}")  # fmt: skip
            axes.fill_between(edge, low, high, color=colour, alpha=0.12, lw=0)
        axes.set(ylim=(0, min(3.0, axes.get_ylim()[1])), xlabel="edge of the sample [µm]")
        axes.set_ylabel("over that of the largest")
        _legend(axes, chosen, "lower left", above=True)  # inside, the spread of small samples runs through it


def _shown(key: str, value: float) -> str:
    return f"{value / MILLIDARCY:.4g} mD" if key == "K_m2" else f"{value:.4g}"


def _legend(axes: Any, chosen: Colours, place: str, above: bool = False) -> None:
    outside = {"bbox_to_anchor": (0.0, 1.0)} if above else {}
    axes.legend(loc=place, fontsize=7, frameon=False, labelcolor=chosen.text, **outside)
