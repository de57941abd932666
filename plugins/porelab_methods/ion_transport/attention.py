"""The ion-by-ion picture: attention averaged over depth, heads and pore, beside charge products and removal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.neural import State
from porelab_methods.ion_transport.store import Ensemble

Array = NDArray[np.float64]


def attention_map(nets: Ensemble, state: State) -> Array:
    """Symmetric attention (n, n), mean over the rows of the case in which both ions are there; NaN where none."""
    attending = [net for net in nets.nets if net.blocks[0].attention is not None]
    maps: Array = np.mean([net.attention_maps(state.features, state.present) for net in attending], axis=0)
    return _mean_over_pairs(0.5 * (maps + maps.transpose(0, 2, 1)), state)


def removal_map(nets: Ensemble, state: State) -> Array:
    """How much the correction of ion i changes when ion j is hidden from it, |dh| (n, n), symmetrised, as above."""
    n = state.present.shape[1]
    full = nets.correction(state.features, state.present)
    made = np.zeros((len(full), n, n))
    for j in range(n):
        hidden = state.present.copy()
        hidden[:, j] = False
        alone = ~hidden.any(1)
        hidden[alone] = state.present[alone]
        made[:, :, j] = np.abs(full - nets.correction(state.features, hidden)).mean(1)
    return _mean_over_pairs(0.5 * (made + made.transpose(0, 2, 1)), state)


def charge_products(state: State) -> Array:
    """|z_i z_j| (n, n)."""
    z = np.array([i.charge for i in state.case.ions], float)
    return np.abs(np.outer(z, z))


def pair_correlation(a: Array, b: Array) -> float:
    """Spearman's rank correlation over pairs of different ions known in both; NaN with fewer than four pairs."""
    from scipy.stats import spearmanr

    upper = np.triu(np.ones_like(a, bool), 1) & np.isfinite(a) & np.isfinite(b)
    if upper.sum() < 4:
        return float("nan")
    return float(spearmanr(a[upper], b[upper]).statistic)


def _mean_over_pairs(maps: Array, state: State) -> Array:
    both = state.present[:, :, None] & state.present[:, None, :]
    total = np.where(both, maps, 0.0).sum(0)
    count = both.sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
