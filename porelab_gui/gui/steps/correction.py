"""Correction by hand: named phases, napari's and our own tools, and the slices; what is kept becomes a step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtGui import QKeySequence, QShortcut

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.image.correct import Edits, save_edits
from porelab_gui.core.nouns import Labels, Regions, Stack
from porelab_gui.core.review import SliceState
from porelab_gui.gui.choices import refill_words
from porelab_gui.gui.context import Context
from porelab_gui.gui.correcting import strokes
from porelab_gui.gui.correcting.controls import SMART, TOOLS, CorrectionControls
from porelab_gui.gui.correcting.phases import KEYS
from porelab_gui.gui.correcting.target import Target
from porelab_gui.gui.images import name_phases
from porelab_gui.gui.looking import slice_in_view
from porelab_gui.gui.settings import edits_folder
from porelab_gui.session.jobs import Job, State
from porelab_gui.session.recovery import Pending

EMPTY = "Segment an image first, or make empty labels to paint (Method: Empty labels to paint)."
LAZY = "These labels are on disk: the tools work on a crop about the slice in view, which is written back when kept."


class CorrectionPage(CorrectionControls):
    """Palette, tools, slices, and one button that keeps the corrections."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.target: Target | None = None
        self._dressed = False
        self._tool, self._smart = "pan_zoom", False
        self._watched: Any = None
        self._timer = QTimer(self, singleShot=True, interval=80)
        self._timer.timeout.connect(self._recount)
        self._connect()
        self._make_shortcuts()
        self._fill()
        context.unkept.append(self.unkept)

    # -- what scripts and tests use

    @property
    def layer(self) -> Any:
        """napari's layer that takes the strokes, or None."""
        return self.target.layer if self.target is not None else None

    @property
    def z(self) -> int:
        """The slice in view."""
        return 0 if self.target is None else slice_in_view(self.context, self.target.labels)

    def use_tool(self, mode: str) -> None:
        """Give the mouse a tool."""
        if self.target is None:
            return
        self.context.viewer.dims.ndisplay = 2
        layer = self.target.make_ready(self.z)
        if layer is None:
            return
        self._watch(layer)
        layer.visible = True
        self.context.viewer.layers.selection.active = layer
        self._tool, self._smart = mode, mode == SMART
        layer.mode = "pan_zoom" if self._smart else mode
        self.tools[mode].setChecked(True)
        self._apply()

    def smart_fill_at(self, place: tuple[int, int, int]) -> int:
        """Smart fill from a voxel of the labels; how many voxels changed."""
        grey = self.context.session.items.get(self.grey.currentText())
        if self.target is None or not isinstance(grey, Stack):
            self.context.notify("Smart fill needs the grey image of these labels.", "warning")
            return 0
        self.target.make_ready(place[0])
        self._watch(self.target.layer)
        count = strokes.smart_fill(self.target, grey, place, self.tolerance.value(), self.palette_.label)
        self._later()
        return count

    def copy_to_next(self) -> None:
        """The labels of the slice in view into the next one, which is then shown."""
        z = self.z
        if self._stroke(lambda t: strokes.copy_to(t, z, z + 1)):
            self.context.viewer.dims.set_point(self.context.viewer.dims.ndim - 3, self._world(z + 1))

    def interpolate(self) -> None:
        """The slices between the two that are set."""
        self._stroke(lambda t: strokes.interpolate(t, self.first.value(), self.last.value()))

    def toggle_done(self) -> Job | None:
        """The slice in view is right: kept as done, with what is painted; or no longer done."""
        if self.target is None or self.slices.tally is None:
            return None
        now = SliceState(int(self.slices.tally.states[self.z]))
        back = SliceState.CORRECTED if self.slices.tally.changed[self.z] else SliceState.AUTOMATIC
        state = back if now is SliceState.DONE else SliceState.DONE
        return self.keep_corrections({self.z: state.word})

    def edits(self) -> Edits:
        """What differs now from the labels that are kept."""
        if self.target is None or self.layer is None:
            raise PorelabError("there are no labels to correct", remedy="Segment an image first.")
        return self.target.edits()

    def keep_corrections(self, states: dict[int, str] | None = None) -> Job | None:
        """Write the painted voxels to a file and run the step that applies them."""
        try:
            edits = self.edits()
            if not len(edits) and not states and not self._dressed:
                self.context.notify("Nothing has been painted since the last step.", "warning")
                return None
            path = edits_folder() / f"{edits.content_hash}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            save_edits(edits, path)
            name = self.items.currentText()
            params: dict[str, Any] = {"path": str(path), "digest": edits.content_hash, "states": states or {}}
            params["in_place"] = self.in_place.isVisible() and self.in_place.isChecked()
            if self._dressed:
                shown = self.palette_
                params |= {"phases": shown.phases, "colours": shown.colours, "void": tuple(sorted(shown.void))}
            job = self.context.session.run("correct_labels", params, {"labels": name}, {"labels": name}, self._on_kept)
        except (PorelabError, OSError) as error:
            self.context.report(error)
            return None
        self.told.setText(f"Keeping {len(edits):,} corrected voxels.")
        return job

    def unkept(self) -> Pending | None:
        """What is painted that no step has taken up; None where nothing is."""
        target = self.target
        if target is None or target.layer is None or not target.pending():
            return None
        return Pending(target.name, target.edits_later())

    def _connect(self) -> None:
        for mode, button in self.tools.items():
            button.clicked.connect(lambda _=False, m=mode: self.use_tool(m))
        self.keep.clicked.connect(lambda: self.keep_corrections())
        self.undo.clicked.connect(self._undo)
        self.copy_next.clicked.connect(self.copy_to_next)
        self.between.clicked.connect(self.interpolate)
        self.done.clicked.connect(lambda: self.toggle_done())
        self.items.currentIndexChanged.connect(lambda _: self._choose_item())
        self.grey.currentIndexChanged.connect(lambda _: self._fit_tolerance())
        self.brush.valueChanged.connect(lambda _: self._apply())
        self.palette_.chosen.connect(lambda _: self._on_phase())
        self.palette_.edited.connect(self._on_dressed)
        self.slices.asked.connect(self._go_to)
        self.context.session.changed.connect(self._on_session)
        self.context.viewer.dims.events.current_step.connect(self._on_slice)
        self.context.viewer.mouse_drag_callbacks.append(self._on_press)

    def _make_shortcuts(self) -> None:
        """Keys that work anywhere in the window while this page is shown."""
        calls: dict[str, Callable[[], object]] = {key: partial(self.use_tool, mode) for mode, _, key, _ in TOOLS}
        calls |= {"N": self.copy_to_next, "I": self.interpolate, "D": self.toggle_done}
        calls |= {str(k + 1): partial(self.palette_.choose_row, k) for k in range(KEYS)}
        self._calls = calls
        self.shortcuts: dict[str, QShortcut] = {}
        for key, call in calls.items():
            self.shortcuts[key] = made = QShortcut(QKeySequence(key), self)
            made.activated.connect(call)

    # -- keeping up

    def _on_session(self, names: tuple[str, ...]) -> None:
        if self.target is not None and self.target.name in names:
            self.target.forget()
            self.target = None
        self._fill()

    def _fill(self) -> None:
        """Offer the labels there are; the newest unless one was chosen."""
        items = self.context.session.items
        names = [k for k, v in items.items() if isinstance(v, Labels) and not isinstance(v, Regions)]
        greys = [k for k, v in items.items() if type(v) is Stack]
        for combo, offered in ((self.items, names), (self.grey, greys)):
            before = combo.currentText()
            refill_words(combo, offered, before if before in offered else (offered[-1] if offered else ""))
        self._fit_tolerance()
        self._choose_item()

    def _fit_tolerance(self) -> None:
        """Whole grey levels for integers, thousandths for others."""
        grey = self.context.session.items.get(self.grey.currentText())
        whole = not isinstance(grey, Stack) or np.dtype(grey.data.dtype).kind in "iub"
        self.tolerance.setDecimals(0 if whole else 3)

    def _choose_item(self) -> None:
        name = self.items.currentText()
        found = self.context.session.items.get(name)
        noun = found if isinstance(found, Labels) else None
        if self.target is not None and self.target.name != name:
            self.target.forget()
            self.target = None
        if noun is None:
            self.slices.show_target(None)
            self.palette_.show_phases({}, (), {})
        elif self.target is None:
            self._open(name, noun)
        there = noun is not None
        for widget in (self.palette_, self.slices, self.keep, self.undo, self.done, self.copy_next, self.between):
            widget.setEnabled(there)
        for button in self.tools.values():
            button.setEnabled(there)
        self.told.setText(EMPTY if not there else (LAZY if self.target and self.target.lazy else ""))
        self.told.setVisible(bool(self.told.text()))
        self.in_place.setVisible(noun is not None and bool(noun.source) and Path(noun.source).is_dir())
        self._on_slice()

    def _open(self, name: str, labels: Labels) -> None:
        self.target = Target(self.context, name, labels)
        self._dressed = False
        self.palette_.show_phases(labels.phases, labels.void, labels.colours)
        self.slices.show_target(self.target)
        for box in (self.first, self.last):
            box.setRange(0, labels.shape[0] - 1)

    def _on_phase(self) -> None:
        self._apply()
        if self.layer is not None and self.layer.mode == "pan_zoom" and not self._smart:
            self.use_tool("paint")

    def _on_picked(self, *_: object) -> None:
        """A label picked on the canvas, or set in napari's own controls, is the phase that is chosen."""
        if self.layer is not None and int(self.layer.selected_label) != self.palette_.label:
            self.palette_.choose(int(self.layer.selected_label))

    def _on_dressed(self) -> None:
        """Names and colours are shown at once; they are kept with the corrections."""
        self._dressed = True
        if self.layer is not None:
            name_phases(self.layer, self.palette_.phases, self.palette_.colours)
        self._apply()

    def _apply(self) -> None:
        """Give phase and brush to the layer."""
        self.brush_text.setText(f"{self.brush.value()} voxel")
        layer = self.layer
        if layer is None or not hasattr(layer, "selected_label"):
            return
        if self.palette_.label > np.iinfo(layer.data.dtype).max:
            self.context.notify(f"{layer.data.dtype} has no room for label {self.palette_.label}.", "warning")
            return
        layer.selected_label = self.palette_.label
        layer.brush_size = self.brush.value()

    def _stroke(self, call: Any) -> int:
        """One of our own strokes; how many voxels changed."""
        if self.target is None:
            return 0
        try:
            layer = self.target.make_ready(self.z)
            self._watch(layer)
            self.context.viewer.layers.selection.active = layer
            count = int(call(self.target))
        except PorelabError as error:
            self.context.report(error)
            return 0
        self._later()
        if not count:
            self.context.notify("The labels there are the same already.")
        return count

    def _undo(self) -> None:
        layer = self.layer
        if layer is not None and hasattr(layer, "undo"):
            layer.undo()
            self._later()

    def _watch(self, layer: Any) -> None:
        """Count again when strokes change the layer."""
        if layer is self._watched or layer is None:
            return
        self._watched = layer
        for (
            key,
            call,
        ) in self._calls.items():  # the canvas takes keys before any shortcut, and napari has others for them
            layer.bind_key(key, lambda _, run=call: run() and None, overwrite=True)
        layer.events.selected_label.connect(self._on_picked)
        layer.events.paint.connect(self._later)
        layer.events.labels_update.connect(self._later)
        layer.events.set_data.connect(self._later)

    def _later(self, *_: object) -> None:
        self._timer.start()

    def _recount(self) -> None:
        if self.target is None or self.layer is None:
            return
        pending = set(self.target.pending())
        near = sorted(pending, key=lambda z: abs(z - self.z))[:8]
        self.slices.recount(near)
        if self.slices.tally is not None:
            rest = [z for z in pending if z not in near]
            self.slices.tally.changed[rest] = -1
            self.slices._timer.start()

    def _on_slice(self, *_: object) -> None:
        if self.target is None:
            return
        z = self.z
        self.slices.show_slice(z)
        tally = self.slices.tally
        if tally is not None and not (self.first.hasFocus() or self.last.hasFocus()):
            worked = np.flatnonzero(tally.states[:z] >= SliceState.CORRECTED)
            self.first.setValue(int(worked[-1]) if len(worked) else 0)
            self.last.setValue(z)

    def _go_to(self, z: int) -> None:
        self.context.viewer.dims.set_point(self.context.viewer.dims.ndim - 3, self._world(z))

    def _world(self, z: int) -> float:
        return 0.0 if self.target is None else z * self.target.labels.voxel_size[0] * 1e6

    def _on_press(self, viewer: Any, event: Any) -> Any:
        """Smart fill at a click without a drag."""
        layer = self.layer
        active = viewer.layers.selection.active
        if not (self._smart and self.isVisible()) or layer is None or active is not layer or viewer.dims.ndisplay != 2:
            return
        start = np.asarray(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if self.target is not None and np.abs(np.asarray(event.pos) - start).max() <= 3:
            world = np.asarray(event.position)[-3:] * 1e-6 / np.asarray(self.target.labels.voxel_size)
            z, y, x = (round(float(v)) for v in world)
            self.smart_fill_at((z, y, x))

    def _on_kept(self, job: Job) -> None:
        if job.state is State.DONE:
            self._dressed = False
            self.told.setText("The corrections are kept as a step of the recipe.")
            self.told.show()
            if self._tool != "pan_zoom":
                self.use_tool(self._tool)
