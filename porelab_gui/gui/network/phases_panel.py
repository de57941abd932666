"""Several phases in one network: how many pores each has, and the throats that join them."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Labels, Network
from porelab_gui.gui.context import Context
from porelab_gui.gui.network.colouring import Colouring
from porelab_gui.gui.theme import role

MAP = "turbo"


class PhasesPanel(QWidget):
    """Hidden for a network of one phase; else counts, colours by phase, and marks of the throats between phases."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(role(QLabel("Phases"), "section"))
        self.told = QLabel()
        self.told.setWordWrap(True)
        column.addWidget(self.told)
        self.colour_button, self.mark_button = QPushButton("Colour pores"), QPushButton("Mark throats")
        self.colour_button.setObjectName("colour_phases")
        self.mark_button.setObjectName("mark_interphase")
        self.mark_button.setCheckable(True)
        self.colour_button.setToolTip("Colour the pores by the label of their phase.")
        self.mark_button.setToolTip("Mark the throats that join two phases.")
        row = QHBoxLayout()
        row.addWidget(self.colour_button)
        row.addWidget(self.mark_button)
        row.addStretch(1)
        column.addLayout(row)
        self.colour_button.clicked.connect(self.colour)
        self.mark_button.toggled.connect(self._mark)
        context.session.changed.connect(self.refresh)
        self.refresh()

    def refresh(self, names: tuple[str, ...] = ()) -> None:
        """Look at the newest network again."""
        network = self._network()
        found = {} if network is None else counts(network)
        self.setVisible(len(found) > 1)
        if network is None or len(found) < 2:
            return
        words = self._names()
        lines = [f"{words.get(value, f'phase {value}')}: {n:,} pores" for value, n in found.items()]
        between = int(np.count_nonzero(network.throats["interphase"].values)) if "interphase" in network.throats else 0
        self.told.setText("\n".join([*lines, f"{between:,} of {network.n_throats:,} throats join two phases."]))
        self.mark_button.setEnabled(between > 0)

    def colour(self) -> None:
        """Colour the pores by the label of their phase."""
        self.context.layers.colour_pores(Colouring("phase", colormap=MAP))

    def _mark(self, on: bool) -> None:
        network = self._network()
        if network is None or "interphase" not in network.throats:
            return
        which = np.flatnonzero(network.throats["interphase"].values) if on else np.zeros(0, int)
        self.context.layers.mark_throats(which)

    def _network(self) -> Network | None:
        name = self.context.session.latest(Network)
        found = self.context.session.items[name] if name else None
        return found if isinstance(found, Network) else None

    def _names(self) -> dict[int, str]:
        """Names of phases as the newest labels give them."""
        name = self.context.session.latest(Labels)
        labels = self.context.session.items[name] if name else None
        return dict(labels.phases) if isinstance(labels, Labels) else {}


def counts(network: Network) -> dict[int, int]:
    """Pores by label of their phase, virtual ones left out."""
    if "phase" not in network.pores:
        return {}
    real = ~np.asarray(network.pores["boundary"].values, bool) if "boundary" in network.pores else slice(None)
    labels, n = np.unique(network.pores["phase"].values[real], return_counts=True)
    return {int(a): int(b) for a, b in zip(labels, n, strict=True)}
