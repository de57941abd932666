"""The shared widgets of trainings: curves, pictures, time left, stop, card; fed by a job on the device lane."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import Qt

from porelab_gui.core.learning.pictures import show_panels, show_parity
from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Weights
from porelab_gui.core.progress import within
from porelab_gui.session.jobs import State

pytestmark = pytest.mark.gui


class Nothing(Params):
    """No parameters."""


def training(folder, gate):
    """A Method that reports four epochs, waits at the gate, and makes weights."""
    import torch

    def run(inputs, params, progress):
        progress = within(progress, 0.0, 1.0)  # pictures pass through stages too
        for epoch in range(4):
            progress(epoch + 1, 5, f"epoch {epoch + 1}", train_loss=1 / (epoch + 1), learning_rate=1e-3, mean_iou=0.5)
            image = np.arange(64.0).reshape(8, 8)
            truth = (image > 30).astype(np.uint8)
            show_panels(progress, "slice", {"image": image, "truth": truth}, ("matrix", "pore"))
            show_parity(progress, "parity", np.arange(1.0, 9.0), np.arange(1.0, 9.0) * 1.1, "m", log=True)
        while not gate.wait(0.02):
            progress(4, 5, "waiting")
        card = Card("Net", "Tiny.", "none", "none", [], "many", "porelab x", "")
        return {"weights": save_weights(folder / "net", torch.nn.Linear(1, 1), {"system": "x"}, card)}

    return Method("train_nothing", "Train nothing", "", "Learn", "", Nothing, {}, {"weights": Weights}, run, lane="gpu")


@pytest.fixture
def running(porelab, tmp_path, qtbot):
    """The window, its panel of the step Learn and a training that waits after four epochs."""
    gate = threading.Event()
    panel = porelab.show_step("Learn")
    dock = porelab.make_plots()
    dock.show_tab(dock.training)
    job = porelab.context.session.queue.submit(training(tmp_path, gate), {}, Nothing())
    try:
        qtbot.waitUntil(lambda: len(job.metrics.get("train_loss", [])) == 4 and len(job.pictures) == 2, timeout=30000)
        yield porelab, panel, dock.training, job, gate
    finally:
        gate.set()
        porelab.wait(60)


def test_curves_and_pictures_appear_while_it_runs(running, qtbot):
    _, panel, tab, job, _ = running
    qtbot.waitUntil(lambda: tab.job is job and tab.which.count() == 2, timeout=30000)

    def loss() -> list[float]:  # of the run before until the curves are drawn anew
        return list(tab.curves._extra[0].lines[0].get_ydata()) if len(tab.curves._extra) == 3 else []

    qtbot.waitUntil(lambda: loss() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4]), timeout=30000)
    tab.which.setCurrentText("parity")
    qtbot.waitUntil(lambda: tab.picture._extra and tab.picture._extra[0].get_xscale() == "log", timeout=30000)
    qtbot.waitUntil(lambda: "left" in panel.run.state.text(), timeout=30000)
    assert "train loss:  0.25" in panel.run.figures.text()
    assert tab.curves.numbers()["epoch"].tolist() == [1, 2, 3, 4]


def inside(figure, legend):
    """Whether a legend lies within its figure."""
    whole, box = figure.bbox, legend.get_window_extent()
    return whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1


def test_no_key_of_curves_or_pictures_is_cut(porelab, qtbot):
    from porelab_gui.core.learning.pictures import Panels
    from porelab_gui.gui.learning.curves import TrainingCurves
    from porelab_gui.gui.learning.pictures import PicturePlot
    from porelab_gui.session.jobs import Job

    names = ("matrix", "organic matter", "organic pore", "inorganic pore", "pyrite")
    job = Job(training(None, None), {}, Nothing(), "shale")
    job.metrics = {f"iou {n}": [(0.0, 0.5), (1.0, 0.9)] for n in names} | {"train_loss": [(0.0, 1.0), (1.0, 0.5)]}
    classes = np.arange(64, dtype=np.uint8).reshape(8, 8) % 5
    panels = Panels({"grey": np.zeros((8, 8)), "truth": classes, "prediction": classes}, names)
    curves = TrainingCurves(porelab.context, lambda: job)
    picture = PicturePlot(porelab.context, lambda: panels)
    for plot, width in ((curves, 420), (picture, 180)):
        qtbot.addWidget(plot)
        plot.resize(width, 190)
        plot.show()
        qtbot.waitUntil(lambda p=plot: p.made and p._figure.bbox.width == p.width() and not p._stale, timeout=30000)
        plot._canvas.draw()
    keys = [p.get_legend() for p in curves._extra if p.get_legend() is not None]
    assert len(keys) == 1 and inside(curves._figure, keys[0])
    assert inside(picture._figure, picture._figure.legends[0])
    lowest = min(p.get_window_extent().y0 for p in picture._extra[:-1])
    assert picture._figure.legends[0].get_window_extent().y1 <= lowest + 1


def test_a_finished_run_shows_its_card_and_a_stopped_one_says_how_to_go_on(running, qtbot, tmp_path):
    porelab, panel, _, job, gate = running
    gate.set()
    porelab.wait(30)
    assert job.state is State.DONE
    assert panel.run.weights is not None
    qtbot.mouseClick(panel.run.card, Qt.MouseButton.LeftButton)
    assert "# Net" in panel.run.dialog.body.toPlainText()
    panel.run.dialog.close()
    second = porelab.context.session.queue.submit(training(tmp_path, threading.Event()), {}, Nothing())
    qtbot.waitUntil(lambda: panel.run.job is second and panel.run.stop.isVisible(), timeout=30000)
    qtbot.mouseClick(panel.run.stop, Qt.MouseButton.LeftButton)
    porelab.wait(30)
    assert second.state is State.CANCELLED and "goes on where it stopped" in panel.run.state.text()


def test_trained_weights_are_opened_by_the_form(porelab, tmp_path, qtbot):
    import torch

    card = Card("Net", "Tiny.", "none", "none", [], "many", "porelab x", "")
    save_weights(tmp_path / "net", torch.nn.Linear(1, 1), {"system": "x"}, card)
    page = porelab.show_step("Learn").show_method("load_weights")
    page.fields["path"].editor.set_value(str(tmp_path / "net"))
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    porelab.wait(30)
    assert porelab.context.session.items["weights"].folder == tmp_path / "net"
