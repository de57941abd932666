"""``porelab report PROJECT``: a project as an HTML page, a PDF and BibTeX, with recipe and script, without a window."""

from __future__ import annotations

import os
from pathlib import Path

from porelab_gui.cli.display import has_display
from porelab_gui.cli.parse import Parser
from porelab_gui.cli.terminal import Bar
from porelab_gui.core.errors import PorelabError
from porelab_gui.core.progress import within
from porelab_gui.core.report.page import Report, gather, title_of, write
from porelab_gui.session.project import open_project

PDF = "report.pdf"


def main(words: list[str]) -> int:
    """Open the project, write the report, print what was written; what could not be opened goes to stderr."""
    import sys

    parser = Parser(prog="porelab report", description=__doc__)
    parser.add_argument("project", type=Path, help="folder of a project")
    parser.add_argument("--folder", type=Path, default=Path("report"), metavar="F", help="where to (report)")
    given = parser.parse_args(words)
    with Bar("report") as bar:
        opened = open_project(given.project, within(bar, 0, 0.4))
        report = gather(opened.items, opened.recipe, title_of(opened.recipe), None, within(bar, 0.4, 0.9))
    for note in opened.notes:
        print(f"porelab: {note}", file=sys.stderr)
    written = [*write(report, given.folder), _pdf(report, given.folder / PDF)]
    print("\n".join(str(path) for path in written))
    return 0


def _pdf(report: Report, path: Path) -> Path:
    """The same page set by Qt, which needs no screen for it."""
    if not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        from qtpy.QtGui import QGuiApplication

        from porelab_gui.gui.pdf import write_pdf
    except ImportError as error:  # qtpy's own error is one when there is no Qt
        raise PorelabError("a PDF needs Qt", where=path, remedy="pip install 'porelab-gui[app]'.") from error
    app = QGuiApplication.instance() or QGuiApplication([])
    write_pdf(report, path)
    del app
    return path
