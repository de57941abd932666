"""The validation cases of diffusion and conduits that need no data and little time."""

from __future__ import annotations

import pytest

from porelab_gui.core.validation import cases_diffusion


@pytest.mark.parametrize("case", cases_diffusion.closed_forms() + cases_diffusion.conduits(), ids=lambda c: c.name)
def test_case_is_within_its_tolerance(case):
    if case.missing():
        pytest.skip(f"needs {case.needs}")
    assert case.error(case.value(), case.expected()) <= case.tolerance


def test_names_are_unique_and_say_where_the_reference_is_from():
    cases = cases_diffusion.cases()
    assert len({c.name for c in cases}) == len(cases) >= 10
    assert all(c.source and c.reason and c.tolerance > 0 for c in cases)
