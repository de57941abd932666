"""A box on the canvas whose sides can be dragged, in 2D and in 3D."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from napari.layers import Points, Vectors
from numpy.typing import NDArray

from porelab_gui.core.nouns import Stack
from porelab_gui.gui.context import Context
from porelab_gui.gui.images import MICRO, UNITS

COLOUR = "#ffd54f"
REACH = 9  # pixels about a side within which the mouse takes it
HANDLE, LINE = 12, 2  # pixels
BLENDING = "translucent_no_depth"  # a volume in front must not hide it
LEAST = 2  # voxels along each axis

Face = tuple[int, int]  # axis, and 0 for its first or 1 for its last side


class CropBox:
    """``moved(start, stop)`` while a side is dragged, in voxels of the image (stop is the voxel after the last).

    In 2D the sides and corners of the rectangle are dragged, in 3D the handles at the middle of the six faces.
    """

    def __init__(self, context: Context, moved: Callable[[tuple[int, ...], tuple[int, ...]], None]) -> None:
        self.context, self.moved = context, moved
        self.stack: Stack | None = None
        self.start, self.stop = np.zeros(3, int), np.ones(3, int)
        self.lines: Any = None
        self.handles: Any = None
        self._drawing = False
        viewer = context.viewer
        viewer.mouse_drag_callbacks.append(self._on_press)
        for event in (viewer.dims.events.current_step, viewer.dims.events.ndisplay, viewer.dims.events.order):
            event.connect(self._draw)
        viewer.camera.events.zoom.connect(self._draw)

    def show(self, stack: Stack, start: tuple[int, ...], stop: tuple[int, ...]) -> None:
        """Show a box on an image."""
        self.stack = stack
        self.start, self.stop = np.array(start), np.array(stop)
        self._draw()

    def hide(self) -> None:
        """Take the box away."""
        self.stack = None
        for layer in (self.lines, self.handles):
            self.context.layers.lift(layer)
        self.lines = self.handles = None

    def grab(self, event: Any) -> list[Face]:
        """The sides under the mouse."""
        if self.stack is None:
            return []
        if self.context.viewer.dims.ndisplay == 2:
            return self._grab_flat(np.asarray(event.position)[-3:])
        return self._grab_deep(np.asarray(event.position)[-3:], np.asarray(event.view_direction)[-3:])

    def drag(self, faces: list[Face], event: Any) -> None:
        """Move the sides to where the mouse is."""
        if self.stack is None:
            return
        place = np.asarray(event.position)[-3:]
        for axis, side in faces:
            along = place[axis]
            if self.context.viewer.dims.ndisplay == 3:
                along = self._along(axis, side, place, np.asarray(event.view_direction)[-3:])
            self._set(axis, side, round(float(along / self._edge[axis] + 0.5)))
        self._draw()
        self.moved(tuple(int(v) for v in self.start), tuple(int(v) for v in self.stop))

    # -- geometry, in world coordinates (micrometres)

    @property
    def _edge(self) -> NDArray[np.float64]:
        assert self.stack is not None
        return np.array(self.stack.voxel_size) * MICRO

    def _corners(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return (self.start - 0.5) * self._edge, (self.stop - 0.5) * self._edge

    @property
    def _shown(self) -> list[int]:
        dims = self.context.viewer.dims
        return [int(a) - (dims.ndim - 3) for a in dims.displayed if a >= dims.ndim - 3]

    @property
    def _pixel(self) -> float:
        return 1.0 / max(float(self.context.viewer.camera.zoom), 1e-12)

    def _set(self, axis: int, side: int, value: int) -> None:
        assert self.stack is not None
        if side == 0:
            self.start[axis] = int(np.clip(value, 0, self.stop[axis] - LEAST))
        else:
            self.stop[axis] = int(np.clip(value, self.start[axis] + LEAST, self.stack.shape[axis]))

    def _grab_flat(self, place: NDArray[np.float64]) -> list[Face]:
        low, high = self._corners()
        reach = REACH * self._pixel
        shown = self._shown
        if any(not low[a] - reach <= place[a] <= high[a] + reach for a in shown):
            return []
        near = [(a, s, abs(place[a] - (low, high)[s][a])) for a in shown for s in (0, 1)]
        best = {a: min((d, s) for b, s, d in near if b == a) for a in shown}
        return [(a, s) for a, (d, s) in best.items() if d <= reach]

    def _face_centre(self, axis: int, side: int) -> NDArray[np.float64]:
        low, high = self._corners()
        centre = (low + high) / 2
        centre[axis] = (low, high)[side][axis]
        return np.asarray(centre)

    def _grab_deep(self, place: NDArray[np.float64], ray: NDArray[np.float64]) -> list[Face]:
        found = []
        for axis, side in product(range(3), (0, 1)):
            away = self._face_centre(axis, side) - place
            found.append((float(np.linalg.norm(away - (away @ ray) * ray)), (axis, side)))
        distance, face = min(found)
        return [face] if distance <= REACH * self._pixel * 1.5 else []

    def _along(self, axis: int, side: int, place: NDArray[np.float64], ray: NDArray[np.float64]) -> float:
        """Where on the axis through a face's centre the mouse's ray comes nearest."""
        centre = self._face_centre(axis, side)
        slope = float(ray[axis])
        if 1 - slope**2 < 1e-3:  # looking along the axis: it cannot be told
            return float(centre[axis])
        away = place - centre
        return float(centre[axis] + (away[axis] - (away @ ray) * slope) / (1 - slope**2))

    # -- drawing

    def _draw(self, *_: object) -> None:
        if self.stack is None or self._drawing:
            return  # adding a layer moves the camera, which asks to draw again
        self._drawing = True
        try:
            self._redraw()
        finally:
            self._drawing = False

    def _redraw(self) -> None:
        flat = self.context.viewer.dims.ndisplay == 2
        segments, handles = self._flat() if flat else self._deep()
        # the slider takes the smallest scale of all layers for its step: one micrometre would lie between slices
        unit = float(self._edge.max())
        width = LINE * self._pixel / unit
        vectors = np.stack([segments[:, 0], segments[:, 1] - segments[:, 0]], axis=1) / unit
        where = {"scale": (unit,) * 3, **UNITS}
        if self.lines is None or self.lines not in self.context.viewer.layers:
            look = {"edge_color": COLOUR, "vector_style": "line", "edge_width": width, "blending": BLENDING}
            self.lines = self.context.layers.lay(Vectors(vectors, name="crop box", **look, **where))
            look = {"face_color": COLOUR, "border_width": 0, "symbol": "square", "blending": BLENDING}
            self.handles = self.context.layers.lay(Points(handles / unit, name="crop handles", **look, **where))
        self._fit(self.lines, unit)
        self.lines.data = vectors
        self.lines.edge_width = width
        if self.handles is not None and self.handles in self.context.viewer.layers:
            self._fit(self.handles, unit)
            self.handles.data = handles / unit
            self.handles.selected_data = set()
            self.handles.size = HANDLE * self._pixel / unit

    @staticmethod
    def _fit(layer: Any, unit: float) -> None:
        """Another image may have other voxels."""
        if layer.scale[0] != unit:
            layer.scale = (unit,) * 3

    def _flat(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The rectangle in the slice in view, and handles at its corners and sides."""
        low, high = self._corners()
        a, b = self._shown
        point = np.array(self.context.viewer.dims.point, float)[-3:]

        def at(u: float, v: float) -> NDArray[np.float64]:
            made = point.copy()
            made[a], made[b] = u, v
            return made

        ring = [at(low[a], low[b]), at(low[a], high[b]), at(high[a], high[b]), at(high[a], low[b])]
        sides = [np.stack([ring[k], ring[(k + 1) % 4]]) for k in range(4)]
        return np.array(sides), np.array([*ring, *(s.mean(axis=0) for s in sides)])

    def _deep(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The twelve edges, and handles at the middle of the faces."""
        ends = np.array(self._corners())
        corners = [np.array(bits) for bits in product((0, 1), repeat=3)]
        pairs = [(p, q) for p in corners for q in corners if (q - p).min() >= 0 and (q - p).sum() == 1]
        pick = np.arange(3)
        edges = [np.stack([ends[p, pick], ends[q, pick]]) for p, q in pairs]
        return np.array(edges), np.array([self._face_centre(a, s) for a, s in product(range(3), (0, 1))])

    # -- mouse

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        faces = self.grab(event) if event.button == 1 else []
        if not faces:
            return
        camera = viewer.camera
        before, camera.mouse_pan = camera.mouse_pan, False
        try:
            yield
            while event.type == "mouse_move":
                self.drag(faces, event)
                yield
        finally:
            camera.mouse_pan = before
