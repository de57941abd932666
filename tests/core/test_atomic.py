"""Files are written whole or not at all, and a full disk is a sentence."""

from __future__ import annotations

import errno

import pytest

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import PorelabError


def test_the_old_file_survives_a_failure(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), writing(path, "w") as handle:
        handle.write("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named_and_nothing_is_left(tmp_path):
    path = tmp_path / "table.csv"
    with pytest.raises(PorelabError, match=r"table\.csv: the disk is full.*Free some space"), writing(path) as handle:
        handle.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(PorelabError, match="folder does not exist"), writing(tmp_path / "no" / "t.csv"):
        pass


def test_what_was_written_is_there(tmp_path):
    with writing(tmp_path / "a.txt", "w") as handle:
        handle.write("whole")
    assert (tmp_path / "a.txt").read_text() == "whole"
