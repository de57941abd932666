"""A project belongs to one window; what was not saved is found again after the process was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from porelab_gui.core.nouns import Labels
from porelab_gui.gui.autosaving import recovery_root
from porelab_gui.session import project
from porelab_gui.session.claim import claim
from porelab_gui.session.recovery import left_behind

pytestmark = pytest.mark.gui
SCRIPT = """
import sys, time
import numpy as np
from porelab_gui.gui.app import open_window
from qtpy.QtCore import QCoreApplication
if __name__ == "__main__":
    window = open_window(size=(1280, 800))
    session = window.context.session
    session.run("load", {"path": sys.argv[1], "voxel_size": (2e-6,) * 3}, {}, {"image": "rock"})
    window.wait(60)
    session.run("segment_threshold", {}, {"image": "rock"}, {"labels": "labels"})
    window.wait(60)
    page = window.show_step("Segment")
    from porelab_gui.gui.steps.correction import CorrectionPage
    found = page.show_method("correct_labels")
    found = found if isinstance(found, CorrectionPage) else page.findChild(CorrectionPage)
    def paint(z):
        found.use_tool("paint")
        layer = found.layer
        layer.selected_label = 3
        layer.data_setitem(tuple(a.ravel() for a in np.mgrid[z:z+1, 2:6, 3:9]), 3)
    paint(4)
    found.keep_corrections()
    window.wait(60)
    paint(7)
    window.desk.autosaver.clock.setInterval(200)
    end = time.time() + 40
    while time.time() < end:
        QCoreApplication.processEvents()
        folder = window.desk.autosaver.kept.folder
        note = folder / "recovery.json" if folder else None
        steps = folder / "recipe.yaml" if folder else None
        if note and note.exists() and '{"labels"' in note.read_text() and "correct_labels" in steps.read_text() \\
                and note.stat().st_mtime_ns > steps.stat().st_mtime_ns:
            print("kept", flush=True)
        time.sleep(0.01)
"""


def load(porelab, grey):
    porelab.context.session.run("load", {"path": str(grey[0]), "voxel_size": (2e-6,) * 3}, {}, {"image": "rock"})
    porelab.wait(60)


def test_corrected_labels_are_found_again_after_kill_9(porelab, grey, tmp_path, qtbot):
    script = tmp_path / "session.py"
    script.write_text(SCRIPT)
    with subprocess.Popen([sys.executable, str(script), str(grey[0])], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "kept\n"
        assert not left_behind(recovery_root()), "what a living session keeps is not offered"
        process.send_signal(signal.SIGKILL)
    porelab.desk.offer_recovery()
    dialog = porelab.desk.dialog
    assert "rock" in dialog.names.item(0).text() and "painted" in dialog.names.item(0).text()
    qtbot.mouseClick(dialog.bring, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    qtbot.waitUntil(lambda: len(porelab.context.session.recipe.steps) == 4, timeout=30_000)
    labels = porelab.context.session.item("labels")
    assert isinstance(labels, Labels)
    assert (labels.array()[4, 2:6, 3:9] == 3).all(), "the corrections that were kept as a step"
    assert (labels.array()[7, 2:6, 3:9] == 3).all(), "the strokes that no step had taken up"


def test_the_second_window_opens_read_only(porelab, grey, tmp_path, monkeypatch, qtbot):
    load(porelab, grey)
    folder = tmp_path / "one.porelab"
    porelab.desk.save_in(folder)
    porelab.wait(60)
    porelab.desk.close_project()
    held = claim(folder)  # another window
    porelab.opener.open_one(folder)
    porelab.wait(60)
    assert "read-only" in porelab.toasts.shown[-1].text and "read-only" in porelab.main.windowTitle()
    porelab.actions["save_project"].trigger()
    assert "open in another window" in porelab.toasts.shown[-1].text
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(tmp_path / "two.porelab"), ""))
    porelab.actions["save_project_as"].trigger()
    porelab.wait(60)
    assert project.is_project(tmp_path / "two.porelab") and "read-only" not in porelab.main.windowTitle()
    held.release()


def test_a_moved_source_is_asked_for_and_found(porelab, grey, tmp_path, monkeypatch, qtbot):
    load(porelab, grey)
    folder = tmp_path / "moved.porelab"
    porelab.desk.save_in(folder)
    porelab.wait(60)
    new = tmp_path / "elsewhere" / grey[0].name
    new.parent.mkdir()
    Path(grey[0]).rename(new)
    porelab.opener.open_one(folder)
    porelab.wait(60)
    dialog = porelab.desk.dialog
    assert dialog.names.item(0).text() == str(grey[0])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(new), ""))
    qtbot.mouseClick(dialog.locate, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert porelab.context.session.recipe.steps[0].params["path"] == str(new)
    np.save(new, grey[1][::-1])
    new.rename(tmp_path / "third.npy")
    porelab.actions["save_project"].trigger()
    porelab.wait(60)
    porelab.opener.open_one(folder)
    porelab.wait(60)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(tmp_path / "third.npy"), ""))
    qtbot.mouseClick(porelab.desk.dialog.locate, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert any("is not the file" in t.text for t in porelab.toasts.shown), "another image is named"


def test_saved_projects_stand_in_the_recent_menu_and_on_the_welcome_page(porelab, grey, tmp_path, qtbot):
    load(porelab, grey)
    folder = tmp_path / "known.porelab"
    porelab.desk.save_in(folder)
    porelab.wait(60)
    assert "*" not in porelab.main.windowTitle()
    qtbot.waitUntil(lambda: porelab.desk.autosaver.kept.folder is None)  # one that was under way ends first
    porelab.desk.close_project()
    qtbot.mouseClick(porelab.welcome.buttons["Recent:known.porelab"], Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert "rock" in porelab.context.session.items
    assert porelab.settings.recent[0] == str(folder)
