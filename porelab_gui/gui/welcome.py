"""The page over the empty canvas: open a file, a folder, a sample or a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.errors import PorelabError
from porelab_gui.gui.access import make_accessible
from porelab_gui.gui.context import Context
from porelab_gui.gui.settings import Settings
from porelab_gui.gui.theme import follow_theme, role

WIDTH = 560


class Welcome(QWidget):
    """Covers the canvas until there is something to see."""

    def __init__(
        self,
        canvas: QWidget,
        context: Context,
        settings: Settings,
        open_files: Callable[[], None],
        open_folder: Callable[[], None],
        open_project: Callable[[], None],
        open_recipe: Callable[[], None],
        open_path: Callable[[Path], object],
        start_tour: Callable[[], None],
    ) -> None:
        super().__init__(canvas)
        self.context, self._canvas, self._open_path, self._settings = context, canvas, open_path, settings
        self.setAutoFillBackground(True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("welcome")
        box = QWidget()
        box.setMaximumWidth(WIDTH)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        QVBoxLayout(self).addWidget(_scrolled(box))
        self._column = QVBoxLayout(box)
        self._column.setSpacing(5)
        self._column.addWidget(role(QLabel("PoreLab"), "hero"))
        self._column.addWidget(_wrapped("From an image of a porous medium to its coloured throats, permeability and "
                                        "formation factor.", "quiet"))  # fmt: skip
        self.buttons: dict[str, QPushButton] = {}
        self._card("Open files…", "TIFF, RAW, MHD, NumPy, NRRD, HDF5; networks too", open_files)
        self._card("Open a folder of slices…", "One image per slice, in natural order", open_folder)
        self._card("Open a project…", "A folder with data, results and recipe", open_project)
        self._card("Open a recipe…", "Replays every step of an earlier session", open_recipe)
        self._add_list("Samples", _samples())
        tip = "Five steps from a sample to its permeability"
        self._column.addWidget(self._link("Guided first run", tip, start_tour, f"Guided first run: {tip.lower()}"))
        self._recent = QVBoxLayout()
        self._column.addLayout(self._recent)
        self._column.addWidget(_wrapped("Or drop files and folders anywhere on this window.", "quiet"))
        follow_theme(self, context.viewer, lambda c: self.setStyleSheet(
            self.styleSheet() + f"QWidget#welcome {{ background: {c.background}; }}"))  # fmt: skip
        make_accessible(self)
        canvas.installEventFilter(self)
        context.viewer.layers.events.inserted.connect(self._update)
        context.viewer.layers.events.removed.connect(self._update)
        self._update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the whole canvas whatever its size."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self.setGeometry(self._canvas.rect())
        return False

    def show_recent(self) -> None:
        """The newest files and projects that are still there."""
        while (old := self._recent.takeAt(0)) is not None:
            widget = old.widget()
            self.buttons = {k: b for k, b in self.buttons.items() if not k.startswith("Recent:")}
            widget.setParent(None)
            widget.deleteLater()
        entries = [(Path(p).name, Path(p)) for p in self._settings.recent if Path(p).exists()][:3]
        if entries:
            box = QWidget()
            column = QVBoxLayout(box)
            column.setContentsMargins(0, 0, 0, 0)
            self._add_list("Recent", entries, column)
            self._recent.addWidget(box)

    def _update(self, event: object = None) -> None:
        if not len(self.context.viewer.layers):
            self.show_recent()
        self.setVisible(not len(self.context.viewer.layers))
        self.setGeometry(self._canvas.rect())

    def _card(self, title: str, text: str, action: Callable[[], object]) -> None:
        self._column.addWidget(self._button(title, f"{title}\n{text}", "card", action))

    def _add_list(self, title: str, entries: Sequence[tuple[str, Path]], column: QVBoxLayout | None = None) -> None:
        """A line of names to click."""
        if not entries:
            return
        column = column or self._column
        column.addSpacing(6)
        column.addWidget(role(QLabel(title), "section"))
        row = QHBoxLayout()
        row.setSpacing(14)
        for text, path in entries:
            row.addWidget(self._link(f"{title}:{text}", str(path), partial(self._open_path, path), text))
        row.addStretch(1)
        column.addLayout(row)

    def _link(self, key: str, tip: str, action: Callable[[], object], text: str = "") -> QPushButton:
        button = self._button(key, text or key, "link", action)
        button.setToolTip(tip)
        return button

    def _button(self, key: str, text: str, kind: str, action: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(key)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        role(button, kind)
        button.clicked.connect(lambda: action())
        self.buttons[key] = button
        return button


def _scrolled(box: QWidget) -> QScrollArea:
    """In the middle where there is room, from its top where a dock below leaves too little."""
    page, area = QWidget(), QScrollArea()
    QGridLayout(page).addWidget(box, 0, 0, Qt.AlignmentFlag.AlignVCenter)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(page)
    for widget in (page, area.viewport()):
        widget.setAutoFillBackground(False)
    area.setStyleSheet("QScrollArea { background: transparent; }")
    return area


def _samples() -> list[tuple[str, Path]]:
    """The samples that ship, by their words; none where the installation lacks them."""
    from porelab_gui.assets import samples

    try:
        return [(p.stem.replace("_", " "), p) for p in samples()]
    except PorelabError:
        return []


def _wrapped(text: str, kind: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    role(label, kind)
    return label
