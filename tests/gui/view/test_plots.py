"""Plots in both directions: from a point to the throat, from the throat to the point; files; curves; inspector."""

from __future__ import annotations

import numpy as np
import pytest

from porelab_gui.core.nouns import Column, Regions
from porelab_gui.session.jobs import State

pytestmark = pytest.mark.gui


@pytest.fixture
def dock(context, network, qtbot):
    """The dock of plots with a network open."""
    from porelab_gui.gui.plots.dock import PlotsDock

    made = PlotsDock(context)
    qtbot.addWidget(made)
    made.resize(700, 300)
    made.show()
    context.put(network=network)
    return made


def click_at(qtbot, plot, x, y):
    """A real mouse click on a plot at data coordinates."""
    from qtpy.QtCore import QPoint, Qt

    qtbot.waitUntil(lambda: plot.made and plot._picture is not None, timeout=5000)
    px, py = plot.to_pixels(np.array([x]), np.array([y]))[0]
    ratio = plot._canvas.device_pixel_ratio
    place = QPoint(round(px / ratio), round(plot._canvas.height() - py / ratio))
    qtbot.mouseClick(plot._canvas, Qt.MouseButton.LeftButton, pos=place)


def test_a_click_on_a_point_chooses_its_throat_and_the_camera_flies(context, network, dock, qtbot):
    dock.show_tab(dock.parity)
    g = network.throat("g_hydraulic.cylinder")
    wanted = int(np.argmax(g))  # the point at the end of the cloud is nobody else's
    click_at(qtbot, dock.parity.plot, *dock.parity.point(wanted))
    assert context.selection.throat == wanted
    qtbot.waitUntil(lambda: not context.layers._flight.flying, timeout=3000)
    middle = context.layers.view().centres[network.conns[wanted]].mean(0)
    assert np.asarray(context.viewer.camera.center) == pytest.approx(middle, abs=1e-3)


def test_a_throat_chosen_in_3d_is_ringed_in_the_plot(context, network, dock, qtbot):
    dock.show_tab(dock.parity)
    qtbot.waitUntil(lambda: dock.parity.plot._picture is not None, timeout=5000)
    context.selection.select_throat(11, "network")
    assert dock.parity.plot.marked == pytest.approx(dock.parity.point(11))
    context.selection.select_throat(None, "network")
    assert dock.parity.plot.marked is None


def test_parity_compares_two_conductances_by_default_and_any_two_columns(context, network, dock):
    assert {dock.parity.x.key, dock.parity.y.key} == {"g_hydraulic.cylinder", "g_hydraulic.valvatne_blunt"}
    dock.parity.x.choose("total_length")
    dock.parity.y.choose("inscribed_diameter")
    x, y = dock.parity.point(4)
    assert x == pytest.approx(10.0)
    assert y == pytest.approx(network.throat("inscribed_diameter")[4] * 1e6)


def test_a_click_on_a_bar_marks_its_members_and_chooses_one(context, network, dock, qtbot):
    dock.show_tab(dock.histogram)
    dock.histogram.column.choose("inscribed_diameter")
    d = network.throat("inscribed_diameter") * 1e6
    qtbot.waitUntil(lambda: dock.histogram.plot._picture is not None, timeout=5000)
    qtbot.wait(60)
    wanted = d[20]
    click_at(qtbot, dock.histogram.plot, wanted, 0.4)
    chosen = context.selection.throat
    assert chosen is not None
    members = np.flatnonzero(dock.histogram.members(wanted))
    assert chosen in members and 20 in members
    assert len(context.viewer.layers["problem throats"].starts) == len(members)


def test_a_chosen_throat_gets_a_line_in_the_histogram(context, network, dock, qtbot):
    dock.show_tab(dock.histogram)
    dock.histogram.column.choose("inscribed_diameter")
    dock.histogram.log.setChecked(False)
    qtbot.waitUntil(lambda: dock.histogram.plot._picture is not None, timeout=5000)
    context.selection.select_throat(5, "network")
    assert dock.histogram.plot.marked[0] == pytest.approx(network.throat("inscribed_diameter")[5] * 1e6, rel=1e-5)


def test_a_plot_is_saved_in_four_formats(context, dock, tmp_path):
    dock.show_tab(dock.parity)
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "csv": b'"throat","g_hydraulic'}
    for ending, start in starts.items():
        path = tmp_path / f"plot.{ending}"
        dock.parity.plot.save(path)
        assert path.read_bytes().startswith(start)


def test_a_plot_that_cannot_be_saved_is_a_toast(context, dock, tmp_path):
    dock.parity.plot.save(tmp_path / "no" / "plot.png")
    assert "folder does not exist" in str(context.said[-1])
    dock.parity.plot.save(tmp_path / "plot.bmp")
    assert "not saved as .bmp" in str(context.said[-1])


