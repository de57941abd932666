"""docs/formats.md says what the readers and writers do."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def formats():
    spec = importlib.util.spec_from_file_location("formats_page", ROOT / "docs" / "formats.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_every_reader_and_writer_has_a_row_and_a_round_trip_test(formats):
    assert formats.problems() == []


def test_the_page_is_current(formats):
    text = formats.PAGE.read_text(encoding="utf-8")
    assert formats.page(text) == text, "run python docs/formats.py"
    for ending in (*formats.IMAGE_WRITERS, *formats.NETWORK_WRITERS):
        assert ending in text


def test_a_new_reader_writer_or_lost_test_is_told(formats, monkeypatch):
    monkeypatch.setitem(formats.TITLES, "new", "New")
    monkeypatch.setitem(formats.READERS, "new", (".new",))
    assert "no words for the reader new" in formats.problems()[0]
    monkeypatch.setitem(formats.IMAGES, "new", formats.Words("", "", "", "test_that_is_not_there"))
    assert formats.problems() == ["there is no test test_that_is_not_there"]
    monkeypatch.setitem(formats.IMAGE_WRITERS, ".odd", formats.IMAGE_WRITERS[".tif"])
    assert "no row has the image writer .odd" in formats.problems()
