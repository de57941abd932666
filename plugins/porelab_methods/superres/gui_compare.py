"""The page "Before and after the correction": the volumes side by side, what changed, K of each."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QCheckBox, QPushButton

from porelab_gui.core.nouns import Stack, Table
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.tables import TableView
from porelab_gui.session.jobs import Job

NAME = "compare_superres"
FINE = ("super_resolved", "corrected")


class ComparePage(MethodForm):
    """The form, a grid of linked views, and the permeabilities with law and voxel size."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, NAME)
        self.grid_button = QPushButton("Side by side")
        self.grid_button.setCheckable(True)
        self.grid_button.setToolTip("Low, super-resolved, corrected and true volume in a grid that scrolls together.")
        self.changes = QCheckBox("Voxels that were changed")
        self.changes.setToolTip("The corrected image with the voxels that became void or solid in other colours.")
        self.artefacts = QCheckBox("Artefacts")
        self.artefacts.setToolTip("Where the corrected image, coarsened again, is off the low-resolution one.")
        self.results = TableView(context)
        self.results.setMinimumHeight(220)
        for widget in (self.grid_button, self.changes, self.artefacts, self.results):
            self._column.addWidget(widget)
        self._low, self._truth = "", ""
        self._before: dict[str, bool] = {}
        self.grid_button.toggled.connect(self._arrange)
        self.changes.toggled.connect(self._overlay)
        self.artefacts.toggled.connect(self._overlay)
        self.started.connect(self._on_started)
        context.session.changed.connect(self._on_session)
        self._on_session(())

    def volumes(self) -> list[str]:
        """Names of the images of the grid that are there, coarse ones first."""
        chosen = self.chooser.chosen()
        low, truth = self._low or chosen.get("image", ""), self._truth or chosen.get("truth", "")
        return [n for n in (low, *FINE, truth) if isinstance(self.context.session.items.get(n), Stack)]

    def _on_started(self, job: Job) -> None:
        chosen = self.chooser.chosen()
        self._low, self._truth = chosen.get("image", ""), chosen.get("truth", "")

    def _on_session(self, names: tuple[str, ...]) -> None:
        items = self.context.session.items
        there = all(n in items for n in FINE)
        if not there and self.grid_button.isChecked():
            self.grid_button.setChecked(False)
        table = items.get("table")
        known = there and isinstance(table, Table) and "law" in table.columns
        for widget in (self.grid_button, self.changes, self.artefacts):
            widget.setVisible(there)
        self.results.setVisible(known)
        if known and isinstance(table, Table):
            self.results.model.show(table)
            if "table" in names:
                self.reveal(self.results)
        if there:
            self._overlay()

    def _arrange(self, on: bool) -> None:
        """The grid holds just the volumes, each in a cell, all at the same slice; off, all is as it was."""
        viewer: Any = self.context.viewer
        if on:
            self._before = {layer.name: layer.visible for layer in viewer.layers}
            viewer.dims.ndisplay = 2
        shown = self.volumes()
        for layer in viewer.layers:
            layer.visible = layer.name in shown if on else self._before.get(layer.name, layer.visible)
            layer.name_overlay.visible = on
        viewer.canvas.grid.shape = (-1, -1)
        viewer.canvas.grid.stride = 1
        viewer.canvas.grid.enabled = on
        text = viewer.canvas.overlays.text
        text.visible = bool(text.text) and not on  # it would lie over the names of the cells
        self._overlay()
        viewer.reset_view()

    def _overlay(self, on: bool = False) -> None:
        """Each of the two maps as its box says; in the grid the changed voxels stand where the corrected image was."""
        grid = self.grid_button.isChecked()
        for name, box in (("difference", self.changes), ("artefacts", self.artefacts)):
            layer = self.context.layers.layer(name)
            if layer is not None:
                layer.visible = box.isChecked()
                layer.opacity = 0.8
        corrected = self.context.layers.layer("corrected")
        if grid and corrected is not None:
            corrected.visible = not self.changes.isChecked()
            self.context.viewer.reset_view()
