"""Train by clicks, apply to the open network, colour by the columns, ask where the flow is decided."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton

from porelab_gui.core.nouns import Column, Network, Weights
from porelab_gui.session.jobs import State

pytestmark = pytest.mark.gui


@pytest.fixture(scope="module")
def rock():
    """A small network that spans, and labels for it."""
    from porelab_methods.gnn_pnm import media
    from porelab_methods.gnn_pnm.labels import as_labels, extract

    rng = np.random.default_rng(1)
    return extract(as_labels(media.MAKERS["blobs"](rng, (32,) * 3)), 1)[1].renamed("network")


@pytest.fixture(scope="module")
def folder(rock, tmp_path_factory):
    """A data set of that network under three sizes of its labels."""
    from porelab_methods.gnn_pnm import data
    from porelab_methods.gnn_pnm.labels import Sample

    made = tmp_path_factory.mktemp("set")
    for n, role in enumerate(("train", "validation", "test")):
        wider = rock.throat("inscribed_diameter") * (1 + 0.1 * n * (rock.conns[:, 0] % 2))
        shares = np.full((3, rock.n_throats), np.nan)
        network = rock.with_throats({"inscribed_diameter": Column(wider, "m")}).renamed(f"n{n}")
        sample = Sample(network, np.full(3, 3e-13), np.full(3, 9.0), shares, "blobs", role, np.ones((32,) * 3, bool))
        data.write(made / f"n{n}.npz", sample)
    return made


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_train_apply_colour_and_ask(porelab, qtbot, rock, folder, tmp_path):
    session = porelab.context.session
    learn = porelab.show_step("Learn").show_method("train_gnn_pnm")
    learn.set_values({
        "data": str(folder), "folder": str(tmp_path / "w"), "epochs": 2, "width": 8, "rounds": 1, "threads": 1,
    })  # fmt: skip
    press(qtbot, learn.button)
    job = session.queue.jobs[-1]
    qtbot.waitUntil(lambda: job.state is State.DONE, timeout=240_000)
    assert {"median_error_K", "mass_residual"} <= set(job.metrics) and job.pictures
    assert session.latest(Weights) == "weights"

    session.replace({**session.items, "network": rock}, session.recipe, "a network")
    page = porelab.show_step("Conductance").show_method("conductance_gnn")
    assert not page.shows.isVisible()
    press(qtbot, page.form.button)
    qtbot.waitUntil(lambda: page.shows.isVisible(), timeout=120_000)
    view = porelab.context.layers.view()
    assert view.throat_colouring.column == "g_hydraulic.gnn"
    press(qtbot, page.findChild(QPushButton, "show_gnn_ratio"))
    assert view.throat_colouring.column == "gnn_ratio.hydraulic" and view.throat_colouring.cmap == "coolwarm"
    low, high = view.throat_colouring.limits
    assert low + high == pytest.approx(2)
    press(qtbot, page.findChild(QPushButton, "show_gnn_error"))
    assert any("Simulate conduits first" in t.text for t in porelab.toasts.shown)

    page = porelab.show_step("Transport").show_method("sensitivity_gnn")
    press(qtbot, page.form.button)
    qtbot.waitUntil(lambda: page.table is not None, timeout=120_000)
    assert view.throat_colouring.column == "dissipation_share.z" and "half of the dissipation" in page.notes.text()
    page.axis.setCurrentText("x")
    press(qtbot, page.findChild(QPushButton, "show_width"))
    assert view.throat_colouring.column == "width_sensitivity.x"
    assert isinstance(session.items["network"], Network)


def test_strange_networks_and_limits_of_scales():
    from porelab_methods.gnn_pnm.pages import limits

    assert limits("g_hydraulic.gnn", np.ones(3)) is None
    assert limits("gnn_error.hydraulic", np.array([-0.5, 0.2, np.nan])) == pytest.approx((-0.485, 0.485))
