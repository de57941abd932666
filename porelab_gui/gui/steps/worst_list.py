"""The conduits that a model gets wrong most; a click shows one in 3D."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Network
from porelab_gui.core.transport.conduit.errors import error_key
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.pair import pair_surfaces, regions_of
from porelab_gui.gui.network.pair_view import PairView
from porelab_gui.gui.numbers import show
from porelab_gui.gui.theme import colours

HEADS = ("throat", "error", "model", "simulated")
NO_REGIONS = "The regions of this network are not open, so its pore pair cannot be shown."


def percent(value: float) -> str:
    """A signed error in a few characters: "+3.2 %", "+240 %", "+1e+05 %"."""
    return f"{value:+.1f} %" if abs(value) < 100 else f"{value:+.0f} %" if abs(value) < 1e4 else f"{value:+.0e} %"


class WorstList(QWidget):
    """A table, and under it the pair of the chosen row; the throat is selected everywhere else too."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.table = QTableWidget(0, len(HEADS))
        self.table.setObjectName("worst")
        self.table.setHorizontalHeaderLabels(list(HEADS))
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(21)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.setFixedHeight(170)
        self.pair = PairView()
        self.pair.setFixedHeight(170)
        self.pair.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table)
        column.addWidget(self.pair)
        self.table.cellClicked.connect(self._on_row)

    def show_throats(self, network: Network, model: str, reference: str, throats: NDArray[np.int64]) -> None:
        """List throats with their error and both conductances."""
        error, found, truth = (network.throats[k] for k in (error_key(model), model, reference))
        self.table.setRowCount(len(throats))
        for row, throat in enumerate(throats):
            texts = (
                str(int(throat)),
                percent(float(error.values[throat])),
                show(float(found.values[throat]), ""),
                show(float(truth.values[throat]), ""),
            )
            for place, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                if place > 1:
                    item.setToolTip(found.unit)
                self.table.setItem(row, place, item)

    def _on_row(self, row: int, place: int = 0) -> None:
        view, item = self.context.layers.view(), self.table.item(row, 0)
        if view is None or item is None:
            return
        throat = int(item.text())
        self.context.selection.select_pore(None, view.name)
        self.context.selection.select_throat(throat, view.name)
        self.context.layers.fly_to_throat(throat, view.name)
        regions = regions_of(self.context.session.items, view.network)
        surfaces = pair_surfaces(regions, view.network, throat) if regions is not None else []
        self.pair.show()
        self.pair.show_surfaces(surfaces, colours(self.context.viewer).background, NO_REGIONS)
