"""Pictures that a training shows while it runs: slices side by side, predictions against the truth, a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.progress import Progress, show

MOST_PIXELS = 512
MOST_POINTS = 4000


@dataclass(frozen=True)
class Panels:
    """Images side by side, each (H, W): floats are drawn in grey, integers as classes 0, 1, 2 ...

    ``names`` are the phases behind the class numbers, for the key under the images.
    """

    images: Mapping[str, NDArray[np.generic]]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parity:
    """Predicted against true values (n,), on logarithmic axes when ``log``."""

    truth: NDArray[np.floating]
    predicted: NDArray[np.floating]
    title: str = ""
    unit: str = ""
    log: bool = False


@dataclass(frozen=True)
class Boxes:
    """Distributions side by side: for each quantity (with its unit) the values of each set, (n,) each.

    Drawn as box plots, or as histograms when ``histogram``.
    """

    sets: Mapping[str, Mapping[str, NDArray[np.floating]]]
    histogram: bool = False


@dataclass(frozen=True)
class Line:
    """Values (n,) by name against ``x`` (n,), for example a score against the amount of training data."""

    x: NDArray[np.floating]
    values: Mapping[str, NDArray[np.floating]]
    x_title: str = ""
    y_title: str = ""


Picture = Panels | Parity | Boxes | Line


def show_panels(
    progress: Progress, name: str, images: Mapping[str, NDArray[np.generic]], names: Sequence[str] = ()
) -> None:
    """Show images side by side; long ones are cropped to their first ``MOST_PIXELS`` rows and columns."""
    cut = {k: np.array(v[:MOST_PIXELS, :MOST_PIXELS]) for k, v in images.items()}
    show(progress, name, Panels(cut, tuple(names)))


def show_parity(
    progress: Progress,
    name: str,
    truth: NDArray[np.floating],
    predicted: NDArray[np.floating],
    unit: str = "",
    log: bool = False,
) -> None:
    """Show predicted against true values, at most ``MOST_POINTS`` of them."""
    step = max(1, -(-len(truth) // MOST_POINTS))
    show(progress, name, Parity(np.array(truth[::step]), np.array(predicted[::step]), name, unit, log))


def show_boxes(
    progress: Progress, name: str, sets: Mapping[str, Mapping[str, NDArray[np.floating]]], histogram: bool = False
) -> None:
    """Show the distributions of each quantity, one box (or histogram) per set."""
    kept = {quantity: {k: np.array(v) for k, v in values.items()} for quantity, values in sets.items()}
    show(progress, name, Boxes(kept, histogram))


def show_line(
    progress: Progress,
    name: str,
    x: NDArray[np.generic],
    values: Mapping[str, NDArray[np.generic]],
    x_title: str = "",
    y_title: str = "",
) -> None:
    """Show values against something else than time."""
    lines = {k: np.array(v, dtype=float) for k, v in values.items()}
    show(progress, name, Line(np.array(x, dtype=float), lines, x_title, y_title))
