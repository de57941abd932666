"""Strengths of what is beyond DSPM-DE in the membrane that is shown, and a button that leaves them out."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from porelab_gui.gui.theme import role
from porelab_methods.ion_transport.tune_runs import STRENGTHS, in_words

NONE = "Neural: no strengths fitted; corrected as for parameters of a DSPM-DE fit."


class StrengthsRow(QWidget):
    """``values`` by parameter of ``predict_rejection``, empty where none was fitted; ``changed()`` when they do."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, float] = {}
        self.said = role(QLabel(NONE), "quiet")
        self.said.setWordWrap(True)
        self.said.setObjectName("strengths")
        self.clear = QPushButton("Leave out")
        self.clear.setToolTip("Show the neural result for parameters of a DSPM-DE fit instead")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.said, 1)
        row.addWidget(self.clear)
        self.clear.hide()
        self.clear.clicked.connect(lambda: self.show_values({}))

    def show_values(self, values: Mapping[str, float]) -> None:
        """Take over what was fitted; nothing where ``values`` is empty."""
        if dict(values) == self.values:
            return
        self.values = dict(values)
        self.said.setText(f"Neural: {in_words([values[n] for n in STRENGTHS])}" if values else NONE)
        self.clear.setVisible(bool(values))
        self.changed.emit()
