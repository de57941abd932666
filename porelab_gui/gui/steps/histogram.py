"""The grey levels of an image with the thresholds as lines; drag to set one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from porelab_gui.gui.theme import Colours


class HistogramBar(QWidget):
    """``dragged(level)`` while the mouse moves with the button down."""

    dragged = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(84)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setToolTip("How many voxels have each grey level (square root scale). Drag to set the threshold.")
        self._heights: NDArray[Any] = np.zeros(0)
        self._range = (0.0, 1.0)
        self._lines: tuple[float, ...] = ()
        self._colours = (QColor("#8899aa"), QColor("#1f6feb"), QColor("#b8bdc7"))

    def set_colours(self, c: Colours) -> None:
        """The theme's colours."""
        self._colours = (QColor(c.current if c.dark else c.primary), QColor(c.bad), QColor(c.quiet))
        self.update()

    def set_counts(self, counts: NDArray[Any], levels: NDArray[Any], bins: int = 256) -> None:
        """Counts by grey level, drawn in at most ``bins`` bars."""
        edges = np.linspace(float(levels[0]), float(levels[-1]) or 1.0, min(bins, len(levels)) + 1)
        merged, _ = np.histogram(levels, edges, weights=counts)
        self._heights = np.sqrt(merged / max(merged.max(), 1))
        self._range = (float(levels[0]), float(levels[-1]))
        self.update()

    def set_lines(self, levels: Sequence[float]) -> None:
        """Where the thresholds are."""
        self._lines = tuple(levels)
        self.update()

    def level_at(self, x: float) -> float:
        """The grey level under a pixel column."""
        low, high = self._range
        return low + (high - low) * min(max(x / max(self.width() - 1, 1), 0.0), 1.0)

    def mousePressEvent(self, event: Any) -> None:
        """Start to drag."""
        self.dragged.emit(self.level_at(event.position().x()))

    def mouseMoveEvent(self, event: Any) -> None:
        """Drag."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(self.level_at(event.position().x()))

    def paintEvent(self, event: Any) -> None:
        """Bars, lines and the two ends of the range."""
        painter = QPainter(self)
        width, height = self.width(), self.height() - 16
        bars, line, text = self._colours
        n = max(len(self._heights), 1)
        for i, h in enumerate(self._heights):
            painter.fillRect(QRectF(i * width / n, height * (1 - h), max(width / n, 1.0), height * h), bars)
        low, high = self._range
        painter.setPen(QPen(line, 2))
        for level in self._lines:
            x = (level - low) / ((high - low) or 1.0) * (width - 1)
            painter.drawLine(QPointF(x, 0), QPointF(x, height))
        painter.setPen(text)
        if len(self._heights):
            box = QRectF(0, height, width, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft, f"{low:g}")
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, f"{high:g}")
        painter.end()
