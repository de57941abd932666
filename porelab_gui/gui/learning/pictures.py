"""The last pictures of a training: slices, truth and prediction side by side, a parity plot or a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtGui import QResizeEvent

from porelab_gui.core.learning.pictures import Boxes, Line, Panels, Parity, Picture
from porelab_gui.gui.context import Context
from porelab_gui.gui.learning.boxes import draw_boxes
from porelab_gui.gui.palette import phase_colours
from porelab_gui.gui.plots.canvas import PlotCanvas, dress
from porelab_gui.gui.plots.curves import LINES
from porelab_gui.gui.theme import Colours


class PicturePlot(PlotCanvas):
    """One picture of a job, drawn with Matplotlib."""

    def __init__(self, context: Context, picture: Callable[[], Picture | None]) -> None:
        super().__init__(context, self._draw_picture)
        self._picture_of = picture
        self._extra: list[Any] = []

    def resizeEvent(self, event: QResizeEvent) -> None:
        """How many columns the key has depends on the room."""
        super().resizeEvent(event)
        self.refresh()

    def _draw_picture(self, axes: Any, chosen: Colours) -> None:
        for old in self._extra:
            old.remove()
        self._extra = []
        picture = self._picture_of()
        axes.set_axis_off()
        axes.set_in_layout(False)
        self._figure.get_layout_engine().set(rect=(0, 0, 1, 1))
        if isinstance(picture, Panels):
            self._draw_panels(picture, chosen)
        elif isinstance(picture, Parity):
            self._draw_parity(picture, chosen)
        elif isinstance(picture, Boxes):
            self._draw_boxes(picture, chosen)
        elif isinstance(picture, Line):
            plot = self._subplot(1, 0, chosen)
            draw_line(plot, picture, chosen)

    def _draw_boxes(self, picture: Boxes, chosen: Colours) -> None:
        for k, (quantity, sets) in enumerate(picture.sets.items()):
            draw_boxes(self._subplot(len(picture.sets), k, chosen), quantity, sets, chosen, picture.histogram)

    def _subplot(self, columns: int, k: int, chosen: Colours) -> Any:
        plot = self._figure.add_subplot(1, columns, k + 1)
        dress(self._figure, plot, chosen)
        self._extra.append(plot)
        return plot

    def _draw_panels(self, picture: Panels, chosen: Colours) -> None:
        palette, shown, plots = class_palette(picture.names), set(), []
        for k, (title, image) in enumerate(picture.images.items()):
            plot = self._subplot(len(picture.images), k, chosen)
            plot.set_axis_off()
            plot.set_title(title, fontsize=8)
            plots.append(plot)
            if image.dtype.kind == "f":
                low, high = np.percentile(image.astype(float), (1, 99))
                plot.imshow(image, cmap="gray", vmin=low, vmax=high)
            else:
                shown |= {int(v) for v in np.unique(image)}
                plot.imshow(palette[image.astype(int)], interpolation="nearest")
        key = self._add_key(picture.names, shown, palette, chosen) if plots else None
        if key is not None:
            self._extra.append(key)

    def _add_key(self, names: tuple[str, ...], shown: set[int], palette: Any, chosen: Colours) -> Any:
        """The key of the classes along the lower edge, in as many columns as fit, the plots above; None without one."""
        from matplotlib.patches import Patch

        classes = [v for v in sorted(shown - {-1}) if v < len(names)]
        if not classes:
            return None
        patches = [Patch(facecolor=palette[v], edgecolor=chosen.quiet, label=names[v]) for v in classes]
        figure, scale = self._figure, self._canvas.device_pixel_ratio
        room, height = self.width() * scale, max(1.0, self.height() * scale)  # the figure is fitted to them later
        for columns in (3, 2, 1):
            key = figure.legend(
                handles=patches, loc="lower center", ncols=columns, fontsize=6.5, frameon=False,
                labelcolor=chosen.text, handlelength=1.0, columnspacing=1.0, labelspacing=0.3, borderaxespad=0.1,
            )  # fmt: skip
            size = key.get_window_extent()
            if size.width <= room or columns == 1:
                break
            key.remove()
        figure.get_layout_engine().set(rect=(0, min(0.6, size.height / height), 1, 1))
        return key

    def _draw_parity(self, picture: Parity, chosen: Colours) -> None:
        plot = self._subplot(1, 0, chosen)
        plot.plot(picture.truth, picture.predicted, "o", ms=2.5, alpha=0.6, color=LINES[0], mec="none")
        both = np.concatenate([picture.truth, picture.predicted])
        both = both[np.isfinite(both) & ((both > 0) | (not picture.log))]
        if len(both):
            ends = [both.min(), both.max()]
            plot.plot(ends, ends, color=chosen.quiet, lw=1)
        if picture.log:
            plot.set_xscale("log")
            plot.set_yscale("log")
        unit = f" [{picture.unit}]" if picture.unit else ""
        plot.set_xlabel(f"truth{unit}")
        plot.set_ylabel(f"predicted{unit}")
        plot.set_title(picture.title)


def draw_line(plot: Any, picture: Line, chosen: Colours) -> None:
    """Draw a Line into axes."""
    for k, (name, values) in enumerate(picture.values.items()):
        plot.plot(picture.x, values, "o-", ms=4, lw=1.4, color=LINES[k % len(LINES)], label=name)
    plot.xaxis.get_major_locator().set_params(integer=True)
    plot.set_xlabel(picture.x_title)
    plot.set_ylabel(picture.y_title)
    if len(picture.values) > 1:
        legend = plot.legend(fontsize=7, frameon=False)
        for text in legend.get_texts():
            text.set_color(chosen.text)


def class_palette(names: tuple[str, ...]) -> Any:
    """RGB rows (n, 3) in 0..1 for class numbers, as the layers colour phases of these names."""
    from matplotlib.colors import to_rgb

    found = phase_colours(dict(enumerate(names)))
    rows = [(0.12, 0.12, 0.14)] * 256
    for number in range(256):
        colour = found.get(number)
        if colour is None and number >= len(names):
            rows[number] = to_rgb(LINES[number % len(LINES)])
        elif colour is not None and colour != "transparent":
            rows[number] = to_rgb(str(colour)[:7])
    return np.array(rows)
