"""Window up: PoreLab against a bare napari, alternately in the same run, each in a fresh process.

Up means: the process has started, imported, built and shown its window, and the event loop has worked off what was
waiting. ``ratio_to_napari`` is the ratio of the medians, so that smaller is better; 1.3 is the target.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import Any

REPEATS = 5
NAPARI = """
import sys, napari
from qtpy.QtCore import QTimer
viewer = napari.Viewer()
QTimer.singleShot(0, lambda: (print("up", flush=True), viewer.close()))
napari.run()
"""
PORELAB = """
import sys, napari
from qtpy.QtCore import QTimer
from porelab_gui.gui.app import open_window
window = open_window()
QTimer.singleShot(0, lambda: (print("up", flush=True), window.close()))
napari.run()
"""


def seconds_until_up(code: str) -> float:
    """From the start of a process to the line that it prints when its window is up."""
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == "up":
            taken = time.perf_counter() - start
            child.wait(60)
            return taken
    raise RuntimeError(f"the window did not come up (exit status {child.wait()})")


def run() -> dict[str, Any]:
    """Medians of alternating starts, after one start of each that fills the disk's cache."""
    for code in (NAPARI, PORELAB):
        seconds_until_up(code)
    rows = []
    for i in range(REPEATS):
        rows.append({"run": i, "napari_s": seconds_until_up(NAPARI), "porelab_s": seconds_until_up(PORELAB)})
    napari_s = statistics.median(r["napari_s"] for r in rows)
    porelab_s = statistics.median(r["porelab_s"] for r in rows)
    figures = {"ratio_to_napari": porelab_s / napari_s, "napari_s": napari_s, "porelab_s": porelab_s}
    return {"figures": figures, "rows": rows}


if __name__ == "__main__":
    print(run())
