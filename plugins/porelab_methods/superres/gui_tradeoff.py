"""The page "Correct until K is right": the form, and the error of K against the voxel error with a slider."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel, QPushButton, QSlider

from porelab_gui.core.nouns import Table
from porelab_gui.gui.context import Context
from porelab_gui.gui.forms import MethodForm
from porelab_gui.gui.plots.canvas import PlotCanvas
from porelab_gui.gui.plots.curves import LINES
from porelab_gui.gui.theme import Colours, role

NAME = "finetune_superres"
STEPS = 100


def best_for(voxel: NDArray[Any], k: NDArray[Any], share: float) -> int:
    """The epoch with the least weighted sum of both errors, each in units of its first value."""
    first = max(float(voxel[0]), 1e-12), max(float(k[0]), 1e-12)
    return int(np.argmin((1.0 - share) * voxel / first[0] + share * k / first[1]))


class TradeoffPage(MethodForm):
    """A slider from "the image counts" to "the permeability counts" marks the epoch that serves it best."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, NAME)
        self.plot = PlotCanvas(context, self._draw)
        self.plot.setMinimumHeight(240)
        self.plot.numbers = self._numbers
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("tradeoff")
        self.slider.setRange(0, STEPS)
        self.slider.setValue(STEPS // 2)
        self.slider.setToolTip("Left: only the voxel error counts. Right: only the error of K counts.")
        self.told = QLabel()
        self.told.setWordWrap(True)
        role(self.told, "quiet")
        self.use = QPushButton("Weigh the next correction so")
        self.use.setToolTip("Sets the weights of voxel error and of K in the form to this share.")
        for widget in (self.plot, self.slider, self.told, self.use):
            self._column.addWidget(widget)
        self.slider.valueChanged.connect(lambda _: self._tell())
        self.use.clicked.connect(self._take)
        context.session.changed.connect(self._on_session)
        self._on_session(())

    @property
    def share(self) -> float:
        """Share of K in the sum of both errors, 0..1."""
        return self.slider.value() / STEPS

    def curve(self) -> Table | None:
        """The newest fine-tuning."""
        found = self.context.session.items.get("tradeoff")
        return found if isinstance(found, Table) and {"voxel_error", "k_error"} <= set(found.columns) else None

    def chosen(self) -> int:
        """Row of the curve that the slider marks; -1 without a curve."""
        table = self.curve()
        return -1 if table is None else best_for(table["voxel_error"], table["k_error"], self.share)

    def _on_session(self, names: tuple[str, ...]) -> None:
        for widget in (self.plot, self.slider, self.told, self.use):
            widget.setVisible(self.curve() is not None)
        self.plot.refresh()
        self._tell()
        if "tradeoff" in names and self.curve() is not None:
            self.reveal(self.use)

    def _tell(self) -> None:
        table, row = self.curve(), self.chosen()
        if table is None:
            return
        voxel, k = float(table["voxel_error"][row]), float(table["k_error"][row])
        when = "before the correction" if table["epoch"][row] < 0 else f"after epoch {int(table['epoch'][row]) + 1}"
        self.told.setText(
            f"K counts {self.share:.0%}: best {when}, voxel error {voxel:.4g}, error of log10 K {np.sqrt(k):.3g} "
            "(by the surrogate)."
        )
        if self.plot.made:
            self.plot.mark(voxel, np.sqrt(k))

    def _take(self) -> None:
        """Weights in units of the first errors, so that the share means the same in the next run."""
        table = self.curve()
        if table is None:
            return
        voxel, k = (max(float(table[c][0]), 1e-12) for c in ("voxel_error", "k_error"))
        weight = round(self.share / k, 6)
        self.set_values({
            "surrogate_weight": weight, "ensemble_weight": weight, "voxel_weight": round((1.0 - self.share) / voxel, 6),
        })  # fmt: skip

    def _draw(self, axes: Any, chosen: Colours) -> None:
        table = self.curve()
        if table is None:
            axes.set_axis_off()
            return
        voxel, k = table["voxel_error"], np.sqrt(table["k_error"])
        axes.plot(voxel, k, "-", lw=1, color=chosen.quiet)
        axes.scatter(voxel[1:], k[1:], s=18, c=np.arange(len(k) - 1), cmap="viridis", zorder=3)
        axes.plot(voxel[:1], k[:1], "s", ms=7, color=LINES[1], label="before", zorder=4)
        axes.set_xlabel("voxel error (mean square)")
        axes.set_ylabel("error of log10 K (surrogate)")
        axes.xaxis.get_major_locator().set_params(nbins=3)  # the numbers of small differences are long
        legend = axes.legend(fontsize=7.5, frameon=False)
        for text in legend.get_texts():
            text.set_color(chosen.text)
        QTimer.singleShot(0, self._tell)  # the mark is laid over the finished picture

    def _numbers(self) -> dict[str, NDArray[Any]]:
        table = self.curve()
        return {} if table is None else {k: table[k] for k in ("epoch", "voxel_error", "k_error")}
