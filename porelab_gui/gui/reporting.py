"""One button: the session as an HTML page, a PDF, BibTeX, a recipe and a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QBuffer, QIODevice, QMarginsF, QUrl
from qtpy.QtGui import QDesktopServices, QImage, QPageLayout, QPageSize, QPdfWriter, QTextDocument
from qtpy.QtWidgets import QFileDialog, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.progress import Progress
from porelab_gui.core.report.page import Report, gather, html, write
from porelab_gui.gui.context import Context
from porelab_gui.gui.disk_job import disk_job
from porelab_gui.session.jobs import Job

MARGIN_MM = 15


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
    title = f"PoreLab report: {', '.join(n for s in recipe.steps if s.method == 'load' for n in s.outputs.values())}"
    made: list[Report] = []

    def work(progress: Progress) -> None:
        made.append(gather(items, recipe, title.rstrip(": "), views, progress))
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


def write_pdf(report: Report, path: Path) -> None:
    """The report on A4 pages; PorelabError when the file cannot be written."""
    writer = QPdfWriter(str(path))
    writer.setTitle(report.title)
    writer.setResolution(150)
    margins = QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM)
    unit = QPageLayout.Unit.Millimeter
    layout = QPageLayout(QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Portrait, margins, unit)
    writer.setPageLayout(layout)
    document = QTextDocument()
    for picture in report.pictures:
        image = QImage.fromData(picture.data)
        document.addResource(QTextDocument.ResourceType.ImageResource.value, QUrl(picture.name), image)
    document.setHtml(html(report, embed=False))
    document.print_(writer)
    if not path.exists() or not path.stat().st_size:
        raise PorelabError("the PDF could not be written", where=path, remedy="Choose another folder.")


def _canvas(context: Context) -> bytes:
    """The canvas as it is seen, as PNG."""
    picture: Any = context.viewer.screenshot(canvas_only=True, flash=False)
    height, width = picture.shape[:2]
    image = QImage(picture.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data().data())
