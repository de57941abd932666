"""Colour panel, health panel, results: by clicks, on small networks."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.nouns import Column, Table

pytestmark = pytest.mark.gui


@pytest.fixture
def shown(qtbot):
    """Show a widget for the length of a test."""

    def show(widget):
        qtbot.addWidget(widget)
        widget.resize(380, 700)
        widget.show()
        return widget

    return show


def test_choosing_a_column_colours_the_throats(context, network, shown, qtbot):
    from porelab_gui.gui.network.colour_panel import ColourPanel

    panel = shown(ColourPanel(context))
    assert "network" in panel.told.text()
    context.put(network=network)
    panel.throats.choose("g_hydraulic.cylinder")
    qtbot.waitUntil(lambda: context.layers.view().throat_colouring is not None)
    assert context.layers.view().throat_colouring.log
    panel.minus.choose("g_hydraulic.valvatne_blunt")
    qtbot.waitUntil(lambda: context.layers.view().throat_colouring.minus != "")
    g = network.throat("g_hydraulic.cylinder") - network.throat("g_hydraulic.valvatne_blunt")
    assert (np.sign(context.layers.layer("network").values) == np.sign(g)).all()
    low, high = context.layers.layer("network").contrast_limits
    assert low == pytest.approx(-high)


def test_only_conductances_that_a_run_made_colour_the_throats(network):
    from porelab_gui.gui.steps.conductance import new_conductances

    again = network.throats["g_hydraulic.cylinder"]
    more = network.with_throats({"g_diffusive.cnn": Column(again.values * 2, "m3/s"), "g_hydraulic.cylinder": again})
    assert new_conductances(network, more) == ["g_diffusive.cnn"]
    changed = network.with_throats({"g_hydraulic.cylinder": Column(again.values * 2, again.unit)})
    assert new_conductances(network, changed) == ["g_hydraulic.cylinder"]
    assert new_conductances(None, network) == [k for k in network.throats if k.startswith("g_")]


def test_unlike_units_are_refused_in_words(context, network, shown, qtbot):
    from porelab_gui.gui.network.colour_panel import ColourPanel

    panel = shown(ColourPanel(context))
    context.put(network=network)
    panel.throats.choose("g_hydraulic.cylinder")
    panel.minus.choose("total_length")
    qtbot.waitUntil(lambda: "no difference" in panel.told.text())


def test_the_percentage_leaves_the_rest_grey(context, network, shown, qtbot):
    from porelab_gui.gui.network.colour_panel import ColourPanel

    panel = shown(ColourPanel(context))
    context.put(network=network)
    panel.throats.choose("total_length")
    panel.throats.choose("g_hydraulic.cylinder")
    panel.within.setValue((75.0, 100.0))
    layer = context.layers.layer("network")
    qtbot.waitUntil(lambda: np.isnan(layer.values).any())
    assert np.isfinite(layer.values).mean() == pytest.approx(0.25, abs=0.02)


def test_the_panel_follows_colours_that_a_script_asked_for(context, network, shown):
    from porelab_gui.gui.network.colour_panel import ColourPanel

    panel = shown(ColourPanel(context))
    context.put(network=network)
    context.layers.colour_throats("g_hydraulic.valvatne_blunt", log=True)
    context.layers.colour_pores("pressure.z")
    assert (panel.throats.key, panel.log.isChecked(), panel.pores.key) == (
        "g_hydraulic.valvatne_blunt", True, "pressure.z",
    )  # fmt: skip


def test_health_lists_faults_and_shows_them_in_red(context, lattice, shown, qtbot):
    from qtpy.QtWidgets import QPushButton

    from porelab_gui.gui.network.health_panel import HealthPanel

    panel = shown(HealthPanel(context))
    assert "Extract a network" in panel.numbers.text()
    context.put(network=lattice.make(gap=True))
    qtbot.waitUntil(lambda: panel.health is not None)
    assert "does not span y: no K along y" in panel.spans.text()
    assert "joins both faces along z" in panel.spans.text()
    broken = lattice.make()
    broken = broken.with_throats(
        total_length=Column(np.where(np.arange(broken.n_throats) == 7, 0.0, 1e-5), "m", "centre to centre")
    )
    context.put(network=broken)
    qtbot.waitUntil(lambda: panel.findChild(QPushButton, "show_bad_length") is not None)
    panel.findChild(QPushButton, "show_bad_length").click()
    marked = context.viewer.layers["problem throats"]
    assert marked.starts[0] == pytest.approx(broken.coords[broken.conns[7, 0]] * 1e6)


def test_one_click_trims_and_another_undoes(context, lattice, shown, qtbot):
    from porelab_gui.gui.network.health_panel import HealthPanel

    whole = lattice.make()
    lonely = whole.keep(~np.isin(np.arange(whole.n_pores), [1, 4, 16]))  # pore 0 loses its neighbours
    context.put(network=lonely)
    panel = shown(HealthPanel(context))
    qtbot.waitUntil(lambda: panel.trim_button.isVisible())
    panel.trim_button.click()
    qtbot.waitUntil(lambda: context.session.items["network"].n_pores == lonely.n_pores - 1, timeout=5000)
    assert context.session.recipe.steps[-1].method == "trim_network"
    qtbot.waitUntil(lambda: panel.undo_button.isVisible())
    panel.undo_button.click()
    assert context.session.items["network"].n_pores == lonely.n_pores
    assert len(context.layers.view().pores.data) == lonely.n_pores


def _permeability(values):
    return Table(
        {
            "axis": Column(np.array(["z", "y", "x"])),
            "K_m2": Column(np.array(values), "m2", "permeability"),
            "K_mD": Column(np.array(values) / 9.869233e-16, "mD", "permeability"),
            "law": Column(np.array(["cylinder"] * 3)),
            "boundary": Column(np.array(["reservoirs"] * 3)),
        },
        notes=("axis y: nothing joins the faces",),
    )


def test_results_say_K_in_both_units_with_law_and_faces(context, network, shown):
    from porelab_gui.gui.steps.transport import ResultsPanel

    panel = shown(ResultsPanel(context))
    assert "solve" in panel.summary.text()
    context.put(network=network, permeability=_permeability([1e-12, 2e-12, 3e-12]))
    text = panel.summary.text()
    assert "K_z = 1e-12 m²" in text and "1013 mD" in text
    assert "cylinder" in text and "reservoirs" in text
    panel.axis.setCurrentText("z")
    panel.what.setCurrentIndex(0)
    panel.show_button.click()
    assert context.layers.view().pore_colouring.column == "pressure.z"


def test_an_axis_that_is_not_spanned_gets_a_sentence_and_no_number(context, lattice, shown):
    from porelab_gui.gui.steps.transport import ResultsPanel

    panel = shown(ResultsPanel(context))
    context.put(network=lattice.make(gap=True), permeability=_permeability([1e-12, np.nan, 3e-12]))
    text = panel.summary.text()
    assert "does not span y: no K and no F along y" in text
    assert "K_y" not in text and "nan" not in text


def test_tables_show_units_copy_and_save(context, shown, tmp_path, qapp):
    from porelab_gui.gui.tables import TablesPanel

    panel = shown(TablesPanel(context))
    assert "No results" in panel.empty.text() and panel.empty.isVisible()
    context.put(permeability=_permeability([1e-12, 2e-12, 3e-12]))
    heads = [panel.view.model.headerData(c, 1) for c in range(3)]
    assert heads[1] == "K\n[m²]" and heads[2] == "K\n[mD]"
    panel.view.copy_button.click()
    lines = qapp.clipboard().text().split("\n")
    assert lines[0].startswith("axis\tK [m²]") and lines[1].startswith("z\t1e-12")
    panel.view.save(tmp_path / "k.csv")
    assert "1e-12" in (tmp_path / "k.csv").read_text()
    assert "nothing joins" in panel.view.notes.text()


def test_a_table_that_cannot_be_written_is_a_toast(context, shown, tmp_path):
    from porelab_gui.gui.tables import TableView

    view = shown(TableView(context))
    view.show_table(_permeability([1e-12, 2e-12, 3e-12]))
    view.save(tmp_path / "missing" / "k.csv")
    assert "folder does not exist" in str(context.said[-1])


@pytest.mark.parametrize("step", ["network", "conductance", "transport"])
def test_step_panels_stand_alone_with_one_primary_button(context, shown, step):
    from importlib import import_module

    from qtpy.QtWidgets import QPushButton

    panel = shown(getattr(import_module(f"porelab_gui.gui.steps.{step}"), f"{step.title()}Panel")(context))
    primary = [b for b in panel.findChildren(QPushButton) if b.property("role") == "primary" and b.isVisible()]
    assert len(primary) == 1 and not primary[0].isEnabled()
    assert primary[0].toolTip()


def test_conductance_run_from_its_panel_colours_the_throats(context, lattice, shown, qtbot):
    from porelab_gui.gui.steps.conductance import ConductancePanel

    bare = lattice.make()
    bare = bare.with_pores(equivalent_diameter=bare.pores["inscribed_diameter"])
    area = np.pi / 4 * bare.throat("inscribed_diameter") ** 2
    bare = bare.with_throats(
        cross_sectional_area=Column(area, "m2"), perimeter=Column(np.sqrt(4 * np.pi * area), "m", "perimeter")
    )
    context.put(network=bare)
    panel = shown(ConductancePanel(context))
    panel.pages["conductance_analytic"].button.click()
    qtbot.waitUntil(lambda: context.layers.view().throat_colouring is not None, timeout=5000)
    assert context.layers.view().throat_colouring.column.startswith("g_hydraulic.")
