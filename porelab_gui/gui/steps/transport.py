"""Transport: solves on the network, K and F per axis, and pressure and flow as colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.network.health import clusters
from porelab_gui.core.nouns import AXES, Network, Table
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.network.colouring import Colouring
from porelab_gui.gui.network.comparison_panel import ComparisonPanel
from porelab_gui.gui.network.sensitivity_panel import SensitivityPanel
from porelab_gui.gui.network.what_if_panel import WhatIfPanel
from porelab_gui.gui.numbers import show
from porelab_gui.gui.section import Section
from porelab_gui.gui.steps.generic import GenericPanel
from porelab_gui.gui.tables import TableView
from porelab_gui.gui.theme import restyle, role
from porelab_gui.session.jobs import Job, State

EMPTY = "Compute conductances, then solve: K and F of each axis are listed here."
KEYS = ("K_m2", "F")
RESULTS = {"solve_flow": "permeability", "solve_diffusion": "formation factor"}
HOW = (("law", "with the conductance"), ("boundary", "faces held at"))
SHOWS = (
    ("pressure and flow", "pressure", "flow", True),
    ("concentration and flux", "concentration", "flux", True),
    ("pressure and dissipation", "pressure", "dissipation_share", True),
    ("concentration and share", "concentration", "diffusion_share", True),
)


class TransportPanel(GenericPanel):
    """The forms of the step, the results of flow and diffusion, and what colours to look at."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Transport", leave_out=("rank_throats", "change_conductance"))
        self.results, self.comparison = ResultsPanel(context), ComparisonPanel(context)
        self.sensitivity, self.what_if = SensitivityPanel(context), WhatIfPanel(context)
        self.sections = {
            "comparison": Section("All laws, both ways to hold the faces", self.comparison, "comparison"),
            "sensitivity": Section("Where the flow is decided", self.sensitivity, "sensitivity"),
            "what_if": Section("What if", self.what_if, "what_if"),
        }
        for part in (self.results, *self.sections.values()):
            self._column.insertWidget(self._column.count() - 1, part)
        if "solve_flow" in self.names:
            self.show_method("solve_flow")

    def make_page(self, name: str) -> QWidget:
        """The form of a Method; a solve colours the network by its result."""
        form = super().make_page(name)
        if isinstance(form, MethodForm) and name in RESULTS:
            form.outputs["table"].setText(RESULTS[name])
            form.finished.connect(self._show_result)
        return form

    def _show_result(self, job: Job) -> None:
        if job.state is State.DONE:
            self.results.show_colours(0 if job.method.name == "solve_flow" else 1)


class ResultsPanel(QWidget):
    """Permeability and formation factor per axis in words and as a table; buttons that colour the network."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(role(QLabel("Results"), "section"))
        self.summary = QLabel(EMPTY)
        self.summary.setWordWrap(True)
        self.summary.setObjectName("summary")
        column.addWidget(self.summary)
        self.table = TableView(context)
        column.addWidget(self.table)
        self.colours = QWidget()
        column.addWidget(self.colours)
        self._add_colours()
        context.session.changed.connect(self.refresh)
        self.refresh()

    def _add_colours(self) -> None:
        row = QHBoxLayout(self.colours)
        row.setContentsMargins(0, 0, 0, 0)
        self.what, self.axis = QComboBox(), QComboBox()
        self.what.addItems([name for name, *_ in SHOWS])
        self.axis.addItems(list(AXES))
        self.what.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.what.setMinimumContentsLength(8)
        self.show_button = QPushButton("Colour")
        self.show_button.setObjectName("colour_by")
        self.show_button.clicked.connect(lambda: self.show_colours())
        for widget, stretch in ((self.what, 1), (self.axis, 0), (self.show_button, 0)):
            row.addWidget(widget, stretch)

    def refresh(self, names: tuple[str, ...] = ()) -> None:
        """Show the newest results that are there."""
        found = results(dict(self.context.session.items))
        lines = [line for table in found for line in sentences(table)]
        lines += self._not_spanned(found)
        self.summary.setText("\n".join(lines) or EMPTY)
        restyle(self.summary, "" if lines else "quiet")
        newest = found[-1] if found else None
        self.table.setVisible(newest is not None)
        self.table.show_table(newest)
        self.table.fit_height()
        self.colours.setVisible(newest is not None)

    def show_colours(self, what: int | None = None) -> None:
        """Colour pores by potential and throats by flow or dissipation along the chosen axis."""
        if what is not None:
            self.what.setCurrentIndex(what)
        view = self.context.layers.view()
        if view is None:
            return
        _, potential, through, log = SHOWS[self.what.currentIndex()]
        columns = view.network
        axis = self.axis.currentText()
        if f"{potential}.{axis}" not in columns.pores:
            axis = next((a for a in AXES if f"{potential}.{a}" in columns.pores), "")
        if not axis:
            self.context.notify(f"There is no {potential} to show; solve for it first.", "warning")
            return
        self.axis.setCurrentText(axis)
        layers = self.context.layers
        layers.colour_pores(Colouring(f"{potential}.{axis}", colormap="plasma"), view.name)
        if f"{through}.{axis}" in columns.throats:
            layers.colour_throats(Colouring(f"{through}.{axis}", log=log), view.name)

    def _not_spanned(self, found: list[Table]) -> list[str]:
        """An axis that the network does not join gets a sentence in place of a number."""
        name = self.context.session.latest(Network)
        network = self.context.session.items[name] if name else None
        if not found or not isinstance(network, Network):
            return []
        shut = [axis for axis in AXES if not spans(network, axis)]
        return [f"The network does not span {axis}: no K and no F along {axis}." for axis in shut]


def results(items: dict[str, Any]) -> list[Table]:
    """The tables with K or F per axis, oldest first."""
    tables = [v for v in items.values() if isinstance(v, Table) and "axis" in v.columns]
    return [t for t in tables if any(k in t.columns for k in KEYS)]


def sentences(table: Table) -> list[str]:
    """K and F of each axis in words, in m2 and mD, with the law and how the faces were held."""
    lines = []
    for row, axis in enumerate(table["axis"]):
        said = []
        if not np.isfinite([table[k][row] for k in KEYS if k in table.columns]).all():
            lines.append(f"{axis}: no value, see the notes below")
            continue
        if "K_m2" in table.columns:
            said.append(f"K_{axis} = {table['K_m2'][row]:.4g} m²")
            if "K_mD" in table.columns:
                said.append(f"{table['K_mD'][row]:.4g} mD")
        if "F" in table.columns:
            said.append(f"F_{axis} = {show(table['F'][row], '1')}")
        lines.append(" = ".join(said))
    how = [(words, str(table[key][0])) for key, words in HOW if key in table.columns and len(table)]
    return [*lines, ", ".join(f"{words} {value}" for words, value in how)] if how else lines


def spans(network: Network, axis: str) -> bool:
    """Whether some cluster of pores touches both faces of the axis."""
    ends = [network.pores.get(f"face_{axis}{k}") for k in (0, 1)]
    if ends[0] is None or ends[1] is None:
        return False
    label = clusters(network)
    return bool(set(label[ends[0].values.astype(bool)]) & set(label[ends[1].values.astype(bool)]))
