"""What the charts of the Ions dock draw, from the tables that the Methods give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.nouns import Table
from porelab_gui.gui.theme import Colours

Array = NDArray[np.float64]
PALETTE = ("#4c9be8", "#f2994a", "#5fbf77", "#c77dff", "#e05c5c", "#c9a227", "#2bb3b1", "#9e8cff")
CLASSIC, NEURAL = "#4c9be8", "#f2994a"
SIGNS = {1: "⁺", -1: "⁻"}
RAISED = {2: "²", 3: "³", 4: "⁴"}


def label(name: str, charge: float) -> str:
    """Mg and 2 read Mg²⁺; an uncharged solute keeps its name."""
    z = round(charge)
    if not z:
        return name
    lowered = "".join("₀₁₂₃₄₅₆₇₈₉"[int(c)] if c.isdigit() else c for c in name)
    return lowered + RAISED.get(abs(z), "") + SIGNS[1 if z > 0 else -1]


def colour(k: int) -> str:
    """Of the ion in that place of the feed, the same in every chart."""
    return PALETTE[k % len(PALETTE)]


def draw_bars(axes: Any, chosen: Colours, rejections: Table, neural: Table | None, strengths: bool = False) -> None:
    """Observed rejection per ion: DSPM-DE, and beside it the neural equation with its uncertainty."""
    words = "neural, fitted strengths" if strengths else "neural"
    names = [label(n, z) for n, z in zip(rejections["ion"], rejections["charge"], strict=True)]
    x, wide = np.arange(len(names)), 0.38 if neural is not None else 0.6
    shift = wide / 2 if neural is not None else 0.0
    axes.bar(x - shift, rejections["rejection"], wide, color=CLASSIC, label="DSPM-DE")
    if neural is not None:
        ends = np.abs(np.stack([neural["neural"] - neural["lower"], neural["upper"] - neural["neural"]]))
        bars = {"ecolor": chosen.text, "capsize": 3, "elinewidth": 1}
        axes.bar(
            x + shift,
            neural["neural"],
            wide,
            yerr=ends,
            color=NEURAL,
            label=f"{words}, ± 2 standard errors",
            error_kw=bars,
        )
    axes.axhline(0, color=chosen.quiet, lw=0.8)
    axes.set_xticks(x, names)
    low = float(np.nanmin([0.0, *rejections["rejection"], *(neural["lower"] if neural is not None else [])]))
    axes.set_ylim(1.08 * low, 1.12)
    axes.set_ylabel("rejection")
    legend_of(axes, chosen, loc="lower left", bbox_to_anchor=(-0.1, 1.0), ncols=2)


def draw_profiles(axes: Any, chosen: Colours, profiles: Table, names: Sequence[str], charges: Sequence[float]) -> None:
    """Concentrations in the pore against depth."""
    depth = profiles["x"] * 1e6
    top = 0.0
    for k, (name, z) in enumerate(zip(names, charges, strict=True)):
        values = profiles[f"c.{name}"]
        axes.plot(depth, values, color=colour(k), lw=1.5, label=label(name, z))
        top = max(top, float(values.max()))
    axes.set_ylim(0, 1.05 * top or 1.0)
    axes.set_xlabel("depth from the feed side [µm]")
    axes.set_ylabel("c in the pore [mol/m³]")
    legend_of(axes, chosen, loc="lower left", bbox_to_anchor=(-0.1, 1.0), ncols=len(names))


def draw_potential(axes: Any, chosen: Colours, profiles: Table) -> None:
    """Potential in the pore against depth."""
    axes.plot(profiles["x"] * 1e6, profiles["potential"] * 1e3, color=chosen.text, lw=1.5)
    axes.set_xlabel("depth from the feed side [µm]")
    # above, as beside five-digit ticks a label would have no room
    axes.set_title("potential [mV]", loc="left", fontsize=8.5, color=chosen.text)
    axes.margins(y=0.15)


def draw_curves(
    axes: Any, chosen: Colours, x: Array, at: float, title: str, rejection: Sequence[Array], names: Sequence[str]
) -> None:
    """Rejection of every ion against flux or pore radius; a line where the membrane is now."""
    for k, (values, name) in enumerate(zip(rejection, names, strict=True)):
        axes.plot(x, values, color=colour(k), lw=1.5, label=name)
    axes.axvline(at, color=chosen.quiet, lw=1, ls=":")
    axes.axhline(0, color=chosen.quiet, lw=0.8)
    axes.set_xlim(x[0], x[-1])
    axes.set_xlabel(title)
    axes.set_ylabel("rejection")
    legend_of(axes, chosen, loc="lower left", bbox_to_anchor=(-0.1, 1.0), ncols=len(names))


def draw_pairs(axes: Any, chosen: Colours, matrix: Array, names: Sequence[str], title: str) -> None:
    """An ion-by-ion picture; the diagonal says nothing of a pair and stays empty."""
    shown = np.array(matrix, float)
    np.fill_diagonal(shown, np.nan)
    high = float(np.nanmax(shown)) if np.isfinite(shown).any() else 1.0
    axes.imshow(shown, cmap="viridis", vmin=0.0, vmax=high or 1.0, aspect="auto")
    for i, j in zip(*np.nonzero(np.isfinite(shown)), strict=True):
        dark = shown[i, j] < 0.6 * (high or 1.0)
        axes.text(j, i, short(shown[i, j]), ha="center", va="center", fontsize=7, color="white" if dark else "black")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(labelsize=6, length=0)
    axes.set_title(title, fontsize=8.5, color=chosen.text)


def short(value: float) -> str:
    """Three characters at most, for a cell of a matrix: .05, .48, 1.2, 4."""
    if abs(value - round(value)) < 5e-3 and abs(value) >= 0.5:
        return f"{value:.0f}"
    return f"{value:.2f}".lstrip("0") if value < 0.995 else f"{value:.1f}"


def draw_spread(
    axes: Any, chosen: Colours, rejection: dict[str, Array], share: Array, mixed: dict[str, float], names: Sequence[str]
) -> None:
    """How the rejections of a network's throats are spread, each throat by its share of the flow."""
    every = np.concatenate([v[np.isfinite(v)] for v in rejection.values()])
    low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    pad = max(0.02, 0.03 * (high - low))
    edges = np.linspace(low - pad, min(high + pad, 1.0 + pad), 41)
    for k, (key, values) in enumerate(rejection.items()):
        good = np.isfinite(values)
        counts, _ = np.histogram(values[good], edges, weights=share[good])
        axes.stairs(counts, edges, color=colour(k), lw=1.5, label=names[k])
        axes.axvline(mixed[key], color=colour(k), lw=1, ls=":")
    axes.set_xlabel("rejection of a throat (dotted: of all permeates together)")
    axes.set_ylabel("share of the flow")
    legend_of(axes, chosen, loc="lower left", bbox_to_anchor=(-0.1, 1.0), ncols=len(names))


def legend_of(axes: Any, chosen: Colours, **options: Any) -> None:
    """A legend above the axes in the colours of the theme."""
    small = {"fontsize": 7.5, "frameon": False, "borderaxespad": 0.1, "handlelength": 0.8, "handletextpad": 0.3}
    made = axes.legend(**small, columnspacing=0.7, **options)
    for text in made.get_texts():
        text.set_color(chosen.text)
