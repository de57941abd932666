"""The Ions dock by real clicks and keys: live results, refusals, the tie to a network, fitting, recipe."""

from __future__ import annotations

import numpy as np
import pytest
from porelab_methods.ion_transport.presets import FEEDS
from porelab_methods.ion_transport.system import Membrane, solve
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit

from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Column, Labels, Network, Table
from porelab_gui.core.recipe import replay

pytestmark = pytest.mark.gui


@pytest.fixture
def panel(qtbot, porelab):
    made = porelab.show_step("Ions")
    made.show_method("solve_dspm_de")
    qtbot.waitUntil(lambda: made.live.ready, timeout=240_000)
    made.live.feed.set_preset("li_mg_equal")
    made.live.box.set_membrane(Membrane())
    made.live.box.set_values({"flux": 1e-5, "drive": "flux"})
    made.live.solve()
    yield made
    porelab.show_step("Load")


def put(porelab, **items):
    kinds = {k: type(v) for k, v in items.items()}
    step = Method("made_in_test", "Made in a test", "", "Load", "", Params, {}, kinds, lambda *a: {})
    porelab.context.session.put(step, {}, {}, items)


def type_cell(qtbot, table, row, column, text):
    table.setCurrentCell(row, column)
    table.editItem(table.item(row, column))
    editor = next(e for e in table.viewport().findChildren(QLineEdit) if e.isVisible())
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: table.item(row, column).text() == text)  # Qt commits in a later turn


def rejection(panel):
    return panel.results.live.rejections["rejection"]


def test_what_is_shown_is_the_solution_of_what_the_fields_say(qtbot, panel):
    assert rejection(panel) == pytest.approx([0.59043, 0.81278, 0.73866], abs=1e-5)
    assert "charge residual" in panel.results.said.text()
    box = panel.live.box.fields["pore_radius"].editor.box
    with qtbot.waitSignal(panel.live.updated, timeout=5000):
        box.lineEdit().selectAll()
        qtbot.keyClicks(box.lineEdit(), "0.6")
    feed = FEEDS["li_mg_equal"].feed()
    qtbot.waitUntil(lambda: panel.results.live.params["pore_radius"] == 0.6e-9)
    expected = solve(feed.ions, feed.concentration, 1e-5, Membrane(0.6e-9)).rejection[0]
    assert rejection(panel) == pytest.approx(expected)
    assert panel.live.box.preset.currentText() == "Edited"


def test_every_chart_is_drawn(qtbot, panel):
    for tab, names in ((0, ("bars",)), (1, ("concentration", "potential")), (2, ("by_flux", "by_radius"))):
        panel.results.tabs.setCurrentIndex(tab)
        for name in names:
            chart = panel.results.charts[name]
            qtbot.waitUntil(lambda c=chart: c.made and not c._stale, timeout=5000)
            assert chart.axes.lines or chart.axes.patches
    curve = panel.results.charts["by_flux"].axes.lines[0]
    assert curve.get_ydata()[0] == pytest.approx(0.0, abs=1e-6) and len(curve.get_xdata()) == 33


def test_a_click_on_a_curve_takes_the_membrane_there(qtbot, panel):
    with qtbot.waitSignal(panel.live.updated, timeout=5000):
        panel.results.charts["by_flux"].clicked.emit(20.0, 0.5, None)
    qtbot.waitUntil(lambda: panel.results.live.flux == pytest.approx(2e-5))


def test_a_feed_that_is_not_neutral_says_what_is_missing(qtbot, panel):
    feed = panel.live.feed
    type_cell(qtbot, feed.table, 2, 1, "50")
    qtbot.waitUntil(lambda: "10 mol/m3 of negative charge is missing" in feed.said.text())
    qtbot.waitUntil(lambda: panel.results.live is None)
    assert "missing" in panel.results.said.text() and feed.preset.currentText() == "Edited"
    feed.balance.setCurrentIndex(feed.balance.findData("Cl"))
    feed.balance.activated.emit(feed.balance.currentIndex())
    qtbot.waitUntil(lambda: panel.results.live is not None)
    assert feed.text(2, 1) == "60" and feed.said.text().startswith("Neutral")


