"""Thresholds with their live overlay, and correction by hand."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from porelab_gui.core.recipe import Recipe, replay
from porelab_gui.gui.overlay import TITLE as OVERLAY

pytestmark = pytest.mark.gui


@pytest.fixture
def rock(porelab, grey):
    path, image = grey
    porelab.context.session.run(
        "load", {"path": str(path), "voxel_size": (1e-5, 5e-6, 5e-6)}, outputs={"image": "rock"}
    )
    porelab.wait(60)
    return image


@pytest.fixture
def page(porelab, rock):
    made = porelab.show_step("Segment").show_method("segment_threshold")
    made.live.setChecked(True)
    made.form.set_values({"rule": "otsu", "void": "dark"})
    return made


def overlay(porelab):
    return next((layer for layer in porelab.viewer.layers if layer.name == OVERLAY), None)


def test_the_overlay_is_what_the_run_gives_on_the_slice_in_view(qtbot, porelab, page, rock):
    page.form.set_values({"rule": "manual", "threshold": 120.0})
    porelab.viewer.dims.set_current_step(0, 5)
    qtbot.waitUntil(lambda: overlay(porelab) is not None, timeout=3000)
    page.refresh()
    shown = overlay(porelab)
    assert np.array_equal(shown.data[0], rock[5] <= 120)
    assert shown.translate[0] == pytest.approx(50.0)
    steps = len(porelab.context.session.recipe.steps)
    assert steps == 1, "the overlay needs no job"
    qtbot.mouseClick(page.form.button, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert np.array_equal(porelab.context.session.items["labels"].array(), rock <= 120)
    qtbot.waitUntil(lambda: overlay(porelab) is None, timeout=3000)


def test_the_overlay_follows_the_slice_and_the_side(qtbot, porelab, page, rock):
    page.form.set_values({"rule": "manual", "threshold": 100.0, "void": "bright"})
    porelab.viewer.dims.set_current_step(0, 9)
    qtbot.waitUntil(lambda: overlay(porelab) is not None, timeout=3000)
    page.refresh()
    assert np.array_equal(overlay(porelab).data[0], rock[9] > 100)


def test_a_drag_on_the_histogram_sets_the_threshold(qtbot, page):
    bar = page.bar
    qtbot.mousePress(bar, Qt.MouseButton.LeftButton, pos=bar.rect().center())
    values = page.form.values()
    assert values["rule"] == "manual"
    assert values["threshold"] == pytest.approx(bar.level_at(bar.rect().center().x()), abs=1)


def test_several_classes_are_shown_too(qtbot, porelab, page):
    page.form.set_values({"rule": "multi_otsu", "classes": 3})
    page.refresh()
    assert set(np.unique(overlay(porelab).data)) <= {1, 2, 3}
    assert len(page.levels(page._stack())) == 2


def test_leaving_the_step_takes_the_overlay_away(qtbot, porelab, page):
    page.refresh()
    assert overlay(porelab) is not None
    porelab.show_step("Load")
    assert overlay(porelab) is None


@pytest.fixture
def correction(porelab, page):
    page.form.set_values({"rule": "manual", "threshold": 120.0})
    page.form.run()
    porelab.wait(60)
    return porelab.show_step("Segment").show_method("correct_labels")


def test_painted_voxels_become_a_step_that_replays_exactly(qtbot, porelab, correction, tmp_path):
    from porelab_gui.gui.recipes import save_recipe

    session = porelab.context.session
    before = session.items["labels"]
    kept = before.array().copy()
    assert [correction.phase.itemText(i) for i in range(correction.phase.count())] == ["matrix (0)", "pore (1)"]
    qtbot.mouseClick(correction.tools["paint"], Qt.MouseButton.LeftButton)
    correction.phase.setCurrentIndex(0)
    correction.brush.setValue(4)
    layer = correction.layer
    assert (layer.mode, layer.selected_label, layer.brush_size) == ("paint", 0, 4)
    layer.paint((3, 10, 10), 0)
    layer.paint((8, 5, 6), 1)
    painted = layer.data.copy()
    assert np.array_equal(before.array(), kept), "painting must not reach into the session"
    qtbot.mouseClick(correction.keep, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert np.array_equal(session.items["labels"].array(), painted)
    assert session.recipe.steps[-1].method == "correct_labels"
    save_recipe(porelab.context, tmp_path / "recipe.yaml")
    again = replay(Recipe.load(tmp_path / "recipe.yaml"))
    assert not again.differences
    assert np.array_equal(again.items["labels"].array(), painted)
    assert list(tmp_path.glob("recipe.edits-*.npz")), "the painted voxels travel with the recipe"
    porelab.actions["undo"].trigger()
    assert np.array_equal(session.items["labels"].array(), kept), "what is kept is undone as a step"
    assert np.array_equal(correction.layer.data, kept)


def test_ctrl_z_takes_back_strokes_before_steps(qtbot, porelab, correction):
    session = porelab.context.session
    steps = len(session.recipe.steps)
    correction.use_tool("paint")
    layer = correction.layer
    before = layer.data.copy()
    layer.paint((3, 10, 10), 1 - int(before[3, 10, 10]))
    porelab.actions["undo"].trigger()
    assert np.array_equal(layer.data, before)
    assert len(session.recipe.steps) == steps
    porelab.actions["undo"].trigger()
    assert len(session.recipe.steps) == steps - 1


def test_nothing_painted_makes_no_step(qtbot, porelab, correction):
    steps = len(porelab.context.session.recipe.steps)
    qtbot.mouseClick(correction.keep, Qt.MouseButton.LeftButton)
    assert "Nothing has been painted" in porelab.toasts.shown[-1].text
    assert len(porelab.context.session.recipe.steps) == steps


def test_a_phase_added_by_hand_keeps_its_name(qtbot, porelab, correction):
    qtbot.keyClicks(correction.new_phase, "organic matter")
    qtbot.mouseClick(correction.add, Qt.MouseButton.LeftButton)
    correction.use_tool("paint")
    assert correction.phase.currentData() == 2
    correction.layer.paint((2, 4, 4), 2)
    correction.keep_corrections()
    porelab.wait(60)
    assert porelab.context.session.items["labels"].phases[2] == "organic matter"
