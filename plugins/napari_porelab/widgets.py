"""The docks of PoreLab in a napari that somebody else has opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from porelab_gui.gui.main_window import PorelabWindow


def _window() -> PorelabWindow:
    """PoreLab of the viewer in front; made on the first call, the same object ever after."""
    import napari

    from porelab_gui.gui.app import attach

    viewer = napari.current_viewer()
    if viewer is None:
        raise RuntimeError("PoreLab needs an open napari window")
    return attach(viewer, docks=False)


def workflow() -> QWidget:
    """The stepper; jobs and plots come below the canvas with it."""
    from qtpy.QtCore import QTimer

    from porelab_gui.gui.main_window import WORKFLOW

    window = _window()
    window.stepper.show_step(window.stepper.current or next(iter(window.stepper.buttons)))
    QTimer.singleShot(0, lambda: window.add_docks(skip=(WORKFLOW,)))
    QTimer.singleShot(0, window.desk.offer_recovery)
    return window.stepper


def jobs() -> QWidget:
    """The jobs strip."""
    return _window().jobs


def plots() -> QWidget:
    """The plots."""
    window = _window()
    return window.make_plots()
