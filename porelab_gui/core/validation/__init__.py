"""Closed forms and reference values that every method is held against.

A module ``cases_<group>.py`` in this folder declares ``cases() -> list[Case]``; it is found by its name and imported
only when validation runs, so it may be as heavy as it needs inside its functions.
"""

from porelab_gui.core.validation.case import Case, convergence_order, data_file, read_reference
from porelab_gui.core.validation.report import markdown, plot
from porelab_gui.core.validation.run import all_cases, as_table, run_cases

__all__ = [
    "Case",
    "all_cases",
    "as_table",
    "convergence_order",
    "data_file",
    "markdown",
    "plot",
    "read_reference",
    "run_cases",
]
