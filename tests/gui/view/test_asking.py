"""What if, where the flow is decided, the comparison of laws, previews: by real clicks on small networks."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from porelab_gui.core.nouns import Column, Labels
from porelab_gui.core.units import MILLIDARCY

pytestmark = pytest.mark.gui
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def shown(qtbot):
    def show(widget):
        qtbot.addWidget(widget)
        widget.resize(380, 700)
        widget.show()
        return widget

    return show


@pytest.fixture
def what_if(context, network, shown):
    from porelab_gui.gui.network.what_if_panel import WhatIfPanel

    panel = shown(WhatIfPanel(context))
    assert "Compute conductances" in panel.told.text()
    context.put(network=network)
    return panel


def test_K_follows_the_slider_and_reset_undoes(what_if, context, network, qtbot):
    from porelab_gui.core.transport.pnm.what_if import WhatIf

    qtbot.waitUntil(lambda: what_if.answer is not None)
    assert what_if.answer.ratio == pytest.approx(1, abs=1e-12) and not what_if.keep_button.isEnabled()
    what_if.chooser.way.setCurrentIndex(what_if.chooser.way.findData("all"))
    what_if.slider.setFocus()
    for _ in range(3):
        qtbot.keyClick(what_if.slider, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: what_if.answer is not None and what_if.answer.ratio > 1.5)
    live = WhatIf(network, "g_hydraulic.cylinder", "z", "reservoirs")
    wanted = live.answer(np.ones(network.n_throats, bool), what_if.factor).value
    qtbot.waitUntil(lambda: f"<b>{wanted / MILLIDARCY:.4g} mD</b>" in what_if.result.text())
    assert context.session.items["network"].throats.keys() == network.throats.keys(), "nothing is written yet"
    qtbot.mouseClick(what_if.reset_button, LEFT)
    qtbot.waitUntil(lambda: abs(what_if.answer.ratio - 1) < 1e-12)


def test_a_kept_change_is_a_column_and_a_step_of_the_recipe(what_if, context, network, qtbot):
    qtbot.waitUntil(lambda: what_if.answer is not None)
    what_if.slider.setFocus()
    qtbot.keyClick(what_if.slider, Qt.Key.Key_Home)  # the last notch closes the class
    qtbot.waitUntil(lambda: what_if.answer is not None and what_if.answer.ratio < 1)
    assert what_if.times.text() == "closed" and "10 %" not in what_if.count.text()
    qtbot.mouseClick(what_if.keep_button, LEFT)
    qtbot.waitUntil(lambda: "g_hydraulic.what_if" in context.session.items["network"].throats)
    kept = context.session.items["network"].throat("g_hydraulic.what_if")
    assert 0 < (kept == 0).mean() < 0.2
    step = context.session.recipe.steps[-1]
    assert (step.method, step.params["factor"], step.params["choose"]) == ("change_conductance", 0.0, "quantile")
    assert what_if.slider.value() == 0, "the slider goes back"


def test_the_class_is_marked_in_the_view_and_may_be_the_selected_throat(what_if, context, network, qtbot):
    qtbot.waitUntil(lambda: what_if.answer is not None)
    what_if.chooser.way.setCurrentIndex(what_if.chooser.way.findData("throats"))
    qtbot.waitUntil(lambda: "No throat is selected" in what_if.count.text())
    context.selection.select_throat(11, "network")
    qtbot.waitUntil(lambda: f"1 of {network.n_throats} throats" in what_if.count.text())
    qtbot.mouseClick(what_if.mark, LEFT)
    marked = context.layers.marks.get("marked throats")
    assert marked.visible and marked.starts[0] == pytest.approx(network.coords[network.conns[11, 0]] * 1e6)
    qtbot.mouseClick(what_if.mark, LEFT)
    assert not marked.visible


def test_conductances_that_are_refused_are_said_and_marked(what_if, context, network, qtbot):
    bad = np.array(network.throat("g_hydraulic.cylinder"))
    bad[5] = np.nan
    old = network.throats["g_hydraulic.cylinder"]
    context.put(network=network.with_throats({"g_hydraulic.cylinder": Column(bad, old.unit, old.title, old.meta)}))
    qtbot.waitUntil(lambda: "NaN" in what_if.result.text())
    marked = context.layers.marks.get("problem pores")
    assert marked.data == pytest.approx(network.coords[np.sort(network.conns[5])] * 1e6)
    assert not what_if.keep_button.isEnabled()


def test_the_table_of_decisive_throats_selects_and_flies(context, network, shown, qtbot):
    from porelab_gui.core.transport.pnm.solve import solve_flow
    from porelab_gui.gui.network.sensitivity_panel import SensitivityPanel

    panel = shown(SensitivityPanel(context))
    assert "Solve for flow" in panel.told.text()
    solved, _ = solve_flow(network, "cylinder")
    context.put(network=solved)
    qtbot.waitUntil(lambda: panel.which.count() == 3)
    share = solved.throat("dissipation_share.z")
    assert int(panel.table.model.text(0, 0)) == int(share.argmax()) and "Half of the dissipation" in panel.told.text()
    qtbot.mouseClick(panel.colour_button, LEFT)
    assert context.layers.view().throat_colouring.column == "dissipation_share.z"
    grid = panel.table.grid
    qtbot.mouseClick(grid.viewport(), LEFT, pos=grid.visualRect(panel.table.model.index(2, 1)).center())
    assert context.selection.throat == int(np.argsort(-share)[2])
    assert context.layers._flight.flying


def test_one_table_has_every_law_both_treatments_and_the_difference(context, network, shown, qtbot):
    from porelab_gui.gui.network.comparison_panel import ComparisonPanel

    panel = shown(ComparisonPanel(context))
    assert not panel.button.isEnabled()
    context.put(network=network)
    qtbot.mouseClick(panel.button, LEFT)
    qtbot.waitUntil(lambda: panel.table.model.rowCount() > 0, timeout=60_000)
    table = panel.table.model.table
    assert set(table["law"]) == {"cylinder", "valvatne_blunt"} and len(table) == 6
    held, centres = table["K reservoirs"], table["K centres"]
    assert table["K difference"] == pytest.approx(100 * (centres / held - 1), nan_ok=True)
    assert "valvatne_blunt" in panel.table.notes.text() or np.isfinite(held).all()


def test_previews_are_drawn_and_go_with_the_job(context, shown):
    from porelab_gui.core.method import Method, Params, Port
    from porelab_gui.gui.network.preview import PEAKS, REGIONS, Previews
    from porelab_gui.session.jobs import Job, State

    labels = Labels(np.ones((8, 10, 12), np.uint8), (2e-6,) * 3)
    ports = {"labels": Port(Labels, "")}
    method = Method("extracting", "x", "", "Network", "", Params, ports, {}, lambda *a: {})
    job = Job(method, {"labels": labels}, Params(), "x", State.RUNNING)
    previews, queue = Previews(context.session, context.layers), context.session.queue
    job.preview = ("peaks", np.array([[1, 2, 3], [4, 5, 6]]), 1)
    queue.changed.emit(job)
    assert context.viewer.layers[PEAKS].data[1] == pytest.approx([8, 10, 12])
    job.preview = ("regions", np.arange(120).reshape(4, 5, 6), 2)
    queue.changed.emit(job)
    assert tuple(context.viewer.layers[REGIONS].scale) == (4, 4, 4)
    job.state = State.DONE
    queue.finished.emit(job)
    assert PEAKS not in context.viewer.layers and REGIONS not in context.viewer.layers
    previews.close()


def test_layers_of_a_large_network_come_in_turns_and_are_whole_when_asked_for(context, lattice, monkeypatch, qtbot):
    from porelab_gui.gui import layers

    monkeypatch.setattr(layers, "AT_ONCE", 10)
    told = []
    context.layers.networks_changed.connect(lambda name: told.append(name))
    context.put(network=lattice.make())
    assert not told and not len(context.viewer.layers), "the window gets its turn first"
    qtbot.waitUntil(lambda: "network" in told, timeout=60_000)
    assert len(context.viewer.layers) == 2
    context.put(network=lattice.make((5, 4, 4)), other=lattice.make())
    assert context.layers.view("other").throats in context.viewer.layers
    context.session.remove("other")
    assert len(context.viewer.layers) == 2


def test_voxels_that_are_no_cubes_are_resampled_with_one_click(context, shown, qtbot):
    from porelab_gui.gui.steps.network import CubicOffer, NetworkPanel

    panel = shown(NetworkPanel(context))
    offer = panel.findChild(CubicOffer)
    context.put(labels=Labels(np.ones((4, 6, 6), np.uint8), (4e-6, 2e-6, 2e-6)))
    assert offer.isVisible() and "4 × 2 × 2 µm" in offer.told.text()
    qtbot.mouseClick(offer.button, LEFT)
    qtbot.waitUntil(lambda: context.session.items["labels"].shape == (8, 6, 6), timeout=60_000)
    assert isinstance(context.session.items["labels"], Labels) and not offer.isVisible()
    assert context.session.recipe.steps[-1].method == "resample"


def test_throats_between_phases_are_counted_and_marked(context, lattice, shown, qtbot):
    from porelab_gui.gui.network.phases_panel import PhasesPanel

    panel = shown(PhasesPanel(context))
    one = lattice.make()
    context.put(network=one)
    assert panel.isHidden()
    phase = np.where(one.coords[:, 0] < 15e-6, 3, 7)
    between = phase[one.conns[:, 0]] != phase[one.conns[:, 1]]
    two = one.with_pores(phase=Column(phase)).with_throats(interphase=Column(between))
    context.put(network=two, labels=Labels(np.ones((2, 2, 2), int), (1e-6,) * 3, phases={3: "organic", 7: "mineral"}))
    assert "organic: 32 pores" in panel.told.text() and "16 of 144 throats join two phases" in panel.told.text()
    qtbot.mouseClick(panel.mark_button, LEFT)
    assert len(context.layers.marks.get("marked throats").starts) == between.sum()
    qtbot.mouseClick(panel.colour_button, LEFT)
    assert context.layers.view().pore_colouring.column == "phase"
