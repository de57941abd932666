"""The threshold with its live overlay: what the job would give, on the slice in view, without a job."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.image.histogram import Histogram, histogram, multi_otsu, otsu_of
from porelab_gui.core.nouns import Field, Labels, Regions, Stack
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.steps.histogram import HistogramBar
from porelab_gui.gui.theme import colours, role
from porelab_gui.session.jobs import Job

SAMPLE = 64  # voxels along each axis that the preview's histogram looks at


class ThresholdPage(QWidget):
    """The form of ``segment_threshold`` below a histogram; the overlay follows both and the slice in view."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._sample: tuple[str, int, Stack, Histogram] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.bar = HistogramBar()
        self.live = QCheckBox("Show on the slice in view")
        self.live.setChecked(True)
        self.told = QLabel()
        self.told.setWordWrap(True)
        role(self.told, "quiet")
        self.form = MethodForm(context, "segment_threshold")
        column.addWidget(self.form)
        at = self.form._column.indexOf(self.form.chooser) + 1
        for i, widget in enumerate((self.bar, self.live, self.told)):
            self.form._column.insertWidget(at + i, widget)
        self._timer = QTimer(self, singleShot=True, interval=15)
        self._timer.timeout.connect(self.refresh)
        self.bar.dragged.connect(self._drag)
        self.live.toggled.connect(lambda _: self._later())
        for field in self.form.fields.values():
            field.editor.changed.connect(self._later)
        self.form.chooser.changed.connect(self._later)
        self.form.finished.connect(self._on_done)
        context.viewer.dims.events.current_step.connect(self._later)
        context.viewer.dims.events.ndisplay.connect(self._later)
        context.viewer.events.theme.connect(self._theme)
        self._theme()
        self._later()

    def refresh(self) -> None:
        """Draw the overlay as the form stands now."""
        stack = self._stack()
        visible = self.isVisible() and self.live.isChecked() and self.context.viewer.dims.ndisplay == 2
        if stack is None or isinstance(stack, Labels | Regions | Field):
            self._say("Choose a grey image to see its grey levels." if stack is not None else "")
            self.context.layers.clear_overlay()
            return
        try:
            levels = self.levels(stack)
        except (PorelabError, ValueError) as error:
            self._say(str(error))
            self.context.layers.clear_overlay()
            return
        self.bar.set_lines(levels)
        self._say("threshold " + ", ".join(f"{v:.5g}" for v in levels) + self._about())
        if visible:
            self._overlay(stack, levels)
        else:
            self.context.layers.clear_overlay()

    def levels(self, stack: Stack) -> tuple[float, ...]:
        """The thresholds that the form asks for; by Otsu's rules from a sample of the voxels."""
        values = self.form.values()
        sample, hist = self._sampled(stack)
        if values["rule"] == "manual":
            return (float(values["threshold"]),)
        if values["rule"] == "multi_otsu":
            return multi_otsu(sample, int(values["classes"]))
        return (otsu_of(hist),)

    def _about(self) -> str:
        return "" if self.form.values()["rule"] == "manual" else " (from a sample; the run uses every voxel)"

    def _overlay(self, stack: Stack, levels: tuple[float, ...]) -> None:
        dims = self.context.viewer.dims
        axis = int(dims.not_displayed[-1]) - (dims.ndim - 3)
        world = float(dims.point[dims.not_displayed[-1]])
        index = int(np.clip(round(world * 1e-6 / stack.voxel_size[axis]), 0, stack.shape[axis] - 1))
        page = np.asarray(np.take(stack.data, index, axis=axis) if isinstance(stack.data, np.ndarray) else _page(
            stack.data, index, axis))  # fmt: skip
        self.context.layers.show_overlay(marked(page, levels, self.form.values()), stack, axis, index)

    def _sampled(self, stack: Stack) -> tuple[Stack, Histogram]:
        name = self.form.chooser.chosen().get("image", "")
        if self._sample is None or self._sample[:2] != (name, id(stack)):
            steps = tuple(slice(None, None, max(1, n // SAMPLE)) for n in stack.shape)
            thin = Stack(np.asarray(stack.data[steps]), stack.voxel_size, name=name)
            hist = histogram(thin)
            self.bar.set_counts(hist.counts, hist.levels)
            self._sample = (name, id(stack), thin, hist)
        return self._sample[2], self._sample[3]

    def _stack(self) -> Stack | None:
        item = self.context.session.items.get(self.form.chooser.chosen().get("image", ""))
        return item if isinstance(item, Stack) else None

    def _drag(self, level: float) -> None:
        stack = self._stack()
        whole = stack is not None and np.dtype(stack.data.dtype).kind in "iu"
        self.form.set_values({"rule": "manual", "threshold": float(round(level)) if whole else level})

    def _say(self, text: str) -> None:
        self.told.setText(text)
        self.told.setVisible(bool(text))

    def _later(self, *_: object) -> None:
        self._timer.start()

    def _on_done(self, job: Job) -> None:
        """The result is there: it takes the place of the overlay."""
        if job.outputs:
            self.live.setChecked(False)

    def _theme(self, *_: object) -> None:
        self.bar.set_colours(colours(self.context.viewer))

    def hideEvent(self, event: Any) -> None:
        """Another step is shown: the overlay goes."""
        self.context.layers.clear_overlay()
        super().hideEvent(event)

    def showEvent(self, event: Any) -> None:
        """Back again."""
        self._later()
        super().showEvent(event)


def marked(page: NDArray[Any], levels: tuple[float, ...], values: dict[str, Any]) -> NDArray[np.uint8]:
    """Which voxels of a slice the thresholds choose: 1 pore for one threshold, 1..n classes for several."""
    if values["rule"] == "multi_otsu":
        return np.asarray(1 + np.digitize(page, levels, right=True), dtype=np.uint8)
    chosen = page <= levels[0] if values["void"] == "dark" else page > levels[0]
    return chosen.astype(np.uint8)


def _page(data: Any, index: int, axis: int) -> Any:
    where: list[Any] = [slice(None)] * 3
    where[axis] = index
    return data[tuple(where)]
