"""Screenshots of the whole window, canvas included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QCoreApplication
from qtpy.QtGui import QImage

from porelab_gui.core.errors import PorelabError


def whole_window(viewer: Any, path: Path) -> None:
    """Grab the window as it is on the screen and write PNG; PorelabError when the file cannot be written."""
    for _ in range(3):  # a dock that has just been shown lays itself out in the turns that follow
        QCoreApplication.processEvents()
    image: QImage = viewer.window._qt_window.grab().toImage()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not image.save(str(path), "PNG"):
        raise PorelabError("the picture could not be written", where=path, remedy="Choose another folder.")
