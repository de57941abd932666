"""What is wrong with the network before anything is computed on it, shown in 3D, repaired with one click."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.network.health import Health, Problem, check
from porelab_gui.core.nouns import AXES, Network
from porelab_gui.gui.context import Context
from porelab_gui.gui.numbers import show
from porelab_gui.gui.theme import restyle, role
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
        self.rows: list[_Row] = []
        for widget in (self.numbers, self.spans, self.verdict):
            column.addWidget(widget)
        self._listed = QVBoxLayout()
        self._listed.setSpacing(4)
        column.addLayout(self._listed)
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
        if network is None or self.health is None:
            self.numbers.setText(EMPTY)
            self.spans.clear()
            self.verdict.clear()
            self._list([])
            self._show_buttons(False)
            return
        self._describe(network, self.health)
        self._list([p for p in self.health.problems if p.key != "no_span"])
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
        restyle(self.verdict, "good" if health.good else "error")
        faults = [p for p in health.problems if p.key != "no_span"]
        good = "No faults found." if not faults else "Nothing here stops a solve, but look at what is listed."
        self.verdict.setText(good if health.good else "Repair this before a solve: trim the network, or extract again.")

    def _list(self, problems: list[Problem]) -> None:
        """Show the faults in rows that are kept and filled again."""
        while len(self.rows) < len(problems):
            self.rows.append(_Row(self.show_problem))
            self._listed.addWidget(self.rows[-1])
        for k, row in enumerate(self.rows):
            row.show_problem(problems[k] if k < len(problems) else None)

    def _show_buttons(self, trim: bool) -> None:
        self.trim_button.setVisible(trim)
        self.undo_button.setVisible(self._trimmed)


class _Row(QWidget):
    """One fault with its counts, and a button that shows it in 3D."""

    def __init__(self, show: Callable[[Problem], None]) -> None:
        super().__init__()
        self.problem: Problem | None = None
        self.text = _text()
        self.button = QPushButton("Show")
        self.button.setToolTip("Mark them in red in the 3D view.")
        self.button.clicked.connect(lambda: show(self.problem) if self.problem is not None else None)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)

    def show_problem(self, problem: Problem | None) -> None:
        """Show another fault, or nothing."""
        self.problem = problem
        self.setVisible(problem is not None)
        if problem is None:
            return
        pores, throats = int(problem.pores.sum()), int(problem.throats.sum())
        counts = [f"{pores:,} pores"] * bool(pores) + [f"{throats:,} throats"] * bool(throats)
        self.text.setText(f"{problem.sentence} ({', '.join(counts)})" if counts else problem.sentence)
        restyle(self.text, "error" if problem.serious else "")
        self.button.setVisible(bool(counts))
        self.button.setObjectName(f"show_{problem.key}")


def _text(kind: str = "") -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    if kind:
        role(label, kind)
    return label
