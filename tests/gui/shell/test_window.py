"""The whole window with real clicks."""

from __future__ import annotations

import time

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication

from porelab_gui.core.errors import InputError
from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Stack
from porelab_gui.core.recipe import Recipe, replay
from porelab_gui.core.registry import methods
from porelab_gui.gui.app import attach
from porelab_gui.session.jobs import State

pytestmark = pytest.mark.gui
VOXEL = (5e-6, 5e-6, 5e-6)


def load(porelab, path, voxel=VOXEL, name="rock"):
    porelab.context.session.run("load", {"path": str(path), "voxel_size": voxel}, outputs={"image": name})
    porelab.wait(60)


def drop(porelab, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(p)) for p in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    action, target = Qt.DropAction.CopyAction, porelab.viewer.window._qt_viewer
    entered = QDragEnterEvent(QPoint(10, 10), action, data, buttons, keys)
    QApplication.sendEvent(target, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPointF(10, 10), action, data, buttons, keys))


def job_of(porelab, function, lane="gpu"):
    method = Method("made_here", "Made here", "s", "Load", "", Params, {}, {"image": Stack}, function, lane)
    return porelab.context.session.queue.submit(method, {}, Params())


def test_the_window_has_its_docks_and_every_step_that_can_do_something(porelab):
    assert {"PoreLab", "Jobs"} <= set(porelab.viewer.window.dock_widgets)
    assert set(porelab.stepper.buttons) == {m.step for m in methods().values()}
    assert porelab.welcome.isVisible()


def test_asking_again_gives_the_same_window(porelab):
    assert attach(porelab.viewer) is porelab


def test_a_click_on_a_step_shows_its_page(qtbot, porelab):
    for step, button in porelab.stepper.buttons.items():
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert porelab.stepper.current == step
        assert porelab.stepper.stack.currentWidget() is porelab.stepper.pages[step]


def test_a_dropped_file_asks_for_the_voxel_size_and_is_shown_in_micrometres(qtbot, porelab, grey):
    path, image = grey
    drop(porelab, path)
    porelab.wait(60)
    dialog = porelab.opener.dialog
    assert dialog is not None and not dialog.ok.isEnabled()
    dialog.row.cube.setChecked(False)
    for box, text in zip(dialog.row.boxes, ("10", "2.5", "2.5"), strict=True):
        qtbot.keyClicks(box.lineEdit(), text)
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    noun = porelab.context.session.items["rock"]
    assert noun.voxel_size == (1e-5, 2.5e-6, 2.5e-6)
    assert np.array_equal(noun.array(), image)
    layer = porelab.context.layers.layer("rock")
    assert tuple(layer.scale) == pytest.approx((10, 2.5, 2.5))
    assert {str(u) for u in layer.units} == {"micrometer"}
    assert porelab.viewer.scale_bar.visible
    assert not porelab.welcome.isVisible()
    assert porelab.settings.recent[0] == str(path)
    assert not porelab.toasts.shown, "a question is not an error"


@pytest.mark.parametrize("text", ["0", "-3", "wide", ""])
def test_a_voxel_size_that_is_none_cannot_be_used(qtbot, porelab, grey, text):
    drop(porelab, grey[0])
    porelab.wait(60)
    porelab.opener.dialog.row.boxes[0].lineEdit().setText(text)
    assert not porelab.opener.dialog.ok.isEnabled()


