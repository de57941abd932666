"""File > Open recent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMenu

if TYPE_CHECKING:
    from porelab_gui.gui.main_window import PorelabWindow


class RecentMenu(QMenu):
    """The files and projects that were opened last, newest first; those that are gone are left out."""

    def __init__(self, window: PorelabWindow) -> None:
        super().__init__("Open recent", window.main)
        self._window = window
        self.aboutToShow.connect(self.fill)
        self.fill()

    def fill(self) -> None:
        """What there is now."""
        self.clear()
        paths = [Path(p) for p in self._window.settings.recent if Path(p).exists()]
        for path in paths:
            action = self.addAction(path.name)
            action.setToolTip(str(path))
            action.triggered.connect(lambda _=False, p=path: self._window.opener.open_one(p))
        if not paths:
            self.addAction("Nothing yet").setEnabled(False)
