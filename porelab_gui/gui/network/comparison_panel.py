"""K and F along each axis under every law and both boundary treatments, with the difference, in one table."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.gui.context import Context
from porelab_gui.gui.tables import TableView
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job

EMPTY = "Compute conductances, then compare what they give."
ABOUT = (
    "reservoirs: the faces of the image are held; centres: the centres of the pores at the faces are held. "
    "The difference is centres over reservoirs, minus 1."
)
METHOD, ITEM = "compare_transport", "all laws"
SHORT = (
    ("K_mD.reservoirs", "K reservoirs"),
    ("K_mD.centres", "K centres"),
    ("K_m2.difference", "K difference"),
    ("F.reservoirs", "F reservoirs"),
    ("F.centres", "F centres"),
    ("F.difference", "F difference"),
)


class ComparisonPanel(QWidget):
    """The newest comparison, and the button that makes one."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.told = QLabel(EMPTY)
        self.told.setWordWrap(True)
        role(self.told, "quiet")
        column.addWidget(self.told)
        self.table = TableView(context)
        self.table.grid.setObjectName("comparison_table")
        column.addWidget(self.table)
        self.button = QPushButton("Compare all laws")
        self.button.setObjectName("compare")
        self.button.clicked.connect(self.compare)
        column.addWidget(self.button)
        context.session.changed.connect(self.refresh)
        self.refresh()

    def compare(self) -> None:
        """Run the comparison on the newest network."""
        name = self.context.session.latest(Network)
        if name is None:
            return
        try:
            self.button.setEnabled(False)
            self.context.session.run(METHOD, {}, {"network": name}, {"table": ITEM}, self._on_done)
        except PorelabError as error:
            self.button.setEnabled(True)
            self.context.report(error)

    def refresh(self, names: tuple[str, ...] = ()) -> None:
        """Show the newest comparison that is there."""
        items = self.context.session.items
        found = [v for v in items.values() if isinstance(v, Table) and "K_m2.difference" in v.columns]
        name = self.context.session.latest(Network)
        network = items[name] if name else None
        able = isinstance(network, Network) and any(k.startswith("g_") for k in network.throats)
        self.button.setEnabled(able)
        self.told.setText(ABOUT if found else EMPTY if not able else "Not compared yet.")
        self.table.setVisible(bool(found))
        if found:
            self.table.show_table(compact(found[-1]))
            self.table.fit_height()

    def _on_done(self, job: Job) -> None:
        self.refresh()


def compact(table: Table) -> Table:
    """The columns that fit a dock: K in mD, differences in per cent, processes without a value left out."""
    columns = {"law": table.columns["law"], "axis": table.columns["axis"]}
    for key, short in SHORT:
        column = table.columns[key]
        if not np.isfinite(column.values).any():
            continue
        relative = key.endswith("difference")
        values = column.values * 100 if relative else column.values
        columns[short] = Column(values, "%" if relative else column.unit, column.title)
    return Table(columns, table.notes, name=table.name, source=table.source)
