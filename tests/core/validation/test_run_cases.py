"""The validation frame: what counts, what fails, what is skipped."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from porelab_gui.core.errors import NotConverged, ParameterError
from porelab_gui.core.validation import Case, all_cases, as_table, convergence_order, markdown, plot, run_cases
from porelab_gui.core.validation import run as running


def _case(name, value, reference=1.0, tolerance=0.1, **more):
    return Case(name, "sums", lambda: value, reference, tolerance, "made up.", "nowhere", **more)


def _refuses() -> float:
    raise NotConverged("it did not converge", remedy="Try more.")


@pytest.fixture
def some(monkeypatch):
    cases = [
        _case("good", 1.05),
        _case("bad", 1.3),
        _case("absolute", 0.05, reference=0.0, absolute=True),
        _case("nan", math.nan),
        Case("refused", "sums", _refuses, 1.0, 0.1, "made up.", "nowhere"),
        _case("elsewhere", 1.0, needs="not/there.csv"),
    ]
    monkeypatch.setattr(running, "all_cases", lambda: cases)
    return run_cases()


def test_counts_what_ran_and_what_failed(some):
    assert some["figures"]["cases"] == 5
    assert some["figures"]["failed"] == 3
    assert some["skipped"] == ["elsewhere"]
    status = {row["name"]: row["status"] for row in some["rows"]}
    assert status == {
        "good": "passed", "bad": "failed", "absolute": "passed", "nan": "failed", "refused": "failed",
        "elsewhere": "skipped",
    }  # fmt: skip


def test_a_refusal_is_told(some):
    note = next(row["note"] for row in some["rows"] if row["name"] == "refused")
    assert note == "it did not converge. Try more."


def test_worst_is_error_over_tolerance(monkeypatch):
    monkeypatch.setattr(running, "all_cases", lambda: [_case("a", 1.05), _case("b", 0.92)])
    assert run_cases()["figures"]["worst_over_tolerance"] == pytest.approx(0.8)


def test_names_choose_cases_and_unknown_names_are_refused(monkeypatch):
    monkeypatch.setattr(running, "all_cases", lambda: [_case("duct 8", 1.0), _case("tube 8", 1.0)])
    assert run_cases(["duct"])["figures"]["cases"] == 1
    assert run_cases(["sums"])["figures"]["cases"] == 2
    with pytest.raises(ParameterError, match="Groups are sums"):
        run_cases(["ductt"])


def test_report_names_every_case(some, tmp_path):
    text = markdown(some)
    assert all(row["name"] in text for row in some["rows"])
    assert plot(some, tmp_path / "validation.png").stat().st_size > 1000
    table = as_table(some)
    assert len(table) == 6 and table.columns["seconds"].unit == "s"


def test_order_is_the_slope():
    assert convergence_order([4, 2, 1], [16e-3, 4e-3, 1e-3]) == pytest.approx(2.0)


def test_declared_cases_say_why_and_whence():
    cases = all_cases()
    assert len({case.name for case in cases}) == len(cases)
    for case in cases:
        assert case.tolerance > 0 and len(case.reason) > 10 and len(case.source) > 5, case.name


def test_the_page_in_the_docs_has_every_case_and_no_other():
    """Its numbers are those of the machine that wrote it; its cases must be those that are declared."""
    page = (Path(__file__).parents[3] / "docs" / "validation.md").read_text(encoding="utf-8")
    rows = {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")}
    assert rows - {"case"} == {case.name for case in all_cases()}, "run porelab validate --folder docs"
    assert " 0 failed" in page and "validation.png" in page


def test_every_promised_field_has_cases():
    groups = {case.group for case in all_cases()}
    assert {"conduits", "diffusion", "stokes", "network", "morphology", "ions"} <= groups


def test_the_command_writes_page_and_plot(monkeypatch, tmp_path, capsys):
    from porelab_gui.cli import main

    monkeypatch.setattr(running, "all_cases", lambda: [_case("duct 8", 1.05)])
    assert main(["validate", "--folder", str(tmp_path)]) == 0
    assert "name=duct 8" in capsys.readouterr().out and "| duct 8 |" in (tmp_path / "validation.md").read_text()
    assert (tmp_path / "validation.png").stat().st_size > 1000
