"""Projects in the window: saved from the menu, opened from the welcome page and by dropping, undone."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from porelab_gui.session.project import is_project

pytestmark = pytest.mark.gui


def load(porelab, grey):
    porelab.context.session.run("load", {"path": str(grey[0]), "voxel_size": (2e-6,) * 3}, {}, {"image": "rock"})
    porelab.wait(60)


def test_save_from_the_menu_and_open_from_the_welcome_page(porelab, grey, tmp_path, monkeypatch, qtbot):
    load(porelab, grey)
    before = porelab.context.session.item("rock").content_hash
    folder = tmp_path / "sample.porelab"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(folder), ""))
    porelab.actions["save_project"].trigger()
    porelab.wait(60)
    assert is_project(folder) and "saved" in porelab.toasts.shown[-1].text
    porelab.context.session.clear()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a, **k: str(folder))
    qtbot.mouseClick(porelab.welcome.buttons["Open a project…"], Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert porelab.context.session.item("rock").content_hash == before
    assert [s.method for s in porelab.context.session.recipe.steps] == ["load"]
    assert "rock" in porelab.viewer.layers
    porelab.context.session.undo()
    assert "rock" not in porelab.context.session.items


def test_a_broken_project_is_a_sentence(porelab, tmp_path):
    (tmp_path / "project.json").write_text("{")
    porelab.opener.open_one(tmp_path)
    porelab.wait(60)
    assert "not a project" in porelab.toasts.shown[-1].text
