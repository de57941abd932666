"""What ``tune_membrane`` does, and how its table of a membrane comes back as parameters of ``predict_rejection``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Inputs, Outputs
from porelab_gui.core.nouns import Column, Table
from porelab_gui.core.progress import Progress, within
from porelab_methods.ion_transport.calibrate import BOX, fit_experiments
from porelab_methods.ion_transport.data import Experiments
from porelab_methods.ion_transport.fit import NAMES
from porelab_methods.ion_transport.learn_runs import experiments_from
from porelab_methods.ion_transport.runs import FIT_UNITS
from porelab_methods.ion_transport.store import members, shipped
from porelab_methods.ion_transport.tuning import PRIOR, Tuned, intervals, solve_many, tune

Array = NDArray[np.float64]
STRENGTHS = ("activity_strength", "regulation_strength", "dielectric_strength")
WORDS = ("activities", "regulated charge", "permittivity")  # that they are the strengths of


def run_tune(inputs: Inputs, params: Any, progress: Progress) -> Outputs:
    """``tune_membrane``."""
    data, names = experiments_from(inputs["measured"])
    if len(names) > 1:
        raise InputError(
            f"the table holds {len(names)} membranes ({', '.join(names)})",
            where="measured",
            remedy="Give the rows of one membrane.",
        )
    count = int(np.isfinite(data.rejection).sum())
    if count < len(NAMES):
        raise InputError(
            f"{count} measured rejections cannot fix {len(NAMES)} parameters and {len(STRENGTHS)} strengths",
            where="tune_membrane",
            remedy="Add measurements.",
        )
    nets = members(inputs.get("weights") or shipped(), strengths=True)
    progress(0, 10, "fitting DSPM-DE")
    start = fit_experiments(data, starts=params.starts, bounds=BOX).membrane
    step = within(progress, 0.2, 0.9)
    found = tune(data, nets.correction, start, PRIOR, steps=params.steps, progress=step)
    ends = intervals(data, nets.correction, found, PRIOR)
    progress(10, 10, "fitted")
    return {"membrane": _membrane(found, ends, count), "comparison": _comparison(data, found, nets.correction)}


def _membrane(found: Tuned, ends: tuple[Array, Array], count: int) -> Table:
    values = [*vars(found.membrane).values(), *found.effects]
    notes = (
        f"root mean square error {found.rmse:.4f} over {count}",
        "parameters and strengths belong together: they are not those of a DSPM-DE fit",
    )
    return Table(
        {
            "parameter": Column(np.array([*NAMES, *STRENGTHS])),
            "value": Column(np.array(values, float)),
            "lower": Column(ends[0]),
            "upper": Column(ends[1]),
            "unit": Column(np.array([*(FIT_UNITS[n] for n in NAMES), *("1" for _ in STRENGTHS)])),
        },
        notes,
        name="membrane",
    )


def _comparison(data: Experiments, found: Tuned, correction: Any) -> Table:
    from porelab_methods.ion_transport.system import Membrane

    one = Membrane(*(np.array([v]) for v in vars(found.membrane).values()))
    rejection = solve_many(data, one, found.effects[None], correction).solution.rejection
    row, column = np.nonzero(data.feed > 0)
    return Table(
        {
            "experiment": Column(row + 1, "1"),
            "ion": Column(np.array([data.ions[k].name for k in column])),
            "measured": Column(data.rejection[row, column], "1"),
            "fitted": Column(rejection[row, column], "1"),
        },
        name="comparison",
    )


def with_membrane(params: Any, table: Table | None) -> Any:
    """``params`` with the values of a table of parameters (columns parameter, value); InputError where it is none."""
    if table is None:
        return params
    known = (*NAMES, *STRENGTHS)
    if not {"parameter", "value"} <= set(table.columns):
        raise InputError(
            "the table is not that of a fitted membrane",
            where=table.name or "membrane",
            remedy="Give the membrane of fit_membrane or tune_membrane: columns parameter and value.",
        )
    found = {str(n): float(v) for n, v in zip(table["parameter"], table["value"], strict=True)}
    strange = [n for n in found if n not in known]
    if strange:
        raise InputError(
            f"{', '.join(strange)}: no parameter of a membrane",
            where=table.name or "membrane",
            remedy=f"Known are {', '.join(known)}.",
        )
    return type(params)(**{**params.model_dump(), **found})


def in_words(strengths: Sequence[float] | Array) -> str:
    """Strengths in the order of ``STRENGTHS`` for people."""
    return "fitted strengths " + ", ".join(f"{word} {value:.2f}" for word, value in zip(WORDS, strengths, strict=True))


def strengths_of(params: Any) -> Array | None:
    """Strengths (1, m); None where all are zero: none was fitted."""
    values = np.array([[float(getattr(params, n)) for n in STRENGTHS]])
    return values if values.any() else None
