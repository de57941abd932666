"""Finds the cases, runs them, and makes a table of what came out."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from porelab_gui.core.errors import ParameterError, PorelabError
from porelab_gui.core.nouns import Column, Table
from porelab_gui.core.progress import Progress, silent
from porelab_gui.core.validation.case import Case

UNITS = {"tolerance": "1", "error": "1", "error_over_tolerance": "1", "seconds": "s"}
NUMBERS = ("value", "reference", "error", "tolerance", "error_over_tolerance", "seconds")


GROUP = "porelab.validation"


def all_cases() -> list[Case]:
    """Every case of every ``cases_*`` module of this folder and of every plugin, ordered by group and as declared.

    A plugin names a function that returns its cases in the entry-point group ``porelab.validation``.
    """
    import porelab_gui.core.validation as home

    names = sorted(m.name for m in pkgutil.iter_modules(home.__path__) if m.name.startswith("cases_"))
    found = [case for name in names for case in importlib.import_module(f"{home.__name__}.{name}").cases()]
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        found += point.load()()
    return sorted(found, key=lambda case: case.group)


def chosen(cases: Sequence[Case], names: Sequence[str]) -> list[Case]:
    """The cases whose group or name is, or whose name begins with, one of ``names``; all when there are none.

    ParameterError for a name that fits nothing.
    """
    for name in names:
        if not any(_fits(case, name) for case in cases):
            groups = ", ".join(dict.fromkeys(case.group for case in cases))
            raise ParameterError(f"no validation case fits {name!r}", remedy=f"Groups are {groups}.")
    return [case for case in cases if not names or any(_fits(case, name) for name in names)]


def _fits(case: Case, name: str) -> bool:
    return case.group == name or case.name.startswith(name)


def run_cases(names: Sequence[str] = (), progress: Progress = silent) -> dict[str, Any]:
    """Run the named cases (all when none are named).

    Gives ``{"figures": {cases, failed, worst_over_tolerance}, "rows": [...], "skipped": [...]}``: ``cases`` counts what
    ran, a case whose data are not at hand is listed with ``status`` "skipped" and not counted.
    """
    cases = chosen(all_cases(), names)
    rows = []
    for done, case in enumerate(cases):
        progress(done, len(cases), case.name)
        rows.append(run_case(case))
    progress(len(cases), len(cases), "validated")
    ran = [row for row in rows if row["status"] != "skipped"]
    worst = max((row["error_over_tolerance"] for row in ran), default=0.0)
    figures = {
        "cases": len(ran),
        "failed": sum(row["status"] == "failed" for row in ran),
        "worst_over_tolerance": worst,
    }
    return {"figures": figures, "rows": rows, "skipped": [row["name"] for row in rows if row["status"] == "skipped"]}


def run_case(case: Case) -> dict[str, Any]:
    """One case as a row; a refusal of the method under test is a failure with its sentence in ``note``."""
    row: dict[str, Any] = {"name": case.name, "group": case.group, "status": "skipped", "unit": case.unit}
    row |= {key: float("nan") for key in NUMBERS}
    row |= {"tolerance": case.tolerance, "tolerance_kind": "absolute" if case.absolute else "relative"}
    row |= {"reason": case.reason, "source": case.source, "resolution": case.resolution, "note": ""}
    if missing := case.missing():
        return row | {"note": f"needs {missing} (set PORELAB_DATA)"}
    begun = time.perf_counter()
    try:
        expected, value = case.expected(), float(case.value())
        error = case.error(value, expected)
        row |= {"value": value, "reference": expected, "error": error}
    except PorelabError as refusal:
        row["note"] = refusal.sentence
    error = row["error"]
    passed = bool(np.isfinite(error) and error <= case.tolerance)
    ratio = error / case.tolerance if np.isfinite(error) else float("inf")
    status = "passed" if passed else "failed"
    return row | {"status": status, "error_over_tolerance": ratio, "seconds": time.perf_counter() - begun}


def as_table(report: Mapping[str, Any]) -> Table:
    """The rows of ``run_cases`` as a Table."""
    rows = report["rows"]
    keys = list(rows[0]) if rows else []
    columns = {
        key: Column(np.array([row[key] for row in rows], dtype=float if key in NUMBERS else str), UNITS.get(key, ""))
        for key in keys
    }
    figures = report["figures"]
    note = f"{figures['cases']} cases, {figures['failed']} failed, {len(report['skipped'])} skipped for want of data"
    return Table(columns, notes=(note,), name="validation")
