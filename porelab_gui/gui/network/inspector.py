"""Everything known about the chosen throat or pore: its pair in 3D, sizes, every conductance and how they differ."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.nouns import Column, Columns, Field, Network, Regions, Table
from porelab_gui.core.registry import get
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import readable
from porelab_gui.gui.network.pair import Surface, coloured, pair_surfaces, regions_of
from porelab_gui.gui.network.pair_view import PairView
from porelab_gui.gui.numbers import show
from porelab_gui.gui.theme import colours, role
from porelab_gui.session.jobs import Job

EMPTY = "Click a throat or a pore in the 3D view, or a point in a plot, and its numbers are shown here."
NO_REGIONS = "The regions of this network are not open, so its pore pair cannot be shown."
FIRST = ("inscribed_diameter", "equivalent_diameter", "total_length", "cross_sectional_area")
REFERENCE = ("dns", "cnn")


class Inspector(QWidget):
    """Left the pore pair in 3D, right the numbers with units. Follows the selection."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.title = QLabel(EMPTY)
        self.title.setWordWrap(True)
        self.fly_button = QPushButton("Go there")
        self.fly_button.setToolTip("Move the camera to it.")
        self.pair = PairView()
        self.shade = QCheckBox("Concentration")
        self.shade.setObjectName("shade_pair")
        self.shade.setToolTip(
            "Colour the pair by the concentration of its direct simulation: bright 1 in one pore, dark 0 in the other."
        )
        self._asked = -1
        self.table = QTableWidget(0, 3)
        self.table.setObjectName("inspector")
        self.table.setHorizontalHeaderLabels(["", "value", ""])
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(21)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self._stale = False
        self._arrange()
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self.refresh)
        self.fly_button.clicked.connect(self._fly)
        self.shade.toggled.connect(self._later)
        context.selection.throat_changed.connect(self._later)
        context.selection.pore_changed.connect(self._later)
        context.layers.networks_changed.connect(self._later)
        context.viewer.events.theme.connect(self._later)
        self.destroyed.connect(lambda: context.viewer.events.theme.disconnect(self._later))
        self.refresh()

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.fly_button)
        split = QSplitter(Qt.Orientation.Horizontal)
        left = QWidget()
        under = QVBoxLayout(left)
        under.setContentsMargins(0, 0, 0, 0)
        under.addWidget(self.pair, 1)
        under.addWidget(self.shade)
        split.addWidget(left)
        split.addWidget(self.table)
        split.setSizes([150, 470])
        self.body = split
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(head)
        column.addWidget(split, 1)

    def refresh(self) -> None:
        """Show what is chosen now."""
        self._stale = False
        chosen, view = self.context.selection, self.context.layers.view(self.context.selection.network)
        throat = chosen.throat if view is not None and chosen.throat is not None else None
        pore = chosen.pore if view is not None and chosen.pore is not None else None
        if view is not None and throat is not None and throat < view.network.n_throats:
            self._show_throat(view.network, throat)
        elif view is not None and pore is not None and pore < view.network.n_pores:
            self._show_pore(view.network, pore)
        else:
            self.title.setText(EMPTY)
            role(self.title, "quiet")
        known = self.title.text() != EMPTY
        self.body.setVisible(known)
        self.fly_button.setVisible(known)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._timer.start()

    def _later(self, *_: object) -> None:
        self._stale = True
        if self.isVisible():
            self._timer.start()

    def _fly(self) -> None:
        chosen, layers = self.context.selection, self.context.layers
        if chosen.throat is not None:
            layers.fly_to_throat(chosen.throat, chosen.network)
        elif chosen.pore is not None:
            layers.fly_to_pore(chosen.pore, chosen.network)

    def _show_throat(self, network: Network, index: int) -> None:
        a, b = (int(p) for p in network.conns[index])
        self.title.setText(f"Throat {index} between pores {a} and {b}")
        self._fill([*conductances(network, index), *plain_rows(network.throats, index), *_end_rows(network, a, b)])
        self._show_pair(network, index)

    def _show_pore(self, network: Network, index: int) -> None:
        count = int((network.conns == index).any(axis=1).sum())
        self.title.setText(f"Pore {index} with {count} throats")
        place = ", ".join(f"{axis} {show(v, 'm')}" for axis, v in zip("zyx", network.coords[index], strict=True))
        self._fill([("centre", place, ""), *plain_rows(network.pores, index)])
        self.pair.hide()
        self.shade.hide()

    def _show_pair(self, network: Network, index: int) -> None:
        self.pair.show()
        regions = regions_of(self.context.session.items, network)
        surfaces = pair_surfaces(regions, network, index) if regions is not None else []
        self.pair.show_surfaces(surfaces, colours(self.context.viewer).background, NO_REGIONS)
        self.shade.setVisible(bool(surfaces))
        if regions is not None and surfaces and self.shade.isChecked():
            self._ask_for_field(regions, network, index, surfaces)

    def _ask_for_field(self, regions: Regions, network: Network, index: int, surfaces: list[Surface]) -> None:
        """Solve the conduit in the background and colour the pair, unless another throat was chosen meanwhile."""
        method = get("conduit_field")
        self._asked = index

        def done(job: Job) -> None:
            if self._asked != index or not job.outputs or not self.shade.isChecked():
                return
            field, table = job.outputs["concentration"], job.outputs["table"]
            assert isinstance(field, Field) and isinstance(table, Table)  # as the Method declares them
            corner = np.array([int(table[f"corner_{axis}"][0]) for axis in "zyx"])
            shaded = coloured(surfaces, network, index, field, corner)
            self.pair.show_surfaces(shaded, colours(self.context.viewer).background)

        inputs = {"regions": regions, "network": network}
        self.context.session.queue.submit(method, inputs, method.validate({"throat": index}), done)

    def _fill(self, rows: list[tuple[str, str, str]]) -> None:
        self.table.setRowCount(len(rows))
        for i, row in enumerate(rows):
            for k, text in enumerate(row):
                self.table.setItem(i, k, QTableWidgetItem(text))


