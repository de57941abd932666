"""Where a search stands when what it measures jumps: an estimate of the properties at a style, and of their slopes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DOUBT = 0.5  # share of the first slopes that may be wrong
BENT = 0.2  # share of a slope by which it changes over one unit of style
DRIFT = 6.0  # jumps (as variances) that add up over one unit of style: throats open and close one by one


class Track:
    """Kalman filter (Kalman 1960) over the steps of a search, one per property.

    The state is the value without its jumps and its slopes (k,); a step changes the value by slopes times step, and a
    measurement is the value plus a jump of ``jitter``. What a measurement says beyond the prediction is so divided
    between a jump, the value and the slopes. ``style`` (k,), ``value`` and ``jitter`` (m,), ``slopes`` (m, k).
    """

    def __init__(self, style: Floats, value: Floats, slopes: Floats, jitter: Floats) -> None:
        self.style, self.noise = style, np.square(jitter) + 1e-12
        self.state = np.concatenate([value[:, None], slopes], axis=1)
        k = slopes.shape[1]
        self.steepness = np.square(slopes).sum(axis=1)
        unsure = DOUBT**2 * self.steepness / k
        self.spread = np.stack([np.diag([n, *[u] * k]) for n, u in zip(self.noise, unsure, strict=True)])

    @property
    def value(self) -> Floats:
        """Of the properties, without jumps (m,)."""
        return self.state[:, 0]

    @property
    def slopes(self) -> Floats:
        """Derivatives (m, k)."""
        return self.state[:, 1:]

    def moved(self, style: Floats, measured: Floats) -> None:
        """The style has changed, and this was measured there."""
        step = style - self.style
        carry = np.eye(len(step) + 1)
        carry[0, 1:] = step
        self.state = self.state @ carry.T
        self.spread = carry @ self.spread @ carry.T
        square = float(step @ step)
        self.spread[:, 0, 0] += BENT**2 * self.steepness * square**2 + DRIFT * self.noise * np.sqrt(square)
        gain = self.spread[:, :, 0] / (self.spread[:, 0, 0] + self.noise)[:, None]
        self.state = self.state + gain * (measured - self.value)[:, None]
        self.spread = self.spread - gain[:, :, None] * self.spread[:, None, 0, :]
        self.style = style
