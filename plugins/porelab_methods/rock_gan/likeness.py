"""What generated rocks should have in common with real ones, as numbers: means, spreads and correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.image.morphology.correlation import two_point
from porelab_gui.core.nouns import Labels
from porelab_methods.rock_gan.properties import Rock, find_property
from porelab_methods.rock_gan.samples import NAMES

LAGS = (2, 4, 8)  # voxels
COLUMNS = (*NAMES, *(f"two_point_{k}" for k in LAGS), "throats", "throat_spread", "log_permeability")
SECOND = (("porosity", "porosity"), ("throats", "throats"), ("log_permeability", "log_permeability"),
          ("porosity", "throat_size"), ("porosity", "euler_density"))  # fmt: skip
MOMENTS = (*COLUMNS, *(f"{a} x {b}" for a, b in SECOND))
WEIGHTS = {"log_permeability": 0.5, "throat_spread": 0.5}  # they tell again what others tell
SECOND_WEIGHT = 0.4  # spreads matter less than means, and are known less well
FARTHEST = 4.0  # standard deviations beyond which a rock counts no more: one rock without a path must not decide
Floats = NDArray[np.float64]


def row(labels: Labels) -> list[float]:
    """The columns of one rock, the logarithm left out: in SI, throats per voxel, their spread as the deviation.

    Of a rock without pores or throats their sizes are 0.
    """
    rock = Rock(labels)
    values = [float(find_property(n).of(rock)) for n in NAMES]
    chance = two_point(labels.void_mask(), labels.voxel_size, max(LAGS) + 1).axes.mean(0)
    throats = rock.inner("throat")
    spread = float(np.std(throats)) if len(throats) else 0.0
    found = [*values, *(float(chance[k]) for k in LAGS), len(throats) / labels.array().size, spread]
    return [float(v) for v in np.nan_to_num(found)]


@dataclass(frozen=True)
class Likeness:
    """The moments of real crops, and in whose units those of generated rocks are told."""

    mean: Floats
    width: Floats
    floor: float
    real: Floats

    @staticmethod
    def of(rows: Floats) -> Likeness:
        """Of the rows (n, columns) of real crops."""
        positive = rows[:, NAMES.index("permeability")]
        floor = float(positive[positive > 0].min()) if (positive > 0).any() else 1e-30
        full = _with_log(rows, floor)
        mean, width = full.mean(axis=0), full.std(axis=0)
        first = Likeness(mean, np.where(width > 0, width, 1.0), floor, np.zeros(len(MOMENTS)))
        return Likeness(first.mean, first.width, floor, first.moments(rows).mean(axis=0))

    def moments(self, rows: Floats) -> Floats:
        """(..., moments) of rows (..., columns): standardised columns, and products of two of them."""
        one = np.clip((_with_log(rows, self.floor) - self.mean) / self.width, -FARTHEST, FARTHEST)
        pairs = [one[..., COLUMNS.index(a)] * one[..., COLUMNS.index(b)] for a, b in SECOND]
        return np.concatenate([one, np.stack(pairs, axis=-1)], axis=-1)

    @property
    def units(self) -> Floats:
        """What one of each moment is: products of two have no unit."""
        return np.concatenate([self.width, np.ones(len(SECOND))])

    def gap(self, rows: Floats) -> Floats:
        """What generated rocks (n, columns) lack on average, in standard deviations of real crops."""
        return self.real - self.moments(rows).mean(axis=0)


def weights() -> Floats:
    """How much each moment counts."""
    return np.array([WEIGHTS.get(n, 1.0) for n in COLUMNS] + [SECOND_WEIGHT] * len(SECOND))


def distance(gap: Floats) -> float:
    """Weighted root mean square of a gap."""
    return float(np.sqrt(np.average(np.square(gap), weights=np.square(weights()))))


def _with_log(rows: Floats, floor: float) -> Floats:
    values = np.maximum(rows[..., NAMES.index("permeability")], floor)
    return np.concatenate([rows, np.log(values)[..., None]], axis=-1)
