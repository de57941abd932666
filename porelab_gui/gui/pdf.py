"""The report as a PDF."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QMarginsF, QUrl
from qtpy.QtGui import QImage, QPageLayout, QPageSize, QPdfWriter, QTextDocument

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.report.page import Report, html

MARGIN_MM = 15


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
