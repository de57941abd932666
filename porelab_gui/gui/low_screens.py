"""What makes the window fit a low screen: napari's layer controls scroll instead of making it taller."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QFrame, QScrollArea

LEAST = 130  # pixels of the layer controls that stay in view


def let_scroll(dock: QDockWidget) -> QScrollArea:
    """Put what a dock holds into a scrolled part, which replaces it as the dock's widget; the part.

    The controls of a points layer alone are 400 pixels high, and a window is never lower than its docks.
    """
    inner, area = dock.widget(), QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    bar = area.verticalScrollBar().sizeHint().width()
    area.setMinimumSize(inner.minimumSizeHint().width() + bar, LEAST)
    area.setWidget(inner)
    dock.setWidget(area)
    return area
