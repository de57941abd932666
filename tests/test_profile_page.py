"""docs/profile.md has figures for every part that its program measures, and the program's table says what it counts."""

from __future__ import annotations

import cProfile
import re
import time
from pathlib import Path

import pytest

from porelab_gui.cli.bench import load

PAGE = Path(__file__).parents[1] / "docs" / "profile.md"


@pytest.fixture(scope="module")
def tool():
    return load("profiles")


def test_the_page_has_a_table_per_part(tool):
    page = PAGE.read_text(encoding="utf-8")
    for name in tool.PARTS:
        body = re.search(rf"<!-- {name}: .*?-->(.*?)<!-- end of {name} -->", page, re.DOTALL)
        assert body and body[1].count("own time of") >= 1 and body[1].count("%") >= 5, name


def test_shares_are_of_all_and_the_slowest_comes_first(tool):
    def burn(seconds):
        stop = time.process_time() + seconds
        while time.process_time() < stop:
            pass

    def slow():
        burn(0.15)

    profile = cProfile.Profile(time.process_time)
    profile.runcall(slow)
    rows = tool.top(profile)
    assert sum(row["share"] for row in rows) == pytest.approx(1.0, abs=0.05)
    assert any("burn" in row["function"] for row in rows[:2])


def test_only_measured_parts_are_replaced(tool, tmp_path, monkeypatch):
    page = tmp_path / "profile.md"
    page.write_text(
        "words\n<!-- main: by x -->old<!-- end of main -->\n<!-- window: by x -->kept<!-- end of window -->\n"
    )
    monkeypatch.setattr(tool, "PAGE", page)
    rows = [{"step": "Load", "seconds": 1.0, "top": [{"function": "read", "seconds": 0.5, "share": 0.5}]}]
    (tmp_path / "s.json").write_text(__import__("json").dumps({"main": rows}))
    tool.write_page(tmp_path / "s.json")
    text = page.read_text()
    assert "old" not in text and "kept" in text and "| `read` | 0.50 s | 50% |" in text and text.startswith("words")
