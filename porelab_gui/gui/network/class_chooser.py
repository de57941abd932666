"""Chooses a class of throats: the selected one, a share of a ranking, a range of values, phases, or all."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QWidget
from superqt import QLabeledDoubleRangeSlider

from porelab_gui.core.nouns import Network
from porelab_gui.gui.columns import ColumnChooser
from porelab_gui.gui.context import Context
from porelab_gui.gui.numbers import readable_scale
from porelab_gui.gui.theme import role

QUANTILE, RANGE, SELECTED, PHASE, ALL = "quantile", "range", "throats", "phase", "all"
WAYS = (
    (QUANTILE, "by ranking"),
    (RANGE, "by value"),
    (SELECTED, "the selected throat"),
    (PHASE, "by phase"),
    (ALL, "all"),
)
NOTHING = "Click a throat in the view or in a table."
STEPS = 1000


class ClassChooser(QWidget):
    """Fields for one ``ClassParams``; ``changed`` when the class has changed."""

    changed = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.network: Network | None = None
        self._factor = 1.0  # from the column's unit to the one on the slider
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.way = QComboBox()
        self.way.setObjectName("class_way")
        for key, words in WAYS:
            self.way.addItem(words, key)
        self.column = ColumnChooser("class_column")
        self.span = QLabeledDoubleRangeSlider(Qt.Orientation.Horizontal)
        self.span.setObjectName("class_span")
        self.unit = role(QLabel(), "quiet")
        self.selected = QLabel(NOTHING)
        self.selected.setWordWrap(True)
        role(self.selected, "quiet")
        self.first, self.second = QComboBox(), QComboBox()
        form.addRow("Throats", self.way)
        form.addRow("Column", self.column)
        form.addRow(self.unit, self.span)
        form.addRow("Throat", self.selected)
        form.addRow("Phases", self._pair())
        self._form = form
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self.changed.emit)
        self.way.currentIndexChanged.connect(self._arrange)
        self.column.chosen.connect(self._arrange)
        self.span.valueChanged.connect(self._tell)
        for box in (self.first, self.second):
            box.currentIndexChanged.connect(self._tell)
        context.selection.throat_changed.connect(self._on_selected)

    def _pair(self) -> QWidget:
        pair = self.phases = QWidget()
        row = QHBoxLayout(pair)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.first, 1)
        row.addWidget(QLabel("to"))
        row.addWidget(self.second, 1)
        return pair

    def offer(self, network: Network | None) -> None:
        """Offer the columns and phases of a network; what was chosen stays where it is still there."""
        self.network = network
        if network is None:
            return
        self.column.offer({k: c for k, c in network.throats.items() if "." not in k and c.values.dtype.kind != "b"})
        if not self.column.key:
            self.column.choose("inscribed_diameter")
        self._offer_phases(network)
        self._arrange()

    def values(self) -> dict[str, Any]:
        """What is chosen, as parameters of a Method."""
        low, high = (float(v) for v in self.span.value())
        way = self.way.currentData()
        found: dict[str, Any] = {"choose": way}
        if way in (QUANTILE, RANGE):
            scale = 1.0 if way == QUANTILE else self._factor
            found |= {"column": self.column.key, **self._ends(low, high, scale)}
        elif way == SELECTED:
            throat = self.context.selection.throat
            found["throats"] = () if throat is None else (int(throat),)
        elif way == PHASE:
            found["phases"] = tuple(dict.fromkeys((self.first.currentData(), self.second.currentData())))
        return found

    @property
    def ready(self) -> bool:
        """Whether something is chosen at all."""
        return self.way.currentData() != SELECTED or self.context.selection.throat is not None

    def _ends(self, low: float, high: float, scale: float) -> dict[str, float]:
        """Both ends in the column's unit; a handle at its stop takes in the last value, whatever the rounding."""
        ends = {"low": low / scale, "high": high / scale}
        if scale != 1.0 or self.way.currentData() == RANGE:
            values = self._known()
            ends["low"] = float(values.min()) if low <= self.span.minimum() else ends["low"]
            ends["high"] = float(values.max()) if high >= self.span.maximum() else ends["high"]
        return ends

    def _known(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        assert self.network is not None
        values = self.network.throat(self.column.key).astype(np.float64)
        return values[np.isfinite(values)]

    def _offer_phases(self, network: Network) -> None:
        labels = sorted({int(v) for v in network.pores["phase"].values}) if "phase" in network.pores else []
        for box in (self.first, self.second):
            if [box.itemData(i) for i in range(box.count())] == labels:
                continue
            box.blockSignals(True)
            box.clear()
            for value in labels:
                box.addItem(f"phase {value}", value)
            box.blockSignals(False)
        self.way.model().item(self.way.findData(PHASE)).setEnabled(bool(labels))

    def _arrange(self, *_: Any) -> None:
        way = self.way.currentData()
        for widget, shown in (
            (self.column, way in (QUANTILE, RANGE)),
            (self.span, way in (QUANTILE, RANGE)),
            (self.selected, way == SELECTED),
            (self.phases, way == PHASE),
        ):
            self._form.setRowVisible(widget, shown)
        self._bound(way)
        self._tell()

    def _bound(self, way: str) -> None:
        """Give the slider the ends and the unit of what it chooses."""
        if way not in (QUANTILE, RANGE) or self.network is None or not self.column.key:
            return
        known = self._known()
        if way == QUANTILE or not len(known):
            ends, unit, self._factor = (0.0, 100.0), "%", 1.0
        else:
            self._factor, unit = readable_scale(float(np.abs(known).max()), self.network.throats[self.column.key].unit)
            ends = (float(known.min()) * self._factor, float(known.max()) * self._factor)
        self.unit.setText(unit or "value")
        if (self.span.minimum(), self.span.maximum()) == ends:
            return
        self.span.blockSignals(True)
        self.span.setDecimals(0 if way == QUANTILE else 2)
        self.span.setRange(*ends)
        self.span.setSingleStep((ends[1] - ends[0]) / STEPS)
        self.span.setValue((0.0, 10.0) if way == QUANTILE else ends)
        self.span.blockSignals(False)

    def _on_selected(self, index: int | None, network: str) -> None:
        self.selected.setText(NOTHING if index is None else f"throat {index:,}")
        if self.way.currentData() == SELECTED:
            self._tell()

    def _tell(self, *_: Any) -> None:
        self._later.start()
