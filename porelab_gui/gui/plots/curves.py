"""Curves of a job while it runs: losses, scores, residuals, whatever its Method reports."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import readable
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.theme import Colours, role
from porelab_gui.session.jobs import Job

EMPTY = "Curves of a training or a solve appear here while it runs."
LINES = ("#4c9be8", "#f2994a", "#5fbf77", "#c77dff", "#ff8a80", "#e5c07b")
MOST_POINTS = 2000


class CurvesPlot(QWidget):
    """Every metric of one job against time; the newest job with metrics unless another is chosen."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.combo = QComboBox()
        self.combo.setObjectName("curves_job")
        self.log = QCheckBox("log")
        self.save_button = QPushButton("Save …")
        self.plot = PlotCanvas(context, self._draw)
        self.plot.numbers = self._numbers
        role(self.plot.message, "quiet")
        self.plot.message.setText(EMPTY)
        self.plot.message.show()
        row = QHBoxLayout()
        for widget in (self.combo, self.log, self.save_button):
            row.addWidget(widget, 1 if widget is self.combo else 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        self.save_button.clicked.connect(self.plot.ask_save)
        self.combo.currentIndexChanged.connect(lambda _: self.plot.refresh())
        self.log.toggled.connect(lambda _: self.plot.refresh())
        self._timer = QTimer(self, singleShot=True, interval=250)
        self._timer.timeout.connect(self._follow)
        context.session.queue.changed.connect(self._on_job)

    @property
    def job(self) -> Job | None:
        """The job that is shown."""
        return next((j for j in self._with_metrics() if j.number == self.combo.currentData()), None)

    def _with_metrics(self) -> list[Job]:
        return [j for j in self.context.session.queue.jobs if any(len(v) > 1 for v in j.metrics.values())]

    def _on_job(self, job: Job) -> None:
        if job.metrics and not self._timer.isActive():
            self._timer.start()

    def _follow(self) -> None:
        jobs = self._with_metrics()
        newest_was_shown = self.combo.currentIndex() == self.combo.count() - 1
        for job in jobs:
            if self.combo.findData(job.number) < 0:
                self.combo.addItem(f"{job.title} ({job.number})", job.number)
                if newest_was_shown:
                    self.combo.setCurrentIndex(self.combo.count() - 1)
        self.plot.message.setVisible(not jobs)
        self.plot.refresh()

    def _draw(self, axes: Any, chosen: Colours) -> None:
        job = self.job
        if job is None:
            axes.set_axis_off()
            return
        for k, (name, points) in enumerate(job.metrics.items()):
            seconds, values = _thinned(points)
            axes.plot(seconds, values, color=LINES[k % len(LINES)], lw=1.4, label=readable(name))
        if self.log.isChecked():
            axes.set_yscale("log")
        axes.set_xlabel("time [s]")
        legend = axes.legend(fontsize=8, frameon=False)
        for text in legend.get_texts():
            text.set_color(chosen.text)

    def _numbers(self) -> dict[str, NDArray[Any]]:
        job = self.job
        if job is None:
            return {}
        count = min((len(v) for v in job.metrics.values()), default=0)
        columns = {name: np.array([p[1] for p in points[-count:]]) for name, points in job.metrics.items()}
        first = next(iter(job.metrics.values()))
        return {"time [s]": np.array([p[0] for p in first[-count:]]), **columns}


def _thinned(points: list[tuple[float, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most some thousand points of a long curve, the last one among them."""
    step = max(1, len(points) // MOST_POINTS)
    kept = np.asarray(points[::-step][::-1], dtype=np.float64).reshape(-1, 2)
    return kept[:, 0], kept[:, 1]
