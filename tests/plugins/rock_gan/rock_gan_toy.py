"""A maker whose rocks have a porosity in closed form: a smooth random field, cut at a quantile that the style sets."""

from __future__ import annotations

import numpy as np
from porelab_methods.rock_gan.maker import Latent
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from porelab_gui.core.nouns import Labels

EDGE, LEVEL, GAIN = 20, -0.84, 0.3


class Toy:
    """Porosity Phi(LEVEL + GAIN style[0]) to one voxel, whatever the noise; style[1] does nothing."""

    key = "toy"

    def __init__(self):
        self.made = 0

    def draw(self, rng):
        style = rng.standard_normal(2).astype(np.float32)
        return Latent(style, rng.standard_normal((EDGE,) * 3).astype(np.float32))

    def rock(self, latent):
        self.made += 1
        field = gaussian_filter(latent.noise, 2.0)
        share = norm.cdf(LEVEL + GAIN * float(latent.style[0]))
        pores = field > np.quantile(field, 1.0 - share)
        return Labels(pores.astype(np.uint8), (1e-6,) * 3, name="toy")
