"""A hand for the window: real clicks and keys on what is named on the screen, and pictures of what is seen then."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from pictures.small import shrink
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QApplication, QCheckBox, QComboBox, QLineEdit, QScrollArea, QTabBar, QWidget

from porelab_gui.gui.form.editors import Editor
from porelab_gui.gui.main_window import PorelabWindow
from porelab_gui.session.jobs import State

LEFT = Qt.MouseButton.LeftButton
JOB_SECONDS = 3600.0
DRAWN = 1.2  # seconds in which layers, plots and docks come to rest


class Hand:
    """``out`` is the folder of the pictures; each is called tutorial_NAME.png."""

    def __init__(self, window: PorelabWindow, out: Path) -> None:
        self.window, self.out = window, out

    # -- where to go

    def sample(self, name: str) -> None:
        """Click a sample on the welcome page."""
        self.press(self.window.welcome.buttons[f"Samples:{name}"])
        self.wait()

    def step(self, name: str) -> None:
        """Click a step."""
        self.press(self.window.stepper.buttons[name])
        self.settle(0.3)

    def method(self, title: str) -> None:
        """Choose a Method of the step in its list."""
        combo = self._panel().findChild(QComboBox, "method")
        self.choose(combo, title)
        self.settle(0.3)

    def tab(self, title: str, beside: str = "Parity") -> None:
        """Click a tab of the dock of plots, or of the bar that has another tab of that name too."""
        bars = [b for b in self.window.main.findChildren(QTabBar) if {title, beside} <= set(_titles(b))]
        bar = next(b for b in bars if b.isVisible())
        QTest.mouseClick(bar, LEFT, pos=bar.tabRect(_titles(bar).index(title)).center())
        self.settle(0.3)

    # -- what to do

    def fill(self, **values: str) -> None:
        """Type or choose values in the fields of the page, by the name of the parameter."""
        for name, value in values.items():
            editor = next(e for e in self._panel().findChildren(Editor, name) if self._on_page(e))
            if not editor.isVisible():
                self.click("Advanced")
            box = editor.findChild(QComboBox) or editor.findChild(QCheckBox) or editor.findChild(QLineEdit)
            self._enter(box, value)
            self.settle(0.05)

    def data(self, port: str, name: str) -> None:
        """Choose what a Method takes."""
        combos = self._panel().findChildren(QComboBox, f"input_{port}")
        self.choose(next(c for c in combos if c.isVisible()), name)

    def click(self, text: str, index: int = 0) -> None:
        """Click the button, box or link with these words."""
        found = [b for b in self.window.main.findChildren(QAbstractButton) if b.text() == text and b.isVisible()]
        if len(found) <= index:
            raise LookupError(f"there is no button {text!r} in view")
        self.press(found[index])
        self.settle(0.2)

    def run(self, text: str) -> None:
        """Click a button and wait until its work is done."""
        self.click(text)
        self.wait()

    def press(self, widget: QWidget) -> None:
        """Bring a widget into view and click it."""
        self.see(widget)
        if not widget.isEnabled():
            raise LookupError(f"{widget.objectName() or widget} cannot be used: {widget.toolTip()}")
        QTest.mouseClick(widget, LEFT)

    def choose(self, combo: QComboBox, text: str) -> None:
        """Open a list and click an entry."""
        row = next((i for i in range(combo.count()) if text in (combo.itemText(i), combo.itemData(i))), None)
        if row is None:
            raise LookupError(f"{text!r} is not offered")
        self.see(combo)
        combo.showPopup()
        view = combo.view()
        self.settle(0.15)
        index = combo.model().index(row, combo.modelColumn())
        view.scrollTo(index)
        QTest.mouseClick(view.viewport(), LEFT, pos=view.visualRect(index).center())
        self.settle(0.15)
        if combo.currentIndex() != row:  # an entry under the mouse is taken when the button comes up
            QTest.keyClick(view, Qt.Key.Key_Return)
            self.settle(0.1)
        if combo.currentIndex() != row:
            raise LookupError(f"{text!r} could not be chosen")

    # -- waiting and looking

    def wait(self) -> None:
        """Until no job is left; the error of one that failed."""
        self.settle(0.1)
        self.window.wait(JOB_SECONDS)
        self.settle(0.3)
        last = self.window.context.session.queue.jobs[-1]
        if last.state is not State.DONE:
            raise last.error or RuntimeError(f"{last.title}: {last.state.value}")

    def until(self, seen: Callable[[], bool], seconds: float = JOB_SECONDS) -> None:
        """Until something is to be seen."""
        end = time.monotonic() + seconds
        while not seen():
            if time.monotonic() > end:
                raise TimeoutError("it did not come")
            self.settle(0.1)

    def settle(self, seconds: float = DRAWN) -> None:
        """Let the window work."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.005)

    def see(self, widget: QWidget) -> None:
        """Scroll until a widget is in view."""
        area = widget.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None:
            area.ensureWidgetVisible(widget, 0, 30)
            self.settle(0.1)

    def top(self) -> None:
        """Scroll the page to its head."""
        self.window.stepper.stack.currentWidget().verticalScrollBar().setValue(0)

    def flat(self, slice_: int | None = None) -> None:
        """Show slices, and one of them."""
        self.window.viewer.dims.ndisplay = 2
        if slice_ is not None:
            dims = self.window.viewer.dims
            dims.set_current_step(dims.ndim - 3, slice_)

    def solid(self) -> None:
        """Show in 3D."""
        self.window.viewer.dims.ndisplay = 3
        self.settle(0.5)

    def picture(self, name: str) -> None:
        """Write what is seen."""
        for toast in list(self.window.toasts.shown):
            toast.dismiss()
        self.settle()
        path = self.out / f"tutorial_{name}.png"
        self.window.screenshot(path)
        print(f"{path.name}: {shrink(path) / 1000:.0f} kB", flush=True)

    # -- inside

    def _panel(self) -> QWidget:
        return self.window.stepper.stack.currentWidget().widget()

    def _on_page(self, editor: QWidget) -> bool:
        """Whether an editor belongs to the page that is shown, folded away or not."""
        page = self._panel().stack.currentWidget() if hasattr(self._panel(), "stack") else self._panel()
        return page.isAncestorOf(editor)

    def _enter(self, box: QWidget, value: str) -> None:
        if isinstance(box, QComboBox) and not box.isEditable():
            self.choose(box, value)
            return
        if isinstance(box, QComboBox):
            box = box.lineEdit()
        self.press(box)
        if isinstance(box, QCheckBox):
            if box.isChecked() != (value == "yes"):
                QTest.keyClick(box, Qt.Key.Key_Space)
            return
        box.selectAll()
        QTest.keyClicks(box, value)
        QTest.keyClick(box, Qt.Key.Key_Tab)


def _titles(bar: QTabBar) -> list[str]:
    return [bar.tabText(i) for i in range(bar.count())]
