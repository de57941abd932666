"""Box plots and histograms of the same quantity in several sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.gui.plots.curves import LINES
from porelab_gui.gui.theme import Colours

BINS = 24


def draw_boxes(
    axes: Any, quantity: str, sets: Mapping[str, NDArray[np.floating]], chosen: Colours, histogram: bool = False
) -> None:
    """One box per set, or histograms of all sets over each other; values that are not finite are left out."""
    finite = {name: values[np.isfinite(values)] for name, values in sets.items()}
    if histogram:
        _histograms(axes, quantity, finite, chosen)
        return
    boxes = axes.boxplot(
        list(finite.values()), widths=0.6, patch_artist=True, flierprops={"marker": ".", "ms": 3, "mec": chosen.quiet}
    )
    for k, box in enumerate(boxes["boxes"]):
        box.set(facecolor=LINES[k % len(LINES)], edgecolor=chosen.text, lw=0.8)
    for line in (*boxes["whiskers"], *boxes["caps"]):
        line.set(color=chosen.quiet, lw=0.8)
    for line in boxes["medians"]:
        line.set(color=chosen.text, lw=1.2)
    axes.set_xticks(range(1, len(finite) + 1), list(finite))
    name, bracket, unit = quantity.partition(" [")
    axes.set_title(f"{name}\n{bracket.strip()}{unit}" if unit not in ("", "1]") else name, fontsize=8)


def _histograms(axes: Any, quantity: str, sets: Mapping[str, NDArray[np.floating]], chosen: Colours) -> None:
    every = np.concatenate([*sets.values(), np.zeros(0)])
    if not len(every):
        return
    edges = np.histogram_bin_edges(every, BINS)
    for k, (name, values) in enumerate(sets.items()):
        share = np.full(len(values), 1.0 / max(1, len(values)))
        label = f"{name} ({len(values)})"
        axes.hist(values, edges, weights=share, alpha=0.6, color=LINES[k % len(LINES)], label=label)
    axes.set_xlabel(quantity.removesuffix(" [1]"))
    axes.set_ylabel("share")
    legend = axes.legend(fontsize=7, frameon=False, handlelength=1.2)
    for text in legend.get_texts():
        text.set_color(chosen.text)
