"""How a RAW file is arranged, with a live preview of one slice before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.image.formats.base import RawLayout
from porelab_gui.core.image.formats.raw import DTYPES, guess_raw, preview_raw, voxel_from_name
from porelab_gui.core.nouns import AXES
from porelab_gui.gui.dialogs.voxel_size import VoxelSizeRow
from porelab_gui.gui.form.number import NumberBox, Range
from porelab_gui.gui.theme import restyle, role

PREVIEW = 360


class RawDialog(QDialog):
    """``accepted_layout(params)`` with the parameters of ``load`` when the layout fits the file."""

    accepted_layout = Signal(dict)

    def __init__(self, parent: QWidget | None, path: Path) -> None:
        super().__init__(parent)
        self.path, self.size = Path(path), Path(path).stat().st_size
        self.setWindowTitle(f"Import {self.path.name}")
        self.guesses = guess_raw(self.path)
        row = QHBoxLayout()
        row.addLayout(self._make_form(), 1)
        row.addLayout(self._make_preview())
        column = QVBoxLayout(self)
        column.addLayout(row)
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        column.addWidget(self.verdict)
        column.addWidget(self._make_buttons())
        self._show_layout(self.guesses[0] if self.guesses else RawLayout((1, 1, 1)))
        for box in (*self.shape, self.header):
            box.edited.connect(self.refresh)
        for combo in (self.dtype, self.byte_order, self.axis_order):
            combo.currentIndexChanged.connect(lambda _: self.refresh())
        self.voxel.edited.connect(self.refresh)
        self.slider.valueChanged.connect(lambda _: self._draw())
        self.refresh()

    # -- what it holds

    def layout_now(self) -> RawLayout:
        """The layout as it stands; ValueError with a sentence."""
        shape = tuple(int(box.number()) for box in self.shape)
        return RawLayout(
            (shape[0], shape[1], shape[2]),
            self.dtype.currentText(),
            self.byte_order.currentText(),  # type: ignore[arg-type]
            self.axis_order.currentText(),  # type: ignore[arg-type]
            int(self.header.number()),
        )

    def params(self) -> dict[str, Any]:
        """Parameters of the Method ``load``."""
        now = self.layout_now()
        return {
            "path": str(self.path),
            "voxel_size": self.voxel.voxel(),
            "raw_shape": now.shape,
            "raw_dtype": now.dtype,
            "raw_byte_order": now.byte_order,
            "raw_axis_order": now.order,
            "raw_header": now.offset,
        }

    def refresh(self) -> None:
        """Check the layout against the file and draw the slice that it gives."""
        problem = self._problem()
        self.verdict.setText(problem or f"{self.size:,} bytes: the layout fits the file.")
        restyle(self.verdict, "error" if problem else "good")
        self.ok.setEnabled(not problem)
        self._draw()

    # -- building

    def _make_form(self) -> QFormLayout:
        form = QFormLayout()
        if len(self.guesses) > 1:
            self.guess = QComboBox()
            for layout in self.guesses:
                self.guess.addItem(f"{'×'.join(map(str, layout.shape))}  {layout.dtype}", layout)
            self.guess.currentIndexChanged.connect(lambda i: self._show_layout(self.guesses[i]))
            form.addRow("Fits name and size", self.guess)
        self.shape = [NumberBox(Range(ge=1, le=1_000_000), integer=True) for _ in AXES]
        for axis, box in zip(AXES, self.shape, strict=True):
            box.setObjectName(f"shape_{axis}")
            form.addRow(f"Voxels along {axis}", box)
        self.dtype, self.byte_order, self.axis_order = QComboBox(), QComboBox(), QComboBox()
        self.dtype.addItems(list(DTYPES))
        self.byte_order.addItems(["little", "big"])
        self.axis_order.addItems(["zyx", "xyz"])
        self.axis_order.setToolTip("Slowest to fastest on disk; zyx (x fastest) is usual.")
        self.header = NumberBox(Range(ge=0, le=1 << 40), integer=True, unit="byte")
        form.addRow("Type", self.dtype)
        form.addRow("Byte order", self.byte_order)
        form.addRow("Axis order", self.axis_order)
        form.addRow("Header [byte]", self.header)
        self.voxel = VoxelSizeRow(voxel_from_name(self.path.stem))
        form.addRow("Voxel size", self.voxel)
        return form

    def _make_preview(self) -> QVBoxLayout:
        column = QVBoxLayout()
        self.picture = QLabel("no preview")
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setFixedSize(PREVIEW, PREVIEW)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.caption = QLabel()
        column.addWidget(self.picture)
        column.addWidget(self.slider)
        column.addWidget(role(self.caption, "quiet"))
        return column

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.ok = buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        role(self.ok, "primary")
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        return buttons

    def _show_layout(self, layout: RawLayout) -> None:
        for box, n in zip(self.shape, layout.shape, strict=True):
            box.set_number(n)
        self.dtype.setCurrentText(layout.dtype)
        self.byte_order.setCurrentText(layout.byte_order)
        self.axis_order.setCurrentText(layout.order)
        self.header.set_number(layout.offset)
        self.slider.setRange(0, layout.shape[0] - 1)
        self.slider.setValue(layout.shape[0] // 2)

    # -- checking and drawing

    def _problem(self) -> str:
        try:
            layout = self.layout_now()
            needed = layout.nbytes
            if needed != self.size:
                more = "more" if needed > self.size else "fewer"
                return (
                    f"The layout needs {needed:,} bytes, {abs(needed - self.size):,} {more} than the {self.size:,} of "
                    "the file. Check the dimensions, the type and the header."
                )
            self.voxel.voxel()
        except ValueError as error:
            return str(error)
        return ""

    def _draw(self) -> None:
        try:
            layout = self.layout_now()
            if self.slider.maximum() != layout.shape[0] - 1:
                self.slider.setRange(0, layout.shape[0] - 1)
                self.slider.setValue(layout.shape[0] // 2)
            page = preview_raw(self.path, layout, self.slider.value())
        except (ValueError, OSError, PorelabError, MemoryError):
            self.picture.setText("no preview")
            return
        self.picture.setPixmap(pixmap_of(page))
        self.caption.setText(f"slice {self.slider.value()} of 0 … {layout.shape[0] - 1}")

    def _accept(self) -> None:
        self.accepted_layout.emit(self.params())
        self.accept()


def pixmap_of(page: Any) -> QPixmap:
    """A grey slice, stretched from its 1st to its 99th percentile and fitted into the preview."""
    step = max(1, max(page.shape) // (2 * PREVIEW))
    small = np.nan_to_num(np.asarray(page[::step, ::step], dtype=np.float64))
    low, high = np.percentile(small, (1, 99))
    grey = np.clip((small - low) / ((high - low) or 1.0) * 255, 0, 255).astype(np.uint8)
    grey = np.ascontiguousarray(grey)
    image = QImage(grey.data, grey.shape[1], grey.shape[0], grey.shape[1], QImage.Format.Format_Grayscale8)
    keep, fast = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.FastTransformation
    return QPixmap.fromImage(image).scaled(PREVIEW, PREVIEW, keep, fast)
