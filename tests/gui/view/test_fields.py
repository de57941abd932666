"""Fields of voxel solvers as layers, and the concentration in the pair of a throat."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.nouns import Field, Network, Regions


@pytest.fixture
def pair():
    """Two boxes that touch, as regions and as a network of two pores."""
    image = np.zeros((10, 8, 20), np.int32)
    image[2:8, 1:7, 1:10], image[2:8, 1:7, 10:18] = 1, 2
    centres = np.array([[4.5, 3.5, 5.0], [4.5, 3.5, 13.5]]) * 1e-6
    network = Network(centres, np.array([[0, 1]]), size=(10e-6, 8e-6, 20e-6), voxel_size=1e-6, name="network")
    return Regions(image, 1e-6, name="regions"), network


def test_a_speed_is_an_image_layer_with_its_unit_on_the_canvas(context):
    speed = np.zeros((6, 7, 8), np.float32)
    speed[2:4] = np.linspace(0, 3e-6, 8)
    context.put(velocity=Field(speed, 2e-6, unit="m/s", quantity="speed"))
    layer = context.layers.layer("velocity")
    assert layer.colorbar.visible and layer.scale == pytest.approx((2, 2, 2))
    assert layer.contrast_limits[1] == pytest.approx(3e-6, rel=0.05)
    assert "speed\u00a0[m/s]" in context.viewer.canvas.overlays.text.text
    layer.visible = False
    assert not context.viewer.canvas.overlays.text.visible
    layer.visible = True
    assert "speed" in context.viewer.canvas.overlays.text.text and context.viewer.canvas.overlays.text.visible
    # nothing flows in the solid, which shows what lies below; elsewhere the colours are those of the bar
    assert layer.colormap.map(np.array([0.0, 0.01, 1.0]))[:, 3] == pytest.approx([0, 1, 1])
    assert layer.blending == "translucent"


def test_a_concentration_is_see_through_outside_the_void(context):
    values = np.full((4, 5, 6), np.nan, np.float32)
    values[1:3] = np.linspace(0, 1, 6)
    context.put(concentration=Field(values, 1e-6, quantity="concentration"))
    layer = context.layers.layer("concentration")
    assert tuple(layer.contrast_limits) == pytest.approx((0, 1))
    assert layer.colormap.map(np.array([np.nan]))[0, 3] == 0


def test_the_pair_is_coloured_by_its_concentration_on_a_click(context, pair, qtbot):
    from qtpy.QtCore import QPoint, Qt

    from porelab_gui.gui.network.inspector import Inspector

    regions, network = pair
    inspector = Inspector(context)
    qtbot.addWidget(inspector)
    inspector.resize(700, 300)
    inspector.show()
    context.put(regions=regions, network=network)
    context.selection.select_throat(0, "network")
    qtbot.waitUntil(lambda: inspector.shade.isVisible(), timeout=5000)
    assert inspector.pair.shown == 2
    seen = []
    shown = inspector.pair.show_surfaces
    inspector.pair.show_surfaces = lambda surfaces, *more: (seen.append(surfaces), shown(surfaces, *more))
    qtbot.mouseClick(inspector.shade, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    qtbot.waitUntil(lambda: bool(seen) and seen[-1][0].values is not None, timeout=60_000)
    first, second = seen[-1]
    assert first.values.mean() > 0.7 and second.values.mean() < 0.3
    assert first.values.max() <= 1.5 and np.isfinite(first.values).all()
