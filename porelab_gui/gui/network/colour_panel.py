"""Colours of throats and pores: any column, linear or log, differences, and a share of the values."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget
from superqt import QLabeledDoubleRangeSlider

from porelab_gui.core.errors import PorelabError
from porelab_gui.gui.columns import ColumnChooser
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import Colouring, spans_decades
from porelab_gui.gui.theme import role

MAPS = ("viridis", "plasma", "magma", "turbo", "cividis", "gray")
EMPTY = "Extract or open a network to colour its throats and pores."


class ColourPanel(QWidget):
    """Chooses what the tubes and balls of the newest network are coloured by; applies as the user chooses."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(role(QLabel("Colours"), "section"))
        self.told = QLabel(EMPTY)
        self.told.setWordWrap(True)
        role(self.told, "quiet")
        column.addWidget(self.told)
        self.form = QWidget()
        column.addWidget(self.form)
        self._add_fields(QFormLayout(self.form))
        self._timer = QTimer(self, singleShot=True, interval=30)
        self._timer.timeout.connect(self.apply)
        self._connect()
        context.layers.networks_changed.connect(self._offer)
        context.layers.coloured.connect(self._follow)
        self._offer()

    def _add_fields(self, form: QFormLayout) -> None:
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.throats = ColumnChooser("throat_column", "all alike")
        self.minus = ColumnChooser("minus_column", "nothing")
        self.log = QCheckBox("log scale")
        self.log.setObjectName("log")
        self.map = QComboBox()
        self.map.addItems(MAPS)
        self.within = QLabeledDoubleRangeSlider(Qt.Orientation.Horizontal)
        self.within.setRange(0.0, 100.0)
        self.within.setValue((0.0, 100.0))
        self.within.setDecimals(0)
        self.pores = ColumnChooser("pore_column", "all alike")
        self.pore_log = QCheckBox("log scale")
        row = QWidget()
        across = QHBoxLayout(row)
        across.setContentsMargins(0, 0, 0, 0)
        across.addWidget(self.log)
        across.addWidget(self.map, 1)
        form.addRow("Throats by", self.throats)
        form.addRow("minus", self.minus)
        form.addRow("", row)
        form.addRow("Percentage", self.within)
        form.addRow("Pores by", self.pores)
        form.addRow("", self.pore_log)
        self.within.setToolTip("Throats that rank between these percentages are coloured, the rest is thin and grey.")
        self.minus.setToolTip("Colour by the difference of two columns with the same unit; white is no difference.")

    def _connect(self) -> None:
        self.throats.chosen.connect(self._on_column)
        self.minus.chosen.connect(self._later)
        self.log.toggled.connect(self._later)
        self.map.currentIndexChanged.connect(self._later)
        self.within.valueChanged.connect(self._later)
        self.pores.chosen.connect(self._later)
        self.pore_log.toggled.connect(self._later)

    def throat_colouring(self) -> Colouring | None:
        """What the fields ask for."""
        if not self.throats.key:
            return None
        low, high = (float(v) for v in self.within.value())
        chosen = "" if self.minus.key else self.map.currentText()
        return Colouring(self.throats.key, self.minus.key, self.log.isChecked(), None, chosen, (low, high))

    def pore_colouring(self) -> Colouring | None:
        """What the fields ask for."""
        return Colouring(self.pores.key, log=self.pore_log.isChecked()) if self.pores.key else None

    def apply(self) -> None:
        """Colour the network as the fields stand."""
        layers, view = self.context.layers, self.context.layers.view()
        if view is None:
            return
        try:
            if self.throat_colouring() != view.throat_colouring:
                layers.colour_throats(self.throat_colouring())
            if self.pore_colouring() != view.pore_colouring:
                layers.colour_pores(self.pore_colouring())
            self._say("")
        except PorelabError as error:
            self._say(str(error))

    def _say(self, text: str) -> None:
        self.told.setText(text)
        self.told.setVisible(bool(text))

    def _later(self, *_: Any) -> None:
        self._timer.start()

    def _on_column(self, key: str) -> None:
        """A column that spans decades reads better on a log scale."""
        view = self.context.layers.view()
        if view is not None and key in view.network.throats:
            self.log.setChecked(spans_decades(view.network.throats[key].values))
        self._later()

    def _offer(self, name: str = "") -> None:
        view = self.context.layers.view()
        self.form.setVisible(view is not None)
        self._say("" if view is not None else EMPTY)
        if view is not None:
            self.throats.offer(view.network.throats)
            self.minus.offer(view.network.throats)
            self.pores.offer(view.network.pores)
            self._follow()

    def _follow(self, name: str = "") -> None:
        """Show what the network is coloured by, whoever asked for it."""
        view = self.context.layers.view()
        if view is None or self._timer.isActive():
            return
        fields = (self.throats, self.minus, self.log, self.within, self.pores, self.pore_log, self.map)
        for field in fields:
            field.blockSignals(True)
        throat, pore = view.throat_colouring, view.pore_colouring
        self.throats.choose(throat.column if throat else "")
        self.minus.choose(throat.minus if throat else "")
        self.log.setChecked(bool(throat and throat.log))
        if throat and throat.colormap in MAPS:
            self.map.setCurrentText(throat.colormap)
        self.within.setValue(throat.within if throat else (0.0, 100.0))
        self.pores.choose(pore.column if pore else "")
        self.pore_log.setChecked(bool(pore and pore.log))
        for field in fields:
            field.blockSignals(False)
