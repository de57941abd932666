"""The tutorials name what is on the screen, show pictures that are there, and link to pages that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
LIMIT = 150_000
PICTURED = ("shale", "throat_errors", "permeability", "rocks", "superres", "ions")


def texts(path):
    """The prose of a tutorial, its lines joined."""
    return re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))


def test_there_is_one_per_system():
    names = {p.stem for p in TUTORIALS}
    assert names == {"README", "shale", "throat_errors", "permeability", "rocks", "superres", "ions"}


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda p: p.stem)
def test_every_picture_and_page_is_there_and_pictures_are_small(path):
    links = re.findall(r"\]\(([^)#]+)\)", texts(path))
    assert links
    for link in links:
        target = (path.parent / link).resolve()
        assert target.is_file(), link
        if target.suffix == ".png":
            assert target.stat().st_size <= LIMIT, link
    pictures = [link for link in links if link.endswith(".png")]
    assert path.stem not in PICTURED or 2 <= len(pictures) <= 4
