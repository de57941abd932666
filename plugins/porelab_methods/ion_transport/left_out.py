"""A measured row predicted from a few others of its membrane: fitted with strengths, under several beliefs in them.

With a handful of rows the prior of the strengths matters: none (DSPM-DE), centred at none, or centred where the
pre-training lay. Each belief predicts, and all count alike. The row to predict takes part in nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.calibrate import BOX, fit_experiments
from porelab_methods.ion_transport.data import EFFECTS, Experiments
from porelab_methods.ion_transport.fit import BOUNDS
from porelab_methods.ion_transport.neural import Correction
from porelab_methods.ion_transport.system import Membrane
from porelab_methods.ion_transport.tuning import PRIOR, Prior, Tuned, solve_many, tune

Array = NDArray[np.float64]
BELIEFS = (
    Prior(np.zeros(EFFECTS), np.full(EFFECTS, 1e-9)),
    Prior(np.zeros(EFFECTS), PRIOR.spread),
    PRIOR,
)
# beside the DSPM-DE fit of the same rows: the middle of the box, with a charge of either sign
STARTS = tuple(Membrane(0.45e-9, 1.2e-6, charge, 50.0) for charge in (-30.0, 20.0))


def predicted(data: Experiments, correction: Correction, steps: int) -> Array:
    """Rejections (beliefs, B, n) of every row from the others, under each belief; the first is DSPM-DE."""
    made = np.array([_without(data, correction, steps, row) for row in range(len(data))])
    return made.transpose(1, 0, 2)


def _without(data: Experiments, correction: Correction, steps: int, row: int) -> Array:
    """(beliefs, n): rejections of a row from all others."""
    out = np.arange(len(data)) == row
    rest, asked = data.where(~out), data.where(out)
    starts = (fit_experiments(rest, starts=4).membrane, *STARTS)
    fits = [_fit(rest, correction, prior, starts, steps) for prior in BELIEFS]
    return np.array([_rejections(asked, found, correction)[0] for found in fits])


def _fit(data: Experiments, correction: Correction, prior: Prior, starts: Sequence[Membrane], steps: int) -> Tuned:
    """The best of the fits from all starts."""
    limits = {name: BOUNDS[name] for name in BOX}
    found = [tune(data, correction, s, prior, steps=steps, others=False, bounds=limits) for s in starts]
    return min(found, key=lambda f: f.cost)


def _rejections(data: Experiments, found: Tuned, correction: Correction) -> Array:
    one = Membrane(*(np.array([v]) for v in vars(found.membrane).values()))
    return solve_many(data, one, found.effects[None], correction).solution.rejection
