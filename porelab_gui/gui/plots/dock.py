"""The dock below the canvas: the chosen throat, parity, histogram, curves and tables in tabs."""

from __future__ import annotations

from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from porelab_gui.core.nouns import Table
from porelab_gui.gui.access import make_accessible
from porelab_gui.gui.context import Context
from porelab_gui.gui.learning.training_tab import TrainingTab
from porelab_gui.gui.network.inspector import Inspector
from porelab_gui.gui.plots.curves import CurvesPlot
from porelab_gui.gui.plots.histogram import HistogramPlot
from porelab_gui.gui.plots.parity import ParityPlot
from porelab_gui.gui.tables import TablesPanel
from porelab_gui.gui.theme import follow_theme
from porelab_gui.gui.what import ask_in_corner

ABOUT = (
    "Throat: every number of the chosen throat. Parity: one conductance against another, as in Misaghian et al., "
    "Comput. Geosci. 162 (2022) 105086. Histogram: sizes of pores and throats, after Gostick, Phys. Rev. E 96, 023307 "
    "(2017). Curves, Training, Tables: what jobs report. Drawn with Matplotlib, Hunter, Comput. Sci. Eng. 9 (2007) 90."
)


class PlotsDock(QWidget):
    """Tabs. A throat chosen in the 3D view opens its tab, unless a plot that shows it is in front already."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.inspector = Inspector(context)
        self.parity = ParityPlot(context)
        self.histogram = HistogramPlot(context)
        self.curves = CurvesPlot(context)
        self.training = TrainingTab(context)
        self.tables = TablesPanel(context)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        for widget, title in (
            (self.inspector, "Throat"),
            (self.parity, "Parity"),
            (self.histogram, "Histogram"),
            (self.curves, "Curves"),
            (self.training, "Training"),
            (self.tables, "Tables"),
        ):
            self.tabs.addTab(widget, title)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tabs)
        self.setMinimumWidth(300)
        ask_in_corner(self.tabs, ABOUT)
        make_accessible(self)
        follow_theme(self, context.viewer)
        context.selection.throat_changed.connect(self._on_chosen)
        context.selection.pore_changed.connect(self._on_chosen)
        context.session.changed.connect(self._on_changed)

    def show_tab(self, widget: QWidget) -> None:
        """Bring one of the tabs to the front."""
        self.tabs.setCurrentWidget(widget)

    def _on_chosen(self, index: int | None, name: str) -> None:
        if index is not None and self.tabs.currentWidget() in (self.curves, self.tables):
            self.show_tab(self.inspector)

    def _on_changed(self, names: tuple[str, ...]) -> None:
        """A fresh table comes to the front, unless somebody is looking at a throat."""
        made = [n for n in names if isinstance(self.context.session.items.get(n), Table)]
        if made and self.context.selection.throat is None and self.tabs.currentWidget() is self.inspector:
            self.show_tab(self.tables)
