import threading

import pytest
from qtpy.QtCore import QThread
from qtpy.QtWidgets import QApplication

from porelab_gui.gui.workers import Bridge

pytestmark = pytest.mark.gui


def test_calls_from_other_threads_run_here_and_in_order(qtbot):
    bridge, seen, wrong = Bridge(), [], []
    here = QThread.currentThread()

    def note(i):
        seen.append(i)
        if QThread.currentThread() is not here:
            wrong.append(i)

    def flood():
        for i in range(5000):
            bridge(lambda i=i: note(i))

    thread = threading.Thread(target=flood)
    thread.start()
    qtbot.waitUntil(lambda: len(seen) == 5000, timeout=10_000)
    thread.join()
    assert seen == sorted(seen) and not wrong


def test_a_flood_is_worked_off_in_turns_between_other_events(qtbot):
    import time

    bridge, turns = Bridge(), []
    for _ in range(20):
        bridge(lambda: time.sleep(0.004))
    bridge(lambda: turns.append("last"))
    bridge._drain()
    assert not turns, "one turn of the event loop must not work off everything"
    qtbot.waitUntil(lambda: turns == ["last"], timeout=5000)


def test_a_call_that_fails_does_not_stop_the_others(qtbot, monkeypatch):
    import sys

    caught, seen = [], []
    monkeypatch.setattr(sys, "excepthook", lambda *what: caught.append(what[0]))
    bridge = Bridge()
    bridge(lambda: 1 / 0)
    bridge(lambda: seen.append(1))
    qtbot.waitUntil(lambda: seen == [1], timeout=2000)
    assert caught == [ZeroDivisionError]


def test_a_bridge_whose_window_is_gone_is_silent(qapp):
    bridge = Bridge()
    bridge.deleteLater()
    QApplication.sendPostedEvents(bridge, 0)
    bridge(lambda: None)
