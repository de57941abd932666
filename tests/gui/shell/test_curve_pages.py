"""Drainage from the window: the preset is chosen, the button pressed, the curve drawn."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from scipy.ndimage import gaussian_filter

pytestmark = pytest.mark.gui


def test_a_click_draws_the_capillary_pressure_curve(porelab, tmp_path, qtbot):
    noise = gaussian_filter(np.random.default_rng(0).random((32, 30, 28)), 2)
    np.save(tmp_path / "rock.npy", noise > np.quantile(noise, 0.6))
    run = porelab.context.session.run
    run("load", {"path": str(tmp_path / "rock.npy"), "voxel_size": (2e-6,) * 3}, {}, {"image": "rock"})
    porelab.wait(60)
    run("extract_network", {})
    porelab.wait(120)
    page = porelab.show_step("Transport").show_method("drainage")
    porelab.wait(5)
    assert page.table is None and not page.plot.isVisible()
    qtbot.mouseClick(page.form.button, Qt.MouseButton.LeftButton)
    porelab.wait(120)
    assert page.table is not None and page.plot.isVisible() and "480 mN/m" in page.notes.text()
    page.plot.refresh()
    qtbot.waitUntil(lambda: page.plot.axes is not None and len(page.plot.axes.lines) > 0, timeout=5000)
    line = page.plot.axes.lines[0]
    assert np.allclose(line.get_xdata(), page.table["saturation"])
    assert "drainage_pressure" in porelab.context.session.item("network").throats


@pytest.fixture
def rock(porelab, tmp_path):
    """A network of a small rock with conductances, and its labels."""
    noise = gaussian_filter(np.random.default_rng(0).random((32, 30, 28)), 2)
    np.save(tmp_path / "rock.npy", noise > np.quantile(noise, 0.6))
    run = porelab.context.session.run
    run("load", {"path": str(tmp_path / "rock.npy"), "voxel_size": (2e-6,) * 3}, {}, {"image": "rock"})
    porelab.wait(60)
    for name in ("extract_network", "conductance_analytic"):
        run(name, {})
        porelab.wait(120)
    return porelab


def press(qtbot, porelab, name, **values):
    """The page of a Method after its button was clicked."""
    page = porelab.show_step("Transport").show_method(name)
    porelab.wait(5)
    form = getattr(page, "form", page)
    form.set_values(values)
    qtbot.mouseClick(form.button, Qt.MouseButton.LeftButton)
    porelab.wait(300)
    return page


@pytest.mark.parametrize(
    ("name", "column", "values"),
    [
        ("relative_permeability", "wetting_saturation", {}),
        ("representative_volume", "edge", {"smallest": 0.5, "sizes": 3}),
    ],
)
def test_a_click_draws_the_curves(rock, qtbot, name, column, values):
    page = press(qtbot, rock, name, **values)
    assert page.table is not None and page.plot.isVisible()
    page.plot.refresh()
    qtbot.waitUntil(lambda: page.plot.axes is not None and len(page.plot.axes.lines) > 1, timeout=5000)
    drawn = page.plot.axes.lines[0].get_xdata()
    scale = 1e6 if column == "edge" else 1.0
    assert np.allclose(drawn, page.table[column] * scale)


def test_effective_properties_stand_beside_those_of_the_voxels(rock, qtbot):
    press(qtbot, rock, "effective_properties")
    table = rock.context.session.items["effective_properties"]
    assert len(table) >= 3 and any("voxel" in k for k in table.columns)
