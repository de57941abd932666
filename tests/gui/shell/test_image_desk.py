"""The image desk in the window: live previews, the crop box, the panel of morphology, the offer of a fast copy."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from porelab_gui.core.nouns import Labels, Stack
from porelab_gui.core.registry import get

pytestmark = pytest.mark.gui


@pytest.fixture
def rock(porelab):
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(3).random((14, 40, 52)), 2)
    image = np.uint8(255 * (noise - noise.min()) / np.ptp(noise))
    session = porelab.context.session
    session.put(get("load"), {}, {}, {"image": Stack(image, (2e-6, 1e-6, 1e-6))}, {"image": "rock"})
    return image


@pytest.fixture
def segment(porelab, rock):
    return porelab.show_step("Segment")


def test_a_preview_follows_parameter_and_slice_and_the_run_takes_its_place(qtbot, porelab, segment, rock):
    page = segment.show_method("filter_median")
    page.live.setChecked(True)
    porelab.viewer.dims.set_current_step(0, 5)
    page.form.set_values({"size": 3})
    whole = get("filter_median")({"image": porelab.context.session.items["rock"]}, {"size": 3})["image"].array()

    def shows(z):
        return page.layer is not None and np.array_equal(page.layer.data[0], whole[z])

    qtbot.waitUntil(lambda: shows(5), timeout=10000)
    assert page.layer.translate[0] == pytest.approx(10.0)
    porelab.viewer.dims.set_current_step(0, 9)
    qtbot.waitUntil(lambda: shows(9), timeout=10000)
    qtbot.mouseClick(page.form.button, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert np.array_equal(porelab.context.session.items["rock"].array(), whole)
    qtbot.waitUntil(lambda: page.layer is None, timeout=3000)


def test_what_a_preview_cannot_show_is_said(qtbot, porelab, segment):
    page = segment.show_method("filter_bilateral")
    page.live.setChecked(True)
    qtbot.waitUntil(lambda: page.layer is not None, timeout=10000)
    porelab.viewer.dims.ndisplay = 3
    qtbot.waitUntil(lambda: "2D" in page.told.text(), timeout=3000)
    assert page.layer is None
    porelab.viewer.dims.ndisplay = 2
    segment.show_method("crop")
    assert page.layer is None


def test_a_preview_of_labels_hides_the_labels_beneath_and_counts(qtbot, porelab, segment, rock):
    mask = (rock < 110).astype(np.uint8)
    mask[:, 2:5, 2:5], mask[:, 3, 3] = 0, 1
    labels = Labels(mask, (2e-6, 1e-6, 1e-6))
    porelab.context.session.put(get("load"), {}, {}, {"image": labels}, {"image": "labels"})
    below = porelab.context.layers.layer("labels")
    page = segment.show_method("remove_islands")
    porelab.viewer.dims.set_current_step(0, 4)
    page.form.set_values({"smallest": 20})
    page.live.setChecked(True)
    qtbot.waitUntil(lambda: page.layer is not None and "voxels of this slice change" in page.told.text(), timeout=10000)
    assert page.layer.visible and not below.visible
    made = get("remove_islands")({"labels": labels}, {"smallest": 20})["labels"].array()
    changed = int(np.count_nonzero(made[4] != mask[4]))
    assert changed and page.told.text().startswith(f"{changed} voxels")
    page.live.setChecked(False)
    qtbot.waitUntil(lambda: page.layer is None, timeout=3000)
    assert below.visible


def mouse(position, ray=None, kind="mouse_press"):
    return SimpleNamespace(position=position, view_direction=ray, button=1, type=kind, pos=(0, 0))


def test_the_crop_box_is_dragged_in_2d_and_3d(qtbot, porelab, segment, rock):
    page = segment.show_method("crop")
    page.form.set_values({"start": (2, 5, 10), "stop": (12, 30, 40)})
    porelab.viewer.dims.set_current_step(0, 4)
    box = page.box
    assert box.lines in porelab.viewer.layers and box.handles in porelab.viewer.layers
    # the lower right corner: y at 30 - 0.5, x at 40 - 0.5 micrometres
    faces = box.grab(mouse((8.0, 29.5, 39.5)))
    assert sorted(faces) == [(1, 1), (2, 1)]
    box.drag(faces, mouse((8.0, 24.4, 44.6)))
    assert page.form.values()["stop"] == (12, 25, 45)
    assert box.grab(mouse((8.0, 15.0, 25.0))) == [], "inside, the mouse moves the image"
    assert porelab.viewer.dims.nsteps[0] == 14, "the slider still goes slice by slice"
    assert np.allclose(box.lines.extent.world[1, 1:], (24.5, 44.5), atol=0.1)
    porelab.viewer.dims.ndisplay = 3
    slant = np.array([0.6, 0.0, 0.8])
    handle = box._face_centre(0, 1)
    faces = box.grab(mouse(tuple(handle - 100 * slant), slant))
    assert faces == [(0, 1)]
    goal = handle - [6.0, 0, 0]  # three voxels of 2 micrometres
    box.drag(faces, mouse(tuple(goal - 100 * slant), slant))
    assert page.form.values()["stop"] == (9, 25, 45)
    porelab.viewer.dims.ndisplay = 2
    qtbot.mouseClick(page.form.button, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    assert np.array_equal(porelab.context.session.items["rock"].array(), rock[2:9, 5:25, 10:45])


def test_real_presses_on_the_canvas_drag_the_box(qtbot, porelab, segment):
    from qtpy.QtCore import QPoint

    page = segment.show_method("crop")
    page.form.set_values({"start": (2, 5, 10), "stop": (12, 30, 40)})
    viewer, canvas = porelab.viewer, porelab.viewer.window._qt_viewer.canvas.native
    viewer.fit_to_view()
    qtbot.wait(30)

    def pixel(y, x):
        centre, zoom = np.array(viewer.camera.center)[-2:], viewer.camera.zoom
        down, right = (np.array([y, x]) - centre) * zoom
        return QPoint(round(canvas.width() / 2 + right), round(canvas.height() / 2 + down))

    before = tuple(viewer.camera.center)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=pixel(17, 9.5))
    for x in (12.0, 14.0, 15.6):
        qtbot.mouseMove(canvas, pos=pixel(17, x))
        qtbot.wait(30)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=pixel(17, 15.6))
    assert page.form.values()["start"] == (2, 5, 16)
    assert tuple(viewer.camera.center) == before and viewer.camera.mouse_pan


def test_morphology_shows_numbers_and_curves_and_saves_all(qtbot, porelab, segment, rock, tmp_path):
    labels = Labels((rock < 110).astype(np.uint8), (1e-6,) * 3)
    porelab.context.session.put(get("load"), {}, {}, {"image": labels}, {"image": "labels"})
    page = segment.show_method("morphology")
    assert page.results.isHidden()
    page.form.set_values({"reach": 8, "sizes": 4, "samples": 20})
    qtbot.mouseClick(page.form.button, Qt.MouseButton.LeftButton)
    porelab.wait(120)
    assert not page.results.isHidden()
    names = [page.table.model.text(k, 0) for k in range(page.table.model.rowCount())]
    for word in (
        "porosity", "connected along z", "largest cluster", "specific surface", "mean curvature", "Euler", "mean chord",
        "local thickness", "fractal dimension", "lacunarity", "aspect ratio",
    ):  # fmt: skip
        assert any(word in n for n in names), word
    value = float(page.table.model.text(names.index("porosity"), 1))
    assert value == pytest.approx(labels.porosity(), rel=1e-5)
    made = page.save_everything(tmp_path)
    assert len([p for p in made if p.suffix == ".png"]) == 8 and len([p for p in made if p.suffix == ".csv"]) == 8
    assert all(p.stat().st_size > 0 for p in made)
    page.picture.setCurrentText("Two-point correlation")
    page.plot.save(tmp_path / "s2.csv")
    assert (tmp_path / "s2.csv").read_text().startswith('"distance [m]","probability [1]"')


def test_a_large_stack_on_disk_is_offered_a_fast_copy(qtbot, porelab, tmp_path, monkeypatch):
    import dask.array as da

    from porelab_gui.core.image import fast_copy

    monkeypatch.setattr(fast_copy, "GIB", 1000)
    data = np.random.default_rng(0).integers(0, 9, (6, 30, 40)).astype(np.uint8)
    session = porelab.context.session
    lazy = Stack(da.from_array(data, chunks=(2, 30, 40)), 1e-6)
    session.put(get("load"), {}, {}, {"image": lazy}, {"image": "big"})
    porelab.opener._offer_copy("big")
    toast = porelab.toasts.shown[-1]
    assert "scrolls along every axis" in toast.text
    asked = []
    monkeypatch.setattr(session, "run", lambda *args: asked.append(args))
    qtbot.mouseClick(toast.act, Qt.MouseButton.LeftButton)
    assert asked == [("fast_copy", {}, {"image": "big"}, {"image": "big"})] and toast not in porelab.toasts.shown


def test_levels_of_a_lazy_image_reach_the_canvas(porelab):
    import dask.array as da

    from porelab_gui.core.nouns import Pyramid

    data = da.zeros((20, 64, 64), np.uint8, chunks=10)
    session = porelab.context.session
    session.put(get("load"), {}, {}, {"image": Stack(data, 1e-6)}, {"image": "big"})
    assert not porelab.context.layers.layer("big").multiscale
    with_levels = Stack(data, 1e-6, pyramid=Pyramid(data, (data[::2, ::2, ::2],)))
    session.put(get("load"), {}, {}, {"image": with_levels}, {"image": "big"})
    layer = porelab.context.layers.layer("big")
    assert layer.multiscale and [tuple(lv.shape) for lv in layer.data] == [(20, 64, 64), (10, 32, 32)]


def test_a_slice_across_x_of_a_stack_in_slabs_reads_only_that_and_its_neighbours(porelab):
    import dask.array as da

    from porelab_gui.core.image.formats.lazy import strided
    from porelab_gui.core.nouns import Pyramid

    asked = []

    class Watched:
        shape, dtype, ndim = (40, 512, 512), np.dtype(np.uint8), 3

        def __getitem__(self, key):
            made = np.zeros(self.shape, np.uint8)[key]
            asked.append(made.size)
            return made

    data = da.from_array(Watched(), chunks=(8, 512, 512), name=False)
    session = porelab.context.session
    stack = Stack(data, 1e-6, pyramid=Pyramid(data, strided(data)))
    session.put(get("load"), {}, {}, {"image": stack}, {"image": "big"}, {"image": "hash"})
    porelab.viewer.dims.order = (2, 0, 1)
    asked.clear()
    porelab.viewer.dims.set_current_step(2, 333)
    layer = porelab.context.layers.layer("big")
    assert layer.multiscale and asked and sum(asked) <= 40 * 512 * 64
    porelab.viewer.dims.order = (0, 1, 2)
