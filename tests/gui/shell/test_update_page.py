"""A correction painted in the window changes the network only where it is; the change is shown and can be clicked."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from scipy.ndimage import gaussian_filter

pytestmark = pytest.mark.gui


def test_a_click_updates_the_network_and_shows_what_changed(porelab, tmp_path, qtbot):
    noise = gaussian_filter(np.random.default_rng(0).random((40, 32, 32)), 2)
    image = np.uint8(noise > np.quantile(noise, 0.6))
    np.save(tmp_path / "rock.npy", image)
    session = porelab.context.session
    load = {"path": str(tmp_path / "rock.npy"), "voxel_size": (2e-6,) * 3, "as_labels": "yes", "void": (1,)}
    session.run("load", load, {}, {"image": "labels"})
    porelab.wait(60)
    for name in ("extract_network", "conductance_analytic"):
        session.run(name, {})
        porelab.wait(120)
    page = porelab.show_step("Segment").show_method("correct_labels")
    page.use_tool("paint")
    places = tuple(a.ravel() for a in np.mgrid[18:22, 10:16, 10:16])
    page.layer.data_setitem(places, 1)
    page.keep_corrections()
    porelab.wait(60)
    page = porelab.show_step("Network").show_method("update_network")
    qtbot.mouseClick(page.form.button, Qt.MouseButton.LeftButton)
    porelab.wait(120)
    effect, throats = page.found("effect"), page.found("touched_throats")
    assert effect is not None and np.isfinite(effect["K_m2_after"]).any() and len(throats) > 0
    row = int(np.flatnonzero(throats["throat_after"] >= 0)[0])
    grid = page.throats.grid
    index = grid.model().index(row, 0)
    grid.scrollTo(index)
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=grid.visualRect(index).center())
    assert porelab.context.selection.throat == throats["throat_after"][row]
