"""From a column of a network to values on a colour scale: linear or log, differences, a share of what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.nouns import Column
from porelab_gui.gui.numbers import readable_scale

GREY = (0.36, 0.36, 0.36, 1.0)
MOST_DECADES = 8
SEQUENTIAL, DIVERGING = "viridis", "coolwarm"


@dataclass(frozen=True)
class Colouring:
    """What to colour by: a column, on a linear or log scale, or ``column`` minus ``minus``.

    On a log scale the sign of signed values is left out. ``limits`` in the unit of the column (None: from the data);
    ``within`` (low, high) in per cent of the ranking of the values keeps what lies between coloured and leaves the
    rest thin and grey.
    """

    column: str
    minus: str = ""
    log: bool = False
    limits: tuple[float, float] | None = None
    colormap: str = ""
    within: tuple[float, float] = (0.0, 100.0)

    @property
    def cmap(self) -> str:
        """The colormap to use: a diverging one for differences."""
        return self.colormap or (DIVERGING if self.minus else SEQUENTIAL)

    def found_in(self, columns: Mapping[str, Column]) -> bool:
        """Whether the columns that it names are there."""
        return self.column in columns and (not self.minus or self.minus in columns)

    @property
    def partial(self) -> bool:
        """Whether only a share of the values is coloured."""
        return self.within[0] > 0 or self.within[1] < 100


@dataclass(frozen=True)
class Colours:
    """A Colouring on data: ``values`` on the scale that is shown (readable unit, perhaps log; NaN: nothing),
    its ``limits``, and a ``title`` with the unit.

    ``coloured`` marks what is inside the chosen share and has a value.
    """

    values: NDArray[np.float32]
    limits: tuple[float, float]
    coloured: NDArray[np.bool_]
    cmap: str
    title: str


def resolve(colouring: Colouring, columns: Mapping[str, Column]) -> Colours:
    """Values, limits and title of a colouring; InputError when a column is missing or holds no number."""
    raw, unit, title = numbers(colouring, columns)
    known = raw[np.isfinite(raw)]
    factor, shown_unit = readable_scale(float(np.abs(known).max(initial=0.0)), unit)
    raw = raw * factor
    log = colouring.log and not colouring.minus
    if log and (known < 0).any():
        raw, title = np.abs(raw), f"|{title}|"  # a flow has a direction, its logarithm has none
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log10(np.where(raw > 0, raw, np.nan)) if log else raw
    values = np.where(np.isfinite(values), values, np.nan)
    coloured = _inside(values, colouring.within)
    limits = _limits(colouring, values[coloured], log, factor)
    scale = f"log₁₀ {title}" if log else title
    shown = np.where(coloured, values, np.nan).astype(np.float32)
    return Colours(shown, limits, coloured, colouring.cmap, f"{scale} [{shown_unit}]" if shown_unit else scale)


def numbers(colouring: Colouring, columns: Mapping[str, Column]) -> tuple[NDArray[np.float64], str, str]:
    """The plain numbers of a colouring with their unit and title."""
    column = _column(columns, colouring.column)
    title = column.title or readable(colouring.column)
    if not colouring.minus:
        return column.values.astype(np.float64), column.unit, title
    other = _column(columns, colouring.minus)
    if other.unit != column.unit:
        raise InputError(
            f"{colouring.column} is in {column.unit or 'pure numbers'} and {colouring.minus} in "
            f"{other.unit or 'pure numbers'}, so they have no difference",
            remedy="Choose two columns with the same unit.",
        )
    difference = column.values.astype(np.float64) - other.values.astype(np.float64)
    return difference, column.unit, _minus(title, other.title or readable(colouring.minus))


def _minus(one: str, two: str) -> str:
    """Both titles with a minus, the part that they share said once."""
    head, comma, tail = one.partition(", ")
    second = two.removeprefix(f"{head}, ") if comma else two
    return f"{head}, {tail} − {second}" if comma else f"{one} − {second}"


def colourable(columns: Mapping[str, Column]) -> list[str]:
    """Names of the columns that hold one number per row."""
    return [k for k, c in columns.items() if c.values.ndim == 1 and c.values.dtype.kind in "biuf"]


def spans_decades(values: NDArray[np.generic]) -> bool:
    """Whether positive values spread over more than one power of ten, so that a log scale reads better."""
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values[:0]
    if not len(known) or known.min() <= 0:
        return False
    low, high = np.percentile(known, (5, 95))
    return bool(high > 10 * low)


def readable(key: str) -> str:
    """A column's key as words."""
    return key.replace("_", " ").replace(".", ", ")


def _column(columns: Mapping[str, Column], key: str) -> Column:
    if key not in columns or columns[key].values.ndim != 1 or columns[key].values.dtype.kind not in "biuf":
        raise InputError(
            f"there is no column {key!r} of numbers to colour by", remedy="Run the step that computes it first."
        )
    return columns[key]


def _inside(values: NDArray[np.float64], within: tuple[float, float]) -> NDArray[np.bool_]:
    """Which values rank between two percentages."""
    known = np.isfinite(values)
    if within == (0.0, 100.0) or not known.any():
        return known
    low, high = np.percentile(values[known], within)
    return known & (values >= low) & (values <= high)


def _limits(colouring: Colouring, values: NDArray[np.float64], log: bool, factor: float) -> tuple[float, float]:
    if colouring.limits is not None:
        low, high = colouring.limits[0] * factor, colouring.limits[1] * factor
        if log and low > 0 and high > 0:
            low, high = float(np.log10(low)), float(np.log10(high))
    elif not len(values):
        return 0.0, 1.0
    elif colouring.minus:
        # one outlier must not wash out the rest, and zero stays in the middle
        high = float(np.percentile(np.abs(values), 99)) or float(np.abs(values).max())
        low = -high
    elif log:
        # the flow of a throat that leads nowhere is rounding, and would stretch the scale over twenty decades
        high = float(values.max())
        low = max(float(np.percentile(values, 2)), high - MOST_DECADES)
    else:
        low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low, low + (abs(low) or 1.0) * 1e-6)