def conductances(network: Network, index: int) -> list[tuple[str, str, str]]:
    """Every conductance of a throat, and how far each is from the reference of its kind.

    The reference is the direct simulation where there is one, otherwise the first law.
    """
    rows = []
    for kind in sorted({k.partition(".")[0] for k in network.throats if k.startswith("g_")}, reverse=True):
        same = {k: c for k, c in network.throats.items() if k.startswith(f"{kind}.")}
        reference = next((k for k in same if k.partition(".")[2].startswith(REFERENCE[0])), next(iter(same)))
        base = float(same[reference].values[index])
        for key, column in same.items():
            value = float(column.values[index])
            rows.append((_name(key), show(value, column.unit), _against(value, base, key == reference, reference)))
    return rows


def plain_rows(columns: Columns, index: int) -> list[tuple[str, str, str]]:
    """All other numbers of a row, sizes first; single booleans as words."""
    keys = [k for k in FIRST if k in columns] + [k for k in columns if k not in FIRST and not k.startswith("g_")]
    return [(_name(k), text, columns[k].title) for k in keys if (text := _value(columns[k], index))]


def _end_rows(network: Network, a: int, b: int) -> list[tuple[str, str, str]]:
    """Sizes of both pores at the ends."""
    rows = []
    for key in ("inscribed_diameter", "equivalent_diameter", "volume"):
        if key in network.pores:
            one, two = (_value(network.pores[key], p) for p in (a, b))
            rows.append((f"{_name(key)} of the pores", f"{one} and {two}", f"pores {a} and {b}"))
    return rows


def _value(column: Column, index: int) -> str:
    value = column.values[index]
    if column.values.ndim != 1:
        return ""
    if column.values.dtype.kind == "b":
        return "yes" if value else "no"
    if column.values.dtype.kind in "iu":
        return str(int(value))
    return show(float(value), column.unit) if column.values.dtype.kind == "f" else str(value)


def _against(value: float, base: float, is_reference: bool, reference: str) -> str:
    if is_reference:
        return "reference"
    if not (np.isfinite(value) and np.isfinite(base)) or base == 0:
        return ""
    return f"{value / base:.3g} × {_law(reference)} ({value / base - 1:+.0%})"


def _law(key: str) -> str:
    """The law of a conductance, in short."""
    words = readable(key.partition(".")[2])
    return words if len(words) < 12 else f"{words[:10]}…"


def _name(key: str) -> str:
    words = readable(key)
    return words.replace("g hydraulic", "g hydr.").replace("g diffusive", "g diff.")
