"""A feed as a table of ions that says whether it is neutral, and what is missing when it is not."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column, Table
from porelab_gui.gui.choices import refill
from porelab_gui.gui.quantities import to_text
from porelab_gui.gui.theme import restyle
from porelab_methods.ion_transport.feed import Feed, table_to_feed
from porelab_methods.ion_transport.ions import IONS, ion
from porelab_methods.ion_transport.presets import FEEDS

HEADS = (
    ("Ion", "Name, for example Na, Mg2+ or SO4. The library knows " + ", ".join(IONS) + "."),
    ("mol/m³", "Concentration; 0 carries the ion as a trace."),
    ("z", "Charge"),
    ("D", "Diffusivity in water at 25 °C [10⁻⁹ m²/s]"),
    ("r [nm]", "Stokes radius"),
)
KEYS = ("ion", "concentration", "charge", "diffusivity", "radius")
FACTORS = {"diffusivity": 1e-9, "radius": 1e-9}
EDITED = "Edited"
NOBODY = "nobody"
ROW = 22


class FeedEditor(QWidget):
    """Preset, table and balance. ``changed`` after every edit; ``feed()`` is the solution or raises InputError."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.preset = QComboBox()
        self.preset.setObjectName("feed_preset")
        for name, preset in FEEDS.items():
            self.preset.addItem(preset.title, name)
            self.preset.setItemData(self.preset.count() - 1, preset.source, Qt.ItemDataRole.ToolTipRole)
        self.preset.addItem(EDITED, "")
        self.table = _grid()
        self.add, self.remove = QPushButton("Add"), QPushButton("Remove")
        self.balance = QComboBox()
        self.balance.setObjectName("balance")
        for combo in (self.preset, self.balance):
            narrow(combo)
        self.balance.setToolTip("This ion's concentration follows from the others, so that the feed stays neutral.")
        self.said = QLabel()
        self.said.setObjectName("neutrality")
        self.said.setWordWrap(True)
        self._arrange()
        self.preset.activated.connect(lambda _: self._take_preset())
        self.table.itemChanged.connect(self._on_cell)
        self.add.clicked.connect(lambda: self.add_ion())
        self.remove.clicked.connect(self.remove_ion)
        self.balance.activated.connect(lambda _: self.refresh())
        self.set_preset("seawater")

    def feed(self) -> Feed:
        """What the table says; InputError naming the row and what is missing."""
        balance = self.balance.currentData()
        return table_to_feed(self.as_table(), str(balance or ""))

    def as_table(self) -> Table:
        """The cells in SI, as text where they are not numbers."""
        rows = range(self.table.rowCount())
        return Table({k: Column(np.array([self._si(r, k) for r in rows])) for k in KEYS}, name="feed")

    def set_preset(self, name: str) -> None:
        """Show one of the feeds that the program knows."""
        self.preset.setCurrentIndex(self.preset.findData(name))
        self.set_feed(FEEDS[name].feed(), FEEDS[name].balance)

    def set_feed(self, feed: Feed, balance: str = "") -> None:
        """Show a feed."""
        self.table.blockSignals(True)
        self.table.setRowCount(0)
        for i, value in zip(feed.ions, feed.concentration, strict=True):
            own = (i.charge, i.diffusivity / 1e-9, i.radius / 1e-9)
            digits = 6 if balance else 10  # without a balance the digits keep it neutral
            self._append([i.name, f"{value:.{digits}g}", *(to_text(float(f"{v:.6g}")) for v in own)])
        self.table.blockSignals(False)
        self._offer_balance(balance)
        self.refresh()

    def add_ion(self, name: str = "", concentration: str = "0") -> None:
        """One more row; what the library knows of the ion is filled in."""
        self.table.blockSignals(True)
        self._append([name, concentration, "", "", ""])
        self._fill_known(self.table.rowCount() - 1)
        self.table.blockSignals(False)
        self.table.setCurrentCell(self.table.rowCount() - 1, 0)
        self._edited()

    def remove_ion(self) -> None:
        """Take the chosen row (the last one without a choice) away."""
        row = self.table.currentRow() if self.table.currentRow() >= 0 else self.table.rowCount() - 1
        if row >= 0:
            self.table.removeRow(row)
            self._edited()

    def refresh(self) -> None:
        """Close the balance, say how neutral the feed is, and tell."""
        try:
            feed = self.feed()
        except InputError as error:
            self._say(error.sentence, "error")
        else:
            self._show_balanced(feed)
            charge = 0.5 * float(np.abs([i.charge for i in feed.ions]) @ feed.concentration)
            self._say(f"Neutral: {charge:.4g} mol/m³ of charge of either sign.", "good")
        self.changed.emit()

    # -- the cells

    def text(self, row: int, column: int) -> str:
        """A cell as it is shown."""
        item = self.table.item(row, column)
        return item.text().strip() if item else ""

    def _si(self, row: int, key: str) -> str:
        text = self.text(row, KEYS.index(key))
        if key not in FACTORS:
            return text
        try:
            return repr(float(text.replace(",", ".")) * FACTORS[key])
        except ValueError:
            return text

    def _append(self, texts: list[str]) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            if column:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, column, item)

    def _on_cell(self, item: QTableWidgetItem) -> None:
        self.table.blockSignals(True)
        if item.column() == 0:
            self._fill_known(item.row())
        self.table.blockSignals(False)
        self._edited()

    def _fill_known(self, row: int) -> None:
        """Charge, diffusivity and radius of an ion of the library; blank for one that it does not know."""
        try:
            known = ion(self.text(row, 0))
            texts = [known.name, str(known.charge), f"{known.diffusivity / 1e-9:.6g}", f"{known.radius / 1e-9:.6g}"]
        except InputError:
            texts = [self.text(row, 0), "", "", ""]
        for column, text in zip((0, 2, 3, 4), texts, strict=True):
            self.table.item(row, column).setText(text)

    def _edited(self) -> None:
        self.preset.setCurrentIndex(self.preset.findData(""))
        self._offer_balance(str(self.balance.currentData() or ""))
        self.refresh()

    def _offer_balance(self, chosen: str) -> None:
        names = [self.text(row, 0) for row in range(self.table.rowCount()) if self.text(row, 0)]
        refill(self.balance, [(NOBODY, ""), *((name, name) for name in names)], chosen)
        self._fit_height()

    def _show_balanced(self, feed: Feed) -> None:
        """Write what the balance came to into its cell."""
        name = self.balance.currentData()
        if not name:
            return
        self.table.blockSignals(True)
        for row, (known, value) in enumerate(zip(feed.names, feed.concentration, strict=True)):
            if known == name and f"{value:.6g}" != self.text(row, 1):
                self.table.item(row, 1).setText(f"{value:.6g}")
        self.table.blockSignals(False)

    def _take_preset(self) -> None:
        name = self.preset.currentData()
        if name:
            self.set_preset(name)

    # -- building

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        head = QFormLayout()
        head.addRow("Feed", self.preset)
        column.addLayout(head)
        column.addWidget(self.table)
        row = QHBoxLayout()
        for widget in (self.add, self.remove, QLabel("Balance"), self.balance):
            row.addWidget(widget, 1 if widget is self.balance else 0)
        column.addLayout(row)
        column.addWidget(self.said)

    def _fit_height(self) -> None:
        rows = min(max(self.table.rowCount(), 2), 9)
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + rows * ROW + 6)

    def _say(self, text: str, kind: str) -> None:
        restyle(self.said, kind)
        self.said.setText(text)


def narrow(combo: QComboBox) -> None:
    """Let a combo box be narrower than its longest entry, as the dock needs."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(3)


def _grid() -> QTableWidget:
    table = QTableWidget(0, len(HEADS))
    table.setObjectName("ions")
    table.setHorizontalHeaderLabels([h for h, _ in HEADS])
    for k, (_, help_) in enumerate(HEADS):
        table.horizontalHeaderItem(k).setToolTip(help_)
    table.setMinimumWidth(200)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW)
    table.verticalHeader().setMinimumSectionSize(ROW)
    header = table.horizontalHeader()
    header.setMinimumSectionSize(34)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    for k, width in ((2, 32), (3, 54), (4, 54)):
        header.setSectionResizeMode(k, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(k, width)
    return table
