"""What if: a class of throats conducts better or worse by a slider, and K or F follows at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import AXES, Network
from porelab_gui.core.registry import get
from porelab_gui.core.transport.pnm.kinds import FLOW, KINDS
from porelab_gui.core.transport.pnm.throat_classes import throat_class
from porelab_gui.core.transport.pnm.what_if import Answer, ChangeParams, WhatIf
from porelab_gui.core.units import MILLIDARCY
from porelab_gui.gui.columns import ColumnChooser
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.class_chooser import ClassChooser
from porelab_gui.gui.theme import restyle, role
from porelab_gui.session.jobs import Job, State
from porelab_gui.session.lanes import LatestLane

EMPTY = "Compute conductances, and see here what K or F would be with other ones."
ABOUT = "K or F follows the slider. The network stays as it is until you keep the change as a column of its own."
METHOD = "change_conductance"
DECADES, PER_DECADE = 3, 50
CLOSED = -DECADES * PER_DECADE - 1  # the last notch closes the throats
BOUNDARIES = (("reservoirs", "face reservoirs"), ("centres", "pore centres"))


@dataclass(frozen=True)
class _Question:
    """Everything that an answer depends on."""

    network: Network
    law: str
    axis: str
    boundary: str
    throats: NDArray[np.bool_]
    factor: float


class WhatIfPanel(QWidget):
    """Chooses a law, an axis and a class of throats; a slider from closed to a thousandfold; keep and reset."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.answer: Answer | None = None
        self._solver: tuple[Network, str, str, str, WhatIf] | None = None  # used by the lane's thread only
        self._stale = True
        self._lane = LatestLane("what-if", context.session.queue.deliver)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.told = _words("quiet")
        column.addWidget(self.told)
        self.body = QWidget()
        column.addWidget(self.body)
        self._build(QVBoxLayout(self.body))
        self.destroyed.connect(self._lane.close)
        self._connect()
        self.refresh()

    # -- building

    def _build(self, column: QVBoxLayout) -> None:
        column.setContentsMargins(0, 0, 0, 0)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.law = ColumnChooser("what_if_law")
        self.axis, self.boundary = QComboBox(), QComboBox()
        self.axis.addItems(list(AXES))
        for key, words in BOUNDARIES:
            self.boundary.addItem(words, key)
        form.addRow("Conductance", self.law)
        form.addRow("Axis, faces", _row((self.axis, 0), (self.boundary, 1)))
        column.addLayout(form)
        self.chooser = ClassChooser(self.context)
        column.addWidget(self.chooser)
        self.count = _words("quiet")
        self.mark = QPushButton("Show them")
        self.mark.setObjectName("what_if_show")
        self.mark.setCheckable(True)
        column.addWidget(_row((self.count, 1), (self.mark, 0)))
        self._build_slider(column)

    def _build_slider(self, column: QVBoxLayout) -> None:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("what_if_factor")
        self.slider.setRange(CLOSED, DECADES * PER_DECADE)
        self.slider.setPageStep(PER_DECADE // 5)
        self.slider.setTickInterval(PER_DECADE)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.times = QLabel()
        self.times.setMinimumWidth(64)
        column.addWidget(_row((QLabel("conducts"), 0), (self.slider, 1), (self.times, 0)))
        self.result, self.details = _words(), _words("quiet")
        self.result.setObjectName("what_if_result")
        column.addWidget(self.result)
        column.addWidget(self.details)
        self.reset_button, self.keep_button = QPushButton("Reset"), QPushButton("Keep as column")
        self.reset_button.setObjectName("what_if_reset")
        self.keep_button.setObjectName("what_if_keep")
        self.keep_button.setToolTip("Adds the changed conductances to the network as a step of the recipe.")
        self.name = QLineEdit("what_if")
        self.name.setObjectName("what_if_name")
        self.name.setToolTip("Name of the new conductance.")
        column.addWidget(_row((self.reset_button, 0), (self.name, 1), (self.keep_button, 0)))

    def _connect(self) -> None:
        self.law.chosen.connect(self._ask)
        self.axis.currentIndexChanged.connect(self._ask)
        self.boundary.currentIndexChanged.connect(self._ask)
        self.chooser.changed.connect(self._ask)
        self.slider.valueChanged.connect(self._ask)
        self.mark.toggled.connect(self._show_class)
        self.reset_button.clicked.connect(self.reset)
        self.keep_button.clicked.connect(self.keep)
        self.context.session.changed.connect(self._on_changed)

    # -- what callers use

    @property
    def factor(self) -> float:
        """What the slider stands at; 0 in its last notch."""
        value = self.slider.value()
        return 0.0 if value <= CLOSED else float(10 ** (value / PER_DECADE))

    def params(self) -> ChangeParams:
        """The change as it stands, as the parameters of the Method that keeps it."""
        given = {"law": self.law.key, "factor": self.factor, "result": self.name.text().strip()}
        made = get(METHOD).validate({**given, **self.chooser.values()})
        assert isinstance(made, ChangeParams)
        return made

    def reset(self) -> None:
        """Everything conducts as it does."""
        self.slider.setValue(0)

    def keep(self) -> None:
        """Add the change to the network as a column, by the Method that a recipe replays."""
        name = self.context.session.latest(Network)
        if name is None:
            return
        try:
            inputs = {"network": name}
            self.context.session.run(METHOD, self.params(), inputs, {"network": name}, self._on_kept)
        except PorelabError as error:
            self.context.report(error)

    def refresh(self) -> None:
        """Offer what the newest network has."""
        self._stale = False
        network = self._network()
        columns = {} if network is None else network.throats
        laws = {k: c for k, c in columns.items() if k.startswith(tuple(f"{kind.prefix}." for kind in KINDS))}
        self.body.setVisible(bool(laws))
        self.told.setText(ABOUT if laws else EMPTY)
        if laws:
            self.law.offer(laws)
            self.chooser.offer(network)
            self._ask()

    # -- following

    def _network(self) -> Network | None:
        name = self.context.session.latest(Network)
        found = self.context.session.items[name] if name else None
        return found if isinstance(found, Network) else None

    def _on_changed(self, names: tuple[str, ...]) -> None:
        self._stale = True
        if self.isVisible():
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale or self.answer is None:
            self.refresh()

    def _ask(self, *_: Any) -> None:
        """Ask the lane for K at the position of the slider; what was asked before is dropped."""
        factor = self.factor
        self.times.setText("closed" if factor == 0 else f"× {factor:.3g}")
        self.reset_button.setEnabled(self.slider.value() != 0)
        if not self.isVisible():
            return
        network = self._network()
        if network is None or not self.law.key:
            return
        if not self.chooser.ready:
            self._say("", "")
            self.count.setText("No throat is selected.")
            return
        try:
            throats = throat_class(network, self.params())
        except PorelabError as error:
            self._refuse(error)
            return
        self.count.setText(f"{int(throats.sum()):,} of {network.n_throats:,} throats")
        self._show_class()
        asked = _Question(network, self.law.key, self.axis.currentText(), self.boundary.currentData(), throats, factor)
        self._lane.ask(lambda progress: self._solve(asked), lambda found: self._on_answer(asked, found))

    def _solve(self, q: _Question) -> tuple[Answer, WhatIf]:
        """On the lane's thread: the analysis of the network is kept from one position of the slider to the next."""
        key = (q.network, q.law, q.axis, q.boundary)
        kept = self._solver
        same = kept is not None and kept[0] is q.network and kept[1:4] == key[1:]
        live = kept[4] if kept is not None and same else WhatIf(*key)
        self._solver = (*key, live)
        return live.answer(q.throats, q.factor), live

    def _on_answer(self, q: _Question, found: tuple[Answer, WhatIf] | Exception) -> None:
        if isinstance(found, Exception):
            self._refuse(found)
            return
        self.answer, live = found
        flow = live.kind is FLOW
        name, unit, scale = ("K", " mD", 1 / MILLIDARCY) if flow else ("F", "", 1.0)
        before, now = live.base * scale, self.answer.value * scale
        change = "" if not np.isfinite(self.answer.ratio) else f"  ({self.answer.ratio - 1:+.2%})"
        self._say(
            f"{name}<sub>{q.axis}</sub> = {before:.4g}{unit} → <b>{_number(now)}{unit}</b>{change}",
            f"{q.law.partition('.')[2]}, {q.boundary}; solved in {1e3 * self.answer.seconds:.0f} ms",
        )
        if q.factor != 1.0:
            self._prepare(live, q.throats)

    def _prepare(self, live: WhatIf, throats: NDArray[np.bool_]) -> None:
        """While the slider rests, solve what makes its next positions quick; a new position goes first."""

        def done(more: bool | Exception) -> None:
            if more is True:
                self._prepare(live, throats)

        self._lane.ask(lambda progress: live.prepare(throats), done)

    def _refuse(self, error: Exception | None) -> None:
        self.answer = None
        self._say(str(error), "")
        self.context.layers.mark_refused(error)
        restyle(self.result, "error")

    def _say(self, result: str, details: str) -> None:
        restyle(self.result, "")
        self.result.setText(result)
        self.details.setText(details)
        self.keep_button.setEnabled(bool(result) and self.factor != 1.0)

    def _show_class(self, *_: Any) -> None:
        """Mark the class in the view while the button is down."""
        network = self._network()
        if not self.mark.isChecked() or network is None or not self.chooser.ready:
            self.context.layers.mark_throats(np.zeros(0, int))
            return
        try:
            self.context.layers.mark_throats(np.flatnonzero(throat_class(network, self.params())))
        except PorelabError:
            self.context.layers.mark_throats(np.zeros(0, int))

    def _on_kept(self, job: Job) -> None:
        if job.state is State.DONE:
            self.mark.setChecked(False)
            self.reset()
            self.context.notify(f"The conductance {self.name.text().strip()} is a column of the network now.", "info")


def _number(value: float) -> str:
    return "∞" if np.isinf(value) else f"{value:.4g}"


def _words(kind: str = "") -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    if kind:
        role(label, kind)
    return label


def _row(*widgets: tuple[QWidget, int]) -> QWidget:
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    for widget, stretch in widgets:
        row.addWidget(widget, stretch)
    return box
