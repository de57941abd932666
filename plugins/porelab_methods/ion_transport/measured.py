"""The measured membranes: predicted row by row from the other rows, by networks that have seen simulations only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.averaging import draw, row_by_row
from porelab_methods.ion_transport.calibrate import fit_experiments
from porelab_methods.ion_transport.data import Experiments, li_mg_experiments
from porelab_methods.ion_transport.kept import Kept
from porelab_methods.ion_transport.store import Ensemble, IonNets
from porelab_methods.ion_transport.system import solve

Array = NDArray[np.float64]
NOTHING_KEPT = Kept()
MEASURED = "ions/li_mg_cl_15rows.csv"


def bench_b(nets: IonNets, kept: Kept = NOTHING_KEPT) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """One row per measured membrane. A win is counted where the neural equation has a lower error than DSPM-DE, both
    fitted by least squares and averaged in the same way (``wins_b_least_squares``: the former alone). 0 of 0 where the
    table is not at hand (a row says so)."""
    from porelab_gui.core.validation.case import data_file

    path = data_file(MEASURED)
    if path is None:
        return {"wins_b": 0.0, "cases_b": 0.0}, [{"bench": "b", "model": f"needs {MEASURED} (set PORELAB_DATA)"}]
    data, names = li_mg_experiments(path)
    nets_b = Ensemble([net for name, net in nets.nets.items() if name.rstrip("0123456789") == "pretrained"])  # type: ignore[misc]
    rows = [
        kept(f"measured_{k}", partial(left_out, data.where(data.membrane == k), name, nets_b.correction))
        for k, name in enumerate(names)
    ]
    wins = sum(row["rmse"] < min(row["rmse_dspm_de"], row["rmse_dspm_de_averaged"]) for row in rows)
    over_fit = sum(row["rmse"] < row["rmse_dspm_de"] for row in rows)
    return {"wins_b": float(wins), "wins_b_least_squares": float(over_fit), "cases_b": float(len(rows))}, rows


def left_out(data: Experiments, name: str, correction: Callable[..., Array], count: int = 2048) -> dict[str, Any]:
    """All rows of one membrane, each predicted from the others by three models."""
    measured = data.rejection
    draws = draw(data, correction, count=count)
    found = {
        "rmse": row_by_row(draws, measured),
        "rmse_dspm_de": fitted_row_by_row(data),
        "rmse_dspm_de_averaged": row_by_row(draws.uncorrected(), measured),
    }
    errors = {key: float(np.sqrt(np.nanmean((value - measured) ** 2))) for key, value in found.items()}
    return {"bench": "b, left-out membrane", "model": f"neural, {name}", **errors}


def fitted_row_by_row(data: Experiments) -> Array:
    """(B, n): each row by DSPM-DE with the least-squares membrane of the others."""
    made = []
    for row in range(len(data)):
        membrane = fit_experiments(data.where(np.arange(len(data)) != row), starts=8).membrane
        made.append(solve(data.ions, data.feed[row], data.flux[row], membrane).rejection[0])
    return np.array(made)
