"""Conductance: the laws and models that give every throat a conductance, the colours that show them, their errors."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QWidget

from porelab_gui.core.nouns import Network, Noun
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.network.colour_panel import ColourPanel
from porelab_gui.gui.network.colouring import Colouring, spans_decades
from porelab_gui.gui.steps.conductance_errors import ErrorPanel
from porelab_gui.gui.steps.generic import GenericPanel
from porelab_gui.session.jobs import Job, State


class ConductancePanel(GenericPanel):
    """The forms of the step, the colour panel, the errors; a new conductance colours the throats at once."""

    def __init__(self, context: Context) -> None:
        self._before: dict[int, Noun | None] = {}  # by job, the network that it started from
        super().__init__(context, "Conductance", leave_out=("conductance_errors",))
        self.colours = ColourPanel(context)
        self._column.insertWidget(self._column.count() - 1, self.colours)
        self.errors = ErrorPanel(context)
        self._column.insertWidget(self._column.count() - 1, self.errors)
        if "conductance_analytic" in self.names:
            self.show_method("conductance_analytic")

    def make_page(self, name: str) -> QWidget:
        """The form of a Method; its result is shown as colours."""
        form = super().make_page(name)
        if isinstance(form, MethodForm):
            form.started.connect(lambda job: self._before.update({job.number: job.inputs.get("network")}))
            form.finished.connect(self._show_result)
        return form

    def _show_result(self, job: Job) -> None:
        before = self._before.pop(job.number, None)
        view = self.context.layers.view()
        if job.state is not State.DONE or view is None:
            return
        made = new_conductances(before, view.network)
        if made and (view.throat_colouring is None or view.throat_colouring.column not in made):
            hydraulic = [k for k in made if k.startswith("g_hydraulic")]
            key = (hydraulic or made)[-1]
            log = spans_decades(view.network.throats[key].values)
            self.context.layers.colour_throats(Colouring(key, log=log), view.name)


def new_conductances(before: Noun | None, after: Network) -> list[str]:
    """Columns of conductances that are not in the earlier network, or that hold other values there."""
    old = before.throats if isinstance(before, Network) else {}
    found = [k for k in after.throats if k.startswith("g_")]
    return [k for k in found if k not in old or not np.array_equal(old[k].values, after.throats[k].values, True)]
