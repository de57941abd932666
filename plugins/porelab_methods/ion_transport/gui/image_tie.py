"""The tie to the image: pore radius and porosity of a network or a segmented stack fill the membrane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import AXES, Labels, Network, Regions
from porelab_gui.gui.choices import refill_words
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import Colouring
from porelab_gui.gui.numbers import show
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job, State
from porelab_methods.ion_transport.gui.feed_table import narrow
from porelab_methods.ion_transport.methods import NetworkParams
from porelab_methods.ion_transport.pores import Geometry, geometry_of
from porelab_methods.ion_transport.system import Membrane

EMPTY = "Open or extract a network, or segment an image: its pore radius and porosity then fill the membrane."
MEASURED, SHAPE = "as measured", "scaled to this pore radius"
TABLE = "throat rejections"
NANO = 5e-9  # m; wider pores let every ion pass


class ImageTie(QWidget):
    """``state()`` gives membrane and parameters as they stand. ``filled(membrane)`` when the geometry is taken over,
    ``solved(network, table)`` when every throat has its rejection."""

    filled = Signal(object)
    solved = Signal(object, object)

    def __init__(self, context: Context, state: Callable[[], tuple[Membrane, Mapping[str, Any]]]) -> None:
        super().__init__()
        self.context, self._state = context, state
        self.item, self.axis, self.lengths, self.colour = QComboBox(), QComboBox(), QComboBox(), QComboBox()
        self.colour.setAccessibleName("Ion that colours the throats")
        self.item.setObjectName("image")
        for combo in (self.item, self.axis, self.lengths, self.colour):
            narrow(combo)
        self.axis.addItems(list(AXES))
        self.lengths.addItems([SHAPE, MEASURED])
        self.lengths.setToolTip("A rock's pores let every ion pass; scaled, its structure is read as a finer membrane.")
        self.said = role(QLabel(EMPTY), "quiet")
        self.said.setWordWrap(True)
        self.fill, self.solve = QPushButton("Fill the membrane"), QPushButton("Solve all throats")
        self.paint = QPushButton("Colour throats by")
        self._arrange()
        self._geometry: tuple[str, int, Geometry] | None = None
        self._timer = QTimer(self, singleShot=True, interval=50)
        self._timer.timeout.connect(self.refresh)
        self.fill.clicked.connect(self._fill)
        self.solve.clicked.connect(lambda: self.solve_throats())
        self.paint.clicked.connect(self._paint)
        for combo in (self.item, self.axis, self.lengths):
            combo.activated.connect(lambda _: self.refresh())
        context.session.changed.connect(lambda names: self._offer())
        self._offer()

    @property
    def noun(self) -> Network | Labels | None:
        """The chosen network or segmented image."""
        found = self.context.session.items.get(self.item.currentText())
        return found if isinstance(found, Network | Labels) and not isinstance(found, Regions) else None

    def geometry_now(self) -> Geometry | None:
        """Of the chosen item along the chosen axis; None where it has none (the label says why)."""
        noun, axis = self.noun, self.axis.currentIndex()
        if noun is None:
            return None
        key = noun.content_hash
        if self._geometry is None or self._geometry[:2] != (key, axis):
            try:
                self._geometry = (key, axis, geometry_of(noun, axis))
            except PorelabError as error:
                self._geometry = None
                self.said.setText(error.sentence)
                return None
        return self._geometry[2]

    @property
    def scale(self) -> float:
        """Factor on all lengths of the image."""
        found = self.geometry_now()
        if found is None or self.lengths.currentText() == MEASURED:
            return 1.0
        return float(self._state()[0].pore_radius) / found.pore_radius

    def refresh(self) -> None:
        """Say what the geometry is."""
        noun = self.noun
        found = self.geometry_now() if self.isVisible() else None
        for button in (self.fill, self.solve):
            button.setEnabled(noun is not None)
        self.solve.setEnabled(isinstance(noun, Network))
        offered = isinstance(noun, Network) and any(k.startswith("rejection.") for k in noun.throats)
        for widget in (self.paint, self.colour):
            widget.setVisible(offered)
        if isinstance(noun, Network):
            self._offer_ions(noun)
        if noun is None:
            self.said.setText(EMPTY)
        elif found is not None:
            try:
                self.said.setText(self._sentence(found))
            except (PorelabError, ValueError) as error:
                self.said.setText(f"Correct membrane and feed first: {error}")

    def solve_throats(self) -> Job | None:
        """Every throat as a membrane of its own, as a step of the recipe."""
        noun, found = self.noun, self.geometry_now()
        if not isinstance(noun, Network) or found is None:
            return None
        try:
            values = {k: v for k, v in self._state()[1].items() if k in NetworkParams.model_fields}
            values |= {"scale": self.scale, "layer": self.scale * found.length}
            name = self.item.currentText()
            outputs = {"network": name, "rejections": TABLE}
            return self.context.session.run("ions_through_network", values, {"network": name}, outputs, self._on_solved)
        except (PorelabError, ValueError) as error:
            self.context.report(error)
            return None

    # -- inside

    def _sentence(self, found: Geometry) -> str:
        text = f"Pore radius {show(found.pore_radius, 'm', 3)} ({found.how}), porosity {found.porosity:.3g}, "
        text += f"{show(found.length, 'm', 3)} along {self.axis.currentText()}."
        if self.scale != 1.0:
            text += f" Lengths times {self.scale:.3g}."
        elif found.pore_radius > NANO:
            text += " Pores as wide as these let every ion pass."
        return text

    def _fill(self) -> None:
        found = self.geometry_now()
        if found is None:
            return
        try:
            made = found.membrane(self._state()[0], self.scale)
            self.filled.emit(Membrane(*(float(f"{v:.8g}") for v in vars(made).values())))  # as a field can show it
        except (PorelabError, ValueError) as error:
            self.context.report(error)
        self.refresh()

    def _on_solved(self, job: Job) -> None:
        if job.state is State.DONE and job.outputs:
            self.solved.emit(job.outputs["network"], job.outputs["rejections"])
            self.refresh()

    def _paint(self) -> None:
        try:
            column = f"rejection.{self.colour.currentText()}"
            self.context.layers.colour_throats(Colouring(column), self.item.currentText())
        except PorelabError as error:
            self.context.report(error)

    def _offer(self) -> None:
        items = self.context.session.items
        fitting = (Network, Labels)
        names = [k for k, v in items.items() if isinstance(v, fitting) and not isinstance(v, Regions)]
        before = self.item.currentText()
        networks = [n for n in names if isinstance(items[n], Network)]
        newest = (networks or names or [""])[-1]
        refill_words(self.item, names, before if before in names else newest)
        self.item.setEnabled(bool(names))
        self._timer.start()

    def _offer_ions(self, network: Network) -> None:
        names = [k.removeprefix("rejection.") for k in network.throats if k.startswith("rejection.")]
        before = self.colour.currentText()
        self.colour.clear()
        self.colour.addItems(names)
        self.colour.setCurrentText(before if before in names else (names[0] if names else ""))

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._timer.start()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(role(QLabel("Geometry from an image"), "section"))
        form = QFormLayout()
        for text, widget in (("Image", self.item), ("Flow along", self.axis), ("Lengths", self.lengths)):
            form.addRow(text, widget)
        column.addLayout(form)
        column.addWidget(self.said)
        grid = QGridLayout()
        for k, widget in enumerate((self.fill, self.solve, self.paint, self.colour)):
            grid.addWidget(widget, k // 2, k % 2)
        column.addLayout(grid)
