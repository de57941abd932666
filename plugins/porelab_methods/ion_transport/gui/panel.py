"""The step Ions: the live page, fitting, training and prediction; results in a dock of their own below the canvas."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QWidget

from porelab_gui.gui.context import Context
from porelab_gui.gui.steps.generic import GenericPanel
from porelab_methods.ion_transport.gui.fit_page import FitPage, TableForm
from porelab_methods.ion_transport.gui.live_page import LivePage
from porelab_methods.ion_transport.gui.results import Results
from porelab_methods.ion_transport.system import Membrane

DOCK, NEIGHBOUR, JOBS = "Ions", "Plots", "Jobs"
LIVE = "Membrane and feed, live"
# shown on the live page, or without a page
LEFT_OUT = ("ion_curves", "ions_through_network", "predict_rejection", "load_table")
LOW = 900  # px; windows below it
TALL = 360  # px of the results; the canvas has nothing to show here


class IonsPanel(GenericPanel):
    """Pages of the step; ``results`` is the dock, which comes and goes with the step."""

    def __init__(self, context: Context) -> None:
        self.results = Results(context)
        self._dock: Any = None
        self._before: int | None = None
        self._hidden: Any = None
        super().__init__(context, "Ions", LEFT_OUT)
        self.show_method("solve_dspm_de")

    @property
    def live(self) -> LivePage:
        """The page of membrane and feed."""
        page = self.pages["solve_dspm_de"]
        assert isinstance(page, LivePage)
        return page

    def title_of(self, name: str) -> str:
        """The words in the chooser."""
        return LIVE if name == "solve_dspm_de" else super().title_of(name)

    def make_page(self, name: str) -> QWidget:
        """Pages that show more than a form."""
        if name == "solve_dspm_de":
            return LivePage(self.context, self.results)
        if name in ("fit_membrane", "tune_membrane"):
            page = FitPage(self.context, name)
            page.used.connect(self._use)
            return page
        return TableForm(self.context, name) if name == "train_ion_transport" else super().make_page(name)

    def _use(self, membrane: Membrane, strengths: dict[str, float]) -> None:
        self.show_method("solve_dspm_de")
        self.live.take(membrane, strengths)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._show_dock()

    def hideEvent(self, event: Any) -> None:
        super().hideEvent(event)
        if self._dock is None:
            return
        with suppress(RuntimeError):  # the window went first
            self._dock.hide()
            if self._hidden is not None:
                self._hidden.show()
            if self._before is not None:
                self._resize(self._before)
        self._before = self._hidden = None

    def _show_dock(self) -> None:
        window = self.context.viewer.window
        main = window._qt_window
        if self._dock is None:
            self._dock = window.add_dock_widget(self.results, name=DOCK, area="bottom", add_vertical_stretch=False)
            plots = window.dock_widgets.get(NEIGHBOUR)
            if plots is not None and plots.parent() is not None:
                main.tabifyDockWidget(plots.parent(), self._dock)
        self._dock.show()
        self._dock.raise_()
        QTimer.singleShot(30, self._give_room)

    def _give_room(self) -> None:
        """Make the dock taller than plots are; what was there before comes back with the next step.

        On a low screen napari's controls of a layer, which stand beside the docks, give way.
        """
        if not self.isVisible() or self._before is not None:
            return
        window = self.context.viewer.window
        height, controls = window._qt_window.height(), window._qt_viewer.dockLayerControls
        self._before = self._dock.height()
        if height < LOW and controls.isVisible():
            self._hidden = controls
            controls.hide()
        QTimer.singleShot(0, lambda: self._resize(min(TALL, int(0.48 * height))))

    def _resize(self, height: int) -> None:
        """All docks below the canvas have one height."""
        docks = self.context.viewer.window.dock_widgets
        below = [docks[n].parent() for n in (JOBS, NEIGHBOUR) if n in docks and docks[n].parent() is not None]
        below = [*below, self._dock]
        main = self.context.viewer.window._qt_window
        main.resizeDocks(below, [height] * len(below), Qt.Orientation.Vertical)
