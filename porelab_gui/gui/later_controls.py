"""napari's controls of a layer are made when the layer is looked at, not when it is added.

Making the widgets of one layer takes a tenth of a second, and each change of the choice polishes the style of napari's
buttons again. A result adds several layers, and most are never chosen: previews, marks, the pores under the throats.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer


class LaterControls(QObject):
    """Stands between the layer list of a napari window and its panel of controls and its buttons."""

    def __init__(self, qt_viewer: Any) -> None:
        super().__init__(qt_viewer)
        self._panel, self._buttons = qt_viewer.controls, qt_viewer.layerButtons
        self._layers = qt_viewer.viewer.layers
        self._timer = QTimer(self, singleShot=True, interval=1)
        self._timer.timeout.connect(self.catch_up)
        self._layers.events.inserted.disconnect(self._panel._add)
        self._layers.events.removed.disconnect(self._panel._remove)
        self._layers.selection.events.changed.disconnect(self._panel._populate)
        self._layers.selection.events.changed.disconnect(self._buttons._on_selection_changed)
        self._layers.events.removed.connect(self._on_removed)
        self._layers.selection.events.changed.connect(self._on_chosen)

    def catch_up(self) -> None:
        """Show the controls of what is chosen now."""
        active = self._layers.selection.active
        if active is not None and active not in self._panel.widgets and active in self._layers:
            self._panel._add(_Inserted(active))
        self._panel._populate()
        self._buttons._on_selection_changed()

    def _on_chosen(self, event: Any = None) -> None:
        self._timer.start()

    def _on_removed(self, event: Any) -> None:
        if event.value in self._panel.widgets:
            self._panel._remove(event)
        self._timer.start()


class _Inserted:
    """The part of napari's event that its panel reads."""

    def __init__(self, layer: Any) -> None:
        self.value = layer