def test_an_unknown_ion_asks_for_what_it_needs(qtbot, panel):
    feed = panel.live.feed
    qtbot.mouseClick(feed.add, Qt.MouseButton.LeftButton)
    type_cell(qtbot, feed.table, 3, 0, "Rb")
    assert "charge, diffusivity, radius are not given" in feed.said.text()
    for column, text in ((2, "1"), (3, "2.07"), (4, "0.118")):
        type_cell(qtbot, feed.table, 3, column, text)
    qtbot.waitUntil(lambda: panel.results.live is not None and "Rb" in panel.results.live.feed.names)
    assert "Rb: not in the feed" in " ".join(panel.results.live.remarks)
    qtbot.mouseClick(feed.remove, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Rb" not in panel.results.live.feed.names)


def test_a_wrong_number_leaves_no_result_standing(qtbot, panel):
    panel.live.box.fields["thickness"].editor.box.lineEdit().setText("much")
    qtbot.waitUntil(lambda: panel.results.live is None)
    assert "not a number" in panel.results.said.text()


def test_the_neural_result_comes_beside_and_pairs_are_compared(qtbot, panel):
    panel.live.solve()
    qtbot.waitUntil(lambda: panel.results.neural is not None, timeout=60_000)
    table = panel.results.neural["rejections"]
    assert (table["lower"] < table["upper"]).all()
    panel.results.tabs.setCurrentIndex(3)
    assert np.allclose(panel.results.matrix("charges")[0, 1], 2.0)
    assert np.allclose(panel.results.matrix("attention"), panel.results.matrix("attention").T, equal_nan=True)
    assert "correlation" in panel.results.said.text() or "too few" in panel.results.said.text()
    panel.live.box.set_values({"charge": -35.0})
    qtbot.waitUntil(lambda: panel.results.live.params["charge"] == -35.0)
    assert panel.results.neural is None, "the neural result of another membrane must go"


def test_the_state_is_kept_as_a_step_that_replays(qtbot, porelab, panel):
    panel.live.box.button.click()
    porelab.wait(60)
    session = porelab.context.session
    assert session.recipe.steps[-1].method == "solve_dspm_de"
    assert session.items["rejections"]["rejection"] == pytest.approx(rejection(panel))
    again = replay(session.recipe)
    assert not again.differences


def network():
    rng = np.random.default_rng(0)
    coords = np.arange(30.0).reshape(10, 3) * 1e-6
    conns = np.stack([np.arange(9), np.arange(1, 10)], 1)
    throats = {"inscribed_diameter": Column(rng.uniform(1e-6, 2e-6, 9), "m")}
    pores = {"inscribed_diameter": Column(np.full(10, 3e-6), "m")}
    return Network(coords, conns, pores, throats, size=(1e-4, 2e-4, 3e-4), porosity=0.25)


def test_a_network_fills_the_membrane_and_its_throats_are_solved(qtbot, porelab, panel):
    put(porelab, rock=network())
    tie = panel.live.tie
    qtbot.waitUntil(lambda: tie.solve.isEnabled(), timeout=5000)
    tie.refresh()
    found = tie.geometry_now()
    r = 0.5 * porelab.context.session.items["rock"].throat("inscribed_diameter")
    assert found.pore_radius == pytest.approx(np.sqrt((r**4).sum() / (r**2).sum()))
    qtbot.mouseClick(tie.fill, Qt.MouseButton.LeftButton)
    here = panel.live.box.membrane()
    assert here.pore_radius == pytest.approx(0.5e-9)
    assert here.thickness == pytest.approx(0.5e-9 / found.pore_radius * 1e-4 / 0.25, rel=1e-6)
    qtbot.mouseClick(tie.solve, Qt.MouseButton.LeftButton)
    porelab.wait(120)
    rock = porelab.context.session.items["rock"]
    assert (np.diff(rock.throat("rejection.Mg")[np.argsort(r)]) <= 0).all(), "a narrower throat rejects more"
    assert panel.results.tabs.currentIndex() == 4
    qtbot.waitUntil(lambda: tie.paint.isVisibleTo(tie), timeout=5000)
    tie.colour.setCurrentText("Mg")
    qtbot.mouseClick(tie.paint, Qt.MouseButton.LeftButton)
    assert "rejection" in porelab.context.layers.view("rock").throat_title.lower()


def test_a_segmented_image_fills_the_membrane_too(qtbot, porelab, panel):
    data = np.zeros((8, 12, 12), np.uint8)
    data[:, 3:9, 3:9] = 1
    put(porelab, slab=Labels(data, (1e-6,) * 3))
    tie = panel.live.tie
    qtbot.waitUntil(lambda: tie.item.currentText() == "slab")
    tie.axis.setCurrentText("z")
    found = tie.geometry_now()
    assert found.porosity == pytest.approx(0.25) and found.length == pytest.approx(8e-6)
    assert found.pore_radius == pytest.approx(3e-6, rel=0.25), "a square tube of 6 um has 2 A/P = 3 um"
    assert not tie.solve.isEnabled()


def nacl_rejections():
    """NaCl at three fluxes through a membrane of -40 mol/m3."""
    feed, rows = FEEDS["nacl"].feed(), {"ion": [], "feed": [], "flux": [], "rejection": []}
    for flux in (2e-6, 1e-5, 3e-5):
        r = solve(feed.ions, feed.concentration, flux, Membrane(charge=-40.0)).rejection[0]
        rows["ion"] += list(feed.names)
        rows["feed"] += list(feed.concentration)
        rows["flux"] += [flux, flux]
        rows["rejection"] += list(r)
    return Table({k: Column(np.array(v)) for k, v in rows.items()})


def test_a_fit_shows_intervals_and_its_membrane_is_used(qtbot, porelab, panel):
    put(porelab, measured=nacl_rejections())
    page = panel.show_method("fit_membrane")
    page.form.set_values({"fit_radius": False, "fit_permittivity": False, "starts": 2, "sigma": 0.001})
    qtbot.mouseClick(page.form.button, Qt.MouseButton.LeftButton)
    porelab.wait(120)
    assert "Charge -40 mol/m³ (95 %:" in page.said.text()
    qtbot.mouseClick(page.use, Qt.MouseButton.LeftButton)
    assert panel.live.box.membrane().charge == pytest.approx(-40.0, rel=1e-2)


def test_fitted_strengths_go_into_the_neural_result_and_can_be_left_out(qtbot, porelab, panel):
    put(porelab, measured=nacl_rejections())
    page = panel.show_method("tune_membrane")
    page.form.set_values({"steps": 1, "starts": 1})
    qtbot.mouseClick(page.form.button, Qt.MouseButton.LeftButton)
    porelab.wait(240)
    assert "Regulation strength" in page.said.text() and "not those of a DSPM-DE fit" in page.said.text()
    qtbot.mouseClick(page.use, Qt.MouseButton.LeftButton)
    row = panel.live.strengths
    assert row.said.text().startswith("Neural: fitted strengths activities")
    qtbot.waitUntil(lambda: panel.results.live is not None and bool(panel.results.live.strengths))
    qtbot.waitUntil(lambda: panel.results.neural is not None, timeout=60_000)
    assert "fitted strengths" in " ".join(panel.results.neural["rejections"].notes)
    qtbot.mouseClick(row.clear, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.results.live is not None and not panel.results.live.strengths)
    qtbot.waitUntil(lambda: panel.results.neural is not None, timeout=60_000)
    assert "no strengths" in " ".join(panel.results.neural["rejections"].notes) and row.said.text().startswith(
        "Neural: no strengths"
    )


def test_the_dock_comes_and_goes_with_the_step(porelab, panel):
    assert panel.results.isVisible()
    porelab.show_step("Load")
    assert not panel.results.isVisible()
