"""Drawings of the curves that ``morphology`` makes: one function per table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from porelab_gui.core.nouns import Table
from porelab_gui.gui.numbers import readable_scale
from porelab_gui.gui.plots.curves import LINES
from porelab_gui.gui.theme import Colours

AXIS_COLOURS = {"z": LINES[0], "y": LINES[1], "x": LINES[2], "all": "#9aa0a6"}


def _groups(table: Table, key: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    names = table[key]
    for name in dict.fromkeys(names.tolist()):
        yield str(name), names == name


def _lines(axes: Any, table: Table, key: str, x: str, y: str) -> str:
    """A line per direction; the unit of x."""
    factor, unit = readable_scale(float(np.max(table[x])), "m")
    for name, rows in _groups(table, key):
        axes.plot(factor * table[x][rows], table[y][rows], color=AXIS_COLOURS.get(name), lw=1.3, label=name)
    return unit


def _legend(axes: Any, c: Colours) -> None:
    """In a row above the axes, where no curve is."""
    place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": 4, "columnspacing": 1.2, "borderaxespad": 0.2}
    for text in axes.legend(fontsize=8, frameon=False, **place).get_texts():
        text.set_color(c.text)


def profiles(axes: Any, table: Table, c: Colours) -> None:
    """Fraction of the phase in each plane along the three axes."""
    unit = _lines(axes, table, "axis", "position", "fraction")
    axes.set_xlabel(f"position [{unit}]")
    axes.set_ylabel("fraction in the plane [1]")
    _legend(axes, c)


def two_point(axes: Any, table: Table, c: Colours) -> None:
    """Two-point probability over distance."""
    unit = _lines(axes, table, "direction", "distance", "probability")
    axes.set_xlabel(f"distance [{unit}]")
    axes.set_ylabel("two-point probability [1]")
    _legend(axes, c)


def chords(axes: Any, table: Table, c: Colours) -> None:
    """How often chords of each length occur, per direction."""
    factor, unit = readable_scale(float(np.max(table["length"], initial=1e-9)), "m")
    for name, rows in _groups(table, "direction"):
        share = table["count"][rows] / max(1, table["count"][rows].sum())
        axes.plot(factor * table["length"][rows], share, color=AXIS_COLOURS.get(name), lw=1.2, label=name)
    axes.set_yscale("log")
    axes.set_xlabel(f"chord length [{unit}]")
    axes.set_ylabel("share of chords [1]")
    _legend(axes, c)


def pore_sizes(axes: Any, table: Table, c: Colours) -> None:
    """Local thickness: share of the phase per diameter, and at least that thick."""
    factor, unit = readable_scale(float(np.max(table["diameter"])), "m")
    size = factor * table["diameter"]
    width = np.diff(np.append(size, size[-1] * size[-1] / size[-2] if len(size) > 1 else 2 * size[-1]))
    axes.bar(size, table["fraction"], width=0.9 * width, align="edge", color=LINES[0], label="share")
    axes.plot(size, table["at_least"], color=LINES[1], lw=1.4, label="at least this thick")
    axes.set_xscale("log")
    axes.set_xlabel(f"local thickness [{unit}]")
    axes.set_ylabel("fraction of the phase [1]")
    _legend(axes, c)


def _power(axes: Any, edge: NDArray[Any], values: NDArray[Any], sign: int, title: str, c: Colours) -> None:
    """Points on logarithmic axes with the power law that the summary reports."""
    good = np.isfinite(values) & (values > 0)
    axes.loglog(edge[good], values[good], "o", ms=4, color=LINES[0])
    if good.sum() > 1:
        slope, shift = np.polyfit(np.log(edge[good]), np.log(values[good]), 1)
        axes.loglog(edge[good], np.exp(shift) * edge[good] ** slope, color=LINES[1], lw=1.2, label=f"slope {slope:.3f}")
        _legend(axes, c)
    axes.set_xticks(edge, [f"{e:.0f}" for e in edge])
    axes.minorticks_off()
    if good.any() and values[good].max() < 10 * values[good].min():  # less than a decade has no power of ten to name
        ticks = MaxNLocator(4).tick_values(values[good].min(), values[good].max())
        ticks = ticks[(ticks > 0.9 * values[good].min()) & (ticks < 1.1 * values[good].max())]
        axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.set_xlabel("edge of the box [voxel]")
    axes.set_ylabel(title)


def boxes(axes: Any, table: Table, c: Colours) -> None:
    """Box counts; minus the slope is the fractal dimension."""
    _power(axes, table["edge"].astype(float), table["boxes"].astype(float), -1, "boxes with the phase", c)


def lacunarity(axes: Any, table: Table, c: Colours) -> None:
    """Gliding-box lacunarity."""
    _power(axes, table["edge"].astype(float), table["lacunarity"].astype(float), 1, "lacunarity [1]", c)


def aspect_ratios(axes: Any, table: Table, c: Colours) -> None:
    """Aspect ratios of the single pores, by volume."""
    edges = np.linspace(0, 1, 21)
    share, _ = np.histogram(table["aspect_ratio"], edges, weights=table["volume"])
    total = max(float(table["volume"].sum()), 1e-300)
    axes.bar(edges[:-1], share / total, width=0.9 * np.diff(edges), align="edge", color=LINES[0])
    axes.set_xlabel("aspect ratio, shortest / longest [1]")
    axes.set_ylabel("share of pore volume [1]")


def representative(axes: Any, table: Table, c: Colours) -> None:
    """Fraction in cubes of growing edge: mean, and one deviation to both sides."""
    factor, unit = readable_scale(float(np.max(table["edge"])), "m")
    edge, mean, spread = factor * table["edge"], table["mean"], table["deviation"]
    axes.fill_between(edge, mean - spread, mean + spread, color=LINES[0], alpha=0.35, lw=0, label="± deviation")
    axes.plot(edge, mean, "o-", ms=3, color=LINES[0], lw=1.2, label="mean")
    axes.set_ylim(bottom=max(0.0, float((mean - spread).min())))
    axes.set_xlabel(f"edge of the cube [{unit}]")
    axes.set_ylabel("fraction of the phase [1]")
    _legend(axes, c)


@dataclass(frozen=True)
class Picture:
    """A plot of the panel: its title, the output of the Method that it shows, and how."""

    title: str
    port: str
    draw: Callable[[Any, Table, Colours], None]


PICTURES = (
    Picture("Porosity profile", "profiles", profiles),
    Picture("Representative volume", "rev", representative),
    Picture("Two-point correlation", "two_point", two_point),
    Picture("Chord lengths", "chords", chords),
    Picture("Pore-size distribution", "pore_sizes", pore_sizes),
    Picture("Box counting", "boxes", boxes),
    Picture("Lacunarity", "boxes", lacunarity),
    Picture("Aspect ratios", "bodies", aspect_ratios),
)
