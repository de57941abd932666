"""Network: extraction and what else makes or changes networks, with the health of the result below."""

from __future__ import annotations

from porelab_gui.gui.context import Context
from porelab_gui.gui.network.health_panel import HealthPanel
from porelab_gui.gui.steps.generic import GenericPanel


class NetworkPanel(GenericPanel):
    """The forms of the step and the health panel, which takes the place of the report's form."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Network", leave_out=("network_health",))
        self.health = HealthPanel(context)
        self._column.insertWidget(self._column.count() - 1, self.health)
        if "extract_network" in self.names:
            self.show_method("extract_network")
