"""The common result of the voxel solvers."""

from __future__ import annotations

import copy
import math
import pickle

import pytest

from porelab_gui.core.errors import NotConverged
from porelab_gui.core.transport.result import SolveResult, results_table


def result(**changes):
    made = {
        "quantity": "permeability",
        "value": 1e-12,
        "unit": "m2",
        "converged": True,
        "residual": 1e-9,
        "iterations": 12,
        "resolution": "8 x 8 x 8 voxels",
        "boundary": "sealed sides",
        "axis": "z",
    }
    return SolveResult(**(made | changes))


def test_unconverged_solve_gives_no_number():
    bad = result(converged=False, more={"tortuosity": (2.0, "1")}, advice="Refine.")
    assert math.isnan(bad.value) and math.isnan(bad.more["tortuosity"][0])
    with pytest.raises(NotConverged, match="Refine"):
        bad.required()


def test_converged_solve_gives_its_number():
    assert result().required() == 1e-12


def test_table_has_one_row_per_result_with_units_and_notes():
    table = results_table([result(), result(axis="y", value=2e-12, more={"Re": (0.1, "1")})])
    assert list(table["permeability"]) == [1e-12, 2e-12]
    assert table.columns["permeability"].unit == "m2"
    assert math.isnan(table["Re"][0]) and table["Re"][1] == 0.1
    assert table.notes == ("sealed sides", "8 x 8 x 8 voxels")
    assert len(result().table()) == 1


def test_result_survives_pickling_between_processes():
    one = result(more={"tortuosity": (2.0, "1")})
    again = pickle.loads(pickle.dumps(copy.deepcopy(one)))
    assert again.more["tortuosity"] == (2.0, "1") and again.value == one.value
