"""The docks around napari's canvas, and the handle by which a script drives the window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QMainWindow, QWidget

from porelab_gui.gui import settings as preferences
from porelab_gui.gui.context import Context
from porelab_gui.gui.jobs_strip import JobsStrip
from porelab_gui.gui.network.preview import Previews
from porelab_gui.gui.opening import Opener, is_question
from porelab_gui.gui.projects import ProjectDesk
from porelab_gui.gui.stepper import Stepper
from porelab_gui.gui.toasts import NapariBridge, Toasts
from porelab_gui.gui.waiting import wait_while
from porelab_gui.session.jobs import Job, State

if TYPE_CHECKING:
    from porelab_gui.gui.tour import Tour
    from porelab_gui.gui.welcome import Welcome

WORKFLOW, JOBS, PLOTS = "PoreLab", "Jobs", "Plots"
PLOTS_PANEL = "porelab_gui.gui.plots.dock:PlotsDock"


class PorelabWindow(QObject):
    """PoreLab inside one napari viewer: ``context`` is what panels get, ``opener`` opens files.

    Made by ``app.attach``; the same object serves our own window and a stock napari.
    """

    context: Context
    opener: Opener
    desk: ProjectDesk

    def __init__(self, viewer: Any, context: Context, toasts: Toasts) -> None:
        self.main: QMainWindow = viewer.window._qt_window
        super().__init__(self.main)
        self.viewer, self.context, self.toasts = viewer, context, toasts
        self.settings = preferences.load()
        self.opener = Opener.of(context, self.main)
        self.desk = ProjectDesk.of(context, self.main)
        self.desk.remember = self.settings.remember
        self.stepper = Stepper(context)
        self.jobs = JobsStrip(context)
        self.previews = Previews(context.session, context.layers)
        self.plots: QWidget | None = None
        self.welcome: Welcome | None = None
        self.tour: Tour | None = None
        self.actions: dict[str, Any] = {}
        self._kept: list[Any] = []
        self._docks: dict[str, Any] = {}
        self._bridge: NapariBridge | None = None
        context.session.queue.finished.connect(self._on_finished)
        self.main.installEventFilter(self)

    # -- for scripts and tests

    def show_step(self, step: str) -> QWidget:
        """Show a step of the workflow and give its panel."""
        self.show_dock(WORKFLOW)
        return self.stepper.show_step(step)

    def run_files(self, paths: Iterable[str | Path]) -> None:
        """Open files and folders."""
        self.opener.open(paths)

    def wait(self, seconds: float = 600.0) -> None:
        """Let the window work until no job is left; TimeoutError after ``seconds``."""
        wait_while(lambda: self.context.session.queue.active, seconds)

    def screenshot(self, path: str | Path) -> None:
        """The whole window with its canvas, as PNG."""
        from porelab_gui.gui.shots import whole_window

        whole_window(self.viewer, Path(path))

    def close(self) -> None:
        """Stop the lanes and close the window."""
        self.viewer.close()

    # -- arrangement

    def add_docks(self, skip: tuple[str, ...] = ()) -> None:
        """Stepper on the right, jobs and plots below the canvas; those that are there already stay."""
        self.main.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        self.make_plots()
        for name, widget, area in self._parts():
            if name not in self.viewer.window.dock_widgets and name not in skip:
                add = self.viewer.window.add_dock_widget
                self._docks[name] = add(widget, name=name, area=area, add_vertical_stretch=False)
                self._docks[name].show()
        if JOBS in self._docks and PLOTS in self._docks:
            self.main.splitDockWidget(self._docks[JOBS], self._docks[PLOTS], Qt.Orientation.Horizontal)
        self.arrange()
        self.stepper.show_step(self.stepper.current or next(iter(self.stepper.buttons)))

    def make_plots(self) -> QWidget:
        """The dock of plots, made when it is first needed."""
        if self.plots is None:
            self.plots = _plots(self.context)
            self.plots.setMinimumHeight(170)  # a table shows some rows, and the window fits a screen of 1280 x 720
        return self.plots

    def _parts(self) -> list[tuple[str, QWidget, str]]:
        parts: list[tuple[str, QWidget, str]] = [(WORKFLOW, self.stepper, "right"), (JOBS, self.jobs, "bottom")]
        return parts if self.plots is None else [*parts, (PLOTS, self.plots, "bottom")]

    def arrange(self) -> None:
        """Give the docks their sizes for the window as it is; the canvas keeps the most."""
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        below = [self._docks[name] for name in (JOBS, PLOTS) if name in self._docks]
        tall = 110 if len(below) == 1 else max(180, min(250, self.main.height() // 4))
        self.main.resizeDocks(below, [380, 640][: len(below)], across)
        self.main.resizeDocks(below[:1], [tall] * len(below[:1]), down)
        if WORKFLOW in self._docks:
            self.main.resizeDocks([self._docks[WORKFLOW]], [360 if self.main.width() > 1400 else 340], across)

    def show_dock(self, name: str) -> None:
        """Bring a dock to the front, and back when it was closed."""
        widget = self.viewer.window.dock_widgets.get(name)
        if widget is None:
            self.add_docks()
        elif widget.parent() is not None:
            widget.parent().show()
            widget.parent().raise_()

    def own_the_window(self) -> None:
        """What only our own window does: welcome page, dropped files, menus, toasts instead of napari's."""
        from porelab_gui.gui.actions import install
        from porelab_gui.gui.later_controls import LaterControls
        from porelab_gui.gui.low_screens import let_scroll
        from porelab_gui.gui.recipes import ask_replay
        from porelab_gui.gui.welcome import Welcome

        qt_viewer = self.viewer.window._qt_viewer
        let_scroll(qt_viewer.dockLayerControls)
        LaterControls(qt_viewer)
        self._bridge = NapariBridge(self.toasts, self.context.session.queue.deliver)
        self.welcome = Welcome(
            qt_viewer.canvas.native,
            self.context,
            self.settings,
            self.opener.ask_files,
            self.opener.ask_folder,
            self.desk.ask_open,
            lambda: ask_replay(self.context, self.main),
            self.opener.open_one,
            self.start_tour,
        )
        self.actions = install(self)
        qt_viewer.installEventFilter(self)
        self.main.setAcceptDrops(True)

    def start_tour(self) -> None:
        """The guided first run, from its first step."""
        from porelab_gui.gui.tour import Tour

        self.tour = self.tour or Tour(self)
        self.tour.start()

    def show_log(self) -> None:
        """The log of errors of this and earlier sessions."""
        from porelab_gui.gui.dialogs.text import TextDialog

        path = preferences.log_path()
        text = path.read_text(encoding="utf-8", errors="replace")[-200_000:] if path.exists() else "No errors yet."
        TextDialog(self.main, f"Log ({path})", text).show()

    def keep(self, thing: Callable[..., object]) -> None:
        """Hold a callback that is connected by a weak reference."""
        self._kept.append(thing)

    # -- events

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Dropped files are opened by PoreLab; closing the window stops the lanes."""
        kind = event.type()
        if self.welcome is not None and kind == QEvent.Type.DragEnter:
            event.setAccepted(event.mimeData().hasUrls())
            return True
        if self.welcome is not None and kind == QEvent.Type.Drop:
            return self._drop(event)
        if kind == QEvent.Type.Close and watched is self.main:
            if event.spontaneous() and not self.desk.may_close():
                event.ignore()
                return True
            self._shut()
        return False

    def _drop(self, event: Any) -> bool:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if not paths:
            return False
        event.acceptProposedAction()
        self.opener.open(paths)
        return True

    def _shut(self) -> None:
        preferences.save(self.settings)
        self.desk.shut()
        self.context.session.queue.close(wait=0.5)
        if self._bridge is not None:
            self._bridge.close()
            self._bridge = None

    def _on_finished(self, job: Job) -> None:
        if job.state is State.FAILED and not is_question(job.error):
            self.context.report(job.error or RuntimeError("the job failed"), job.trace)
            self.context.layers.mark_refused(job.error)
        if job.state is State.DONE and job.method.name == "load":
            self.settings.remember(job.params.model_dump()["path"])


def _plots(context: Context) -> QWidget:
    """The dock of plots."""
    module, _, name = PLOTS_PANEL.partition(":")
    widget: QWidget = getattr(import_module(module), name)(context)
    return widget
