"""What is open, as napari layers. The only place where layers are added to a viewer."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from numpy.typing import ArrayLike, NDArray
from psygnal import Signal
from qtpy.QtCore import QTimer

from porelab_gui.core.nouns import Field, Network, Noun, Stack
from porelab_gui.core.scheduler import use_threads
from porelab_gui.gui import overlay
from porelab_gui.gui.canvas_title import canvas_of, place_overlays, title_canvas
from porelab_gui.gui.context import Selection
from porelab_gui.gui.flight import Flight
from porelab_gui.gui.images import UNITS, fits, image_layer, update_image
from porelab_gui.gui.marks import MARK, PROBLEM, Marks
from porelab_gui.gui.network.colouring import Colouring, Colours
from porelab_gui.gui.network.view import NetworkView
from porelab_gui.gui.own_context import keep_own_context
from porelab_gui.gui.patient import PatientImage, PatientLabels
from porelab_gui.gui.turns import Turns
from porelab_gui.session.session import Session

if TYPE_CHECKING:
    from porelab_gui.gui.collecting import Collector

TURN_MS = 120
AT_ONCE = 3_000  # throats of networks whose layers are made in one go
SLACK_PIXELS = 4
VIEW_ANGLES = (-15.0, 30.0, 150.0)


class Layers:
    """Keeps the layers of a viewer in step with the items of a session, and shows networks and selections.

    World coordinates are micrometres; voxel (0, 0, 0) has its centre at the origin. ``networks_changed(name)`` tells
    that a network appeared, changed or went; ``coloured(name)`` that its colours changed.
    """

    networks_changed = Signal(str)
    coloured = Signal(str)

    def __init__(self, viewer: Any, session: Session, selection: Selection) -> None:
        self.viewer, self.session, self.selection = viewer, session, selection
        keep_own_context(viewer)
        self._shown: dict[str, tuple[Noun, list[Layer]]] = {}
        self._views: dict[str, NetworkView] = {}
        self._growing: dict[str, Turns] = {}  # networks whose layers are being made
        self.marks = Marks(self.lay, self._remove)
        self._scaled = False
        self.collector: Collector | None = None  # of a window that has the process to itself
        self._flight = Flight(viewer)
        viewer.mouse_drag_callbacks.append(self._on_press)
        viewer.layers.events.removed.connect(self._on_removed)
        self._turned = QTimer(singleShot=True, interval=TURN_MS)
        self._turned.timeout.connect(self._face)
        viewer.camera.events.angles.connect(self._on_turned)
        viewer.dims.events.ndisplay.connect(self._on_turned)
        session.changed.connect(self.sync)
        selection.throat_changed.connect(self._mark_throat)
        selection.pore_changed.connect(self._mark_pore)
        self.sync(tuple(session.items))

    def close(self) -> None:
        """Stop following the session and take the layers away."""
        self.session.changed.disconnect(self.sync)
        self.selection.throat_changed.disconnect(self._mark_throat)
        self.selection.pore_changed.disconnect(self._mark_pore)
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self.viewer.mouse_drag_callbacks.remove(self._on_press)
        self.viewer.camera.events.angles.disconnect(self._on_turned)
        self.viewer.dims.events.ndisplay.disconnect(self._on_turned)
        self._turned.stop()
        self._flight.stop()
        for name in list(self._shown):
            self._drop(name)
        self.marks.clear()

    # what is open

    def sync(self, names: tuple[str, ...]) -> None:
        """Show the items of these names as they are now."""
        for name in sorted(names, key=lambda n: isinstance(self.session.items.get(n), Network)):
            noun = self.session.items.get(name)
            if hasattr(getattr(noun, "data", None), "dask"):
                use_threads()
            if name in self._shown and noun is not None and self._take_over(name, noun):
                continue
            self._drop(name)
            if noun is not None:
                self._show(name, noun)

    def layer(self, name: str) -> Layer | None:
        """The layer of an image, labels or regions; the tubes of a network."""
        self._grown(name)
        return self._shown[name][1][-1] if self._shown.get(name, (None, []))[1] else None

    def view(self, name: str = "") -> NetworkView | None:
        """The view of a network by name, or of the newest one."""
        chosen = name or self.session.latest(Network) or ""
        self._grown(chosen)
        return self._views.get(chosen)

    def _take_over(self, name: str, noun: Noun) -> bool:
        """Give new data to the layers that are there (napari is slow to remove and add); False when they do not fit."""
        self._grown(name)
        old, layers = self._shown[name]
        if type(old) is not type(noun) or not layers:
            return False
        self._shown[name] = (noun, layers)
        if isinstance(noun, Network):
            return self._update_network(name, noun)
        if isinstance(noun, Stack) and not fits(layers[0], noun):
            return False
        update_image(layers[0], noun)
        return True

    def _update_network(self, name: str, network: Network) -> bool:
        view = self._views[name]
        if len(self._shown[name][1]) < len(view.layers):
            return False
        if not view.fits(network):
            self.clear_marks()
            self.selection.select_throat(None, name)
            self.selection.select_pore(None, name)
        view.update(network)
        self._tell(name)
        self.networks_changed.emit(name)
        return True

    def _drop(self, name: str) -> None:
        if name in self._growing:
            self._growing.pop(name).stop()
        _, layers = self._shown.pop(name, (None, []))
        gone = self._views.pop(name, None)
        self._remove(layers)
        if layers and self.collector is not None:
            self.collector.want_whole()
        if gone is not None:
            self.marks.clear(but=overlay.TITLE)  # hidden ones would still give the sliders their range and step
            self.selection.select_throat(None, name)
            self.selection.select_pore(None, name)
            self._tell(name)
            self.networks_changed.emit(name)

    def _remove(self, layers: Iterable[Layer]) -> None:
        # napari collects garbage at every removal, which takes most of a second in a large program; with what is
        # there left out it has little to look through, and what the layer held is collected later
        alone = self.collector is None
        if alone:
            gc.freeze()
        try:
            for layer in [layer for layer in layers if layer in self.viewer.layers]:
                self.viewer.layers.remove(layer)
        finally:
            if alone:
                gc.unfreeze()

    def _show(self, name: str, noun: Noun) -> None:
        made: list[Layer] = []
        self._shown[name] = (noun, made)
        if isinstance(noun, Network):
            self._show_network(name, noun, made)
        elif isinstance(noun, Stack):
            layer = image_layer(name, noun)
            if isinstance(layer, PatientImage | PatientLabels):
                layer.read_aside(self.session.queue.deliver)
            made.append(self._add(layer))
            if isinstance(noun, Field):
                self._tell(name)
                layer.events.visible.connect(lambda: title_canvas(self.viewer, self._views.values()))

    def _show_network(self, name: str, network: Network, made: list[Layer]) -> None:
        if not self._views:
            # a volume in front of the network hides it, and is slow to draw without a graphics card
            for layer in self.viewer.layers:
                layer.visible = False
        view = self._views[name] = NetworkView(network, name)
        first = self.viewer.dims.ndisplay == 2
        self._growing[name] = Turns(
            (
                lambda: view.pores,
                lambda: view.throats,
                lambda: self._turn_to_3d() if first else None,
                lambda: made.append(self._add(view.pores)),
                lambda: made.append(self._add(view.throats)),
                lambda: self._look_at_it() if first else None,
                lambda: self._introduce(name, view),
            )
        )
        if network.n_throats <= AT_ONCE:
            self._grown(name)

    def _grown(self, name: str) -> None:
        """Have the layers of a network whole before they are used."""
        if name in self._growing:
            self._growing.pop(name).finish()

    def _introduce(self, name: str, view: NetworkView) -> None:
        """A network that has just been drawn becomes the one that is looked at."""
        self._growing.pop(name, None)
        self.viewer.layers.selection.active = view.throats
        # pores whose centre is off the slice, but which the slice cuts, are drawn as the discs they are there
        self.viewer.dims.margin_left = (float(view.pore_radii.max(initial=0)),) * self.viewer.dims.ndim
        self.viewer.dims.margin_right = self.viewer.dims.margin_left
        self._face()
        self._tell(name)
        self.networks_changed.emit(name)

    def _turn_to_3d(self) -> None:
        self.viewer.dims.ndisplay = 3

    def _look_at_it(self) -> None:
        """At a slant, with everything on the canvas."""
        self.viewer.camera.angles = VIEW_ANGLES
        self.viewer.fit_to_view()
        self.viewer.camera.zoom *= 0.75

    def _on_turned(self, event: Any = None) -> None:
        if self._views and not self._turned.isActive():
            self._turned.start()

    def _face(self) -> None:
        """Turn what is flat in large networks towards the viewer."""
        flat = self.viewer.dims.ndisplay == 2
        direction = (1.0, 0.0, 0.0) if flat else self.viewer.camera.view_direction
        for view in (v for k, v in self._views.items() if k not in self._growing):
            view.throats.face(direction)

    def _add(self, layer: Layer) -> Layer:
        if not self._scaled:
            # not at the start: the first overlay takes half a second of the window's opening
            overlays = self.viewer.canvas.overlays
            self._scaled = overlays.scale_bar.visible = True
            overlays.text.position = "top_left"
        self.viewer.add_layer(layer)
        layer.node = self._node(layer)
        return layer

    def _node(self, layer: Layer) -> Any:
        """What draws the layer, where there is a window; only used to recolour faster."""
        return getattr(getattr(canvas_of(self.viewer), "layer_to_visual", {}).get(layer), "node", None)

    def _on_removed(self, event: Any) -> None:
        """The user took a layer away: forget it, the item stays."""
        for _, layers in self._shown.values():
            if event.value in layers:
                layers.remove(event.value)
        self.marks.forget(event.value)

    # colours

    def colour_throats(self, column: str | Colouring | None, name: str = "", **options: Any) -> Colours | None:
        """Colour the throats of a network (None: all alike); InputError when the column is not there.

        ``options`` are the fields of Colouring: minus, log, limits, colormap, within.
        """
        view = self.view(name)
        made = view.colour_throats(_colouring(column, options)) if view else None
        self._tell(view.name if view else name)
        return made

    def colour_pores(self, column: str | Colouring | None, name: str = "", **options: Any) -> Colours | None:
        """Colour the pores of a network (None: all alike); InputError when the column is not there."""
        view = self.view(name)
        made = view.colour_pores(_colouring(column, options)) if view else None
        self._tell(view.name if view else name)
        return made

    def _tell(self, name: str) -> None:
        """Say on the canvas what the colours mean."""
        title_canvas(self.viewer, self._views.values())
        place_overlays(self.viewer)
        self.coloured.emit(name)

    # selection and marks

    def highlight(self, pores: ArrayLike, throats: ArrayLike, name: str = "") -> None:
        """Mark pores and throats of a network (boolean masks or indices) in red."""
        view = self.view(name)
        if view is None:
            return
        balls: NDArray[Any] = np.asarray(pores)
        tubes: NDArray[Any] = np.asarray(throats)
        ends = view.centres[view.network.conns[tubes]]
        self.marks.balls("problem pores", view.centres[balls], 1.25 * view.pore_radii[balls], PROBLEM)
        self.marks.tubes("problem throats", ends, 1.5 * view.throat_radii[tubes], PROBLEM)

    def mark_throats(self, throats: ArrayLike, name: str = "") -> None:
        """Mark throats of a network (boolean mask or indices; none: take the mark away)."""
        view = self.view(name)
        tubes: NDArray[Any] = np.asarray(throats)
        if view is not None:
            ends = view.centres[view.network.conns[tubes]]
            self.marks.tubes("marked throats", ends, 1.5 * view.throat_radii[tubes], MARK)

    def mark_refused(self, error: Exception | None, name: str = "") -> None:
        """Mark the pores that a refusal names, in red, and fly to the first."""
        pores = np.asarray(getattr(error, "pores", ()), int)
        view = self.view(name) if len(pores) else None
        if view is not None and pores.max() < view.network.n_pores:
            self.highlight(pores, np.zeros(0, int), view.name)
            self.fly_to_pore(int(pores[0]), view.name)

    def clear_marks(self) -> None:
        """Take all marks off the canvas."""
        self.marks.hide(but=overlay.TITLE)

    def fly_to_throat(self, index: int, name: str = "") -> None:
        """Move the camera to a throat."""
        view = self.view(name)
        if view is not None and 0 <= index < view.network.n_throats:
            ends = view.centres[view.network.conns[index]]
            self._flight.to(ends.mean(axis=0), 4 * float(np.linalg.norm(ends[0] - ends[1])))

    def fly_to_pore(self, index: int, name: str = "") -> None:
        """Move the camera to a pore."""
        view = self.view(name)
        if view is not None and 0 <= index < view.network.n_pores:
            self._flight.to(view.centres[index], 12 * float(view.pore_radii[index]))

    def _mark_throat(self, index: int | None, name: str) -> None:
        view = self.view(name)
        ids = np.zeros(0, int) if index is None or view is None else np.array([index])
        if view is not None:
            radii = 1.3 * np.maximum(view.throat_radii[ids], 0.3 * np.median(view.pore_radii))
            self.marks.tubes("selected throat", view.centres[view.network.conns[ids]], radii, MARK)

    def _mark_pore(self, index: int | None, name: str) -> None:
        view = self.view(name)
        ids = np.zeros(0, int) if index is None or view is None else np.array([index])
        if view is not None:
            self.marks.balls("selected pore", view.centres[ids], 1.1 * view.pore_radii[ids], MARK)

    # previews and phases

    def show_overlay(self, page: NDArray[np.uint8], stack: Stack, axis: int, index: int) -> None:
        """Lay one slice of labels over an image, at slice ``index`` of ``axis``, until ``clear_overlay``."""
        layer = self.marks.get(overlay.TITLE)
        if layer is None:
            self.marks.put(overlay.TITLE, overlay.preview_layer(page, stack, axis, index, **UNITS))
        else:
            overlay.place(layer, page, stack, axis, index)

    def clear_overlay(self) -> None:
        """Take away the slice laid over the image."""
        self.marks.drop(overlay.TITLE)

    def lay(self, layer: Layer) -> Layer:
        """Put a layer that shows a tool (a preview, a box, a crop to paint on), not an item; the choice stays."""
        active = self.viewer.layers.selection.active
        self._add(layer)
        self.viewer.layers.selection.active = active
        return layer

    def lift(self, layer: Layer | None) -> None:
        """Take such a layer away again, if it is there."""
        if layer is not None:
            self._remove([layer])

    # picking

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """A click without a drag chooses what lies under it."""
        active = viewer.layers.selection.active
        if event.button != 1 or not self._views or (active is not None and active.mode != "pan_zoom"):
            return
        start = np.asarray(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.asarray(event.pos) - start).max() <= 3:
            self.pick(event.position, event.view_direction)

    def pick(self, position: ArrayLike, view_direction: ArrayLike | None) -> tuple[str, int] | None:
        """Choose the pore or throat under a world position (along the ray in 3D); nothing there: choose nothing."""
        slack = SLACK_PIXELS / max(self.viewer.camera.zoom, 1e-12)
        direction = view_direction if self.viewer.dims.ndisplay == 3 else None
        for view in reversed([v for k, v in self._views.items() if k not in self._growing]):
            found = view.pick(np.asarray(position)[-3:], direction, slack)
            if found is not None:
                kind, index = found
                self.selection.select_throat(index if kind == "throat" else None, view.name)
                self.selection.select_pore(index if kind == "pore" else None, view.name)
                return found
        return None


def _colouring(column: str | Colouring | None, options: dict[str, Any]) -> Colouring | None:
    return Colouring(column, **options) if isinstance(column, str) else column
