"""After a correction: update the network, see K and F before and after, and every throat that was touched."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QModelIndex
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Network, Table
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.tables import TableView
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job, State

METHOD = "update_network"


class UpdatePage(QWidget):
    """The form, the effect on K and F, and the touched throats; a click on a row selects its throat."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.form = MethodForm(context, METHOD)
        self.effect, self.throats = TableView(context), TableView(context)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        self.results = QWidget()
        inner = QVBoxLayout(self.results)
        inner.setContentsMargins(0, 0, 0, 0)
        for title, view in (("K and F before and after", self.effect), ("Touched throats", self.throats)):
            inner.addWidget(role(QLabel(title), "section"))
            inner.addWidget(view)
        column.addWidget(self.results)
        self.throats.grid.clicked.connect(self._choose)
        context.session.queue.finished.connect(self._on_finished)
        context.session.changed.connect(lambda _: self.refresh())
        self.refresh()

    def found(self, port: str) -> Table | None:
        """The newest table of an output."""
        noun = self.context.session.items.get(self._outputs().get(port, ""))
        return noun if isinstance(noun, Table) else None

    def refresh(self) -> None:
        """Show the newest update."""
        effect, throats = self.found("effect"), self.found("touched_throats")
        self.results.setVisible(effect is not None)
        self.effect.show_table(effect)
        self.effect.fit_height()
        self.throats.show_table(throats)
        self.throats.grid.setFixedHeight(180)

    def _outputs(self) -> dict[str, str]:
        steps = [s for s in self.context.session.recipe.steps if s.method == METHOD]
        return dict(steps[-1].outputs) if steps else {}

    def _choose(self, index: QModelIndex) -> None:
        table = self.found("touched_throats")
        if table is not None and (throat := int(table["throat_after"][index.row()])) >= 0:
            self.context.selection.select_throat(throat, self._outputs().get("network", ""))

    def _on_finished(self, job: Job) -> None:
        table, name = self.found("touched_throats"), self._outputs().get("network", "")
        if job.method.name != METHOD or job.state is not State.DONE or table is None:
            return
        network = self.context.session.items.get(name)
        marked = np.asarray(table["throat_after"])
        if isinstance(network, Network):
            self.context.layers.mark_throats(marked[marked >= 0], name)
