"""Load: open files and folders, see what is there, make anisotropic voxels cubic when asked to."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.nouns import Labels, Network, Noun, Regions, Stack, Table
from porelab_gui.core.registry import methods
from porelab_gui.gui.access import make_accessible
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.opening import Opener
from porelab_gui.gui.quantities import bytes_text
from porelab_gui.gui.steps.generic import GenericPanel
from porelab_gui.gui.theme import role
from porelab_gui.gui.what import WhatIsThis

EMPTY = "Nothing is open. Open a file or a folder of slices, or drop one on the window."
KINDS = {Labels: "segmented image", Regions: "regions", Network: "network", Table: "table", Stack: "grey image"}


class LoadPanel(QWidget):
    """Buttons to open, the list of what is open, and what is known about the chosen one."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.opener = Opener.of(context, self)
        self.cubic: MethodForm | None = None
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(2, 2, 8, 8)
        row = QHBoxLayout()
        self.open_file = QPushButton("Open files…")
        self.open_file.setObjectName("open_files")
        role(self.open_file, "primary")
        self.open_file.clicked.connect(lambda: self.opener.ask_files())
        self.open_folder = QPushButton("Open folder…")
        self.open_folder.clicked.connect(lambda: self.opener.ask_folder())
        row.addWidget(self.open_file)
        row.addWidget(self.open_folder)
        column.addLayout(row)
        column.addWidget(WhatIsThis(methods()["load"].citation))
        column.addWidget(role(QLabel("Open data"), "section"))
        self.items = QListWidget()
        self.items.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.items.setMaximumHeight(130)
        self.items.currentItemChanged.connect(lambda *_: self._show())
        column.addWidget(self.items)
        self.facts = QFormLayout()
        self.facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        column.addLayout(self.facts)
        self.advice = QLabel()
        self.advice.setWordWrap(True)
        column.addWidget(self.advice)
        self._add_actions(column)
        self.more = GenericPanel(context, "Load", leave_out=("load",))
        self.more.setVisible(bool(self.more.names))
        column.addWidget(self.more)
        column.addStretch(1)
        context.session.changed.connect(self._on_session)
        self._fill()

    def _add_actions(self, column: QVBoxLayout) -> None:
        row = QHBoxLayout()
        self.resample = QPushButton("Make voxels cubic…")
        self.resample.setToolTip("Shows the step that resamples; nothing changes before you run it.")
        self.resample.clicked.connect(self._offer_resample)
        self.remove = QPushButton("Close data")
        self.remove.clicked.connect(self._remove)
        row.addWidget(self.resample)
        row.addWidget(self.remove)
        row.addStretch(1)
        column.addLayout(row)

    @property
    def chosen(self) -> str:
        """Name of the item that is selected in the list."""
        item = self.items.currentItem()
        return str(item.data(Qt.ItemDataRole.UserRole)) if item else ""

    def _on_session(self, names: tuple[str, ...]) -> None:
        self._fill(names[-1] if names else "")

    def _fill(self, newest: str = "") -> None:
        keep = newest if newest in self.context.session.items else self.chosen
        self.items.blockSignals(True)
        self.items.clear()
        for name, noun in self.context.session.items.items():
            item = QListWidgetItem(f"{name}   ({KINDS.get(type(noun), type(noun).__name__.lower())})")
            item.setData(Qt.ItemDataRole.UserRole, name)
            self.items.addItem(item)
            if name == keep:
                self.items.setCurrentItem(item)
        if self.items.currentItem() is None and self.items.count():
            self.items.setCurrentRow(self.items.count() - 1)
        self.items.blockSignals(False)
        self._show()

    def _show(self) -> None:
        while self.facts.rowCount():
            self.facts.removeRow(0)
        noun = self.context.session.items.get(self.chosen)
        self.remove.setVisible(noun is not None)
        self.items.setVisible(self.items.count() > 0)
        for label, text in facts_of(noun) if noun is not None else ():
            value = QLabel(text)
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.facts.addRow(role(QLabel(label), "quiet"), value)
        uneven = isinstance(noun, Stack) and not noun.isotropic
        self.resample.setVisible(uneven and "resample" in methods())
        if self.cubic is not None and not uneven:
            self.cubic.hide()
        self.advice.setText(EMPTY if noun is None else _advice(noun))
        self.advice.setVisible(bool(self.advice.text()))

    def _offer_resample(self) -> None:
        """Show the form of the step; nothing changes before it is run."""
        if self.cubic is None:
            self.cubic = MethodForm(self.context, "resample")
            make_accessible(self.cubic)
            self._column.insertWidget(self._column.indexOf(self.more), self.cubic)
        for port in self.cubic.method.inputs:
            self.cubic.chooser.choose(port, self.chosen)
        self.cubic.show()

    def _remove(self) -> None:
        self.context.session.remove(self.chosen)


def facts_of(noun: Noun) -> list[tuple[str, str]]:
    """What is known without reading the whole of the data."""
    if isinstance(noun, Network):
        return [("Pores", f"{noun.n_pores:,}"), ("Throats", f"{noun.n_throats:,}"), *_source(noun)]
    if not isinstance(noun, Stack):
        return [("Rows", f"{len(noun):,}")] if isinstance(noun, Table) else []
    dtype = np.dtype(noun.data.dtype)
    size = math.prod(noun.shape) * dtype.itemsize
    facts = [
        ("Voxels z, y, x", " × ".join(f"{n:,}" for n in noun.shape)),
        ("Voxel size", voxel_text(noun)),
        ("Extent", lengths_text([n * v for n, v in zip(noun.shape, noun.voxel_size, strict=True)])),
        ("Type", f"{dtype}, {bytes_text(size)}" + (", read as needed" if hasattr(noun.data, "dask") else "")),
    ]
    if isinstance(noun, Labels):
        void = ", ".join(noun.phases.get(v, str(v)) for v in noun.void)
        facts.append(("Phases", ", ".join(noun.phases.values())))
        facts.append(("Pore space", void or "none named"))
    return [*facts, *_source(noun)]


def voxel_text(stack: Stack) -> str:
    """The voxel size with its unit; one number when the voxel is a cube."""
    return lengths_text(stack.voxel_size[:1] if stack.isotropic else stack.voxel_size)


def lengths_text(metres: Sequence[float]) -> str:
    """Lengths with the one unit that suits the longest."""
    for limit, factor, unit in ((1e-6, 1e9, "nm"), (1e-3, 1e6, "µm"), (math.inf, 1e3, "mm")):
        if max(metres) < limit:
            return " × ".join(f"{v * factor:.5g}" for v in metres) + f" {unit}"
    return ""


def _source(noun: Noun) -> list[tuple[str, str]]:
    from pathlib import Path

    return [("File", Path(noun.source).name)] if noun.source else []


def _advice(noun: Noun) -> str:
    if isinstance(noun, Stack) and not noun.isotropic:
        return (
            "The voxels are not cubes. Lengths and areas use the three edges; a step that needs cubic voxels says so. "
            "Resampling is a step of its own."
        )
    return ""
