"""Layers follow the session: kinds, scale, units, colours, marks, and clicks that choose."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.nouns import Column, Labels, Regions, Stack
from porelab_gui.gui.network.colouring import Colouring

pytestmark = pytest.mark.gui
GREY = np.random.default_rng(0).random((6, 8, 10)).astype(np.float32)
VOXEL = (2e-6, 1e-6, 1e-6)


def test_an_image_is_scaled_in_micrometres_with_a_scale_bar(context):
    context.put(image=Stack(GREY, VOXEL))
    layer = context.layers.layer("image")
    assert tuple(layer.scale) == (2.0, 1.0, 1.0)
    assert [str(u) for u in layer.units] == ["micrometer"] * 3
    assert context.viewer.canvas.overlays.scale_bar.visible


def test_labels_have_named_colours_and_a_copy_to_paint_on(context):
    data = (GREY > 0.5).astype(np.uint8) + 2 * (GREY > 0.9)
    context.put(labels=Labels(data, VOXEL, {0: "matrix", 1: "inorganic pore", 3: "organic pore"}))
    layer = context.layers.layer("labels")
    assert layer.colormap.color_dict[0][3] == 0
    assert not np.allclose(layer.colormap.color_dict[1], layer.colormap.color_dict[3])
    assert list(layer.features["phase"]) == ["matrix", "inorganic pore", "organic pore"]
    layer.data[0, 0, 0] = 3
    assert context.session.items["labels"].data[0, 0, 0] == data[0, 0, 0]


def test_an_overlay_lies_on_its_slice_and_can_be_taken_away(context):
    stack = Stack(GREY, VOXEL)
    context.put(image=stack)
    context.layers.show_overlay((GREY[2] > 0.5).astype(np.uint8), stack, 0, 2)
    layer = context.viewer.layers["threshold preview"]
    assert layer.data.shape == (1, 8, 10)
    assert layer.get_value((4.0, 3.0, 5.0), world=True) == int(GREY[2, 3, 5] > 0.5)
    context.layers.show_overlay((GREY[:, 3] > 0.5).astype(np.uint8), stack, 1, 3)
    assert layer.data.shape == (6, 1, 10)
    context.layers.clear_overlay()
    assert layer not in context.viewer.layers


def test_regions_stay_hidden(context):
    context.put(regions=Regions((GREY * 9).astype(np.int32), VOXEL))
    assert not context.layers.layer("regions").visible


def test_a_boolean_image_shows_black_and_white(context):
    context.put(image=Stack(GREY > 0.5, VOXEL))
    assert tuple(context.layers.layer("image").contrast_limits) == (0, 1)


def test_a_network_is_balls_and_one_mesh_in_micrometres(context, network):
    context.put(network=network)
    view = context.layers.view()
    assert context.viewer.dims.ndisplay == 3
    assert view.pores.data[1] == pytest.approx(network.coords[1] * 1e6)
    assert len(view.throats.faces) == network.n_throats * 2 * view.throats.sides
    ratio = np.asarray(view.pores.size) / (network.pore("inscribed_diameter") * 1e6)
    assert ratio == pytest.approx(view.ball_scale, rel=1e-5)


def test_bands_of_a_large_network_turn_with_the_view(context, network, monkeypatch, qtbot):
    from porelab_gui.gui.network import tube_layer

    monkeypatch.setattr(tube_layer, "sides_for", lambda count: 2)
    context.put(network=network)
    layer = context.layers.layer("network")
    assert layer.shading == "none" and len(layer.faces) == 2 * network.n_throats
    context.viewer.camera.angles = (0, 0, 90)
    direction = np.asarray(context.viewer.camera.view_direction)
    qtbot.waitUntil(lambda: abs(layer.facing @ direction) > 0.99, timeout=3000)
    across = np.diff(layer.vertices.reshape(-1, 2, 3), axis=1)[:, 0]
    assert np.abs(across @ direction).max() < 1e-3
    context.layers.colour_throats("g_hydraulic.cylinder", log=True)
    assert len(layer.vertex_values) == 4 * network.n_throats


def test_undo_takes_the_layers_away_and_redo_brings_them_back(context, network):
    context.put(network=network)
    context.session.undo()
    assert not context.viewer.layers
    context.session.redo()
    assert {layer.name for layer in context.viewer.layers} == {"network: pores", "network: throats"}


def test_new_columns_keep_the_layers_and_the_chosen_colours(context, network):
    context.put(network=network)
    before = context.layers.layer("network")
    context.layers.colour_throats("g_hydraulic.cylinder")
    doubled = network.with_throats(
        {"g_hydraulic.cylinder": Column(3 * network.throat("g_hydraulic.cylinder"), "m3/(Pa s)")}
    )
    old = before.values.copy()
    context.put(network=doubled)
    assert context.layers.layer("network") is before
    assert before.values == pytest.approx(3 * old, rel=1e-5)


def test_tube_values_are_the_column_on_a_log_scale(context, network):
    context.put(network=network)
    context.layers.colour_throats("g_hydraulic.cylinder", log=True)
    layer = context.layers.layer("network")
    spread = np.ptp(layer.vertex_values)
    g = network.throat("g_hydraulic.cylinder")
    assert spread == pytest.approx(np.log10(g.max() / g.min()), rel=1e-5)
    per_tube = layer.vertex_values.reshape(network.n_throats, -1)
    assert (per_tube == per_tube[:, :1]).all()
    assert layer.colorbar.visible
    assert "m³/(Pa\u00a0s)" in context.viewer.canvas.overlays.text.text


def test_a_share_is_coloured_and_the_rest_thin_and_grey(context, network):
    context.put(network=network)
    context.layers.colour_throats("g_hydraulic.cylinder", within=(80, 100))
    layer, view = context.layers.layer("network"), context.layers.view()
    grey = np.isnan(layer.values)
    assert grey.mean() == pytest.approx(0.8, abs=0.02)
    assert (layer.radii[grey] < 0.3 * view.throat_radii[grey]).all()
    assert layer.radii[~grey] == pytest.approx(view.throat_radii[~grey])
    context.layers.colour_throats(None)
    assert layer.radii == pytest.approx(view.throat_radii)


def test_pores_take_the_colour_of_their_pressure(context, network):
    context.put(network=network)
    context.layers.colour_pores("pressure.z")
    colours = np.asarray(context.layers.view().pores.face_color)
    p = network.pore("pressure.z")
    assert np.allclose(colours[p == 1], colours[p == 1][0])
    assert not np.allclose(colours[p == 1][0], colours[p == 0][0])
    assert context.layers.view().pores.face_colorbar.visible


def test_recolouring_changes_the_pixels(context, network):
    context.put(network=network)
    context.layers.view().pores.visible = False
    context.layers.colour_throats(Colouring("g_hydraulic.cylinder", colormap="gray", limits=(1e-30, 1e-29)))
    bright = context.viewer.screenshot(flash=False)[..., :3].astype(int)
    context.layers.colour_throats(Colouring("g_hydraulic.cylinder", colormap="gray", limits=(1e-5, 1e-4)))
    dark = context.viewer.screenshot(flash=False)[..., :3].astype(int)
    middle = tuple(slice(n // 4, 3 * n // 4) for n in bright.shape[:2])
    assert bright[middle].mean() > dark[middle].mean() + 5


def test_a_ray_chooses_the_throat_it_meets_first(context, network):
    context.put(network=network)
    view = context.layers.view()
    direction = np.array([1.0, 0, 0])
    ends = view.centres[network.conns]
    inplane = np.flatnonzero((ends[:, 0, 0] == 0) & (ends[:, 1, 0] == 0))
    wanted = int(inplane[3])
    found = context.layers.pick(ends[wanted].mean(0) - 1000 * direction, direction)
    assert found == ("throat", wanted)
    assert context.selection.throat == wanted and context.selection.pore is None
    assert "selected throat" in [layer.name for layer in context.viewer.layers]


def test_a_ray_chooses_the_pore_it_meets_first(context, network):
    context.put(network=network)
    found = context.layers.pick(np.array([-500.0, 0, 10]), np.array([1.0, 0, 0]))
    assert found == ("pore", 1)
    assert context.selection.pore == 1


def test_in_a_slice_the_throat_under_the_pointer_is_chosen(context, network):
    context.put(network=network)
    context.viewer.dims.ndisplay = 2
    view = context.layers.view()
    middle = view.centres[network.conns].mean(1)
    wanted = int(np.flatnonzero((middle[:, 0] == 10) & (middle[:, 2] == 15))[0])
    assert context.layers.pick(middle[wanted], None) == ("throat", wanted)


def test_a_slice_shows_the_tubes_that_it_cuts(context, network):
    context.put(network=network)
    context.viewer.dims.ndisplay = 2
    context.viewer.dims.set_point(0, 10.0)
    layer = context.layers.layer("network")
    shown = len(layer._view_faces) // (2 * layer.sides)
    assert shown == layer.cut_by(0, 10.0).sum() > 0
    assert shown < network.n_throats


def test_a_real_click_on_the_canvas_chooses_a_throat(context, network, qtbot):
    from qtpy.QtCore import QPoint, Qt

    context.put(network=network)
    view = context.layers.view()
    view.pores.visible = False
    camera = context.viewer.camera
    camera.angles = (0, 0, 90)
    middles = view.centres[network.conns].mean(1)
    camera.center = tuple(middles[(middles[:, 1] == 10) & (middles[:, 2] == 15)][0])
    camera.zoom = 20
    qtbot.wait(50)
    native = context.viewer.window._qt_viewer.canvas.native
    middle = QPoint(native.width() // 2, native.height() // 2)
    qtbot.mouseMove(native, middle)
    qtbot.mouseClick(native, Qt.MouseButton.LeftButton, pos=middle)
    assert context.selection.throat is not None
    ends = view.centres[network.conns[context.selection.throat]].mean(0)
    direction = np.asarray(camera.view_direction)
    off = ends - np.asarray(camera.center)
    across = off - (off @ direction) * direction
    assert np.linalg.norm(across) < 0.5


def test_a_drag_turns_the_view_and_chooses_nothing(context, network, qtbot):
    from qtpy.QtCore import QPoint, Qt

    context.put(network=network)
    native = context.viewer.window._qt_viewer.canvas.native
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(native, QPoint(150, 130))
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=QPoint(150, 130))
    assert context.selection.throat is None and context.selection.pore is None


def test_the_camera_flies_to_a_throat(context, network, qtbot):
    context.put(network=network)
    context.layers.fly_to_throat(5)
    goal = context.layers.view().centres[network.conns[5]].mean(0)
    qtbot.waitUntil(lambda: not context.layers._flight.flying, timeout=3000)
    assert np.asarray(context.viewer.camera.center) == pytest.approx(goal, abs=1e-3)


def test_problem_pores_are_marked_and_unmarked(context, network):
    context.put(network=network)
    pores = np.zeros(network.n_pores, bool)
    pores[[2, 5]] = True
    context.layers.highlight(pores, np.zeros(network.n_throats, bool))
    marked = next(layer for layer in context.viewer.layers if layer.name == "problem pores")
    assert marked.data == pytest.approx(network.coords[[2, 5]] * 1e6)
    context.layers.clear_marks()
    assert not marked.visible


def test_a_trimmed_network_takes_over_the_layers(context, network):
    context.put(network=network)
    context.selection.select_throat(3, "network")
    before = list(context.viewer.layers)
    context.layers.colour_throats("g_hydraulic.cylinder")
    context.layers.colour_pores("pressure.z")
    context.put(network=network.keep(np.arange(network.n_pores) < 20))
    assert list(context.viewer.layers) == before
    view = context.layers.view()
    assert len(view.pores.data) == 20
    assert view.throats.values.shape == (view.network.n_throats,)
    assert view.pore_colouring is not None
    assert context.selection.throat is None


def test_a_removed_network_leaves_no_marks_behind_that_would_move_the_sliders(context, network):
    context.put(image=Stack(GREY, (1e-8,) * 3))
    steps = context.viewer.dims.range
    context.put(network=network)
    context.selection.select_throat(0, "network")
    assert "selected throat" in [layer.name for layer in context.viewer.layers]
    context.session.remove("network")
    assert [layer.name for layer in context.viewer.layers] == ["image"]
    assert context.viewer.dims.range == steps


def test_a_layer_that_the_user_removed_stays_away_until_the_item_changes(context, network):
    context.put(image=Stack(GREY, VOXEL))
    context.viewer.layers.remove("image")
    assert context.layers.layer("image") is None
    context.put(network=network)
    assert "image" not in context.viewer.layers
    context.put(image=Stack(GREY + 1, VOXEL))
    assert "image" in context.viewer.layers
