"""Morphology: the form, all numbers as a table, the curves as plots, and one button that saves everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QHeaderView, QLabel, QPushButton, QVBoxLayout, QWidget

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.nouns import Table
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.plots.morphology import PICTURES, Picture
from porelab_gui.gui.tables import TableView
from porelab_gui.gui.theme import Colours, role

PREFIX = "morphology "
EMPTY = "Measure a phase, and its numbers and curves are shown here."


class MorphologyPage(QWidget):
    """The newest measures of the session: ``morphology summary`` and the tables of its curves."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.form = MethodForm(context, "morphology", button="Measure")
        for port, line in self.form.outputs.items():
            line.setText(PREFIX + port)
        column.addWidget(self.form)
        column.addWidget(role(QLabel("Results"), "section"))
        self.empty = QLabel(EMPTY)
        self.empty.setWordWrap(True)
        column.addWidget(role(self.empty, "quiet"))
        self.results = QWidget()
        column.addWidget(self.results)
        self._add_results(QVBoxLayout(self.results))
        context.session.changed.connect(self._on_session)
        self.refresh()

    def _add_results(self, column: QVBoxLayout) -> None:
        column.setContentsMargins(0, 0, 0, 0)
        self.table = TableView(self.context)
        self.table.grid.setObjectName("morphology_table")
        column.addWidget(self.table)
        row = QHBoxLayout()
        self.picture, self.save_plot = QComboBox(), QPushButton("Save plot …")
        self.picture.addItems([p.title for p in PICTURES])
        self.picture.setObjectName("picture")
        row.addWidget(self.picture, 1)
        row.addWidget(self.save_plot)
        column.addLayout(row)
        self.plot = PlotCanvas(self.context, self._draw)
        self.plot.numbers = self._numbers
        self.plot.setFixedHeight(230)
        column.addWidget(self.plot)
        self.save_all = QPushButton("Save all tables and plots …")
        self.save_all.setToolTip("Every table as CSV and every plot as PNG into a folder.")
        column.addWidget(self.save_all)
        self.picture.currentIndexChanged.connect(lambda _: self.plot.refresh())
        self.save_plot.clicked.connect(self.plot.ask_save)
        self.save_all.clicked.connect(self._ask_folder)

    def refresh(self) -> None:
        """Show the newest measures."""
        summary = self.found("summary")
        self.empty.setVisible(summary is None)
        self.results.setVisible(summary is not None)
        self.table.show_table(summary)
        header = self.table.grid.horizontalHeader()
        if summary is not None:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.fit_height()
        self.plot.refresh()

    def found(self, port: str) -> Table | None:
        """The table of an output, when the session has one with rows."""
        noun = self.context.session.items.get(PREFIX + port)
        return noun if isinstance(noun, Table) and len(noun) else None

    def save_everything(self, folder: Path) -> list[Path]:
        """Write every table and every plot; a failure is a toast. What was written."""
        from porelab_gui.core.export.methods import export
        from porelab_gui.core.progress import silent

        made: list[Path] = []
        before = self.picture.currentIndex()
        try:
            for port in ("summary", *dict.fromkeys(p.port for p in PICTURES)):
                table = self.found(port)
                if table is not None:
                    made += export(table, folder / f"{PREFIX}{port}.csv".replace(" ", "_"), silent)
            for k, picture in enumerate(PICTURES):
                if self.found(picture.port) is not None:
                    self.picture.setCurrentIndex(k)
                    path = folder / (PREFIX + picture.title.lower() + ".png").replace(" ", "_")
                    self.plot.refresh()
                    self.plot.write(path, "png")
                    made.append(path)
            self.context.notify(f"Saved {len(made)} files in {folder.name}.")
        except PorelabError as error:
            self.context.report(error)
        finally:
            self.picture.setCurrentIndex(before)
        return made

    @property
    def _chosen(self) -> Picture:
        return PICTURES[max(0, self.picture.currentIndex())]

    def _draw(self, axes: Any, chosen: Colours) -> None:
        table = self.found(self._chosen.port)
        if table is None:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "not measured", ha="center", color=chosen.quiet, transform=axes.transAxes)
            return
        self._chosen.draw(axes, table, chosen)

    def _numbers(self) -> dict[str, Any]:
        table = self.found(self._chosen.port)
        if table is None:
            return {}
        numbers = {k: c for k, c in table.columns.items() if c.values.dtype.kind in "iufb"}
        return {f"{k} [{c.unit or '1'}]": np.asarray(c.values, float) for k, c in numbers.items()}

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Save all tables and plots in")
        if name:
            self.save_everything(Path(name))

    def _on_session(self, names: tuple[str, ...]) -> None:
        if any(n.startswith(PREFIX) for n in names):
            self.refresh()
