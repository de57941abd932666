"""Correction by hand: napari's label tools with named phases; what is kept becomes a step of the recipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_data_path
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.image.correct import Edits, edits_between, save_edits
from porelab_gui.core.nouns import Labels, Regions
from porelab_gui.gui.context import Context
from porelab_gui.gui.palette import phase_colours
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job, State

TOOLS = (
    ("paint", "Paint", "Paint with the chosen phase."),
    ("fill", "Fill", "Fill what hangs together with the chosen phase."),
    ("pick", "Pick", "Take the phase under the mouse."),
    ("pan_zoom", "Move", "Move and zoom; nothing is painted."),
)
EXPLAIN = "Paint on the slices, then keep the corrections: they become a step of the recipe and replay exactly."


def edits_folder() -> Path:
    """Where painted voxels are kept until a recipe takes them along."""
    folder = os.environ.get("PORELAB_CONFIG")
    return (Path(folder) if folder else user_data_path("porelab", appauthor=False)) / "edits"


class CorrectionPage(QWidget):
    """Phase, tool, brush, undo, and one button that keeps the corrections."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._added: dict[int, str] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(role(QLabel("Correct by hand"), "title"))
        text = QLabel(EXPLAIN)
        text.setWordWrap(True)
        column.addWidget(text)
        form = QFormLayout()
        column.addLayout(form)
        self.items, self.phase = QComboBox(), QComboBox()
        form.addRow("Labels", self.items)
        form.addRow("Phase", self.phase)
        form.addRow("New phase", self._make_adder())
        self.brush = QSlider(Qt.Orientation.Horizontal)
        self.brush.setRange(1, 60)
        self.brush.setValue(10)
        self.brush_text = QLabel("10 voxel")
        row = QHBoxLayout()
        row.addWidget(self.brush)
        row.addWidget(self.brush_text)
        form.addRow("Brush", row)
        column.addLayout(self._make_tools())
        self.told = QLabel()
        self.told.setWordWrap(True)
        column.addWidget(role(self.told, "quiet"))
        self.keep = QPushButton("Keep corrections")
        self.keep.setObjectName("keep")
        role(self.keep, "primary")
        column.addWidget(self.keep)
        column.addStretch(1)
        self.keep.clicked.connect(self.keep_corrections)
        self.items.currentIndexChanged.connect(lambda _: self._choose_item())
        self.phase.currentIndexChanged.connect(lambda _: self._apply())
        self.brush.valueChanged.connect(lambda _: self._apply())
        context.session.changed.connect(self._on_session)
        self._fill()

    @property
    def layer(self) -> Any:
        """napari's layer of the chosen labels, or None."""
        name = self.items.currentText()
        return self.context.layers.layer(name) if name in self.context.session.items else None

    def use_tool(self, mode: str) -> None:
        """Give the mouse a tool of the labels layer."""
        layer = self.layer
        if layer is None:
            return
        if not self._own_copy(layer):
            return
        self.context.viewer.dims.ndisplay = 2
        layer.visible = True
        self.context.viewer.layers.selection.active = layer
        layer.mode = mode
        self._apply()

    def edits(self) -> Edits:
        """What differs now from the labels that are kept."""
        name, layer = self.items.currentText(), self.layer
        noun = self.context.session.items[name]
        if not isinstance(noun, Labels) or layer is None:
            raise PorelabError("there are no labels to correct", remedy="Segment an image first.")
        return edits_between(noun.data, layer.data, touched_slices(layer))

    def keep_corrections(self) -> Job | None:
        """Write the painted voxels to a file and run the step that applies them."""
        try:
            edits = self.edits()
            if not len(edits):
                self.context.notify("Nothing has been painted since the last step.", "warning")
                return None
            path = edits_folder() / f"{edits.content_hash}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_edits(edits, path)
            name = self.items.currentText()
            params = {"path": str(path), "digest": edits.content_hash, "phases": self._added}
            job = self.context.session.run("correct_labels", params, {"labels": name}, {"labels": name}, self._on_kept)
        except (PorelabError, OSError) as error:
            self.context.report(error)
            return None
        self.told.setText(f"Keeping {len(edits):,} corrected voxels.")
        return job

    # -- building

    def _make_tools(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.tools: dict[str, QPushButton] = {}
        for mode, text, help_ in TOOLS:
            self.tools[mode] = button = QPushButton(text)
            button.setToolTip(help_)
            button.clicked.connect(lambda _=False, m=mode: self.use_tool(m))
            row.addWidget(button)
        self.undo = QPushButton("Undo")
        self.undo.setToolTip("Take the last stroke back (Ctrl+Z).")
        self.undo.clicked.connect(self._undo)
        row.addWidget(self.undo)
        return row

    def _make_adder(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.new_phase = QLineEdit()
        self.new_phase.setPlaceholderText("its name")
        self.add = QPushButton("Add")
        self.add.clicked.connect(self._add_phase)
        self.new_phase.returnPressed.connect(self._add_phase)
        row.addWidget(self.new_phase, 1)
        row.addWidget(self.add)
        return row

    # -- keeping up

    def _on_session(self, names: tuple[str, ...]) -> None:
        self._fill()

    def _fill(self) -> None:
        """Offer the labels there are; the newest unless one was chosen."""
        items = self.context.session.items
        names = [k for k, v in items.items() if isinstance(v, Labels) and not isinstance(v, Regions)]
        before = self.items.currentText()
        self.items.blockSignals(True)
        self.items.clear()
        self.items.addItems(names)
        self.items.setCurrentText(before if before in names else (names[-1] if names else ""))
        self.items.blockSignals(False)
        self._choose_item()

    def _choose_item(self) -> None:
        noun = self.context.session.items.get(self.items.currentText())
        there = isinstance(noun, Labels)
        for widget in (self.items, self.phase, self.brush, self.keep, self.undo, self.new_phase, self.add):
            widget.setEnabled(there)
        for button in self.tools.values():
            button.setEnabled(there)
        self.told.setText("" if there else "Segment an image first, then correct it here.")
        self._added = {}
        self._fill_phases({} if not isinstance(noun, Labels) else dict(noun.phases))

    def _fill_phases(self, phases: dict[int, str]) -> None:
        chosen = self.phase.currentData()
        colours = phase_colours(phases)
        self.phase.blockSignals(True)
        self.phase.clear()
        for label, name in phases.items():
            self.phase.addItem(_swatch(colours.get(label, "transparent")), f"{name} ({label})", label)
        index = self.phase.findData(chosen)
        self.phase.setCurrentIndex(index if index >= 0 else self.phase.count() - 1)
        self.phase.blockSignals(False)

    def _add_phase(self) -> None:
        name = self.new_phase.text().strip()
        noun, layer = self.context.session.items.get(self.items.currentText()), self.layer
        if not name or not isinstance(noun, Labels) or layer is None or not self._own_copy(layer):
            return
        label = max([*noun.phases, *self._added], default=0) + 1
        if label > np.iinfo(layer.data.dtype).max:
            self.context.notify(f"{layer.data.dtype} has no room for another phase.", "warning")
            return
        self._added[label] = name
        phases = {**noun.phases, **self._added}
        self.context.layers.show_phases(self.items.currentText(), phases)
        self._fill_phases(phases)
        self.phase.setCurrentIndex(self.phase.findData(label))
        self.new_phase.clear()

    def _apply(self) -> None:
        """Give phase and brush to the layer."""
        self.brush_text.setText(f"{self.brush.value()} voxel")
        layer = self.layer
        if layer is not None and self.phase.currentData() is not None:
            layer.selected_label = int(self.phase.currentData())
            layer.brush_size = self.brush.value()

    def _undo(self) -> None:
        layer = self.layer
        if layer is not None:
            layer.undo()

    def _own_copy(self, layer: Any) -> bool:
        """The tools paint into the layer's array: make sure that it is not the session's."""
        noun = self.context.session.items.get(self.items.currentText())
        if not isinstance(layer.data, np.ndarray):
            self.context.notify("This image is read from disk as needed; crop it to paint on it.", "warning")
            return False
        kept = noun.data if isinstance(noun, Labels) else None
        if isinstance(kept, np.ndarray) and np.may_share_memory(kept, layer.data):
            layer.data = layer.data.copy()
        layer.editable = True
        return True

    def _on_kept(self, job: Job) -> None:
        if job.state is State.DONE:
            self.told.setText("The corrections are kept as a step of the recipe.")
            self.use_tool("paint")


def touched_slices(layer: Any) -> tuple[int, int] | None:
    """First and last + 1 slice that strokes reached, out of the layer's own histories; None when that is not known."""
    low, high = layer.data.shape[0], 0
    for item in (*layer._undo_history, *layer._redo_history):
        for atom in item:
            where = atom.slice_key[0] if hasattr(atom, "slice_key") else atom[0][0]
            if isinstance(where, slice):
                first, last = where.indices(layer.data.shape[0])[:2]
            else:
                first, last = int(np.min(where)), int(np.max(where)) + 1
            low, high = min(low, first), max(high, last)
    if len(layer._undo_history) >= layer._history_limit:
        return None
    return (low, high) if low < high else (0, 0)


def _swatch(colour: Any) -> QIcon:
    pixmap = QPixmap(14, 14)
    pixmap.fill(QColor(0, 0, 0, 0) if colour == "transparent" else QColor(str(colour)))
    return QIcon(pixmap)
