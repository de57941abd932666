"""The pages of the rock generator in the window: targets, a batch that runs, a training that is stopped, pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.rock_gan.evaluate import Comparison, correlation_table, curve_table, distance_table, sample_table
from porelab_methods.rock_gan.model import Generator, Sizes, config_of
from porelab_methods.rock_gan.samples import LAGS, NAMES, SIZES, Measured
from qtpy.QtCore import Qt

from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Labels
from porelab_gui.core.registry import get
from porelab_gui.session.jobs import State

pytestmark = pytest.mark.gui
TINY = Sizes(noise=3, style=2, widths=(6, 6, 4, 4), critic=(4, 6, 8))
VOXEL = 5e-6


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Weights that were never trained: their rocks have any porosity around a half."""
    monkeypatch.setenv("PORELAB_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(1)
    config = config_of("convolutional", TINY) | {"voxel_size": VOXEL, "edge": 32, "hold_out": 0.3}
    card = Card("Rocks", "Untrained.", "none", "none", [], "all", "porelab x", "")
    return save_weights(tmp_path / "rock_gan", Generator(TINY), config, card)


def opened(porelab, weights):
    """The window with the weights open."""
    session = porelab.context.session
    session.put(get("load_weights"), {"path": str(weights.folder)}, {}, {"weights": weights})
    return porelab.show_step("Generate")


def test_targets_are_edited_and_checked_while_typing(porelab, weights, qtbot):
    page = opened(porelab, weights).show_method("condition_rock")
    row = page.targets.rows[0]
    assert page.button.isEnabled()
    assert page.values()["targets"] == ("porosity=0.18..0.22+-0.002",)
    qtbot.mouseDClick(row.tolerance, Qt.MouseButton.LeftButton)
    row.tolerance.selectAll()
    qtbot.keyClicks(row.tolerance, "zero")
    assert row.problem.isVisible() and not page.button.isEnabled()
    row.tolerance.selectAll()
    qtbot.keyClicks(row.tolerance, "0.003")
    assert not row.problem.isVisible() and page.button.isEnabled()
    qtbot.mouseClick(page.targets.add_button, Qt.MouseButton.LeftButton)
    second = page.targets.rows[1]
    second.property.setCurrentIndex(second.property.findData("permeability_z"))
    assert page.values()["targets"][1] == "permeability_z=500..1500+-20 mD"
    qtbot.mouseClick(second.remove, Qt.MouseButton.LeftButton)
    assert page.values()["targets"] == ("porosity=0.18..0.22+-0.003",)


def test_a_batch_is_watched_and_its_rocks_are_opened_in_3d(porelab, weights, qtbot, tmp_path):
    maker = get("generate_rock")({"weights": weights}, {"size": (32,), "count": 3})["table"]["porosity"]
    page = opened(porelab, weights).show_method("condition_rock")
    page.set_values({"size": (32,), "count": 3, "survey": 8, "folder": str(tmp_path / "rocks")})
    low, high = maker.min(), maker.max()
    page.targets.rows[0].set_numbers(f"{low:.4f}", f"{high:.4f}", "0.01")
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    view = page.view
    assert view.job.state is State.DONE, view.job.error
    view.refresh()
    assert "Target: porosity" in view.now.text() and "Evaluations:" in view.now.text()
    assert view.rocks.count() >= 1 and "within tolerance" in view.spread.text()
    assert set(view._numbers()) == {"rock", "porosity target", "porosity reached", "accepted"}
    assert not view.open.isEnabled()
    view.rocks.setCurrentRow(0)
    qtbot.mouseClick(view.open, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    shown = [n for n in porelab.context.session.items if n.startswith("rock ")]
    assert shown and isinstance(porelab.context.session.items[shown[0]], Labels)
    qtbot.waitUntil(lambda: porelab.viewer.dims.ndisplay == 3, timeout=5000)
    assert [layer.name for layer in porelab.viewer.layers if layer.visible] == [shown[0]]
    assert porelab.context.session.items["rocks"].shape[:2] == (32, 32)


def test_an_impossible_target_is_told_with_the_range(porelab, weights, qtbot, tmp_path):
    page = opened(porelab, weights).show_method("condition_rock")
    page.set_values({"size": (32,), "survey": 8})
    page.targets.rows[0].set_numbers("0.99999", "0.99999", "0.000001")
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    job = porelab.context.session.queue.jobs[-1]
    assert job.state is State.FAILED and "this generator makes rocks of this size from" in str(job.error)


def test_the_generator_of_a_stopped_training_is_opened_by_one_button(porelab, qtbot, tmp_path):
    field = np.random.default_rng(0).random((90, 36, 36)) > 0.7
    session = porelab.context.session
    session.put(get("load"), {}, {}, {"image": Labels(field.astype(np.uint8), (VOXEL,) * 3)}, {"image": "labels"})
    page = porelab.show_step("Learn").show_method("train_rock_gan")
    page.set_values({
        "crop": 32, "epochs": 500, "steps": 1, "batch_size": 2, "critic_steps": 1, "widths": (4, 4, 4, 4),
        "critic_widths": (4, 4), "noise": 2, "style": 2, "samples": 2, "hold_out": 0.4, "draw_every": 500,
        "folder": str(tmp_path / "w"),
    })  # fmt: skip
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    job = session.queue.jobs[-1]
    qtbot.waitUntil(lambda: bool(job.metrics) or job.state is State.FAILED, timeout=60000)
    assert {"porosity of crops"} <= set(job.pictures), job.error
    session.queue.cancel(job)
    porelab.wait(60)
    assert job.state is State.CANCELLED and page.rescue.isVisible()
    qtbot.mouseClick(page.rescue, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert session.items["weights"].folder == (tmp_path / "w").resolve()


def test_the_comparison_is_drawn(porelab, qtbot):
    rng = np.random.default_rng(0)

    def some(shift):
        values = {n: 1.0 + shift + 0.1 * rng.random(20) for n in NAMES}
        return Measured(values, rng.random((20, LAGS)), rng.random((20, SIZES)))

    places = np.arange(60).reshape(20, 3) * 40
    found = Comparison(some(0), some(0.1), places, 32, VOXEL, True)
    tables = {"samples": sample_table(found), "distances": distance_table(found, []),
              "correlations": correlation_table(found), "curves": curve_table(found)}  # fmt: skip
    porelab.context.session.put(get("evaluate_rock_gan"), {}, {}, tables)
    page = porelab.show_step("Generate").show_method("evaluate_rock_gan")
    counts = []
    for k in range(page.which.count()):
        page.which.setCurrentIndex(k)
        page.plot._redraw()
        counts.append(len(page._extra))
    assert counts == [6, 2, 1, 1, 1]
    assert "Correlation of permeability" in page.notes.text()


def test_a_generator_is_calibrated_by_a_click_and_its_table_is_shown(porelab, qtbot, weights, tmp_path):
    field = np.random.default_rng(0).random((60, 40, 40)) > 0.7
    session = porelab.context.session
    session.put(get("load_weights"), {"path": str(weights.folder)}, {}, {"weights": weights})
    session.put(get("load"), {}, {}, {"image": Labels(field.astype(np.uint8), (VOXEL,) * 3)}, {"image": "labels"})
    page = porelab.show_step("Learn").show_method("calibrate_rock_gan")
    page.set_values({"crops": (32,), "pairs": 3, "samples": 4, "folder": str(tmp_path / "calibrated")})
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    porelab.wait(120)
    job = session.queue.jobs[-1]
    assert job.state is State.DONE, job.error
    assert "## Calibration" in (tmp_path / "calibrated" / "card.md").read_text(encoding="utf-8")
    assert any("round_1.32" in getattr(item, "columns", ()) for item in session.items.values())
