"""Errors of conductances against direct simulation, live: colours, two models on a slider, worst conduits, plots."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QButtonGroup,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.nouns import Network
from porelab_gui.core.transport.conduit.errors import (
    PREFIXES,
    agreement,
    beyond_key,
    error_key,
    reference_of,
    worst,
)
from porelab_gui.gui.columns import ColumnChooser
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import Colouring, spans_decades
from porelab_gui.gui.network.pair import regions_of
from porelab_gui.gui.steps.error_plot import ErrorPlot
from porelab_gui.gui.steps.worst_list import WorstList
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job, State

EMPTY = "Extract a network and compute a conductance; then 200 throats can be checked by direct simulation."
CHECKED = 200
SPAN = 20.0  # per cent at the ends of the error scale: twice the 10 % line
LEARNED = (".cnn", ".gnn")
VIEWS = ("Value", "% error", "10 % line")


class ErrorPanel(QWidget):
    """Figure 11 of Misaghian et al. (2022) for any conductance of the network."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.view = 0
        self.offered: set[str] = set()
        self.told = QLabel(EMPTY)
        self.told.setWordWrap(True)
        self.told.setObjectName("agreement")
        self.first, self.second = ColumnChooser("error_model"), ColumnChooser("error_second", "nothing")
        self.check_button = QPushButton(f"Check {CHECKED} throats")
        self.check_button.setObjectName("check_200")
        self.check_button.setToolTip(
            "Direct simulation of throats drawn at random: R² with its interval, without solving all."
        )
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("between_models")
        self.slider.setRange(0, 100)
        self.slider.setToolTip("Left: errors of the first model; right: of the second; between: both blended.")
        self.worst = WorstList(context)
        self.plot = ErrorPlot(context)
        self._arrange()
        self._connect()
        self._offer()

    # -- building

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(role(QLabel("Errors against direct simulation"), "section"))
        column.addWidget(self.told)
        self.body = QWidget()
        inner = QVBoxLayout(self.body)
        inner.setContentsMargins(0, 0, 0, 0)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Model", self.first)
        form.addRow("Second", self.second)
        form.addRow("First to second", self.slider)
        inner.addLayout(form)
        inner.addWidget(self.check_button)
        inner.addLayout(self._buttons())
        self.details = QWidget()
        more = QVBoxLayout(self.details)
        more.setContentsMargins(0, 0, 0, 0)
        more.addWidget(role(QLabel("Worst conduits (click to see one)"), "quiet"))
        more.addWidget(self.worst)
        more.addWidget(self.plot)
        inner.addWidget(self.details)
        column.addWidget(self.body)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.group = QButtonGroup(self)
        self.group.setExclusive(True)
        for k, text in enumerate(VIEWS):
            button = QPushButton(text)
            button.setCheckable(True)
            button.setObjectName(f"error_view_{k}")
            self.group.addButton(button, k)
            row.addWidget(button)
        return row

    def _connect(self) -> None:
        self.first.chosen.connect(self._on_model)
        self.second.chosen.connect(self._on_model)
        self.check_button.clicked.connect(lambda: self.check())
        self.group.idClicked.connect(self.show_view)
        self.slider.valueChanged.connect(self._blend)
        self.context.layers.networks_changed.connect(self._offer)

    # -- what callers use

    def network(self) -> Network | None:
        """The network that is looked at."""
        view = self.context.layers.view()
        return view.network if view is not None else None

    def check(self) -> None:
        """Simulate throats drawn at random, unless enough are known already; then compare."""
        view = self.context.layers.view()
        if view is None or not self.first.key:
            return
        against = reference_of(self.first.key)
        known = view.network.throats.get(against)
        enough = min(CHECKED, view.network.n_throats)
        if known is not None and np.isfinite(known.values).sum() >= enough:
            self._compare()
            return
        regions = regions_of(self.context.session.items, view.network)
        if regions is None:
            self.told.setText("The regions of this network are not open, so nothing can be simulated on them.")
            return
        physics = "hydraulic" if against.startswith(PREFIXES[1]) else "diffusive"
        self.check_button.setEnabled(False)
        self.context.session.run(
            "conductance_dns",
            {"physics": physics, "count": CHECKED},
            {"regions": self._name_of(regions), "network": view.name},
            {"table": "checked throats"},
            done=self._on_checked,
        )

    def show_view(self, which: int) -> None:
        """Colour by the value, by the signed error, or by the 10 % line."""
        view = self.context.layers.view()
        if view is None or not self.first.key:
            return
        self.view = which
        self.group.button(which).setChecked(True)
        key = self.first.key
        if which == 0:
            colouring = Colouring(key, log=spans_decades(view.network.throats[key].values))
        elif which == 1:
            colouring = Colouring(error_key(key), limits=(-SPAN, SPAN), colormap="coolwarm")
        else:
            colouring = Colouring(beyond_key(key), limits=(0.0, 1.0), colormap="coolwarm")
        if colouring.found_in(view.network.throats):
            self.context.layers.colour_throats(colouring, view.name)
            self._blend()
        else:
            self.told.setText("Check some throats first: there is no error to show yet.")

    # -- keeping up

    def _name_of(self, noun: Any) -> str:
        return next(k for k, v in self.context.session.items.items() if v is noun)

    def _on_checked(self, job: Job) -> None:
        self.check_button.setEnabled(True)
        if job.state is State.DONE:
            self._compare()

    def _compare(self) -> None:
        view = self.context.layers.view()
        if view is None:
            return
        inputs = {"network": view.name}
        regions = regions_of(self.context.session.items, view.network)
        if regions is not None:
            inputs["regions"] = self._name_of(regions)
        self.context.session.run(
            "conductance_errors", {}, inputs, {"table": "conductance errors"}, done=self._on_compared
        )

    def _on_compared(self, job: Job) -> None:
        if job.state is State.DONE:
            self.show_view(1)
            self._refresh()

    def _offer(self, name: str = "") -> None:
        network = self.network()
        throats = network.throats if network is not None else {}
        models = {k: c for k, c in throats.items() if k.startswith(PREFIXES) and not k.endswith(".dns")}
        self.body.setVisible(bool(models))
        self.first.offer(models)
        learned = [k for k in models if k.endswith(LEARNED)]
        fresh = [k for k in learned if k not in self.offered]  # just predicted: what the user wants to see judged
        self.offered = set(models)
        if models and (fresh or not self.first.key):
            self.first.choose([*fresh, *learned, *models][0])
        self._offer_second()
        self._refresh()

    def _offer_second(self) -> None:
        """What can be compared with the first model: conductances of the same process."""
        network = self.network()
        throats = network.throats if network is not None else {}
        against = reference_of(self.first.key) if self.first.key else ""
        self.second.offer({k: c for k, c in throats.items() if k in self.offered and reference_of(k) == against})

    def _on_model(self, key: str) -> None:
        self._offer_second()
        if self.view and self.context.layers.view() is not None:
            self.show_view(self.view)
        self._refresh()

    def _refresh(self) -> None:
        """Words, worst conduits and plot of the chosen model."""
        network, key = self.network(), self.first.key
        if network is None or key not in network.throats:
            self.told.setText(EMPTY)
            return
        against, error = reference_of(key), error_key(key)
        known = against in network.throats and error in network.throats
        self.details.setVisible(known)
        self.slider.setEnabled(known and self.second.key in network.throats)
        if not known:
            self.told.setText("No throat of this network has been simulated and compared yet.")
            return
        words = agreement(network, key, against).sentence(network.n_throats)
        if self.second.key in network.throats and reference_of(self.second.key) == against:
            words += f".\nSecond: {agreement(network, self.second.key, against).sentence(network.n_throats)}"
        self.told.setText(words + ".")
        self.worst.show_throats(network, key, against, worst(network, key))
        self.plot.show_model(key)

    def _blend(self, *_: int) -> None:
        """Tubes between the errors of both models, as far as the slider says."""
        view, second = self.context.layers.view(), self.second.key
        if view is None or self.view != 1 or not second or error_key(second) not in view.network.throats:
            return
        share = self.slider.value() / 100
        one = view.network.throat(error_key(self.first.key))
        two = view.network.throat(error_key(second))
        view.throats.set_values(((1 - share) * one + share * two).astype(np.float32))
