"""What the page of corrections shows: labels, palette, tools, options, slices and buttons; nothing of what they do."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.registry import get
from porelab_gui.gui.correcting.phases import PhasePalette
from porelab_gui.gui.correcting.slices import SliceList
from porelab_gui.gui.theme import role
from porelab_gui.gui.what import WhatIsThis

SMART = "smart_fill"
TOOLS = (
    ("paint", "Brush", "B", "Paint with the chosen phase."),
    ("polygon", "Polygon", "G", "Click corners, double click to close: the inside gets the chosen phase."),
    ("fill", "Fill", "F", "What hangs together and has one label gets the chosen phase."),
    (
        SMART,
        "Smart fill",
        "S",
        "Click a place: what joins it in the slice and is about as grey gets the phase.",
    ),
    ("pick", "Pick", "K", "Take the phase under the mouse."),
    ("pan_zoom", "Move", "V", "Move and zoom; nothing is painted."),
)


class CorrectionControls(QWidget):
    """The widgets in one column."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(role(QLabel("Correct by hand"), "title"))
        column.addWidget(WhatIsThis(get("correct_labels").citation))
        self.items, self.grey = QComboBox(), QComboBox()
        for combo in (self.items, self.grey):
            combo.setMinimumContentsLength(6)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Labels", self.items)
        column.addLayout(form)
        self.palette_ = PhasePalette()
        column.addWidget(self.palette_)
        column.addLayout(self._make_tools())
        column.addLayout(self._make_options())
        column.addLayout(self._make_slice_tools())
        self.slices = SliceList()
        column.addWidget(self.slices)
        self.in_place = QCheckBox("Also write into the OME-Zarr on disk")
        self.in_place.setToolTip("The voxels go into every level of the file. Undo does not take that back.")
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.keep = QPushButton("Keep corrections")
        self.keep.setObjectName("keep")
        self.keep.setToolTip("Makes a step of the recipe, which replays exactly.")
        role(self.keep, "primary")
        for widget in (self.in_place, role(self.told, "quiet"), self.keep):
            column.addWidget(widget)
        column.addStretch(1)

    def _make_tools(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(3)
        self.tools: dict[str, QToolButton] = {}
        for k, (mode, text, key, help_) in enumerate(TOOLS):
            button = self.tools[mode] = QToolButton()
            button.setText(text)
            button.setToolTip(f"{help_} Key {key}.")
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setSizePolicy(self.sizePolicy())
            button.setObjectName(f"tool_{mode}")
            role(button, "step")
            grid.addWidget(button, k // 3, k % 3)
        return grid

    def _make_options(self) -> QFormLayout:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.brush, self.brush_text = QSlider(Qt.Orientation.Horizontal), QLabel("10 voxel")
        self.brush.setRange(1, 60)
        self.brush.setValue(10)
        self.tolerance = QDoubleSpinBox()
        self.tolerance.setRange(0, 1e5)
        self.tolerance.setMaximumWidth(110)
        self.tolerance.setValue(12)
        self.tolerance.setPrefix("± ")
        self.tolerance.setDecimals(0)
        role(self.tolerance, "narrow")
        self.tolerance.setToolTip("How far from the grey level under the mouse smart fill goes.")
        for caption, left, right in (("Brush", self.brush, self.brush_text), ("Smart fill", self.grey, self.tolerance)):
            row = QHBoxLayout()
            row.addWidget(left, 1)
            row.addWidget(right)
            form.addRow(caption, row)
        return form

    def _make_slice_tools(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(4)
        self.copy_next, self.between = QPushButton("Copy to next"), QPushButton("Interpolate")
        self.done, self.undo = QPushButton("Done"), QPushButton("Undo")
        self.first, self.last = QSpinBox(), QSpinBox()
        for box in (self.first, self.last):
            role(box, "narrow")
        tips = (
            (self.copy_next, "The labels of this slice into the next one. Key N."),
            (self.between, "Makes the slices between these two from both. Key I."),
            (self.done, "This slice is right: keeps what is painted and marks it done (again: no longer). Key D."),
            (self.undo, "Take the last stroke back (Ctrl+Z)."),
            (self.first, "First labelled slice."),
            (self.last, "Second labelled slice."),
        )
        for widget, tip in tips:
            widget.setToolTip(tip)
        for k, widget in enumerate((self.copy_next, self.between, self.done, self.undo)):
            grid.addWidget(widget, k % 2, k // 2)
        row = QHBoxLayout()
        for part in (QLabel("Between slices"), self.first, QLabel("and"), self.last):
            row.addWidget(part, 1 if isinstance(part, QSpinBox) else 0)
        grid.addLayout(row, 2, 0, 1, 2)
        return grid
