"""The form of a Method with a live preview: what it would give on the slice in view, while the parameters move."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Image
from napari.layers import Labels as LabelsLayer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.method import Preview
from porelab_gui.core.nouns import Labels, Regions, Stack
from porelab_gui.core.progress import Progress
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.images import MICRO, UNITS, name_phases
from porelab_gui.gui.looking import looks_along_z, slice_in_view, view_of
from porelab_gui.gui.theme import role
from porelab_gui.gui.toasts import sentence_of
from porelab_gui.session.jobs import Job
from porelab_gui.session.lanes import LatestLane
from porelab_gui.session.session import Session

TITLE = "preview"
WAIT_MS = 60
_lanes: WeakKeyDictionary[Session, LatestLane] = WeakKeyDictionary()


def lane_of(session: Session) -> LatestLane:
    """The one preview thread of a session."""
    if session not in _lanes:
        _lanes[session] = LatestLane("preview", session.queue.deliver)
    return _lanes[session]


class PreviewPage(QWidget):
    """The form, a box that turns the preview on, and a line that says what is seen."""

    def __init__(self, context: Context, name: str) -> None:
        super().__init__()
        self.context = context
        self.form = MethodForm(context, name)
        self.method = self.form.method
        self.lane = lane_of(context.session)
        self.layer: Any = None
        self._covered: list[Any] = []
        self.shown: Preview | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        self.live = QCheckBox("Preview on the slice in view")
        self.live.setChecked(True)
        self.told = QLabel()
        self.told.setWordWrap(True)
        role(self.told, "quiet")
        at = self.form._column.indexOf(self.form.chooser) + 1
        for k, widget in enumerate((self.live, self.told)):
            self.form._column.insertWidget(at + k, widget)
        self._timer = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._timer.timeout.connect(self.refresh)
        self.live.toggled.connect(lambda _: self._later())
        for field in self.form.fields.values():
            field.editor.changed.connect(self._later)
        self.form.chooser.changed.connect(self._later)
        self.form.finished.connect(self._on_done)
        for event in ("current_step", "ndisplay", "order"):
            getattr(context.viewer.dims.events, event).connect(self._later)
        context.viewer.camera.events.zoom.connect(self._later)
        context.viewer.camera.events.center.connect(self._later)

    @property
    def image(self) -> tuple[str, Stack] | None:
        """The image that the form works on, by name."""
        chosen = self.form.chooser.chosen()
        for port in self.method.inputs:
            noun = self.context.session.items.get(chosen.get(port, ""))
            if isinstance(noun, Stack):
                return chosen[port], noun
        return None

    def refresh(self) -> None:
        """Ask for the preview as the form stands now; an answer that comes too late is dropped."""
        found = self.image
        if found is None or not self.live.isChecked() or not self.isVisible():
            self._clear()
            return
        if not looks_along_z(self.context):
            self._clear("The preview shows z slices: turn the canvas to 2D, z in front.")
            return
        try:
            params = self.method.validate(self.form.values())
        except (PorelabError, ValueError):
            self._clear()
            return
        view = view_of(self.context, *found)
        inputs = {p: self.context.session.items[n] for p, n in self.form.chooser.chosen().items()}
        preview = self.method.preview
        assert preview is not None

        def work(progress: Progress) -> Preview:
            return preview(inputs, params, view, progress)

        self.lane.ask(work, lambda result: self._show(result, view.z))

    def _show(self, result: Any, z: int) -> None:
        if not self.isVisible() or not self.live.isChecked() or self.image is None:
            return
        if isinstance(result, Exception):
            self._clear(sentence_of(result))
            return
        name, source = self.image
        if slice_in_view(self.context, source) != z:
            return
        self.shown = result
        self.told.setText(result.note)
        self.told.setVisible(bool(result.note))
        layer = make_layer(result, self.context.layers.layer(name))
        place(layer, result, z * source.voxel_size[0])
        if isinstance(layer, LabelsLayer):
            self._cover()
        if self.layer is not None and self.layer in self.context.viewer.layers and take_over(self.layer, layer):
            return
        self.context.layers.lift(self.layer)
        self.layer = self.context.layers.lay(layer)

    def _cover(self) -> None:
        """Hide labels while a preview of labels is shown: what it takes away would be seen through it."""
        for name, noun in self.context.session.items.items():
            layer = self.context.layers.layer(name) if isinstance(noun, Labels | Regions) else None
            if layer is not None and layer.visible:
                layer.visible = False
                self._covered.append(layer)

    def _uncover(self) -> None:
        for layer in self._covered:
            layer.visible = True
        self._covered.clear()

    def _clear(self, text: str = "") -> None:
        self.lane.drop()
        self._uncover()
        self.context.layers.lift(self.layer)
        self.layer = self.shown = None
        self.told.setText(text)
        self.told.setVisible(bool(text))

    def _later(self, *_: object) -> None:
        if self.isVisible() or self.layer is not None:
            self._timer.start()

    def _on_done(self, job: Job) -> None:
        """The result is there: it takes the place of the preview."""
        if job.outputs:
            self.live.setChecked(False)

    def hideEvent(self, event: Any) -> None:
        """Another page is shown: the preview goes."""
        self._timer.stop()
        self._clear()
        super().hideEvent(event)

    def showEvent(self, event: Any) -> None:
        """Back again."""
        self._timer.start()
        super().showEvent(event)


def make_layer(preview: Preview, source: Any) -> Any:
    """A layer one slice thick: grey like its source, labels in the colours of their phases, bodies in any."""
    image = preview.image
    if isinstance(image, Labels):
        layer = LabelsLayer(image.array(), name=TITLE, opacity=0.6, **UNITS)
        name_phases(layer, image.phases, image.colours)
    elif image.data.dtype.kind in "iu" and not _same_kind(image, source):
        layer = LabelsLayer(image.array(), name=TITLE, opacity=0.6, **UNITS)
    else:
        grey = image.array()
        limits = source.contrast_limits if _same_kind(image, source) else (float(grey.min()), float(grey.max()) + 1e-9)
        layer = Image(grey, name=TITLE, contrast_limits=limits, colormap="gray", **UNITS)
    layer.editable = False
    return layer


def _same_kind(image: Stack, source: Any) -> bool:
    """Whether the preview has the grey levels of the layer that it lies over."""
    return isinstance(source, Image) and source.dtype == image.data.dtype


def place(layer: Any, preview: Preview, height: float) -> None:
    """Lay the slice at ``height`` metres along z, its corner where the preview says."""
    z, y, x = preview.image.voxel_size
    layer.scale = [z * MICRO, y * MICRO, x * MICRO]
    layer.translate = [height * MICRO, (preview.corner[0] + y / 2) * MICRO, (preview.corner[1] + x / 2) * MICRO]


def take_over(old: Any, fresh: Any) -> bool:
    """Give a new preview to the layer that is there (napari is slow to remove and add); False when it does not fit."""
    if type(old) is not type(fresh) or old.data.dtype != fresh.data.dtype:
        return False
    old.data = fresh.data
    old.scale, old.translate = fresh.scale, fresh.translate
    if isinstance(old, Image):
        old.contrast_limits = fresh.contrast_limits
    old.visible = True
    return True
