"""Network: extraction and what else makes or changes networks, with the health of the result below."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import Labels
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.network.health_panel import HealthPanel
from porelab_gui.gui.network.phases_panel import PhasesPanel
from porelab_gui.gui.steps.generic import GenericPanel
from porelab_gui.gui.theme import role
from porelab_gui.session.jobs import Job


class NetworkPanel(GenericPanel):
    """The forms of the step and the health panel, which takes the place of the report's form."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, "Network", leave_out=("network_health",))
        self.health, self.phases = HealthPanel(context), PhasesPanel(context)
        for part in (self.health, self.phases):
            self._column.insertWidget(self._column.count() - 1, part)
        if "extract_network" in self.names:
            self.show_method("extract_network")

    def make_page(self, name: str) -> QWidget:
        """The form of a Method; that of extraction offers to resample voxels that are no cubes."""
        page = super().make_page(name)
        if name == "extract_network" and isinstance(page, MethodForm):
            page.insert_above_button(CubicOffer(self.context, page))
        return page


class CubicOffer(QWidget):
    """Says that the chosen image has no cubic voxels, and resamples it with one click; hidden otherwise."""

    def __init__(self, context: Context, form: MethodForm) -> None:
        super().__init__()
        self.context, self.form = context, form
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.told = role(QLabel(), "error")
        self.told.setWordWrap(True)
        self.button = QPushButton()
        self.button.setObjectName("resample_to_cubes")
        self.button.setToolTip("Labels take the nearest voxel. Undo brings the image back as it was.")
        column.addWidget(self.told)
        column.addWidget(self.button)
        self.button.clicked.connect(self.resample)
        form.chooser.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Look at the image that the form has chosen."""
        labels = self.context.session.items.get(self._name)
        uneven = isinstance(labels, Labels) and not labels.isotropic
        self.setVisible(uneven)
        if uneven:
            assert isinstance(labels, Labels)
            edges = " × ".join(f"{v * 1e6:.4g}" for v in labels.voxel_size)
            self.told.setText(f"The voxels are {edges} µm along z, y, x. Extraction needs cubes.")
            self.button.setText(f"Resample to cubes of {min(labels.voxel_size) * 1e6:.4g} µm")
            self.button.setEnabled(True)

    def resample(self) -> None:
        """Put the image on cubic voxels, under the same name."""
        self.button.setEnabled(False)
        try:
            self.context.session.run("resample", {}, {"image": self._name}, {"image": self._name}, self._on_done)
        except PorelabError as error:
            self.button.setEnabled(True)
            self.context.report(error)

    @property
    def _name(self) -> str:
        return self.form.chooser.chosen().get("labels", "")

    def _on_done(self, job: Job) -> None:
        self.refresh()
