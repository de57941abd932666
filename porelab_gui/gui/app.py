"""Starts the window, or puts PoreLab into a napari that is already there."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from porelab_gui.gui import settings as preferences

if TYPE_CHECKING:
    from porelab_gui.gui.main_window import PorelabWindow

TITLE = "PoreLab"
WARM_MS = 1500  # after the window is there and drawn
SWITCH_SECONDS = 0.001  # how long a lane's thread may keep the interpreter while the window waits for it
_attached: WeakKeyDictionary[Any, PorelabWindow] = WeakKeyDictionary()


def run(files: Iterable[str | Path] = ()) -> int:
    """Open the window with files, and stay until it is closed. Gives the exit status."""
    import napari
    from qtpy.QtCore import QTimer

    log_to_file()
    window = open_window()
    window.run_files(files)
    QTimer.singleShot(WARM_MS, lambda: tend(window))
    window.desk.offer_recovery()
    napari.run(gui_exceptions=True)
    return 0


def tend(window: PorelabWindow) -> None:
    """What a window that has the process to itself does once it is drawn: workers get ready, garbage waits its turn."""
    from porelab_gui.gui.collecting import Collector

    window.context.session.queue.warm_up()
    window.context.layers.collector = Collector(window.main)


def open_window(*, show: bool = True, size: tuple[int, int] | None = None) -> PorelabWindow:
    """Our own window, ready for use; ``size`` is width and height in pixels."""
    import napari

    viewer = napari.Viewer(title=TITLE, show=False, show_welcome_screen=False)
    window = attach(viewer)
    window.own_the_window()
    sys.setswitchinterval(SWITCH_SECONDS)
    if show:
        viewer.window.show()
    window.main.resize(*(size or _sensible_size(window.main)))
    window.arrange()
    return window


def attach(viewer: Any, *, docks: bool = True) -> PorelabWindow:
    """PoreLab in a viewer, the same object however often it is asked for; with ``docks`` they are shown."""
    viewer = getattr(viewer, "__wrapped__", viewer)  # a plugin is handed a proxy
    window = _attached.get(viewer)
    if window is None:
        _attached[viewer] = window = _make(viewer)
    if docks:
        window.add_docks()
    return window


def _make(viewer: Any) -> PorelabWindow:
    from porelab_gui.gui.context import Context, Selection
    from porelab_gui.gui.layers import Layers
    from porelab_gui.gui.main_window import PorelabWindow
    from porelab_gui.gui.toasts import Toasts
    from porelab_gui.gui.workers import Bridge
    from porelab_gui.session.jobs import JobQueue
    from porelab_gui.session.session import Session

    qt_viewer = viewer.window._qt_viewer
    session = Session(JobQueue(deliver=Bridge(qt_viewer)))
    toasts = Toasts(qt_viewer.canvas.native, viewer)
    selection = Selection()
    layers = Layers(viewer, session, selection)
    context = Context(viewer, session, layers, toasts.notify, toasts.report, selection)
    return PorelabWindow(viewer, context, toasts)


def log_to_file() -> None:
    """Errors and warnings of ours go to a file that turns over at 1 MB."""
    path = preferences.log_path()
    logger = logging.getLogger("porelab")
    if any(isinstance(h, RotatingFileHandler) for h in logger.handlers):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=2, encoding="utf-8", delay=True)
    except OSError:
        logger.warning("no log is kept: %s cannot be written", path)
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logging.getLogger("porelab_gui").addHandler(handler)


def _sensible_size(main: Any) -> tuple[int, int]:
    room = main.screen().availableGeometry()
    return min(1600, room.width()), min(1000, room.height())
