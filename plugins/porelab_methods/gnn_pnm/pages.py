"""Pages of the window: conductances as colours, and where the flow is decided. Training has the shared widgets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.nouns import AXES, Table
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.network.colouring import Colouring, spans_decades
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.theme import Colours, role
from porelab_gui.session.jobs import Job, State

SHOWS = (
    ("GNN", "g_hydraulic.gnn", "hydraulic conductance by the graph network"),
    ("over the law", "gnn_ratio.hydraulic", "the graph network over cones and cylinders"),
    ("error to DNS", "gnn_error.hydraulic", "the graph network against the simulated conduit"),
    ("spread", "gnn_spread.hydraulic", "how far the nets of the ensemble disagree"),
)
NO_DNS = "Simulate conduits first (Conductance by direct simulation, hydraulic), then run this again."


class ApplyPage(QWidget):
    """The form of the conductances, buttons that colour the throats, and what is to be known of the network."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.form = MethodForm(context, "conductance_gnn")
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setObjectName("gnn_notes")
        self.notes.hide()
        self.buttons: dict[str, QPushButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        column.addWidget(self.notes)
        self.shows = self._shows()
        column.addWidget(self.shows)
        self.form.finished.connect(self._on_finished)
        context.layers.networks_changed.connect(lambda *_: self._offer())
        self._offer()

    def _shows(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(role(QLabel("Colour throats by"), "quiet"))
        for start in (0, 2):
            row = QHBoxLayout()
            for title, key, tip in SHOWS[start : start + 2]:
                button = QPushButton(title)
                button.setToolTip(tip)
                button.setObjectName(f"show_{key.partition('.')[0]}")
                button.clicked.connect(lambda _=False, key=key: self.colour(key))
                self.buttons[key] = button
                row.addWidget(button, 1)
            column.addLayout(row)
        return box

    def _offer(self) -> None:
        view = self.context.layers.view()
        self.shows.setVisible(view is not None and "g_hydraulic.gnn" in view.network.throats)

    def _on_finished(self, job: Job) -> None:
        if job.state is not State.DONE or job.outputs is None:
            return
        table = job.outputs["table"]
        notes = table.notes if isinstance(table, Table) else ()
        self.notes.setText("\n\n".join(notes))
        self.notes.setVisible(bool(notes))
        self._offer()
        self.colour("g_hydraulic.gnn")

    def colour(self, key: str) -> None:
        """Colour the throats by one of the columns; a ratio and an error on a diverging scale about their middle."""
        view = self.context.layers.view()
        if view is None or key not in view.network.throats:
            self.context.notify(NO_DNS if key.startswith("gnn_error") else "Run the graph network first.", "warning")
            return
        values = view.network.throats[key].values
        log = key.startswith("g_") and spans_decades(values)
        self.context.layers.colour_throats(Colouring(key, log=log, limits=limits(key, values), colormap=_map(key)))


def limits(key: str, values: NDArray[Any]) -> tuple[float, float] | None:
    """Limits alike on both sides of the value that means agreement; None: from the data."""
    middle = {"gnn_ratio": 1.0, "gnn_error": 0.0}.get(key.partition(".")[0])
    known = values[np.isfinite(values)]
    if middle is None or not len(known):
        return None
    reach = float(np.quantile(np.abs(known - middle), 0.95)) or 0.1
    return middle - reach, middle + reach


def _map(key: str) -> str:
    return "coolwarm" if key.startswith(("gnn_ratio", "gnn_error")) else ""


class SensitivityPage(QWidget):
    """The form, bars of d ln K / d ln size, and the network coloured by where the flow is decided."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.table: Table | None = None
        self.form = MethodForm(context, "sensitivity_gnn")
        self.axis = QComboBox()
        self.axis.setObjectName("sensitivity_axis")
        self.axis.addItems(list(AXES))
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setObjectName("sensitivity_notes")
        self.plot = PlotCanvas(context, self._draw)
        self.plot.numbers = self._numbers
        self.plot.setMinimumHeight(230)
        self.share, self.width_button = QPushButton("Dissipation share"), QPushButton("Throat width")
        self.share.setObjectName("show_share")
        self.width_button.setObjectName("show_width")
        row = QHBoxLayout()
        for widget in (self.axis, self.share, self.width_button):
            row.addWidget(widget)
        self.result = QWidget()
        inner = QVBoxLayout(self.result)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.notes)
        inner.addLayout(row)
        inner.addWidget(self.plot)
        self.result.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        column.addWidget(self.result)
        self.form.finished.connect(self._on_finished)
        self.share.clicked.connect(lambda: self.colour("dissipation_share"))
        self.width_button.clicked.connect(lambda: self.colour("width_sensitivity"))
        self.axis.currentIndexChanged.connect(lambda _: self.plot.refresh())

    def _on_finished(self, job: Job) -> None:
        if job.state is not State.DONE or job.outputs is None:
            return
        table = job.outputs["table"]
        assert isinstance(table, Table)
        self.table = table
        self.notes.setText("\n".join(table.notes))
        self.result.show()
        have = [a for a in AXES if f"dlnK_dln.{a}" in table.columns]
        if self.axis.currentText() not in have:
            self.axis.setCurrentText(have[0])
        self.plot.refresh()
        self.colour("dissipation_share")

    def colour(self, stem: str) -> None:
        """Colour the throats along the chosen axis."""
        key = f"{stem}.{self.axis.currentText()}"
        view = self.context.layers.view()
        if view is None or key not in view.network.throats:
            self.context.notify(f"There is no value along {self.axis.currentText()}.", "warning")
            return
        # most throats carry next to nothing: the half that carries the flow is coloured, the rest is thin
        self.context.layers.colour_throats(Colouring(key, log=True, colormap="inferno", within=(50.0, 100.0)))

    def _column(self) -> str:
        return f"dlnK_dln.{self.axis.currentText()}"

    def _draw(self, axes: Any, chosen: Colours) -> None:
        if self.table is None or self._column() not in self.table.columns:
            axes.set_axis_off()
            return
        names, values = self.table["size"][1:], self.table[self._column()][1:]
        colours = ["#4c9be8" if v >= 0 else "#f2994a" for v in values]
        axes.barh(np.arange(len(values))[::-1], values, color=colours, height=0.7)
        axes.set_yticks(np.arange(len(values))[::-1], [str(n).replace("diameter", "d.") for n in names], fontsize=7)
        axes.axvline(0, color=chosen.quiet, lw=0.8)
        axes.set_xlabel("d ln K / d ln size")

    def _numbers(self) -> dict[str, NDArray[Any]]:
        if self.table is None or self._column() not in self.table.columns:
            return {}
        return {self._column(): self.table[self._column()]}
