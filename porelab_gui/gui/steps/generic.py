"""The page of a step made from whatever Methods are registered for it, ours or a stranger's.

A Method has a page of its own when a package names one in the entry-point group ``porelab.pages`` (name: the Method;
value: a class that takes a Context); every other Method gets the form made from its parameters, live where the Method
has a preview.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from qtpy.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from porelab_gui.core.registry import methods
from porelab_gui.gui.access import make_accessible
from porelab_gui.gui.choices import Choice
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.steps.preview import PreviewPage
from porelab_gui.gui.theme import role

PAGES = "porelab.pages"


class GenericPanel(QWidget):
    """A chooser when there are several Methods, and the page of the chosen one.

    ``leave_out`` names Methods that are shown elsewhere.
    """

    def __init__(self, context: Context, step: str, leave_out: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.context = context
        self.names = [n for n, m in methods().items() if m.step == step and n not in leave_out]
        self.pages: dict[str, QWidget] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(2, 2, 8, 8)
        self.combo = Choice()
        self.combo.setObjectName("method")
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for name in self.names:
            self.combo.addItem(self.title_of(name), name)
        if len(self.names) > 1:
            self._column.addWidget(role(QLabel("Method"), "quiet"))
            self._column.addWidget(self.combo)
        self.stack = _Shrinking()
        self._column.addWidget(self.stack)
        self._column.addStretch(1)
        self.combo.currentIndexChanged.connect(self._choose)
        self._choose(0)

    def make_page(self, name: str) -> QWidget:
        """The page of one Method: its own where there is one, else its form."""
        for point in entry_points(group=PAGES, name=name):
            page: QWidget = point.load()(self.context)
            return page
        if methods()[name].preview is not None:
            return PreviewPage(self.context, name)
        return MethodForm(self.context, name)

    def title_of(self, name: str) -> str:
        """The words in the chooser."""
        return methods()[name].title

    def show_method(self, name: str) -> QWidget:
        """The page of one Method, shown."""
        self.combo.setCurrentIndex(self.names.index(name))
        self._choose(self.names.index(name))
        return self.pages[name]

    def _choose(self, index: int) -> None:
        if not self.names:
            return
        name = self.names[max(0, index)]
        if name not in self.pages:
            self.pages[name] = self.make_page(name)
            make_accessible(self.pages[name])
            self.stack.addWidget(self.pages[name])
        self.stack.setCurrentWidget(self.pages[name])
        self.stack.updateGeometry()


class _Shrinking(QWidget):
    """A column that shows one of its pages and is as tall as that one.

    Not a QStackedWidget, which knows no height for width: wrapped texts would claim the height of a narrow column.
    """

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._pages: list[QWidget] = []

    def addWidget(self, page: QWidget) -> None:
        """Add a page, hidden until it is chosen."""
        page.hide()
        self._pages.append(page)
        self._column.addWidget(page)

    def currentWidget(self) -> QWidget | None:
        """The page that is shown."""
        return next((p for p in self._pages if not p.isHidden()), None)

    def setCurrentWidget(self, page: QWidget) -> None:
        """Show one page and no other."""
        for other in self._pages:
            other.setVisible(other is page)