def test_anisotropic_voxels_are_told_and_resampling_is_offered_as_a_step(qtbot, porelab, grey):
    load(porelab, grey[0], (1e-5, 5e-6, 5e-6))
    panel = porelab.show_step("Load")
    assert "not cubes" in panel.advice.text()
    qtbot.mouseClick(panel.resample, Qt.MouseButton.LeftButton)
    assert panel.cubic.isVisible()
    assert len(porelab.context.session.recipe.steps) == 1, "nothing is resampled before it is run"
    QApplication.processEvents()
    qtbot.mouseClick(panel.cubic.button, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    noun = list(porelab.context.session.items.values())[-1]
    assert noun.isotropic and noun.shape == (28, 20, 26)
    assert not panel.cubic.isVisible()


def test_a_file_that_cannot_be_read_is_a_sentence_with_details_behind_a_button(qtbot, porelab, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 this is not a picture")
    drop(porelab, broken)
    porelab.wait(60)
    toast = porelab.toasts.shown[-1]
    assert toast.kind == "error"
    assert "broken.tif" in toast.text and "Traceback" not in toast.text
    assert "Traceback" in toast.details
    qtbot.mouseClick(toast.button, Qt.MouseButton.LeftButton)
    assert not porelab.context.session.items


def test_a_recipe_saved_by_clicks_replays_to_the_same_numbers(qtbot, porelab, grey, tmp_path):
    from porelab_gui.gui.recipes import replay_here, save_recipe, save_script

    load(porelab, grey[0])
    page = porelab.show_step("Segment").show_method("segment_threshold")
    qtbot.mouseClick(page.form.button, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    before = {k: v.content_hash for k, v in porelab.context.session.items.items()}
    assert len(before) == 2
    save_recipe(porelab.context, tmp_path / "recipe.yaml")
    save_script(porelab.context, tmp_path / "recipe.py")
    again = replay(Recipe.load(tmp_path / "recipe.yaml"))
    assert {k: v.content_hash for k, v in again.items.items()} == before
    assert not again.differences
    compile((tmp_path / "recipe.py").read_text(), "recipe.py", "exec")
    porelab.context.session.clear()
    replay_here(porelab.context, tmp_path / "recipe.yaml")
    porelab.wait(60)
    assert {k: v.content_hash for k, v in porelab.context.session.items.items()} == before
    assert "every result is the recorded one" in porelab.toasts.shown[-1].text


def test_undo_and_redo_take_back_steps_and_their_layers(porelab, grey):
    load(porelab, grey[0])
    assert len(porelab.viewer.layers) == 1
    assert porelab.actions["undo"].shortcut().toString() == "Ctrl+Z"
    porelab.actions["undo"].trigger()
    assert not porelab.viewer.layers
    porelab.actions["redo"].trigger()
    assert [layer.name for layer in porelab.viewer.layers] == ["rock"]


def test_a_job_shows_its_progress_and_a_click_cancels_it(qtbot, porelab):
    def slow(inputs, params, progress):
        for i in range(10_000):
            progress(i, 10_000, f"step {i}")
            time.sleep(0.002)
        return {}

    job = job_of(porelab, slow)
    row = porelab.jobs.rows[job.number]
    qtbot.waitUntil(lambda: "step" in row.bar.toolTip(), timeout=5000)
    qtbot.mouseClick(row.log, Qt.MouseButton.LeftButton)
    assert "step" in row.log_dialog.body.toPlainText()
    row.log_dialog.close()
    qtbot.mouseClick(row.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: job.state is State.CANCELLED, timeout=5000)
    qtbot.waitUntil(lambda: row.bar.toolTip() == "Made here: cancelled", timeout=5000)
    assert not row.cancel.isEnabled()


def test_a_job_that_fails_is_a_toast_and_the_session_stays(qtbot, porelab, grey):
    load(porelab, grey[0])

    def fails(inputs, params, progress):
        raise InputError("the image is all solid", where="rock", remedy="Move the threshold.")

    job_of(porelab, fails)
    qtbot.waitUntil(lambda: bool(porelab.toasts.shown), timeout=5000)
    assert porelab.toasts.shown[-1].text == "rock: the image is all solid. Move the threshold."
    assert list(porelab.context.session.items) == ["rock"]


def test_the_strip_keeps_running_jobs_and_forgets_the_oldest(qtbot, porelab):
    from porelab_gui.gui.jobs_strip import KEEP

    jobs = [job_of(porelab, lambda i, p, g: {}) for _ in range(KEEP + 5)]
    qtbot.waitUntil(lambda: jobs[-1].state is State.DONE, timeout=10_000)
    job_of(porelab, lambda i, p, g: {})
    assert len(porelab.jobs.rows) <= KEEP + 6
    assert jobs[-1].number in porelab.jobs.rows


def test_light_and_dark_reach_our_docks(porelab):
    for theme in ("light", "dark"):
        porelab.viewer.theme = theme
        assert ("#1f6feb" in porelab.stepper.styleSheet()) == (theme == "dark")


def test_a_screenshot_holds_the_whole_window(porelab, grey, tmp_path):
    from qtpy.QtGui import QImage

    load(porelab, grey[0])
    porelab.screenshot(tmp_path / "shot.png")
    image = QImage(str(tmp_path / "shot.png"))
    assert (image.width(), image.height()) == (porelab.main.width(), porelab.main.height())
    canvas = porelab.viewer.window._qt_viewer.canvas.native
    middle = canvas.mapTo(porelab.main, canvas.rect().center())
    greys = {image.pixel(middle.x() + dx, middle.y() + dy) for dx in range(-80, 80, 9) for dy in range(-80, 80, 9)}
    assert len(greys) > 5, "the canvas is in the picture"


def test_uncaught_errors_are_told_in_words_and_logged(qtbot, porelab, caplog):
    from napari.utils.notifications import notification_manager

    try:
        raise KeyError("lost")
    except KeyError as error:
        notification_manager.receive_error(type(error), error, error.__traceback__)
    qtbot.waitUntil(lambda: bool(porelab.toasts.shown), timeout=3000)
    assert "KeyError" in porelab.toasts.shown[-1].text
    assert any("lost" in r.getMessage() and r.name == "porelab" for r in caplog.records)


def test_nothing_to_undo_or_to_save_is_said(porelab):
    porelab.context.session._past.clear()
    porelab.actions["undo"].trigger()
    assert porelab.toasts.shown[-1].text == "There is nothing to undo."


def test_no_page_is_wider_than_its_column(porelab):
    """What does not fit is cut, for there is no bar to scroll sideways."""
    from qtpy.QtWidgets import QApplication

    wide = {}
    for step in porelab.stepper.buttons:
        panel = porelab.show_step(step)
        area = porelab.stepper.pages[step]
        room = area.viewport().width()
        if not area.verticalScrollBar().isVisible():
            room -= area.verticalScrollBar().sizeHint().width()
        for name in getattr(panel, "names", ()):
            panel.show_method(name)
            QApplication.processEvents()
            if panel.minimumSizeHint().width() > room:
                wide[name] = panel.minimumSizeHint().width()
    assert not wide, f"room for {room}"


def test_layers_do_not_make_the_window_too_high_for_a_low_screen(porelab):
    """The controls of napari's points layers alone are 400 pixels high."""
    from qtpy.QtWidgets import QApplication, QScrollArea

    porelab.viewer.add_points(np.zeros((1, 3)))
    porelab.viewer.add_image(np.zeros((4, 4, 4)))
    QApplication.processEvents()
    assert porelab.main.minimumSizeHint().height() <= 720
    area = porelab.viewer.window._qt_viewer.dockLayerControls.widget()
    assert isinstance(area, QScrollArea) and area.minimumHeight() < 200
    porelab.viewer.layers.clear()


def test_words_without_room_end_in_an_ellipsis(qtbot, porelab, monkeypatch):
    from qtpy.QtWidgets import QStylePainter

    from porelab_gui.gui.choices import Choice

    drawn = []
    monkeypatch.setattr(QStylePainter, "drawControl", lambda self, kind, option: drawn.append(option.currentText))
    box = Choice()
    qtbot.addWidget(box)
    box.addItem("hydraulic conductance, spheres and cylinders")
    for width in (120, 600):
        box.resize(width, 26)
        box.grab()
    assert drawn[0].endswith("…") and len(drawn[0]) < len(drawn[-1]) and drawn[-1] == box.currentText()
