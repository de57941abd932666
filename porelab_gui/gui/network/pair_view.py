"""A small canvas of its own with the two regions of a throat in 3D; drag to turn."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from porelab_gui.gui.network.pair import Surface
from porelab_gui.gui.theme import role

NOTHING = (np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], dtype=np.uint32))
COLOURS = ("#4c9be8", "#f2994a")


def _look(surface: Surface, colour: str) -> dict[str, Any]:
    """The colour of a region, or the colours of its values from 0 (dark) to 1 (bright)."""
    if surface.values is None:
        return {"color": colour}
    from vispy.color import get_colormap

    return {"vertex_colors": get_colormap("viridis")[np.clip(surface.values, 0, 1)].rgba}


class PairView(QWidget):
    """Shows surfaces, or a sentence that says why there are none."""

    def __init__(self) -> None:
        super().__init__()
        self._scene: Any = None
        self._meshes: list[Any] = []
        self._view: Any = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        role(self.message, "quiet")
        self._column.addWidget(self.message)
        self.setMinimumSize(150, 120)

    @property
    def shown(self) -> int:
        """How many surfaces are shown."""
        return sum(1 for mesh in self._meshes if mesh.visible)

    def show_surfaces(self, surfaces: list[Surface], background: str, sentence: str = "") -> None:
        """Show up to two surfaces; with none the sentence takes their place."""
        self.message.setText(sentence)
        self.message.setVisible(not surfaces)
        if surfaces:
            self._ensure()
            self._scene.bgcolor = background
        for k, mesh in enumerate(self._meshes):
            mesh.visible = k < len(surfaces)
            if mesh.visible:
                look = _look(surfaces[k], COLOURS[k])
                mesh.set_data(vertices=surfaces[k].vertices[:, ::-1], faces=surfaces[k].faces[:, ::-1], **look)
        if self._scene is not None:
            self._scene.native.setVisible(bool(surfaces))
        if surfaces:
            self._fit(surfaces)

    def _fit(self, surfaces: list[Surface]) -> None:
        everything = np.concatenate([s.vertices for s in surfaces])[:, ::-1]
        low, high = everything.min(axis=0), everything.max(axis=0)
        self._view.camera.center = tuple((low + high) / 2)
        self._view.camera.scale_factor = float(np.linalg.norm(high - low)) * 1.05
        self._scene.update()

    def _ensure(self) -> None:
        """Make the canvas when it is first needed."""
        if self._scene is not None:
            return
        from vispy import scene

        self._scene = scene.SceneCanvas(keys=None, show=False, parent=self)
        self._view = self._scene.central_widget.add_view()
        self._view.camera = scene.TurntableCamera(fov=0, elevation=25, azimuth=35)
        for colour in COLOURS:
            mesh = scene.visuals.Mesh(*NOTHING, color=colour, shading="smooth", parent=self._view.scene)
            mesh.shading_filter.light_dir = (-1, 1, -1)
            self._meshes.append(mesh)
        self._scene.native.setMinimumSize(100, 100)
        self._column.addWidget(self._scene.native, 1)
