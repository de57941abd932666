"""Where the flow is decided: throats coloured by d ln K / d ln g, and the most decisive ones in a table."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.nouns import AXES, Network
from porelab_gui.core.transport.pnm.kinds import DIFFUSION, FLOW
from porelab_gui.core.transport.pnm.ranking import RankParams, ranked
from porelab_gui.gui.choices import refill
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import Colouring
from porelab_gui.gui.tables import TableView
from porelab_gui.gui.theme import role

EMPTY = "Solve for flow or diffusion, and the throats that decide K or F are listed here."
PROCESSES = ((FLOW, "flow"), (DIFFUSION, "diffusion"))
ROWS = 25


class SensitivityPanel(QWidget):
    """Chooses a solution, colours by its dissipation shares, lists the top throats; a click flies to the throat."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._stale = True
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.told = QLabel(EMPTY)
        self.told.setWordWrap(True)
        role(self.told, "quiet")
        column.addWidget(self.told)
        self.body = QWidget()
        column.addWidget(self.body)
        inner = QVBoxLayout(self.body)
        inner.setContentsMargins(0, 0, 0, 0)
        self.which = QComboBox()
        self.which.setObjectName("sensitivity_of")
        self.colour_button = QPushButton("Colour throats")
        self.colour_button.setObjectName("sensitivity_colour")
        row = QHBoxLayout()
        row.addWidget(self.which, 1)
        row.addWidget(self.colour_button)
        inner.addLayout(row)
        self.table = TableView(context)
        self.table.grid.setObjectName("sensitivity_table")
        inner.addWidget(self.table)
        self.which.currentIndexChanged.connect(self._fill)
        self.colour_button.clicked.connect(self.colour)
        self.table.grid.clicked.connect(self._on_row)
        context.session.changed.connect(self._on_changed)
        self.refresh()

    def refresh(self) -> None:
        """Offer the solutions that the newest network has."""
        self._stale = False
        network = self._network()
        throats = {} if network is None else network.throats
        keys = [(k, a, w) for k, w in PROCESSES for a in AXES if f"{k.share}.{a}" in throats]
        refill(self.which, ((f"{w} along {a}", (w, a)) for _, a, w in keys), self.which.currentData())
        self.body.setVisible(bool(keys))
        if keys:
            self._fill()
        else:
            self.told.setText(EMPTY)

    def colour(self) -> None:
        """Colour the throats by their share, on a log scale."""
        words, axis = self.which.currentData()
        kind = FLOW if words == "flow" else DIFFUSION
        self.context.layers.colour_throats(Colouring(f"{kind.share}.{axis}", log=True, colormap="magma"))

    def _network(self) -> Network | None:
        name = self.context.session.latest(Network)
        found = self.context.session.items[name] if name else None
        return found if isinstance(found, Network) else None

    def _fill(self, *_: int) -> None:
        network = self._network()
        if network is None or self.which.currentData() is None:
            return
        words, axis = self.which.currentData()
        made = ranked(network, RankParams(process=words, axis=axis, count=ROWS))
        self.told.setText("\n".join(made.notes))
        self.table.show_table(made, notes=False)
        self.table.fit_height()

    def _on_row(self, index: QModelIndex) -> None:
        """Select the throat of a row and fly to it."""
        table, name = self.table.model.table, self.context.session.latest(Network)
        if table is None or name is None:
            return
        throat = int(table["throat"][index.row()])
        self.context.selection.select_throat(throat, name)
        self.context.layers.fly_to_throat(throat, name)

    def _on_changed(self, names: tuple[str, ...]) -> None:
        self._stale = True
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()
