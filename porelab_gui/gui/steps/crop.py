"""Crop: a box that is dragged on the canvas, in 2D and 3D, or typed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.image.editing.geometry import crop_box
from porelab_gui.core.nouns import Stack
from porelab_gui.gui.context import Context
from porelab_gui.gui.crop_box import CropBox
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.quantities import bytes_text
from porelab_gui.gui.steps.load import lengths_text
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job

EXPLAIN = "Drag the sides of the yellow box on a slice, or the squares on its faces in 3D."


class CropPage(QWidget):
    """The form of ``crop`` and the box on the canvas, which follow each other."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.form = MethodForm(context, "crop")
        column.addWidget(self.form)
        self.box = CropBox(context, self._on_dragged)
        self.told = QLabel(EXPLAIN)
        self.told.setWordWrap(True)
        self.whole = QPushButton("Whole image")
        self.whole.setToolTip("Put the box back to the edges of the image.")
        self.whole.clicked.connect(lambda: self.form.set_values({"start": (0, 0, 0), "stop": (0, 0, 0)}))
        row = QHBoxLayout()
        row.addWidget(self.whole)
        row.addStretch(1)
        at = self.form._column.indexOf(self.form.chooser) + 1
        self.form._column.insertWidget(at, role(self.told, "quiet"))
        self.form._column.insertLayout(at + 1, row)
        for field in self.form.fields.values():
            field.editor.changed.connect(self._refresh)
        self.form.chooser.changed.connect(self._refresh)
        self.form.finished.connect(self._on_done)

    @property
    def stack(self) -> Stack | None:
        """The image that is to be cropped."""
        noun = self.context.session.items.get(self.form.chooser.chosen().get("image", ""))
        return noun if isinstance(noun, Stack) else None

    def _refresh(self, *_: object) -> None:
        stack = self.stack
        if stack is None or not self.isVisible():
            self.box.hide()
            return
        try:
            values = self.form.values()
            box = crop_box(stack.shape, values["start"], values["stop"], stack.name)
        except (PorelabError, ValueError) as error:
            self.told.setText(str(error))
            return
        shape = [b.stop - b.start for b in box]
        size = math.prod(shape) * np.dtype(stack.data.dtype).itemsize
        extent = lengths_text([n * v for n, v in zip(shape, stack.voxel_size, strict=True)])
        self.told.setText(f"{EXPLAIN} Now {' × '.join(map(str, shape))} voxels, {extent}, {bytes_text(size)}.")
        self.box.show(stack, tuple(b.start for b in box), tuple(b.stop for b in box))

    def _on_dragged(self, start: tuple[int, ...], stop: tuple[int, ...]) -> None:
        self.form.set_values({"start": start, "stop": stop})

    def _on_done(self, job: Job) -> None:
        if job.outputs:
            self.form.set_values({"start": (0, 0, 0), "stop": (0, 0, 0)})

    def hideEvent(self, event: Any) -> None:
        """Another page is shown: the box goes."""
        self.box.hide()
        super().hideEvent(event)

    def showEvent(self, event: Any) -> None:
        """Back again."""
        super().showEvent(event)
        self._refresh()
