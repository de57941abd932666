"""Under a training's form: where the newest run is, how long it still takes, and what became of it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QTimer, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QGridLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Weights
from porelab_gui.gui.context import Context
from porelab_gui.gui.dialogs.text import TextDialog
from porelab_gui.gui.learning.jobs import RATE, is_training
from porelab_gui.gui.network.colouring import readable
from porelab_gui.gui.quantities import bytes_text, time_text
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import FINISHED, Job, State

PERIOD_MS = 300
MOST_SCORES = 8


class RunPanel(QWidget):
    """State, time left, last figures, Stop; afterwards the card and the folder of the weights.

    ``methods`` names the Methods whose runs are shown; empty shows every training.
    """

    def __init__(self, context: Context, methods: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.context, self._methods = context, methods
        self.job: Job | None = None
        self.dialog: TextDialog | None = None
        self.state, self.figures, self.place = QLabel(), QLabel(), QLabel()
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.stop, self.card, self.folder = (
            QPushButton("Stop"),
            QPushButton("Read the card"),
            QPushButton("Open folder"),
        )
        self.stop.setToolTip("Stop after this batch. The same training started again goes on from the last epoch.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(role(QLabel("This run"), "section"))
        for label in (self.state, self.figures, self.place):
            label.setWordWrap(True)
        role(self.place, "quiet")
        row = QGridLayout()
        row.addWidget(self.bar, 0, 0)
        row.addWidget(self.stop, 0, 1)
        buttons = QGridLayout()
        buttons.addWidget(self.card, 0, 0)
        buttons.addWidget(self.folder, 0, 1)
        column.addWidget(self.state)
        column.addLayout(row)
        column.addWidget(self.figures)
        column.addWidget(self.place)
        column.addLayout(buttons)
        self.stop.clicked.connect(self._stop)
        self.card.clicked.connect(self.show_card)
        self.folder.clicked.connect(self._open_folder)
        self._timer = QTimer(self, interval=PERIOD_MS)
        self._timer.timeout.connect(self.refresh)
        context.session.queue.changed.connect(self._on_job)
        self.refresh()

    @property
    def weights(self) -> Weights | None:
        """What the run made."""
        made = {} if self.job is None or self.job.outputs is None else self.job.outputs
        return next((noun for noun in made.values() if isinstance(noun, Weights)), None)

    def refresh(self) -> None:
        """Show where the run is now."""
        job = self.job
        self.setVisible(job is not None)
        if job is None:
            return
        running = job.state not in FINISHED
        self.state.setText(_state(job))
        self.bar.setValue(int(1000 * job.fraction))
        self.bar.setVisible(running)
        self.stop.setVisible(running)
        self.figures.setText(_figures(job))
        self.figures.setVisible(bool(job.metrics))
        weights = self.weights
        self.place.setText("" if weights is None else f"Weights: {_breakable(weights.folder)}")
        for widget in (self.place, self.card, self.folder):
            widget.setVisible(weights is not None)
        if not running:
            self._timer.stop()

    def show_card(self) -> None:
        """The card of the weights in a window."""
        if self.weights is None:
            return
        path = self.weights.folder / "card.md"
        text = path.read_text(encoding="utf-8") if path.exists() else "These weights have no card."
        self.dialog = TextDialog(self.window(), f"Card of {self.weights.name}", text)
        self.dialog.body.verticalScrollBar().setValue(0)
        self.dialog.show()

    def _open_folder(self) -> None:
        if self.weights is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.weights.folder)))

    def _stop(self) -> None:
        if self.job is not None:
            self.context.session.queue.cancel(self.job)

    def _on_job(self, job: Job) -> None:
        mine = job.method.name in self._methods if self._methods else is_training(job)
        if not mine or (self.job is not None and job.number < self.job.number):
            return
        self.job = job
        if job.state in FINISHED:
            self.refresh()
        elif not self._timer.isActive():
            self._timer.start()


def _state(job: Job) -> str:
    if job.state is State.QUEUED:
        memory = (
            "" if job.estimate is None else f", about {bytes_text(max(job.estimate.ram, job.estimate.gpu))} of memory"
        )
        return f"{job.title}: waiting for its turn{memory}."
    if job.state is State.RUNNING:
        left = job.seconds_left
        return f"{job.title}: {job.message or 'starting'}" + (f", {time_text(left)} left." if left is not None else ".")
    words = {State.DONE: "finished", State.CANCELLED: "stopped", State.FAILED: "failed"}[job.state]
    more = " Started again with the same settings it goes on where it stopped." if job.state is State.CANCELLED else ""
    return f"{job.title}: {words} after {time_text(job.seconds)}.{more}"


def _figures(job: Job) -> str:
    last = {name: points[-1][1] for name, points in job.metrics.items() if name != RATE}
    return "\n".join(f"{readable(k)}:  {v:.4g}" for k, v in list(last.items())[:MOST_SCORES])


def _breakable(path: Path) -> str:
    """A path whose label may wrap behind each separator."""
    return str(path).replace("/", "/\u200b").replace("\\", "\\\u200b")
