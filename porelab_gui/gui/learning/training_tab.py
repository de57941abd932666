"""The tab "Training" below the canvas: curves on the left, the last pictures on the right."""

from __future__ import annotations

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.learning.pictures import Picture
from porelab_gui.gui.choices import refill_words
from porelab_gui.gui.context import Context
from porelab_gui.gui.learning.curves import TrainingCurves
from porelab_gui.gui.learning.jobs import is_training
from porelab_gui.gui.learning.pictures import PicturePlot
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job

EMPTY = "Curves and pictures of a training appear here while it runs. Start one in the step Learn."
PERIOD_MS = 400
ROOM = 290  # height of the dock in which curves with their legends can be read


class TrainingTab(QWidget):
    """Follows the newest training unless another is chosen."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.runs, self.which = QComboBox(), QComboBox()
        self.runs.setObjectName("training_run")
        self.save_curves, self.save_picture = QPushButton("Save curves …"), QPushButton("Save picture …")
        self.curves = TrainingCurves(context, lambda: self.job)
        self.picture = PicturePlot(context, lambda: self.shown_picture)
        role(self.curves.message, "quiet")
        self.curves.message.setText(EMPTY)
        self.curves.message.show()
        row = QHBoxLayout()
        for widget, stretch in ((self.runs, 2), (self.save_curves, 0), (self.which, 1), (self.save_picture, 0)):
            row.addWidget(widget, stretch)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(self.curves)
        self.split.addWidget(self.picture)
        self.split.setSizes([600, 300])
        self.split.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(row)
        column.addWidget(self.split, 1)
        self.save_curves.clicked.connect(self.curves.ask_save)
        self.save_picture.clicked.connect(self.picture.ask_save)
        self.runs.currentIndexChanged.connect(lambda _: self._follow())
        self.which.currentIndexChanged.connect(lambda _: self.picture.refresh())
        self._roomy = False
        self._timer = QTimer(self, singleShot=True, interval=PERIOD_MS)
        self._timer.timeout.connect(self._follow)
        context.session.queue.changed.connect(self._on_job)
        self._show_parts()

    @property
    def job(self) -> Job | None:
        """The training that is shown."""
        return next((j for j in self._trainings() if j.number == self.runs.currentData()), None)

    @property
    def shown_picture(self) -> Picture | None:
        """The picture that is shown."""
        job = self.job
        return None if job is None else job.pictures.get(self.which.currentText())

    def _trainings(self) -> list[Job]:
        return [j for j in self.context.session.queue.jobs if (j.metrics or j.pictures) and is_training(j)]

    def _on_job(self, job: Job) -> None:
        if (job.metrics or job.pictures) and is_training(job) and not self._timer.isActive():
            self._timer.start()

    def _follow(self) -> None:
        newest_was_shown = self.runs.currentIndex() == self.runs.count() - 1
        self.runs.blockSignals(True)
        for job in self._trainings():
            if self.runs.findData(job.number) < 0:
                self.runs.addItem(f"{job.title} ({job.number})", job.number)
                if newest_was_shown:
                    self.runs.setCurrentIndex(self.runs.count() - 1)
        self.runs.blockSignals(False)
        self._offer_pictures()
        self._show_parts()
        self._make_room()
        self.curves.refresh()
        self.picture.refresh()

    def _make_room(self) -> None:
        """Give the dock its height when there is something to see for the first time; later it is the user's."""
        if self._roomy or self.job is None or not self.isVisible():
            return
        self._roomy = True
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QDockWidget):
            parent = parent.parentWidget()
        main = self.window()
        if isinstance(parent, QDockWidget) and isinstance(main, QMainWindow) and parent.height() < ROOM:
            main.resizeDocks([parent], [min(ROOM, main.height() // 2)], Qt.Orientation.Vertical)

    def _offer_pictures(self) -> None:
        names = [] if self.job is None else list(self.job.pictures)
        if names == [self.which.itemText(k) for k in range(self.which.count())]:
            return
        refill_words(self.which, names, self.which.currentText())

    def _show_parts(self) -> None:
        there, pictured = self.job is not None, self.which.count() > 0
        self.curves.message.setVisible(not there)
        self.save_curves.setEnabled(there)
        for widget in (self.which, self.save_picture, self.picture):
            widget.setVisible(pictured)
        self.runs.setVisible(there)
        self.save_curves.setVisible(there)
