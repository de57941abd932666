"""What makes the window fit a low screen: napari's layer controls scroll instead of making it taller."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QDockWidget, QFrame, QScrollArea, QWidget

LEAST = 130  # pixels of the layer controls that stay in view


class UprightScroll(QScrollArea):
    """Scrolls up and down only: it is never narrower than what it holds."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumHeight(LEAST)
        self.setWidget(inner)
        self._follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Other controls may need another width."""
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self._follow()
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        hint = self.widget().sizeHint()
        return QSize(hint.width() + self._bar(), hint.height())

    def _follow(self) -> None:
        inner = self.widget()
        self.setMinimumWidth(max(inner.minimumSizeHint().width(), inner.minimumWidth()) + self._bar())

    def _bar(self) -> int:
        return self.verticalScrollBar().sizeHint().width()


def let_scroll(dock: QDockWidget) -> UprightScroll:
    """Put what a dock holds into a scrolled part, which replaces it as the dock's widget; the part.

    The controls of a points layer alone are 400 pixels high, and a window is never lower than its docks.
    """
    area = UprightScroll(dock.widget())
    dock.setWidget(area)
    return area
