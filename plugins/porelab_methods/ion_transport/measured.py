"""The measured membranes: predicted row by row from the other rows, by networks that have seen simulations only."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_methods.ion_transport.averaging import draw, row_by_row
from porelab_methods.ion_transport.calibrate import fit_experiments
from porelab_methods.ion_transport.data import Experiments, li_mg_experiments
from porelab_methods.ion_transport.kept import Kept
from porelab_methods.ion_transport.left_out import predicted
from porelab_methods.ion_transport.neural import Correction
from porelab_methods.ion_transport.store import Ensemble, IonNets
from porelab_methods.ion_transport.system import solve

Array = NDArray[np.float64]
NOTHING_KEPT = Kept()
BENCH = "b, left-out membrane"
WINS = {
    "wins_b": ("rmse_dspm_de", "rmse_dspm_de_averaged"),
    "wins_b_least_squares": ("rmse_dspm_de",),
    "wins_b_every": ("rmse_dspm_de", "rmse_dspm_de_averaged", "rmse_dspm_de_regularised"),
}
BELIEVED = ("dspm_de_regularised", "centred_at_none", "centred_at_simulations")
MEASURED = "ions/li_mg_cl_15rows.csv"


def bench_b(nets: IonNets, kept: Kept = NOTHING_KEPT) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """One row per measured membrane. ``wins_b`` counts where the neural equation has a lower error than DSPM-DE, both
    fitted by least squares and averaged in the same way; ``wins_b_least_squares`` the former alone, ``wins_b_every``
    also with DSPM-DE held near the middle of the box. Membranes fitted with strengths stand beside: they did no better.
    0 of 0 where the table is not at hand (a row says so)."""
    from porelab_gui.core.validation.case import data_file

    path = data_file(MEASURED)
    if path is None:
        return {"wins_b": 0.0, "cases_b": 0.0}, [{"bench": "b", "model": f"needs {MEASURED} (set PORELAB_DATA)"}]
    data, names = li_mg_experiments(path)
    rows = []
    for k, name in enumerate(names):
        own = data.where(data.membrane == k)
        row = kept(f"measured_{k}", partial(left_out, own, name, _named(nets, "pretrained").correction))
        if nets.told:
            fit = partial(left_out_fitted, own, _named(nets, "strengths").correction)
            row = {**row, **kept(f"measured_fitted_{k}", fit)}
        rows.append(row)
    figures = {"cases_b": float(len(rows))}
    for name, rivals in WINS.items():
        figures[name] = float(sum(row["rmse"] < min(row[key] for key in rivals if key in row) for row in rows))
    return figures, rows


def _named(nets: IonNets, start: str) -> Ensemble:
    chosen = nets.told if start == "strengths" else [n for n in nets.nets if n.rstrip("0123456789") == start]
    return Ensemble([nets.nets[n] for n in chosen])  # type: ignore[misc]


def left_out(data: Experiments, name: str, correction: Correction, count: int = 2048) -> dict[str, Any]:
    """All rows of one membrane, each predicted from the others by three models."""
    measured = data.rejection
    draws = draw(data, correction, count=count)
    found = {
        "rmse": row_by_row(draws, measured),
        "rmse_dspm_de": fitted_row_by_row(data),
        "rmse_dspm_de_averaged": row_by_row(draws.uncorrected(), measured),
    }
    return {"bench": BENCH, "model": f"neural, {name}", **_errors(found, measured)}


def left_out_fitted(data: Experiments, correction: Correction, steps: int = 12) -> dict[str, float]:
    """All rows of one membrane, each predicted from the others, by membranes fitted with strengths: the mean of all
    beliefs, and each alone, the first being DSPM-DE estimated in the same way."""
    found = predicted(data, correction, steps)
    named = {"rmse_fitted_strengths": found.mean(0)} | {
        f"rmse_{key}": value for key, value in zip(BELIEVED, found, strict=True)
    }
    return _errors(named, data.rejection)


def _errors(found: dict[str, Array], measured: Array) -> dict[str, float]:
    return {key: float(np.sqrt(np.nanmean((value - measured) ** 2))) for key, value in found.items()}


def fitted_row_by_row(data: Experiments) -> Array:
    """(B, n): each row by DSPM-DE with the least-squares membrane of the others."""
    made = []
    for row in range(len(data)):
        membrane = fit_experiments(data.where(np.arange(len(data)) != row), starts=8).membrane
        made.append(solve(data.ions, data.feed[row], data.flux[row], membrane).rejection[0])
    return np.array(made)
