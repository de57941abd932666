"""A sweep and a batch by clicks: one job, a live table, a plot, CSV, and the data that are open stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog
from scipy.ndimage import gaussian_filter

from porelab_gui.gui.dialogs.many_runs import ManyRunsDialog
from porelab_gui.session.jobs import State
from porelab_gui.session.many_runs import table_of

pytestmark = pytest.mark.gui
LEFT = Qt.MouseButton.LeftButton


def image(seed):
    noise = gaussian_filter(np.random.default_rng(seed).random((14, 20, 26)), 2)
    return np.uint8(255 * (noise - noise.min()) / np.ptp(noise))


@pytest.fixture
def dialog(porelab, tmp_path, qtbot):
    """The dialog over a session that has loaded an image and thresholded it."""
    np.save(tmp_path / "rock.npy", image(0))
    run = porelab.context.session.run
    run("load", {"path": str(tmp_path / "rock.npy"), "voxel_size": (2e-6,) * 3}, {}, {"image": "rock"})
    porelab.wait(60)
    run("segment_threshold", {"rule": "manual", "threshold": 120.0})
    porelab.wait(60)
    porelab.actions["many_runs"].trigger()
    made = ManyRunsDialog.of(porelab.context, porelab.main)
    qtbot.waitUntil(made.isVisible, timeout=3000)
    yield made
    for row in list(made.rows[1:]):
        made._remove(row)
    made.rows[0].values.clear()
    made.folder.clear()
    made.close()


def pick(combo, data):
    combo.setCurrentIndex(combo.findData(data))


def test_a_sweep_gives_a_row_per_value_and_leaves_the_session_alone(porelab, dialog, qtbot, tmp_path, monkeypatch):
    session = porelab.context.session
    before = dict(session.items)
    assert not dialog.run_button.isEnabled() and "Give values" in dialog.told.text()
    row = dialog.rows[0]
    pick(row.step, "segment_threshold")
    pick(row.parameter, "threshold")
    assert row.now.text().startswith("now 120")
    qtbot.keyClicks(row.values, "100:160:0")
    assert not dialog.run_button.isEnabled() and "leads nowhere" in dialog.told.text()
    row.values.clear()
    qtbot.keyClicks(row.values, "100:160:20")
    assert dialog.told.text() == "4 runs of 2 steps."
    seen = []
    session.queue.changed.connect(lambda job: seen.append(len(table_of(job) or ())), check_nargs=False)
    qtbot.mouseClick(dialog.run_button, LEFT)
    assert not dialog.run_button.isEnabled() and dialog.stop_button.isEnabled()
    porelab.wait(120)
    assert dialog.job.state is State.DONE, dialog.job.error
    assert {1, 2, 3, 4} <= set(seen), "the table grows while the job runs"
    table = dialog.table.model.table
    assert table["segment_threshold.threshold"].tolist() == [100.0, 120.0, 140.0, 160.0]
    porosity = table["labels.porosity"]
    truth = [(image(0) < t).mean() for t in (100, 120, 140, 160)]
    assert porosity == pytest.approx(truth, abs=0.02) and porosity[1] == session.items["labels"].porosity()
    assert dict(session.items) == before and dialog.plot.combo.currentText() == "labels.porosity"
    dialog.plot.plot.refresh()
    qtbot.waitUntil(lambda: _drawn(dialog) == len(porosity), timeout=5000)  # before, it shows a row less
    assert np.allclose(dialog.plot.plot.axes.lines[0].get_ydata(), porosity)
    swept = dialog.plot.plot.axes.lines[0].get_xdata()
    qtbot.waitUntil(lambda: dialog.plot.plot.axes.get_xlim()[0] > swept.min() - np.ptp(swept), timeout=5000)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(tmp_path / "runs.csv"), ""))
    qtbot.mouseClick(dialog.table.save_button, LEFT)
    lines = (tmp_path / "runs.csv").read_text().splitlines()
    assert len([line for line in lines if not line.startswith("#")]) == 5


def test_a_folder_of_images_is_a_row_per_image_and_one_that_fails_says_why(porelab, dialog, qtbot, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in (1, 2):
        np.save(folder / f"rock{seed}.npy", image(seed))
    np.save(folder / "wrong.npy", np.zeros(5))
    (folder / "notes.txt").write_text("no image")
    qtbot.keyClicks(dialog.folder, str(folder))
    assert dialog.told.text() == "3 runs of 2 steps."
    qtbot.mouseClick(dialog.run_button, LEFT)
    porelab.wait(120)
    table = dialog.table.model.table
    assert table["image"].tolist() == ["rock1.npy", "rock2.npy", "wrong.npy"]
    assert np.isfinite(table["labels.porosity"]).tolist() == [True, True, False]
    assert table["failure"][2] and not table["failure"][0]


def test_a_sweep_can_be_stopped_and_keeps_its_rows(porelab, dialog, qtbot):
    row = dialog.rows[0]
    pick(row.step, "segment_threshold")
    pick(row.parameter, "threshold")
    qtbot.keyClicks(row.values, "60:180:0.02")
    qtbot.mouseClick(dialog.run_button, LEFT)
    qtbot.waitUntil(lambda: dialog.plot.table is not None and len(dialog.plot.table) > 3, timeout=60_000)
    qtbot.mouseClick(dialog.stop_button, LEFT)
    porelab.wait(60)
    assert dialog.job.state is State.CANCELLED and len(dialog.table.model.table) > 3
    assert "the table keeps them" in dialog.told.text() and dialog.run_button.isEnabled()


def _drawn(dialog):
    """Points in the plot of the runs."""
    axes = dialog.plot.plot.axes
    return len(axes.lines[0].get_ydata()) if axes is not None and len(axes.lines) else 0
