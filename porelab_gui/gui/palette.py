"""The colours of named phases: the same phase has the same colour everywhere."""

from __future__ import annotations

from collections.abc import Mapping

# by words in the name of a phase, the first that occurs
NAMED = {
    "inorganic pore": "#29b6f6",
    "organic pore": "#e4572e",
    "organic matter": "#8d6e63",
    "pore": "#29b6f6",
    "void": "#29b6f6",
    "crack": "#ffd54f",
    "pyrite": "#fff176",
    "clay": "#a1887f",
    "binder": "#ba68c8",
    "water": "#4dd0e1",
    "gas": "#fff59d",
}
OTHERS = ("#66bb6a", "#ab47bc", "#ffa726", "#ec407a", "#26a69a", "#d4e157", "#5c6bc0", "#ff7043")
CLEAR = ("matrix", "background", "solid")


def phase_colours(phases: Mapping[int, str], chosen: Mapping[int, str] | None = None) -> dict[int | None, str]:
    """A colour for every label (None: labels without a name); the matrix is clear, so that the image shows through.

    ``chosen`` are colours that a person gave; they win.
    """
    colours: dict[int | None, str] = {None: "#9e9e9e", 0: "transparent"}
    spare = iter(OTHERS * (1 + len(phases) // len(OTHERS)))
    for label, name in phases.items():
        known = next((c for word, c in NAMED.items() if word in name.lower()), None)
        if known is None and (label == 0 or any(word in name.lower() for word in CLEAR)):
            known = "transparent"
        colours[label] = known or next(spare)
    for label, colour in (chosen or {}).items():
        colours[label] = colour
    return colours
