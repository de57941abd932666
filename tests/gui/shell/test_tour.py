"""The guided first run, clicked through from the welcome page to the permeability."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from porelab_gui.core.nouns import Network
from porelab_gui.gui.tour import STOPS

pytestmark = pytest.mark.gui


def test_five_clicks_lead_from_the_welcome_page_to_the_permeability(qtbot, porelab):
    qtbot.mouseClick(porelab.welcome.buttons["Guided first run"], Qt.MouseButton.LeftButton)
    tour = porelab.tour
    for number, stop in enumerate(STOPS):
        assert tour.at == number and tour.bubble.words.text() == stop.text
        target = tour.target()
        qtbot.waitUntil(target.isVisible, timeout=3000)
        tour.place()
        assert tour.rim.isVisible() and not tour.rim.geometry().intersects(tour.bubble.geometry())
        qtbot.mouseClick(target, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda n=number: tour.at == n + 1, timeout=90_000)
        porelab.wait(60)
    assert tour.bubble.number.text() == "Done"
    network = porelab.context.session.items[porelab.context.session.latest(Network)]
    assert any(k.startswith("g_hydraulic.") for k in network.throats)
    assert any(s.method == "solve_flow" for s in porelab.context.session.recipe.steps)
    qtbot.mouseClick(tour.bubble.close_button, Qt.MouseButton.LeftButton)
    assert tour.at is None and not tour.bubble.isVisible()


def test_a_step_can_be_skipped_and_the_tour_ended(qtbot, porelab):
    porelab.actions["tour"].trigger()
    qtbot.mouseClick(porelab.tour.bubble.next_button, Qt.MouseButton.LeftButton)
    assert porelab.tour.at == 1 and porelab.stepper.current == "Segment"
    qtbot.mouseClick(porelab.tour.bubble.close_button, Qt.MouseButton.LeftButton)
    assert porelab.tour.at is None and not porelab.tour.rim.isVisible()


def test_with_data_open_the_first_step_points_at_the_button_that_opens_files(porelab):
    porelab.viewer.add_image(np.zeros((4, 4)))
    porelab.actions["tour"].trigger()
    assert porelab.tour.target() is porelab.show_step("Load").open_file
    porelab.tour.stop()
    porelab.viewer.layers.clear()
