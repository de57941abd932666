"""Which data a Method takes: one chooser per input, kept in step with the session."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from porelab_gui.core.method import Method
from porelab_gui.gui.context import Context
from porelab_gui.gui.theme import role

NONE = "(none)"


class InputChooser(QWidget):
    """A combo box per input with the items that fit; the newest is chosen until the user chooses."""

    changed = Signal()

    def __init__(self, context: Context, method: Method) -> None:
        super().__init__()
        self.context, self.method = context, method
        self.combos: dict[str, QComboBox] = {}
        self._picked: set[str] = set()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        for port, wanted in method.inputs.items():
            combo = QComboBox()
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setToolTip(wanted.help)
            combo.setObjectName(f"input_{port}")
            combo.activated.connect(lambda _, p=port: self._pick(p))
            form.addRow(port.replace("_", " ").capitalize(), combo)
            self.combos[port] = combo
        self.need = QLabel()
        self.need.setWordWrap(True)
        role(self.need, "quiet")
        column.addWidget(self.need)
        self.setVisible(bool(method.inputs))
        self.refill()
        context.session.changed.connect(self._on_session)

    def chosen(self) -> dict[str, str]:
        """Item name by port; optional inputs that are not given are left out."""
        found = {port: str(combo.currentData() or "") for port, combo in self.combos.items()}
        return {port: name for port, name in found.items() if name in self.context.session.items}

    def choose(self, port: str, name: str) -> None:
        """Choose an item for a port."""
        index = self.combos[port].findData(name)
        if index >= 0:
            self.combos[port].setCurrentIndex(index)
            self._pick(port)

    def missing(self) -> str:
        """What to do first when a required input has nothing to choose from; empty when all are there."""
        chosen = self.chosen()
        for port, wanted in self.method.inputs.items():
            if port not in chosen and not wanted.optional:
                return wanted.help or f"Make a {wanted.noun.__name__.lower()} first."
        return ""

    def refill(self) -> None:
        """Offer what fits now."""
        defaults = self.context.session.defaults(self.method)
        for port, combo in self.combos.items():
            self._refill_one(port, combo, defaults.get(port))
        missing = self.missing()
        self.need.setText(missing)
        self.need.setVisible(bool(missing))

    def _refill_one(self, port: str, combo: QComboBox, newest: str | None) -> None:
        wanted = self.method.inputs[port]
        before = combo.currentData()
        names = [k for k, v in self.context.session.items.items() if isinstance(v, wanted.noun)]
        combo.blockSignals(True)
        combo.clear()
        if wanted.optional:
            combo.addItem(NONE, None)
        for name in names:
            combo.addItem(name, name)
        target = before if port in self._picked and before in names else newest
        combo.setCurrentIndex(max(0, combo.findData(target)) if target else 0)
        combo.setEnabled(bool(names))
        combo.blockSignals(False)

    def _pick(self, port: str) -> None:
        self._picked.add(port)
        self.changed.emit()

    def _on_session(self, names: tuple[str, ...]) -> None:
        self.refill()
        self.changed.emit()
