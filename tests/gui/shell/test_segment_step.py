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
    assert {k: line.text() for k, line in correction.palette_.names.items()} == {0: "matrix", 1: "pore"}
    qtbot.mouseClick(correction.tools["paint"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(correction.palette_.group.button(0), Qt.MouseButton.LeftButton)
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
    qtbot.keyClicks(correction.palette_.new_phase, "organic matter")
    qtbot.mouseClick(correction.palette_.add, Qt.MouseButton.LeftButton)
    correction.use_tool("paint")
    assert correction.palette_.label == 2
    correction.layer.paint((2, 4, 4), 2)
    correction.keep_corrections()
    porelab.wait(60)
    assert porelab.context.session.items["labels"].phases[2] == "organic matter"


def test_keys_choose_phases_and_tools(qtbot, porelab, correction):
    qtbot.mouseClick(correction.palette_.shale, Qt.MouseButton.LeftButton)
    assert list(correction.palette_.phases.values()) == [
        "matrix",
        "pore",
        "organic pore",
        "inorganic pore",
        "organic matter",
    ]
    qtbot.mouseClick(correction.tools["paint"], Qt.MouseButton.LeftButton)
    canvas = porelab.viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, "4")
    assert correction.palette_.label == correction.layer.selected_label == 3
    qtbot.keyClick(canvas, "G")
    assert correction.layer.mode == "polygon"
    qtbot.keyClick(canvas, "S")
    assert correction.tools["smart_fill"].isChecked() and correction.layer.mode == "pan_zoom"


def test_a_picked_label_is_the_chosen_phase(qtbot, porelab, correction):
    correction.palette_.choose(0)
    qtbot.mouseClick(correction.tools["pick"], Qt.MouseButton.LeftButton)
    correction.layer.selected_label = 1  # what napari's tool does at a click
    assert correction.palette_.label == 1 and correction.palette_.group.button(1).isChecked()
    assert correction.layer.mode == "pick"


def test_smart_fill_copy_and_interpolate_are_strokes_that_undo_takes_back(qtbot, porelab, correction, rock):
    porelab.viewer.dims.set_current_step(0, 4)
    qtbot.mouseClick(correction.tools["smart_fill"], Qt.MouseButton.LeftButton)
    before = correction.layer.data.copy()
    correction.palette_.choose(0)
    correction.tolerance.setValue(300.0)
    seed = tuple(int(n) for n in np.argwhere(before[4] == 1)[0])
    _click(qtbot, porelab, (4, *seed))
    assert (correction.layer.data[4] == 0).all() and np.array_equal(correction.layer.data[5], before[5])
    qtbot.mouseClick(correction.copy_next, Qt.MouseButton.LeftButton)
    assert correction.z == 5 and (correction.layer.data[5] == 0).all()
    correction.first.setValue(5)
    correction.last.setValue(8)
    qtbot.mouseClick(correction.between, Qt.MouseButton.LeftButton)
    assert not np.array_equal(correction.layer.data[6], before[6])
    for _ in range(3):
        porelab.actions["undo"].trigger()
    assert np.array_equal(correction.layer.data, before)


def _click(qtbot, porelab, voxel):
    """A real press and release on the canvas over a voxel of the rock."""
    viewer = porelab.viewer
    viewer.fit_to_view()
    canvas = porelab.viewer.window._qt_viewer.canvas
    qtbot.wait(30)
    world = np.array(voxel) * [10.0, 5.0, 5.0]
    centre = np.array(viewer.camera.center)[-2:]
    width, height = canvas.native.width(), canvas.native.height()
    y, x = (world[1:] - centre) * viewer.camera.zoom
    from qtpy.QtCore import QPoint

    qtbot.mouseClick(canvas.native, Qt.MouseButton.LeftButton, pos=QPoint(round(width / 2 + x), round(height / 2 + y)))


def test_changes_are_counted_live_and_slices_have_states(qtbot, porelab, correction):
    tally = correction.slices.tally
    before = correction.layer.data.copy()
    porelab.viewer.dims.set_current_step(0, 3)
    correction.use_tool("paint")
    correction.palette_.choose(0)
    correction.layer.paint((3, 10, 10), 0)
    changed = int((correction.layer.data != before).sum())
    qtbot.waitUntil(lambda: int(tally.changed[3]) == changed, timeout=3000)
    correction.slices.finish()
    pores = int((before == 1).sum())
    assert correction.slices.overall.text() == (
        f"{changed:,} pixels changed: {changed / before.size:.2%} of all, "
        f"{changed / pores:.2%} of the automatic pore pixels"
    )
    assert correction.slices.model.text(3, 1) == "corrected" and correction.slices.model.text(4, 1) == "automatic"
    qtbot.mouseClick(correction.done, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    from porelab_gui.core.image.review import changes, slices_in
    from porelab_gui.core.review import SliceState

    kept = porelab.context.session.items["labels"]
    assert slices_in(kept, SliceState.DONE) == (3,) and changes(kept).changed[3] == changed
    assert correction.slices.model.text(3, 1) == "done"
    index = correction.slices.model.index(9, 0)
    place = correction.slices.table.visualRect(index)
    correction.slices.table.scrollTo(index)
    place = correction.slices.table.visualRect(index)
    qtbot.mouseClick(correction.slices.table.viewport(), Qt.MouseButton.LeftButton, pos=place.center())
    assert correction.z == 9


def test_own_colours_and_pore_phases_are_kept(qtbot, porelab, correction):
    correction.palette_.set_colour(1, "#00ff00")
    qtbot.mouseClick(correction.palette_.boxes[1], Qt.MouseButton.LeftButton)
    correction.palette_.names[0].setText("clay")
    correction.palette_.names[0].editingFinished.emit()
    qtbot.mouseClick(correction.keep, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    kept = porelab.context.session.items["labels"]
    assert kept.colours[1] == "#00ff00" and kept.phases[0] == "clay"
    assert (1 in kept.void) == correction.palette_.boxes[1].isChecked()


def test_labels_on_disk_are_painted_through_a_crop(qtbot, porelab, tmp_path, monkeypatch):
    from porelab_gui.core.export.methods import export
    from porelab_gui.core.image.formats import ome_zarr
    from porelab_gui.core.nouns import Labels
    from porelab_gui.core.progress import silent
    from porelab_gui.core.registry import get

    data = np.random.default_rng(0).integers(0, 2, (50, 20, 30)).astype(np.uint8)
    path = export(Labels(data, 1e-6, name="l"), tmp_path / "l.zarr", silent)[0]
    monkeypatch.setattr(ome_zarr, "EAGER_BYTES", 0)
    session = porelab.context.session
    params = {"path": str(path)}
    session.put(get("load"), params, {}, {"image": get("load")({}, params)["image"]}, {"image": "labels"})
    assert hasattr(session.items["labels"].data, "dask")
    page = porelab.show_step("Segment").show_method("correct_labels")
    porelab.viewer.dims.set_current_step(0, 40)
    qtbot.mouseClick(page.tools["paint"], Qt.MouseButton.LeftButton)
    assert page.target.start[0] == 24 and page.layer.data.shape[0] == 26
    page.palette_.choose(1)
    page.layer.data_setitem((np.array([16]), np.array([3]), np.array([5])), 1 - int(data[40, 3, 5]))
    page.in_place.setChecked(True)
    qtbot.mouseClick(page.keep, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    expected = data.copy()
    expected[40, 3, 5] ^= 1
    assert np.array_equal(session.items["labels"].array(), expected)
    import zarr

    assert np.array_equal(zarr.open_group(str(path), mode="r")["0"][:], expected)
