"""The workflow as a stepper: numbered steps, each a page that is built when it is first shown.

A step has a panel of its own when a package names one in the entry-point group ``porelab.panels`` (name: the step;
value: a class that takes a Context); every other step is made from its Methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from porelab_gui.core.method import Method
from porelab_gui.core.registry import methods
from porelab_gui.gui.access import make_accessible
from porelab_gui.gui.context import Context
from porelab_gui.gui.foot import Foot
from porelab_gui.gui.theme import follow_theme, role

STEPS = (
    "Load",
    "Segment",
    "Network",
    "Conductance",
    "Transport",
    "Learn",
    "Generate",
    "Super-resolve",
    "Ions",
    "Export",
)
GROUP = "porelab.panels"
PER_ROW = 3


def offered(known: Mapping[str, Method]) -> list[str]:
    """The steps that can do something, in order."""
    have = {m.step for m in known.values()}
    return [step for step in STEPS if step in have]


class Stepper(QWidget):
    """Buttons for the steps above the page of the one that is chosen. ``shown(step)`` when it changes."""

    shown = Signal(str)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.buttons: dict[str, QToolButton] = {}
        self.pages: dict[str, QScrollArea] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(6)
        grid = QGridLayout()
        grid.setSpacing(4)
        column.addLayout(grid)
        self.stack = QStackedWidget()
        column.addWidget(self.stack, 1)
        self.foot = Foot(context)
        column.addWidget(self.foot)
        for i, step in enumerate(offered(methods())):
            grid.addWidget(self._button(i, step), i // PER_ROW, i % PER_ROW)
        self.setMinimumWidth(330)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        follow_theme(self, context.viewer)
        context.session.stepped.connect(self._mark_done)
        self._mark_done()
        make_accessible(self)

    @property
    def current(self) -> str:
        """The step whose page is shown."""
        return next((s for s, b in self.buttons.items() if b.isChecked()), "")

    def show_step(self, step: str) -> QWidget:
        """Show a step's page and give its panel; ValueError names the steps there are."""
        if step not in self.buttons:
            raise ValueError(f"there is no step {step!r}; steps: {', '.join(self.buttons)}")
        for name, button in self.buttons.items():
            button.setChecked(name == step)
        if step not in self.pages:
            self.pages[step] = self._page(step)
            self.stack.addWidget(self.pages[step])
        self.stack.setCurrentWidget(self.pages[step])
        self.shown.emit(step)
        return self.pages[step].widget()

    def _button(self, number: int, step: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"step_{step}")
        button.setText(f"{number + 1} {step}")
        button.setCheckable(True)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        role(button, "step")
        button.clicked.connect(lambda: self.show_step(step))
        keys = f"Alt+{(number + 1) % 10}"
        button.setToolTip(f"{step} ({keys})")
        button.setAccessibleName(f"Step {number + 1}, {step}")
        QShortcut(QKeySequence(keys), self, lambda: self.show_step(step))  # a shortcut of the button goes with its text
        self.buttons[step] = button
        return button

    def _page(self, step: str) -> QScrollArea:
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        panel = self._panel(step)
        panel.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        area.setWidget(panel)
        area.setAccessibleName(f"Page of the step {step}")
        make_accessible(panel)
        return area

    def _panel(self, step: str) -> QWidget:
        for point in entry_points(group=GROUP, name=step):
            panel: QWidget = point.load()(self.context)
            return panel
        from porelab_gui.gui.steps.generic import GenericPanel

        return GenericPanel(self.context, step)

    def _mark_done(self) -> None:
        known = methods()
        done = {known[s.method].step for s in self.context.session.recipe.steps if s.method in known}
        for i, (step, button) in enumerate(self.buttons.items()):
            button.setText(f"{'✓' if step in done else i + 1} {step}")
