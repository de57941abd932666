"""One button: the session as an HTML page, a PDF, BibTeX, a recipe and a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QBuffer, QIODevice, QUrl
from qtpy.QtGui import QDesktopServices, QImage
from qtpy.QtWidgets import QFileDialog, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.progress import Progress
from porelab_gui.core.report.page import Report, gather, title_of, write
from porelab_gui.gui.context import Context
from porelab_gui.gui.disk_job import disk_job
from porelab_gui.gui.pdf import write_pdf
from porelab_gui.session.jobs import Job


def ask_report(context: Context, parent: QWidget) -> Job | None:
    """Ask for a folder and write the report there."""
    if not context.session.items:
        context.notify("There is nothing to report yet. Load an image first.", "warning")
        return None
    chosen, _ = QFileDialog.getSaveFileName(parent, "Report as a folder", "report")
    return write_report(context, Path(chosen)) if chosen else None


def write_report(context: Context, folder: Path) -> Job:
    """Draw and write in the background; the PDF is set when the page is there."""
    items, recipe = dict(context.session.items), context.session.recipe
    views = {"The window as it was when the report was made.": _canvas(context)}
    made: list[Report] = []

    def work(progress: Progress) -> None:
        made.append(gather(items, recipe, title_of(recipe), views, progress))
        write(made[0], folder)

    def done() -> None:
        try:
            write_pdf(made[0], folder / "report.pdf")
        except PorelabError as error:
            context.report(error)
            return
        page = QUrl.fromLocalFile(str(folder / "report.html"))
        context.notify(f"Report written in {folder.name}.", action=("Show it", lambda: QDesktopServices.openUrl(page)))

    return disk_job(context.session, "report", "Write report", work, done)


def _canvas(context: Context) -> bytes:
    """The canvas as it is seen, as PNG."""
    picture: Any = context.viewer.screenshot(canvas_only=True, flash=False)
    height, width = picture.shape[:2]
    image = QImage(picture.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data().data())
