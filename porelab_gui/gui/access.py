"""Names for whoever hears the window, and the Tab key for whoever has no mouse."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QBoxLayout,
    QComboBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QScrollBar,
    QTableView,
    QTreeView,
    QWidget,
)

LEVELS = 6  # how far above a control the words may stand that belong to it
KINDS = {"QTabWidget": "Tabs", "QTabBar": "Tabs", "QComboBox": "Choice", "QScrollArea": "Scrolled part"}
SHORT = 24  # characters of a tip that tells the boxes of one field apart


def controls(root: QWidget) -> list[QWidget]:
    """Everything below ``root`` that can take the focus, without the inner parts of other controls."""
    found = [w for w in root.findChildren(QWidget) if w.focusPolicy() != Qt.FocusPolicy.NoFocus]
    return [w for w in found if not _inner(w) and not _read_only(w)]


def spoken(widget: QWidget) -> str:
    """The name that a screen reader says: the one that was given, else a button's own words."""
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return str(widget.accessibleName() or (text if any(c.isalpha() for c in text) else ""))


def make_accessible(root: QWidget) -> None:
    """Name every control below ``root`` by the words beside it, and let Tab leave tables and texts."""
    for widget in controls(root):
        if isinstance(widget, QTableView | QTreeView):
            widget.setTabKeyNavigation(False)
        if isinstance(widget, QPlainTextEdit):
            widget.setTabChangesFocus(True)
        if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if not spoken(widget):
            widget.setAccessibleName(_derived(widget, root))


def _inner(widget: QWidget) -> bool:
    if isinstance(widget, QHeaderView | QScrollBar) or widget.objectName().startswith("qt_"):
        return True
    parent = widget.parentWidget()
    if isinstance(parent, QTableView) and isinstance(widget, QAbstractButton):
        return True  # the corner of a table
    while parent is not None:
        if isinstance(parent, QComboBox | QAbstractSpinBox):
            return True
        parent = parent.parentWidget()
    return False


def _read_only(widget: QWidget) -> bool:
    """Whether it is text that takes the focus for a selection by the mouse only."""
    return isinstance(widget, QLabel) and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus


def _derived(widget: QWidget, root: QWidget) -> str:
    """Label beside it, else its tip, else the name of its part of the page."""
    tip = widget.toolTip().split("\n")[0].split(". ")[0].strip(" .")
    label = _label(widget, root)
    if label:
        return f"{label}, {tip}" if tip and len(tip) <= SHORT and tip != label else label
    if tip:
        return tip
    if widget.objectName():
        return _words(widget.objectName())
    if isinstance(widget, QAbstractItemView):
        return "Table" if isinstance(widget, QTableView) else "List"
    return _above(widget, root) or KINDS.get(type(widget).__name__, type(widget).__name__.removeprefix("Q"))


def _label(widget: QWidget, root: QWidget) -> str:
    """Words of the label of its row, or of the label right before it."""
    child: QWidget | None = widget
    for _ in range(LEVELS):
        parent = child.parentWidget() if child is not None else None
        if child is None or parent is None or child is root:
            return ""
        for form in parent.findChildren(QFormLayout):
            label = form.labelForField(child)
            if isinstance(label, QLabel) and label.text():
                return str(label.text())
        before = _before(child, parent)
        if before:
            return before
        child = parent
    return ""


def _before(child: QWidget, parent: QWidget) -> str:
    for box in parent.findChildren(QBoxLayout):
        at = box.indexOf(child)
        item = box.itemAt(at - 1) if at > 0 else None
        other = item.widget() if item is not None else None
        sideways = box.direction() in (QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.RightToLeft)
        if isinstance(other, QLabel) and other.text() and (sideways or other.property("role") in ("section", "quiet")):
            return str(other.text())[:80]
    return ""


def _above(widget: QWidget, root: QWidget) -> str:
    parent = widget.parentWidget()
    while parent is not None and parent is not root:
        if parent.accessibleName() or parent.objectName():
            return str(parent.accessibleName() or _words(parent.objectName()))
        parent = parent.parentWidget()
    return ""


def _words(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()
