"""The strip below the canvas: every job with its name, bar, time left, cancel and log."""

from __future__ import annotations

import time

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.gui.context import Context
from porelab_gui.gui.dialogs.text import TextDialog
from porelab_gui.gui.opening import is_question
from porelab_gui.gui.quantities import time_text
from porelab_gui.gui.theme import follow_theme, role
from porelab_gui.gui.what import question
from porelab_gui.session.jobs import FINISHED, Job, State

KEEP = 40
PERIOD_MS, LONGEST_MS = 120, 1000
AFTER_MS = 12  # Qt draws what has changed some 5 ms after it changed
SHARE = 0.02  # of the window's time that the strip may take: without a graphics card a repaint draws the canvas too
ELIDE = Qt.TextElideMode.ElideRight
EMPTY = "No jobs yet. Choose a step on the right and press its blue button."
ABOUT = (
    "Every run of a Method is a job: heavy work in a process of its own, trainings on the one thread that has the "
    "device; the window goes on meanwhile. Stacks in blocks and clusters: Dask, Rocklin, Proc. SciPy (2015) 130."
)
MARKS = {State.DONE: "done", State.FAILED: "failed", State.CANCELLED: "cancelled", State.QUEUED: "waiting"}


class JobRow(QWidget):
    """One job."""

    def __init__(self, context: Context, job: Job) -> None:
        super().__init__()
        self.context, self.job = context, job
        self.log_dialog: TextDialog | None = None
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 1, 6, 1)
        grid.setHorizontalSpacing(8)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.time = QLabel()
        self.time.setFixedSize(84, self.time.sizeHint().height() + 2)  # of one size, so that no text moves the layout
        role(self.time, "quiet")
        self.cancel = _icon("✕", "Cancel this job")
        self.cancel.setObjectName("cancel")
        self.cancel.clicked.connect(lambda: context.session.queue.cancel(job))
        self.log = _icon("≡", "Show the log of this job")
        self.log.setObjectName("log")
        self.log.clicked.connect(self.show_log)
        for column, widget in enumerate((self.bar, self.time, self.log, self.cancel)):
            grid.addWidget(widget, 0, column)
        grid.setColumnStretch(0, 1)
        self.refresh()

    def refresh(self) -> None:
        """Show where the job is now, in one repaint."""
        self.setUpdatesEnabled(False)
        try:
            self._refresh()
        finally:
            self.setUpdatesEnabled(True)

    def _refresh(self) -> None:
        job = self.job
        running = job.state is State.RUNNING
        self.bar.setValue(int(1000 * (1.0 if job.state is State.DONE else job.fraction)))
        text = job.message if running else _ending(job)
        percent = f"{100 * job.fraction:.0f} %" if running else ""
        words = ": ".join(p for p in (job.title, "  ".join(p for p in (percent, text) if p)) if p)
        room = max(80, self.bar.width() - 12)
        self.bar.setFormat(self.bar.fontMetrics().elidedText(words, ELIDE, room).replace("%", "%%"))
        self.bar.setToolTip(words)
        self.time.setText(self._time())
        self.cancel.setEnabled(job.state not in FINISHED)
        if self.log_dialog is not None and self.log_dialog.isVisible():
            self._fill_log()

    def _time(self) -> str:
        job = self.job
        if job.state is State.QUEUED:
            return ""
        left = job.seconds_left
        if left is not None:
            return f"{time_text(left)} left"
        return time_text(job.seconds)

    def show_log(self) -> None:
        """A window with everything the job said."""
        if self.log_dialog is None:
            self.log_dialog = TextDialog(self.window(), f"Log of {self.job.title}", "")
        self._fill_log()
        self.log_dialog.show()
        self.log_dialog.raise_()

    def _fill_log(self) -> None:
        job = self.job
        lines = [f"{job.title} ({job.method.name}), {job.state.value}, {time_text(job.seconds)}", ""]
        lines += [f"{key} = {value}" for key, value in job.params.model_dump(mode="json").items()]
        lines += ["", *job.log]
        lines += [str(job.error), "", job.trace] if job.error else []
        text = "\n".join(lines)
        if self.log_dialog is not None and self.log_dialog.body.toPlainText() != text:
            self.log_dialog.set_text(text)


class JobsStrip(QWidget):
    """All jobs, newest at the top. Redrawn eight times a second, and less often where that costs the window much."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.rows: dict[int, JobRow] = {}
        self._stale: set[int] = set()
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 4, 0, 4)
        self._column.setSpacing(2)
        self.empty = QLabel(EMPTY)
        self.empty.setWordWrap(True)
        self.empty.setContentsMargins(8, 4, 8, 4)
        role(self.empty, "quiet")
        self._column.addWidget(self.empty)
        self._column.addStretch(1)
        area.setWidget(inner)
        area.setAccessibleName("Jobs")
        outer.addWidget(area, 1)
        outer.addWidget(question(ABOUT), 0, Qt.AlignmentFlag.AlignTop)
        self.setMinimumSize(240, 60)
        follow_theme(self, context.viewer)
        self._timer = QTimer(self, interval=PERIOD_MS)
        self._timer.timeout.connect(self._tick)
        self._due = 0.0
        self._probe = QTimer(self, singleShot=True, interval=AFTER_MS)
        self._probe.setTimerType(Qt.TimerType.PreciseTimer)
        self._probe.timeout.connect(self._pace)
        context.session.queue.changed.connect(self._on_changed)
        for job in context.session.queue.jobs[-KEEP:]:
            self._on_changed(job)

    def _on_changed(self, job: Job) -> None:
        if job.number not in self.rows:
            self._add(job)
        self._stale.add(job.number)
        if not self._timer.isActive():
            self._timer.start()

    def _add(self, job: Job) -> None:
        self.rows[job.number] = row = JobRow(self.context, job)
        self._column.insertWidget(0, row)
        self.empty.hide()
        while len(self.rows) > KEEP:
            oldest = next((n for n, r in self.rows.items() if r.job.state in FINISHED), None)
            if oldest is None:
                return
            self.rows.pop(oldest).deleteLater()

    def _tick(self) -> None:
        active = {j.number for j in self.context.session.queue.active}
        for number in self._stale | active:
            if number in self.rows:
                self.rows[number].refresh()
        self._stale.clear()
        if not active:
            self._timer.stop()
        self._due = time.perf_counter() + AFTER_MS / 1000
        self._probe.start()

    def _pace(self) -> None:
        """Take longer steps where a repaint takes long: this was due while it was drawn, and comes so much later."""
        late = time.perf_counter() - self._due
        self._timer.setInterval(int(min(LONGEST_MS, max(PERIOD_MS, 1000 * late / SHARE))))


def _ending(job: Job) -> str:
    """How a job ended, in a word; a load that only lacked an answer has not failed."""
    return "asked for more" if is_question(job.error) else MARKS.get(job.state, "")


def _icon(text: str, tooltip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tooltip)
    button.setAccessibleName(tooltip)
    role(button, "icon")
    return button
