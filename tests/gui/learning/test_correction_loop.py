"""The loop by clicks: a phantom, a training, the next slice, its correction, a second training that knows more."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from porelab_gui.core.image.review import with_states
from porelab_gui.core.nouns import Labels, Weights
from porelab_gui.core.registry import get
from porelab_gui.core.review import SliceState

pytestmark = pytest.mark.gui
DONE = (3, 8, 12, 16)  # training 3, validation 8 and 16, test 12
SMALL = {
    "width": 8,
    "depth": 2,
    "patch": 32,
    "patches": 40,
    "context": 1,
    "epochs": 5,
    "tests": 1,
    "batch_size": 4,
    "threads": 1,
}


def click(qtbot, button):
    assert button.isEnabled(), button.text()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def page(porelab, qtbot, tmp_path):
    """The page of the training with a phantom whose labels are right in a few slices only."""
    maker = porelab.show_step("Generate").show_method("make_phantom")
    maker.set_values({"kind": "sandstone", "depth": 24, "height": 64, "width": 64, "grain": 14.0, "noise": 14.0})
    click(qtbot, maker.button)
    porelab.wait(120)
    session = porelab.context.session
    truth = session.items["truth"]
    data = np.zeros_like(truth.data)
    data[list(DONE)] = truth.data[list(DONE)]
    labels = Labels(data, truth.voxel_size, truth.phases, truth.void)
    labels = with_states(labels, dict.fromkeys(DONE, SliceState.DONE))
    session.put(get("correct_labels"), {}, {}, {"labels": labels})
    made = porelab.show_step("Learn").show_method("train_unet")
    made.form.set_values({**SMALL, "folder": str(tmp_path / "first")})
    made.form.chooser.choose("labels", "labels")
    made.form.chooser.choose("image", "image")
    return made


def test_correcting_the_proposed_slice_raises_the_iou(porelab, qtbot, page, tmp_path):
    session, loop = porelab.context.session, page.loop
    assert not loop.segment.isEnabled() and not loop.next.isEnabled()
    click(qtbot, page.form.button)
    porelab.wait(280)
    assert len(loop.history()) == 1 and loop.history()[0]["slices"] == 1
    click(qtbot, loop.segment)
    porelab.wait(120)
    truth, labels = session.items["truth"], session.items["labels"]
    assert np.array_equal(labels.data[12], truth.data[12]), "finished slices stay"
    assert np.any(labels.data[20]), "the others are the net's"
    click(qtbot, loop.next)
    porelab.wait(60)
    z = loop.slice
    assert z not in DONE and f"Slice {z} has the most to gain" in loop.told.text()
    click(qtbot, loop.paint)
    layer = porelab.context.layers.layer("labels")
    assert layer.mode == "paint"
    for phase in truth.phases:
        rows, columns = np.nonzero(truth.data[z] == phase)
        layer.data_setitem((np.full(len(rows), z), rows, columns), phase)
    page.form.set_values({"folder": str(tmp_path / "second"), "epochs": 10})
    click(qtbot, loop.learn)
    porelab.wait(240)
    history = loop.history()
    assert [e["slices"] for e in history] == [1, 2]
    assert history[1]["mean_iou"] > history[0]["mean_iou"] + 0.01
    assert loop.verdict.text().startswith("The last slice brought +")
    kept = session.items["labels"]
    assert kept.review.states[z] == SliceState.DONE and np.array_equal(kept.data[z], truth.data[z])
    assert session.items[session.latest(Weights)].folder == tmp_path / "second"
    assert loop.plot.numbers()["mean"].tolist() == [e["mean_iou"] for e in history]


def test_the_scheduler_is_remembered(porelab, monkeypatch, tmp_path):
    from porelab_methods.shale_unet.gui import SegmentPage

    from porelab_gui.gui import settings

    kept = settings.load()
    kept.scheduler = "tcp://somewhere:8786"
    settings.save(kept)
    try:
        assert SegmentPage(porelab.context).values()["scheduler"] == "tcp://somewhere:8786"
    finally:
        kept.scheduler = ""
        settings.save(kept)
