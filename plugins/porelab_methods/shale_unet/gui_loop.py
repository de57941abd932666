"""The loop of correction as buttons: segment the stack, go to the slice with the most to gain, learn it, look again."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.image.correct import edits_between, save_edits
from porelab_gui.core.learning.pictures import Line
from porelab_gui.core.learning.weights import read_config
from porelab_gui.core.nouns import Labels, Table, Weights
from porelab_gui.gui import settings
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.learning.pictures import draw_line
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.settings import edits_folder
from porelab_gui.gui.theme import Colours, role
from porelab_gui.session.jobs import Job, State
from porelab_methods.shale_unet.loop import sound, verdict

EXPLAIN = (
    "Segment the stack, go to the slice where the net has the most to learn, correct it, and let the net learn it. "
    "Slices marked as done are never overwritten."
)
EMPTY = "The IoU against the number of slices appears here after the first training."


class LoopPanel(QWidget):
    """Four buttons, what they found, and the curve of IoU against slices."""

    def __init__(self, context: Context, form: MethodForm) -> None:
        super().__init__()
        self.context, self.form = context, form
        self.segment, self.next = QPushButton("Segment the stack"), QPushButton("Next slice")
        self.paint, self.learn = QPushButton("Paint on this slice"), QPushButton("Slice is right: learn it")
        self.again = QCheckBox("Segment the stack after learning")
        self.again.setChecked(True)
        self.told, self.verdict = QLabel(), QLabel()
        self.plot = PlotCanvas(context, self._draw)
        self.plot.setFixedHeight(210)
        self.plot.numbers = self._numbers
        self._build()
        self.segment.clicked.connect(lambda: self.run_segment())
        self.next.clicked.connect(lambda: self.run_next())
        self.paint.clicked.connect(lambda: self.start_painting())
        self.learn.clicked.connect(lambda: self.run_learn())
        context.session.changed.connect(self._on_session)
        self._on_session(())

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 0)
        column.addWidget(role(QLabel("The loop of correction"), "section"))
        text = QLabel(EXPLAIN)
        grid = QGridLayout()
        for k, button in enumerate((self.segment, self.next, self.paint, self.learn)):
            grid.addWidget(button, k // 2, k % 2)
        self.segment.setToolTip("Phases and uncertainty of every slice from the newest weights.")
        self.next.setToolTip("Go to the slice whose correction teaches the most.")
        self.paint.setToolTip("Give the mouse the brush of the labels on the slice in view.")
        self.learn.setToolTip("Keep the slice in view as done and train on from the last weights.")
        for label in (text, self.told, self.verdict):
            label.setWordWrap(True)
        role(self.told, "quiet")
        role(self.plot.message, "quiet")
        self.plot.message.setText(EMPTY)
        column.addWidget(text)
        column.addLayout(grid)
        for widget in (self.again, self.told, self.plot, self.verdict):
            column.addWidget(widget)

    # -- what the buttons do

    @property
    def labels_name(self) -> str:
        """The labels that are corrected."""
        return self.form.chooser.chosen().get("labels", "")

    @property
    def weights_name(self) -> str | None:
        """The newest weights."""
        return self.context.session.latest(Weights)

    @property
    def slice(self) -> int:
        """The slice in view."""
        labels = self.context.session.items[self.labels_name]
        assert isinstance(labels, Labels)
        dims = self.context.viewer.dims
        world = float(dims.point[dims.ndim - 3])
        return int(np.clip(round(world * 1e-6 / labels.voxel_size[0]), 0, labels.shape[0] - 1))

    def run_segment(self) -> Job | None:
        """Apply the newest weights; corrected slices stay."""
        chosen = self.form.chooser.chosen()
        names = {"image": chosen["image"], "weights": self.weights_name or "", "labels": chosen["labels"]}
        params = {"scheduler": settings.load().scheduler}
        return self._run("segment_unet", params, names, {"labels": chosen["labels"]})

    def run_next(self) -> Job | None:
        """Rank the slices and go to the first."""
        names = {"uncertainty": "uncertainty", "labels": self.labels_name}
        return self._run("next_slice", {"gap": self.form.values()["gap"]}, names, {}, self._on_ranked)

    def start_painting(self) -> None:
        """A layer of its own to paint on, the brush in the mouse."""
        labels, layer = self.context.session.items[self.labels_name], self.context.layers.layer(self.labels_name)
        if layer is None or not isinstance(layer.data, np.ndarray):
            self.context.notify("These labels are on disk: correct them in the step Segment.", "warning")
            return
        assert isinstance(labels, Labels)
        if np.may_share_memory(labels.data, layer.data):
            layer.data = layer.data.copy()
        self.context.viewer.dims.ndisplay = 2
        layer.editable, layer.visible = True, True
        unsure = self.context.layers.layer("uncertainty")
        if unsure is not None:
            unsure.visible = False  # it lies over what is painted
        self.context.viewer.layers.selection.active = layer
        layer.mode = "paint"
        self.told.setText("Paint with the brush; the phases and more tools are in the step Segment, Correct by hand.")

    def run_learn(self) -> Job | None:
        """Keep the slice in view as done, then train on from the last weights."""
        z, name = self.slice, self.labels_name
        labels, layer = self.context.session.items[name], self.context.layers.layer(name)
        assert isinstance(labels, Labels)
        painted = layer.data if layer is not None and isinstance(layer.data, np.ndarray) else labels.data
        try:
            edits = edits_between(labels.data, painted, (z, z + 1))
            path = edits_folder() / f"{edits.content_hash}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_edits(edits, path)
        except (PorelabError, OSError) as error:
            self.context.report(error)
            return None
        params = {"path": str(path), "digest": edits.content_hash, "states": {z: "done"}}
        self.told.setText(f"Slice {z} is done ({len(edits):,} voxels corrected); learning it.")
        return self._run("correct_labels", params, {"labels": name}, {"labels": name}, self._on_kept)

    def _run(
        self, method: str, params: dict[str, Any], inputs: dict[str, str], outputs: dict[str, str], done: Any = None
    ) -> Job | None:
        try:
            return self.context.session.run(method, params, inputs, outputs, done)
        except PorelabError as error:
            self.context.report(error)
            return None

    def _on_kept(self, job: Job) -> None:
        if job.state is not State.DONE or not self.form.check():
            return
        names = self.form.chooser.chosen()
        names.pop("weights", None)
        if self.weights_name:
            names["weights"] = self.weights_name
        self._run("train_unet", self.form.values(), names, {}, self._on_learned)

    def _on_learned(self, job: Job) -> None:
        if job.state is not State.DONE:
            return
        history = self.history()
        if history:
            self.told.setText(f"Learned {history[-1]['slices']} slices: mean IoU {history[-1]['mean_iou']:.3f}.")
        if self.again.isChecked():
            self.run_segment()

    def _on_ranked(self, job: Job) -> None:
        table = (job.outputs or {}).get("next_slices")
        if job.state is not State.DONE or not isinstance(table, Table):
            return
        z = int(table["slice"][0])
        labels = self.context.session.items[self.labels_name]
        assert isinstance(labels, Labels)
        unsure = self.context.layers.layer("uncertainty")
        if unsure is not None:
            unsure.visible = True
        self.context.viewer.dims.ndisplay = 2
        self.context.viewer.dims.set_point(self.context.viewer.dims.ndim - 3, z * labels.voxel_size[0] * 1e6)
        others = ", ".join(str(int(s)) for s in table["slice"][1:4])
        self.told.setText(f"{table.notes[0]} After it: {others}." if others else table.notes[0])

    # -- keeping up

    def history(self) -> list[dict[str, Any]]:
        """One entry per training of the chain that ends in the newest weights."""
        name = self.weights_name
        if name is None:
            return []
        weights = self.context.session.items[name]
        assert isinstance(weights, Weights)
        try:
            return sound(read_config(weights).get("history"))
        except PorelabError:
            return []

    def _on_session(self, names: tuple[str, ...]) -> None:
        chosen, items = self.form.chooser.chosen(), self.context.session.items
        ready = {"image", "labels"} <= chosen.keys()
        self.segment.setEnabled(ready and self.weights_name is not None)
        self.next.setEnabled(ready and "uncertainty" in items)
        self.paint.setEnabled(ready)
        self.learn.setEnabled(ready)
        history = self.history()
        self.plot.message.setVisible(not history)
        counts, scores = [e["slices"] for e in history], [e["mean_iou"] for e in history]
        self.verdict.setText(verdict(counts, scores) if history else "")
        self.plot.refresh()

    def _line(self) -> Line:
        history = self.history()
        keys = [k for k in (history[-1] if history else {}) if k.startswith("iou ")]
        values = {"mean": np.array([e["mean_iou"] for e in history], float)}
        values |= {k.removeprefix("iou "): np.array([e.get(k, np.nan) for e in history], float) for k in keys}
        return Line(np.array([e["slices"] for e in history], float), values, "training slices", "IoU, held-out slices")

    def _draw(self, axes: Any, chosen: Colours) -> None:
        line = self._line()
        if not len(line.x):
            axes.set_axis_off()
            return
        draw_line(axes, line, chosen)

    def _numbers(self) -> dict[str, Any]:
        line = self._line()
        return {"slices": line.x, **line.values} if len(line.x) else {}