def test_plots_take_the_colours_of_the_theme(context, dock, qtbot):
    from matplotlib.colors import to_hex

    from porelab_gui.gui.theme import colours

    dock.show_tab(dock.parity)
    qtbot.waitUntil(lambda: dock.parity.plot._picture is not None, timeout=5000)
    before = context.viewer.theme
    try:
        context.viewer.theme = "light"
        wanted = colours(context.viewer).background[:7]
        qtbot.waitUntil(lambda: to_hex(dock.parity.plot._figure.get_facecolor()) == wanted, timeout=3000)
    finally:
        context.viewer.theme = before


def test_empty_plots_say_what_to_do(context, qtbot):
    from porelab_gui.gui.plots.dock import PlotsDock

    made = PlotsDock(context)
    qtbot.addWidget(made)
    assert "Compute two conductances" in made.parity.plot.message.text()
    assert "Extract or open" in made.histogram.plot.message.text()
    assert "Click a throat" in made.inspector.title.text()
    assert "while it runs" in made.curves.plot.message.text()


def test_curves_follow_a_job(context, dock, qtbot):
    from types import SimpleNamespace

    from porelab_gui.core.registry import get

    queue = context.session.queue
    points = [(0.0, 1.0), (1.0, 0.5), (2.0, 0.25)]
    job = SimpleNamespace(number=1, title="Solve", method=get("solve_flow"), state=State.DONE, metrics={"loss": points})
    queue.jobs.append(job)
    dock.show_tab(dock.curves)
    queue.changed.emit(job)
    qtbot.waitUntil(lambda: dock.curves.job is job, timeout=3000)
    qtbot.waitUntil(lambda: dock.curves.plot.made and len(dock.curves.plot.axes.lines) >= 3, timeout=3000)
    assert dock.curves.plot.axes.lines[0].get_ydata()[-1] == 0.25


def test_the_inspector_shows_every_conductance_with_unit_and_ratio(context, network, dock, qtbot):
    context.selection.select_throat(9, "network")
    table = dock.inspector.table
    qtbot.waitUntil(lambda: table.rowCount() > 4)
    rows = {
        table.item(i, 0).text(): (table.item(i, 1).text(), table.item(i, 2).text()) for i in range(table.rowCount())
    }
    g, other = (network.throat(f"g_hydraulic.{k}")[9] for k in ("cylinder", "valvatne_blunt"))
    assert rows["g hydr., cylinder"] == (f"{g:.4g} m³/(Pa s)", "reference")
    assert f"{other / g:.3g} × cylinder" in rows["g hydr., valvatne blunt"][1]
    assert rows["total length"][0] == "10 µm"
    a, b = network.conns[9]
    assert dock.inspector.title.text() == f"Throat 9 between pores {a} and {b}"


def test_direct_simulation_is_the_reference_where_it_is_there(lattice):
    from porelab_gui.gui.network.inspector import conductances

    net = lattice.make()
    net = net.with_throats(
        {"g_hydraulic.dns": Column(2 * net.throat("g_hydraulic.cylinder"), "m3/(Pa s)", "direct simulation")}
    )
    rows = {name: against for name, _, against in conductances(net, 3)}
    assert rows["g hydr., dns"] == "reference"
    assert rows["g hydr., cylinder"] == "0.5 × dns (-50%)"


def test_the_pore_pair_is_cut_out_of_the_regions(lattice):
    from porelab_gui.gui.network.pair import pair_surfaces, regions_of

    net = lattice.make(shape=(2, 2, 2))
    place = np.indices((20, 20, 20)).reshape(3, -1).T
    nearest = np.linalg.norm(place[:, None] - net.coords[None] * 1e6, axis=2)
    label = np.where(nearest.min(1) < 4, nearest.argmin(1) + 1, 0).reshape(20, 20, 20).astype(np.int32)
    regions = Regions(label, (1e-6,) * 3)
    assert regions_of({"regions": regions}, net) is regions
    one, two = pair_surfaces(regions, net, 0)
    a, b = net.coords[net.conns[0]] * 1e6
    middle = (a + b) / 2
    inside = np.array([3.9, 3.9, 3.9])  # a ball cut by the image's corner reaches this far at most
    assert (one.vertices.max(0) <= a - middle + inside + 1).all()
    assert (two.vertices.min(0) >= b - middle - inside - 1).all()
    assert not np.allclose(one.vertices.mean(0), two.vertices.mean(0))


def test_regions_of_another_image_are_not_taken(lattice):
    from porelab_gui.gui.network.pair import regions_of

    assert regions_of({"regions": Regions(np.ones((5, 5, 5), np.int32), (1e-6,) * 3)}, lattice.make()) is None
