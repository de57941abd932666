"""Membrane and drive: the form of ``solve_dspm_de`` with presets above it; its button keeps the state as a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QComboBox, QFormLayout

from porelab_gui.core.errors import PorelabError
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.session.jobs import Job
from porelab_methods.ion_transport.fit import NAMES
from porelab_methods.ion_transport.gui.feed_table import narrow
from porelab_methods.ion_transport.presets import MEMBRANES
from porelab_methods.ion_transport.system import Membrane

FEED_FIELDS = ("feed", "composition", "balance", "points")
OTHER = "Edited"


class MembraneBox(MethodForm):
    """``composition()`` is asked for the feed when the button is pressed; it takes the place of a table of ions."""

    def __init__(self, context: Context, composition: Callable[[], str]) -> None:
        self._composition = composition
        self.preset = QComboBox()
        super().__init__(context, "solve_dspm_de", hidden=FEED_FIELDS, heading=False, button="Keep as a step")
        self.chooser.setVisible(False)
        self.preset.setObjectName("membrane_preset")
        narrow(self.preset)
        for name, (title, _) in MEMBRANES.items():
            self.preset.addItem(title, name)
        self.preset.addItem(OTHER, "")
        row = QFormLayout()
        row.addRow("Membrane", self.preset)
        self._column.insertLayout(0, row)
        self.preset.activated.connect(lambda _: self._take_preset())
        for field in self.fields.values():
            field.editor.changed.connect(self._drive)
        self._drive()

    def membrane(self) -> Membrane:
        """As it stands; ValueError where a field is wrong."""
        values = self.values()
        return Membrane(*(values[n] for n in NAMES))

    def set_membrane(self, membrane: Membrane) -> None:
        """Show a membrane."""
        self.set_values({n: float(getattr(membrane, n)) for n in NAMES})

    def run(self) -> Job | None:
        """The feed of the table travels as text, so that the recipe holds all of it."""
        if not self.check():
            return None
        try:
            values = {**self.values(), "composition": self._composition()}
            return self.context.session.run(self.method.name, values, {}, self._names(), done=self._done)
        except PorelabError as error:
            self.context.report(error)
            return None

    def _take_preset(self) -> None:
        name = self.preset.currentData()
        if name:
            self.set_membrane(MEMBRANES[name][1])

    def _drive(self) -> None:
        """Only what drives the flux is asked for; the preset says whether it still is what it names."""
        values: dict[str, Any] = {}
        for name in (*NAMES, "drive"):
            try:
                values[name] = self.fields[name].editor.value()
            except ValueError:
                values[name] = None
        for name in ("flux", "pressure"):
            shown = values["drive"] == name
            self.fields[name].caption.setVisible(shown)
            self.fields[name].editor.parentWidget().setVisible(shown)
        here = tuple(values[n] for n in NAMES)
        known = next((k for k, (_, m) in MEMBRANES.items() if tuple(getattr(m, n) for n in NAMES) == here), "")
        self.preset.setCurrentIndex(self.preset.findData(known))
