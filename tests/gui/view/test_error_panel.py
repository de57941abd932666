"""Errors of conductances in the viewer, by real clicks on a small pack."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from porelab_gui.core.nouns import Column, Labels

pytestmark = pytest.mark.gui


@pytest.fixture(scope="module")
def pack():
    """Regions and network of a small void, with a conductance that is 20 % too high in every other throat."""
    from scipy.ndimage import gaussian_filter

    from porelab_gui.core.registry import get

    field = gaussian_filter(np.random.default_rng(2).standard_normal((30, 30, 30)), 3, mode="wrap")
    labels = Labels((field > np.quantile(field, 0.45)).astype(np.uint8), (1e-6,) * 3)
    made = get("extract_network")({"labels": labels}, {"boundary_width": 0})
    regions, network = made["regions"], made["network"]
    network = get("conductance_dns")({"regions": regions, "network": network}, {"cache": False})["network"]
    g = network.throat("g_diffusive.dns")
    off = np.where(np.arange(len(g)) % 2, 1.2, 1.01)
    columns = {
        "g_diffusive.cnn": Column(g * off, "m3/s", "by the net", {"diffusivity": 1e-9}),
        "g_diffusive.other": Column(g * 0.8, "m3/s", "by another", {"diffusivity": 1e-9}),
    }
    bare = {k: c for k, c in network.throats.items() if k != "g_diffusive.dns"}
    network = type(network)(
        network.coords, network.conns, network.pores, {**bare, **columns}, size=network.size, voxel_size=1e-6
    )
    return regions, network


@pytest.fixture
def panel(context, pack, qtbot):
    """The panel with everything compared, after a click on the button."""
    from porelab_gui.gui.steps.conductance_errors import ErrorPanel

    made = ErrorPanel(context)
    qtbot.addWidget(made)
    made.resize(360, 900)
    made.show()
    regions, network = pack
    context.put(regions=regions, network=network)
    assert made.first.key == "g_diffusive.cnn"
    qtbot.mouseClick(made.check_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "R²" in made.told.text(), timeout=60_000)
    return made


def test_a_check_simulates_and_gives_r2_with_an_interval(panel, context, qtbot):
    network = context.session.items["network"]
    assert np.isfinite(network.throat("g_diffusive.dns")).all()
    assert "95 %" in panel.told.text() and "beyond 10 %" in panel.told.text()
    assert context.layers.view().throat_colouring.column == "error_diffusive.cnn"
    assert context.layers.view().throat_colouring.limits == (-20, 20)
    for which, column in ((0, "g_diffusive.cnn"), (2, "beyond_10pct_diffusive.cnn"), (1, "error_diffusive.cnn")):
        qtbot.mouseClick(panel.group.button(which), Qt.MouseButton.LeftButton)
        assert context.layers.view().throat_colouring.column == column

    panel.second.choose("g_diffusive.other")
    assert "Second" in panel.told.text()
    tubes = context.layers.view().throats
    panel.slider.setValue(100)
    assert np.asarray(tubes.values) == pytest.approx(-20, abs=1e-3)
    panel.slider.setValue(50)
    assert np.asarray(tubes.values)[1] == pytest.approx(0, abs=1e-2)
    panel.slider.setValue(0)

    table = panel.worst.table
    assert table.item(0, 1).text() == "+20.0 %"
    spot = table.visualItemRect(table.item(0, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(spot.x(), spot.y()))
    assert context.selection.throat == int(table.item(0, 0).text())
    assert panel.worst.pair.shown == 2

    for index in range(3):
        panel.plot.against.setCurrentIndex(index)
        x, y = panel.plot.points()
        assert np.isfinite(x).all() and np.nanmax(y) == pytest.approx(20, abs=1e-3)


def test_without_a_network_the_panel_says_what_to_do(context, qtbot):
    from porelab_gui.gui.steps.conductance_errors import ErrorPanel

    made = ErrorPanel(context)
    qtbot.addWidget(made)
    made.show()
    assert "Extract a network" in made.told.text() and not made.body.isVisible()


def test_what_was_just_predicted_is_judged_first(context, pack, qtbot):
    from porelab_gui.gui.steps.conductance_errors import ErrorPanel

    regions, network = pack
    older = {k: c for k, c in network.throats.items() if not k.endswith(".cnn")}
    made = ErrorPanel(context)
    qtbot.addWidget(made)
    context.put(
        regions=regions,
        network=type(network)(network.coords, network.conns, network.pores, older, size=network.size, voxel_size=1e-6),
    )
    assert made.first.key == "g_diffusive.other"
    context.put(network=network)
    assert made.first.key == "g_diffusive.cnn"
    made.first.choose("g_diffusive.other")
    context.put(network=network)  # nothing new: the user's choice stays
    assert made.first.key == "g_diffusive.other"


def test_large_errors_stay_short():
    from porelab_gui.gui.steps.worst_list import percent

    assert [percent(v) for v in (3.21, -99.94, 240.4, 123456.0)] == ["+3.2 %", "-99.9 %", "+240 %", "+1e+05 %"]


def test_the_second_model_is_one_of_the_same_process(context, pack, qtbot):
    from porelab_gui.gui.steps.conductance_errors import ErrorPanel

    regions, network = pack
    flow = Column(np.ones(network.n_throats), "m3/(Pa s)", "by a law", {"viscosity": 1e-3})
    made = ErrorPanel(context)
    qtbot.addWidget(made)
    context.put(regions=regions, network=network.with_throats({"g_hydraulic.cylinder": flow}))
    assert made.first.key == "g_diffusive.cnn" and made.second.findData("g_diffusive.other") >= 0
    assert made.second.findData("g_hydraulic.cylinder") < 0
    made.second.choose("g_diffusive.other")
    made.first.choose("g_hydraulic.cylinder")
    assert made.second.key == "" and made.second.findData("g_diffusive.other") < 0
