"""The pages of the super-resolver: linked volumes, permeabilities, and the trade-off with its slider."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from porelab_methods.superres.blocks import medium
from porelab_methods.superres.methods import COARSEN
from porelab_methods.superres.nets import SuperResolver
from qtpy.QtCore import Qt

from porelab_gui.core.learning.weights import Card, save_weights
from porelab_gui.core.nouns import Column, Labels, Table
from porelab_gui.core.registry import get
from porelab_gui.session.jobs import State

pytestmark = pytest.mark.gui
VOXEL = (4e-6,) * 3


def weights(folder, corrected):
    """A net that was never trained; the corrected one calls everything a little more void."""
    net = SuperResolver(2, 4, 1)
    with torch.no_grad():
        net.tail.bias += 0.4 * corrected
    config = {"system": "superres", "factor": 2, "width": 4, "depth": 1, "corrected": corrected}
    card = Card("Net", "Untrained.", "none", "none", [], "all", "porelab x", "")
    return save_weights(folder, net, config | {"voxel_sizes": [4e-6, 4e-6]}, card)


def test_volumes_are_compared_in_a_linked_grid(porelab, qtbot, tmp_path):
    session = porelab.context.session
    truth = Labels(medium(24, 0).astype(np.uint8), VOXEL, name="truth")
    low = COARSEN({"labels": truth}, {"factor": 2})["low"]
    made = {
        "low": low,
        "truth": truth,
        "before": weights(tmp_path / "b", False),
        "after": weights(tmp_path / "a", True),
    }
    session.put(get("load"), {}, {}, made)
    page = porelab.show_step("Super-resolve").show_method("compare_superres")
    for port, name in (("image", "low"), ("before", "before"), ("after", "after"), ("truth", "truth")):
        page.chooser.choose(port, name)
    page.set_values({"network": False})
    assert not page.grid_button.isVisible()
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    porelab.wait(60)
    job = session.queue.jobs[-1]
    assert job.state is State.DONE, job.error
    table = page.results.model.table
    assert table["image"].tolist() == ["low (cut at one half)", "super-resolved", "corrected", "true"]
    assert all("Stokes" in law for law in table["law"]) and table["voxel"] == pytest.approx([8e-6] + [4e-6] * 3)
    shown = {layer.name: layer.visible for layer in porelab.viewer.layers}
    qtbot.mouseClick(page.grid_button, Qt.MouseButton.LeftButton)
    viewer = porelab.viewer
    assert viewer.grid.enabled and viewer.dims.ndisplay == 2
    assert {x.name for x in viewer.layers if x.visible} == {"low", "super_resolved", "corrected", "truth"}
    ends = [tuple(np.ptp(x.extent.world, axis=0) + np.array(x.scale)) for x in viewer.layers if x.visible]
    assert np.allclose(ends, ends[0])
    assert all(x.name_overlay.visible for x in viewer.layers)
    page.changes.click()
    difference = porelab.context.layers.layer("difference")
    assert {x.name for x in viewer.layers if x.visible} == {"low", "super_resolved", "difference", "truth"}
    assert 2 in np.unique(difference.data)
    page.changes.click()
    assert porelab.context.layers.layer("corrected").visible
    page.artefacts.click()
    artefacts = porelab.context.layers.layer("artefacts")
    assert artefacts.visible and not difference.visible and artefacts.data.max() > 0
    page.artefacts.click()
    qtbot.mouseClick(page.grid_button, Qt.MouseButton.LeftButton)
    assert not viewer.grid.enabled
    assert {k: v for k, v in shown.items() if v} == {x.name: True for x in viewer.layers if x.visible}


def test_the_slider_marks_the_epoch_and_weighs_the_next_run(porelab, qtbot):
    columns = {"epoch": [-1, 0, 1, 2], "voxel_error": [0.02, 0.022, 0.03, 0.05], "k_error": [0.09, 0.04, 0.01, 0.0025]}
    table = Table({k: Column(np.array(v, float), "1") for k, v in columns.items()}, name="trade-off")
    page = porelab.show_step("Super-resolve").show_method("finetune_superres")
    assert not page.slider.isVisible()
    porelab.context.session.put(get("load"), {}, {}, {"tradeoff": table})
    assert page.slider.isVisible()
    page.slider.setFocus()
    qtbot.keyClick(page.slider, Qt.Key.Key_Home)
    assert page.chosen() == 0 and "before the correction" in page.told.text()
    qtbot.keyClick(page.slider, Qt.Key.Key_End)
    assert page.chosen() == 3 and "after epoch 3" in page.told.text() and "0.05" in page.told.text()
    qtbot.waitUntil(lambda: not page.use.visibleRegion().isEmpty(), timeout=5000)  # what has come scrolls into sight
    page.plot._redraw()
    page._tell()
    assert page.plot.marked == pytest.approx((0.05, 0.05))
    page.slider.setValue(50)
    qtbot.mouseClick(page.use, Qt.MouseButton.LeftButton)
    assert page.values()["voxel_weight"] == pytest.approx(25.0)
    assert page.values()["surrogate_weight"] == pytest.approx(0.5 / 0.09, rel=1e-4)
