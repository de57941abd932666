"""Loss, scores and learning rate of a training against the epoch, live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QResizeEvent

from porelab_gui.gui.context import Context
from porelab_gui.gui.learning.jobs import Points, sorted_metrics
from porelab_gui.gui.network.colouring import readable
from porelab_gui.gui.plots.canvas import PlotCanvas, dress
from porelab_gui.gui.plots.curves import LINES
from porelab_gui.gui.theme import Colours
from porelab_gui.session.jobs import Job

WIDE, LOW, NARROW = 1.5, 150, 200  # width over height for plots side by side; height and width with room for legends
MANY = 2  # lines beyond which the legend stands beside its plot
DECADES = 10.0


class TrainingCurves(PlotCanvas):
    """Up to three plots of one job: side by side where there is room, else one above the other."""

    def __init__(self, context: Context, job: Callable[[], Job | None]) -> None:
        super().__init__(context, self._draw_job)
        self._job = job
        self._extra: list[Any] = []
        self.numbers = self._columns

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Whether plots stand side by side, with a legend, depends on the room."""
        super().resizeEvent(event)
        self.refresh()

    def _draw_job(self, axes: Any, chosen: Colours) -> None:
        for old in self._extra:
            old.remove()
        self._extra = []
        axes.set_axis_off()
        axes.set_in_layout(False)
        job = self._job()
        kinds = [] if job is None else [(k, v) for k, v in sorted_metrics(job).items() if v]
        if not kinds:
            return
        side_by_side = self.width() > WIDE * self.height()
        key = self.height() > LOW and (not side_by_side or self.width() > NARROW * len(kinds))
        shares = [1.6 if len(lines) > MANY and key else 1.0 for _, lines in kinds]
        add = self._figure.add_gridspec
        grid = add(1, len(kinds), width_ratios=shares) if side_by_side else add(len(kinds), 1)
        for k, (kind, lines) in enumerate(kinds):
            plot = self._figure.add_subplot(grid[k])
            dress(self._figure, plot, chosen)
            _draw_lines(plot, kind, lines, chosen, key)
            if side_by_side or k == len(kinds) - 1:
                plot.set_xlabel("epoch")
            self._extra.append(plot)

    def _columns(self) -> dict[str, NDArray[Any]]:
        job = self._job()
        if job is None or not job.metrics:
            return {}
        count = min(len(v) for v in job.metrics.values())
        epochs = {"epoch": np.arange(1, count + 1)}
        return {**epochs, **{k: np.array([p[1] for p in v[-count:]]) for k, v in job.metrics.items()}}


def _draw_lines(plot: Any, kind: str, lines: dict[str, Points], chosen: Colours, key: bool) -> None:
    drawn = []
    for k, (name, points) in enumerate(lines.items()):
        values = np.array([p[1] for p in points])
        drawn.append(values)
        how = {"marker": "o" if len(values) < 3 else "", "ms": 3, "lw": 1.4, "color": LINES[k % len(LINES)]}
        plot.plot(np.arange(1, len(values) + 1), values, label=readable(name), **how)
    every = np.concatenate(drawn)
    if kind != "score" and every.min() > 0 and every.max() > DECADES * every.min():
        plot.set_yscale("log")
        plot.yaxis.set_minor_formatter("")  # a decade and its parts do not fit beside a small plot
    else:
        plot.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4), useOffset=False)
        plot.yaxis.get_major_locator().set_params(nbins=4)
        plot.yaxis.get_offset_text().set(color=chosen.text, fontsize=7)
    plot.set_title(kind if key else "", fontsize=9)
    if not key:
        plot.set_ylabel(kind)
    plot.xaxis.get_major_locator().set_params(integer=True, nbins=4)
    if key and len(lines) > 1:
        beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.05), "borderaxespad": 0.2} if len(lines) > MANY else {}
        legend = plot.legend(fontsize=7, frameon=False, handlelength=1.2, labelspacing=0.3, **beside)
        for text in legend.get_texts():
            text.set_color(chosen.text)
