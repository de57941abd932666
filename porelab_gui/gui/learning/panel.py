"""The step Learn: every Method that learns, and the run below its form."""

from __future__ import annotations

from porelab_gui.gui.context import Context
from porelab_gui.gui.learning.run_panel import RunPanel
from porelab_gui.gui.steps.generic import GenericPanel


class LearnPanel(GenericPanel):
    """Forms and pages of the step's Methods with the shared run panel under them."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Learn")
        self.run = RunPanel(context)
        self._column.insertWidget(self._column.count() - 1, self.run)
