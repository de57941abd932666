"""What is wrong with the network before anything is computed on it, shown in 3D, repaired with one click."""

from __future__ import annotations

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.network.health import Health, Problem, check
from porelab_gui.core.nouns import AXES, Network
from porelab_gui.gui.context import Context
from porelab_gui.gui.numbers import show
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job, State

EMPTY = "Extract a network, or open one, and its faults are listed here."


class HealthPanel(QWidget):
    """Numbers, spans and faults of the newest network; buttons to show each fault, to trim and to undo."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.health: Health | None = None
        self._stale = True
        self._trimmed = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(role(QLabel("Health of the network"), "section"))
        self.numbers = _text("quiet")
        self.spans = _text()
        self.verdict = _text()
        self.rows = QGridLayout()
        self.rows.setColumnStretch(0, 1)
        self.rows.setVerticalSpacing(4)
        for widget in (self.numbers, self.spans, self.verdict):
            column.addWidget(widget)
        column.addLayout(self.rows)
        self.trim_button, self.undo_button = QPushButton("Trim"), QPushButton("Undo trim")
        self.trim_button.setObjectName("trim")
        self.trim_button.setToolTip("Leave out isolated clusters and throats that cannot be computed on.")
        self.undo_button.setObjectName("undo_trim")
        buttons = QHBoxLayout()
        buttons.addWidget(self.trim_button)
        buttons.addWidget(self.undo_button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        self.trim_button.clicked.connect(self.trim)
        self.undo_button.clicked.connect(self._undo)
        self._timer = QTimer(self, singleShot=True, interval=20)
        self._timer.timeout.connect(self.refresh)
        context.session.changed.connect(self._on_changed)
        self.refresh()

    @property
    def network(self) -> Network | None:
        """The network that is looked at: the newest one."""
        name = self.context.session.latest(Network)
        found = self.context.session.items[name] if name else None
        return found if isinstance(found, Network) else None

    def refresh(self) -> None:
        """Look at the newest network again."""
        self._stale = False
        network = self.network
        self.health = check(network) if network is not None else None
        self._clear()
        if network is None or self.health is None:
            self.numbers.setText(EMPTY)
            self._show_buttons(False)
            return
        self._describe(network, self.health)
        for row, problem in enumerate(self.health.problems):
            if problem.key != "no_span":
                self._add_row(row, problem)
        self._show_buttons(any(p.pores.any() or p.throats.any() for p in self.health.problems))

    def trim(self) -> None:
        """Run ``trim_network`` on the newest network, under the same name."""
        name = self.context.session.latest(Network)
        if name is None:
            return
        self.trim_button.setEnabled(False)
        try:
            self.context.session.run("trim_network", {}, {"network": name}, {"network": name}, self._on_trimmed)
        except PorelabError as error:
            self.context.report(error)

    def show_problem(self, problem: Problem) -> None:
        """Mark the pores and throats of a fault in red."""
        self.context.layers.highlight(problem.pores, problem.throats)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._timer.start()

    def _on_changed(self, names: tuple[str, ...]) -> None:
        items = self.context.session.items
        if any(isinstance(items.get(n), Network) or n not in items for n in names):
            self._stale = True
            if self.isVisible():
                self._timer.start()

    def _on_trimmed(self, job: Job) -> None:
        self._trimmed = job.state is State.DONE
        self.trim_button.setEnabled(True)
        self.context.layers.clear_marks()
        self._timer.start()

    def _undo(self) -> None:
        self._trimmed = False
        self.context.session.undo()
        self._timer.start()

    def _describe(self, network: Network, health: Health) -> None:
        clusters = int(health.cluster.max(initial=-1)) + 1
        porosity = f", porosity {show(network.porosity, '1', 3)} (of the image)" if network.porosity is not None else ""
        word = "cluster" if clusters == 1 else "clusters"
        self.numbers.setText(
            f"{network.n_pores:,} pores, {network.n_throats:,} throats in {clusters:,} {word}{porosity}"
        )
        lines = [
            f"✓ joins both faces along {axis}" if health.spans[axis] else f"✗ does not span {axis}: no K along {axis}"
            for axis in AXES
        ]
        self.spans.setText("\n".join(lines))
        role(self.verdict, "good" if health.good else "error")
        faults = [p for p in health.problems if p.key != "no_span"]
        good = "No faults found." if not faults else "Nothing here stops a solve, but look at what is listed."
        self.verdict.setText(good if health.good else "Repair this before a solve: trim the network, or extract again.")
        self.verdict.style().unpolish(self.verdict)
        self.verdict.style().polish(self.verdict)

    def _add_row(self, row: int, problem: Problem) -> None:
        pores, throats = int(problem.pores.sum()), int(problem.throats.sum())
        counts = [f"{pores:,} pores"] * bool(pores) + [f"{throats:,} throats"] * bool(throats)
        text = _text("error" if problem.serious else "")
        text.setText(f"{', '.join(counts)}: {problem.sentence}" if counts else problem.sentence)
        button = QPushButton("Show")
        button.setObjectName(f"show_{problem.key}")
        button.setToolTip("Mark them in red in the 3D view.")
        button.clicked.connect(lambda: self.show_problem(problem))
        self.rows.addWidget(text, row, 0)
        if counts:
            self.rows.addWidget(button, row, 1, Qt.AlignmentFlag.AlignTop)

    def _show_buttons(self, trim: bool) -> None:
        self.trim_button.setVisible(trim)
        self.undo_button.setVisible(self._trimmed)

    def _clear(self) -> None:
        self.spans.clear()
        self.verdict.clear()
        while self.rows.count():
            widget = self.rows.takeAt(0).widget()
            widget.hide()
            widget.deleteLater()


def _text(kind: str = "") -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    if kind:
        role(label, kind)
    return label
