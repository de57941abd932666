"""A Matplotlib figure in the theme's colours, made when it is first shown, saved as PNG, SVG, PDF or CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFileDialog, QLabel, QVBoxLayout, QWidget

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import PorelabError
from porelab_gui.gui.context import Context
from porelab_gui.gui.theme import Colours, colours

FORMATS = ("png", "svg", "pdf", "csv")
FILTER = "Picture (*.png);;Vector graphics (*.svg);;PDF (*.pdf);;Numbers (*.csv)"


class PlotCanvas(QWidget):
    """One set of axes. ``draw`` is called with (axes, colours) whenever the plot is stale and can be seen.

    ``clicked(x, y, event)`` in data coordinates. A mark is drawn on top of the finished picture without drawing the
    picture again. ``numbers`` gives the columns of the plot for the CSV file. ``margins`` (left, right, top, bottom in
    points) take the place of a layout that measures every text: for plots that follow a hand.
    """

    clicked = Signal(float, float, object)

    def __init__(
        self,
        context: Context,
        draw: Callable[[Any, Colours], None],
        margins: tuple[float, float, float, float] | None = None,
    ) -> None:
        super().__init__()
        self._margins = margins
        self.context = context
        self._draw = draw
        self._figure: Any = None
        self._canvas: Any = None
        self.axes: Any = None
        self._mark: Any = None
        self._picture: Any = None
        self._stale = True
        self.numbers: Callable[[], Mapping[str, NDArray[Any]]] = dict
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.hide()
        self._column.addWidget(self.message)
        self.setMinimumHeight(120)
        self._timer = QTimer(self, singleShot=True, interval=20)
        self._timer.timeout.connect(self._redraw)
        context.viewer.events.theme.connect(self._on_theme)
        self.destroyed.connect(lambda: context.viewer.events.theme.disconnect(self._on_theme))

    @property
    def made(self) -> bool:
        """Whether the figure is there; it is not before the plot is first looked at."""
        return self._canvas is not None

    def refresh(self) -> None:
        """Draw again, when it is looked at."""
        self._stale = True
        if self.isVisible():
            self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._timer.start()

    def mark(self, x: float | None, y: float | None) -> None:
        """Put a ring at a place (None: nowhere); with y None a line across at x."""
        if self._canvas is None or self._mark is None:
            return
        ring, line = self._mark
        ring.set_data(([x], [y]) if x is not None and y is not None else ([], []))
        line.set_visible(x is not None and y is None)
        if x is not None:
            line.set_xdata([x, x])
        if self._picture is not None:
            self._canvas.restore_region(self._picture)
            self._put_mark()
            self._canvas.blit(self._figure.bbox)

    @property
    def marked(self) -> tuple[float, float] | None:
        """Where the ring or line is; the y of a line is NaN."""
        if self._mark is None:
            return None
        ring, line = self._mark
        if line.get_visible():
            return float(line.get_xdata()[0]), float("nan")
        return (float(ring.get_xdata()[0]), float(ring.get_ydata()[0])) if len(ring.get_xdata()) else None

    def to_pixels(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
        """Where data coordinates are on the canvas, (n, 2) in pixels."""
        pixels: NDArray[np.float64] = self.axes.transData.transform(np.stack([x, y], axis=1))
        return pixels

    def save(self, path: Path) -> None:
        """Write the plot in the format of the file's ending; a failure is a toast and leaves nothing behind."""
        kind = path.suffix.lower().removeprefix(".")
        try:
            if kind not in FORMATS:
                raise PorelabError(f"a plot is not saved as .{kind}", where=path, remedy="Choose PNG, SVG, PDF or CSV.")
            self.write(path, kind)
            self.context.notify(f"Saved {path.name}.", "info")
        except PorelabError as error:
            self.context.report(error)

    def ask_save(self) -> None:
        """Ask for a file and save."""
        name, chosen = QFileDialog.getSaveFileName(self, "Save plot", "plot.png", FILTER)
        if name:
            ending = chosen[chosen.rfind("*.") + 1 : -1] if chosen else ".png"
            self.save(Path(name if Path(name).suffix else name + ending))

    def write(self, path: Path, kind: str) -> None:
        """Write the plot as it would be drawn now, as png, svg, pdf or csv."""
        if kind == "csv":
            columns = self.numbers()
            with writing(path, "w") as handle:
                handle.write(",".join(f'"{k}"' for k in columns) + "\n")
                if columns:
                    handle.writelines(
                        ",".join(f"{v:.10g}" for v in row) + "\n" for row in zip(*columns.values(), strict=True)
                    )
            return
        self._ensure()
        if self._stale:
            self._redraw()
        with writing(path) as handle:
            self._figure.savefig(handle, format=kind, dpi=200, facecolor=self._figure.get_facecolor())

    def _ensure(self) -> None:
        """Import Matplotlib and make the figure."""
        if self._canvas is not None:
            return
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure

        self._figure = Figure(layout="tight" if self._margins is None else None)
        self._canvas = FigureCanvasQTAgg(self._figure)
        self._canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # nothing in it answers to keys
        self._canvas.setAccessibleName("Plot")
        self.axes = self._figure.add_subplot()
        self._canvas.mpl_connect("button_press_event", self._on_click)
        self._canvas.mpl_connect("draw_event", self._on_drawn)
        self._canvas.mpl_connect("resize_event", lambda _: self._place())
        self._column.addWidget(self._canvas, 1)

    def _redraw(self) -> None:
        self._ensure()
        self._stale = False
        chosen = colours(self.context.viewer)
        self.axes.clear()
        dress(self._figure, self.axes, chosen)
        self._place()
        self._draw(self.axes, chosen)
        ring = self.axes.plot([], [], "o", ms=11, mfc="none", mec="#ffb300", mew=2.5, animated=True, zorder=9)[0]
        middle = float(np.mean(self.axes.get_xlim()))  # anywhere else it would widen the axis
        line = self.axes.axvline(middle, color="#ffb300", lw=2, animated=True, visible=False)
        self._mark = (ring, line)
        self._canvas.draw_idle()

    def _place(self) -> None:
        """Put the axes between the margins."""
        if self._margins is None:
            return
        left, right, top, bottom = self._margins
        wide, high = (max(float(v), 0.5) * 72 for v in self._figure.get_size_inches())
        spans = {"left": left / wide, "right": 1 - right / wide, "bottom": bottom / high, "top": 1 - top / high}
        if spans["left"] < spans["right"] and spans["bottom"] < spans["top"]:
            self._figure.subplots_adjust(**spans)

    def _on_drawn(self, event: Any) -> None:
        self._picture = self._canvas.copy_from_bbox(self._figure.bbox)
        self._put_mark()

    def _put_mark(self) -> None:
        for artist in self._mark or ():
            if artist.get_visible():
                self.axes.draw_artist(artist)

    def _on_click(self, event: Any) -> None:
        if event.inaxes is self.axes and event.button == 1:
            self.clicked.emit(float(event.xdata), float(event.ydata), event)

    def _on_theme(self, event: object = None) -> None:
        self.refresh()


def dress(figure: Any, axes: Any, chosen: Colours) -> None:
    """Give figure and axes the colours of the theme."""
    figure.set_facecolor(chosen.background)
    axes.set_facecolor(chosen.background)
    for spine in axes.spines.values():
        spine.set_color(chosen.quiet)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=chosen.text, labelsize=8)
    axes.xaxis.label.set(color=chosen.text, fontsize=8.5)
    axes.yaxis.label.set(color=chosen.text, fontsize=8.5)
    axes.title.set(color=chosen.text, fontsize=9)
