"""What keeps the window alive: garbage waits for a quiet moment, controls of layers for the layer that is chosen."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from qtpy.QtCore import QObject

from porelab_gui.core.nouns import Stack
from porelab_gui.gui.collecting import LONG_STILL, Collector


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def collector(qtbot):
    thresholds = gc.get_threshold()
    owner = QObject()
    made = Collector(owner)
    made._timer.stop()
    made._resting = lambda: True
    yield made
    made.stop()
    owner.deleteLater()
    gc.set_threshold(*thresholds)


def test_garbage_goes_in_a_quiet_moment_and_not_before(collector):
    gc.collect()
    thing = Ring()
    ring = weakref.ref(thing)
    many = [[] for _ in range(60_000)]  # enough for Python's own young collections to pass it on to the oldest
    del thing
    assert gc.get_count()[2] >= 5 and len(many) == 60_000
    collector._resting = lambda: False
    collector.turn()
    assert ring() is not None
    collector._resting = lambda: True
    collector.turn()
    assert ring() is None


def test_what_was_left_out_is_looked_through_when_something_large_has_gone(collector):
    thing = Ring()
    ring = weakref.ref(thing)
    gc.freeze()
    del thing
    gc.collect()
    assert ring() is not None, "it is left out"
    collector.want_whole()
    for _ in range(LONG_STILL - 1):
        collector.turn()
    assert ring() is not None
    collector.turn()
    assert ring() is None and gc.get_freeze_count() > 0


def test_pythons_own_ways_come_back(qtbot):
    before = gc.get_threshold()
    owner = QObject()
    made = Collector(owner)
    assert gc.get_threshold()[2] > 1000 and gc.get_freeze_count() > 0
    made.stop()
    assert gc.get_freeze_count() == 0
    gc.set_threshold(*before)


def test_only_a_chosen_layer_gets_controls_and_a_removed_one_loses_them(qtbot, porelab):
    context, viewer = porelab.context, porelab.viewer
    panel = viewer.window._qt_viewer.controls
    for name in ("first", "second"):
        noun = Stack(np.zeros((4, 5, 6), np.uint8), (1e-6,) * 3, name=name)
        porelab.context.session.put(_given(), {}, {}, {name: noun})
    first, second = (context.layers.layer(n) for n in ("first", "second"))
    viewer.layers.selection.active = second
    qtbot.waitUntil(lambda: panel.currentWidget() is panel.widgets.get(second), timeout=3000)
    assert first not in panel.widgets
    viewer.layers.selection.active = first
    qtbot.waitUntil(lambda: panel.currentWidget() is panel.widgets.get(first), timeout=3000)
    viewer.layers.remove(first)
    qtbot.waitUntil(lambda: first not in panel.widgets, timeout=3000)
    viewer.layers.selection.clear()
    qtbot.waitUntil(lambda: panel.currentWidget() is panel.empty_widget, timeout=3000)


def _given():
    from porelab_gui.core.method import Method, Params

    return Method("given", "Given", "s", "Load", "", Params, {}, {"image": Stack}, dict, "quick")
