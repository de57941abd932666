"""What the colours on the canvas mean, in words over its upper edge."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import Any

from porelab_gui.gui.network.view import NetworkView

BARS, LETTER = 110, 9.5  # pixels for the colour bars and for a letter
NO_BREAK = "\u00a0"


def canvas_of(viewer: Any) -> Any:
    """napari's canvas, where there is a window."""
    return getattr(getattr(getattr(viewer, "window", None), "_qt_viewer", None), "canvas", None)


def title_canvas(viewer: Any, views: Iterable[NetworkView]) -> None:
    """Name what throats, pores and the fields in sight are coloured by; nothing over a grid, whose cells have names."""
    text, lines = viewer.canvas.overlays.text, title_lines(viewer, views)
    text.text, text.visible = "\n".join(lines), bool(lines) and not viewer.canvas.grid.enabled


def place_overlays(viewer: Any) -> None:
    """Bars and titles to their places now. napari does it while it draws, and then has to draw all once more."""
    place = getattr(canvas_of(viewer), "_update_overlay_canvas_positions", None)
    if place is not None:
        place()


def title_lines(viewer: Any, views: Iterable[NetworkView]) -> list[str]:
    """The lines of the title, none wider than the canvas beside the colour bars."""
    lines: list[str] = []
    width = max(24, int((viewer.canvas.size[1] - BARS) / LETTER))
    for view in views:
        for what, title in (("throats (upper bar)", view.throat_title), ("pores (lower bar)", view.pore_title)):
            words, bracket, unit = title.partition("[")
            whole = f"{what}: {words}{bracket}{unit.replace(' ', NO_BREAK)}"
            lines += wrap(whole, width) if title else []
    for layer in viewer.layers:
        if layer.visible and "bar" in layer.metadata:
            lines += wrap(f"{layer.name}: {layer.metadata['bar'].replace(' ', NO_BREAK)}", width)
    return lines
