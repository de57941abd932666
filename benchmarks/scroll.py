"""A 4 GiB stack in the window: how long opening takes, how much memory, how long a slice along each axis.

``porelab bench scroll``. The files hold noise and are read cold: they are put out of the system's cache before each
step. ``copy`` is the same TIFF after the fast copy that the window offers. ``PORELAB_SCROLL_SHAPE`` (z,y,x) makes it
smaller, ``PORELAB_SCROLL_FILE`` keeps the file for the next time. Memory is that of the window's process, with nothing
of mapped files, above one in which nothing is open.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SHAPE = tuple(int(n) for n in os.environ.get("PORELAB_SCROLL_SHAPE", "1024,2048,2048").split(","))

CHILD = """
import json, os, re, sys, time
from pathlib import Path

def memory():
    told = Path("/proc/self/status").read_text()  # pages of files are the system's, not the program's
    return sum(int(re.search(key + r":\\s+(\\d+)", told)[1]) * 1024 for key in ("RssAnon", "RssShmem"))

def cold(path):
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)

def settle(app, seconds=0.2):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        app.processEvents()

def main():
    from qtpy.QtWidgets import QApplication
    from porelab_gui.gui.app import open_window
    path, copy = Path(sys.argv[1]), sys.argv[2] == "copy"
    window = open_window(size=(1280, 800))
    app = QApplication.instance()
    session = window.context.session
    import numpy as np
    from porelab_gui.core.nouns import Stack
    from porelab_gui.core.registry import get
    small = Stack(np.zeros((8, 64, 64), np.uint8), 1e-6)
    session.put(get("load"), {}, {}, {"image": small}, {"image": "small"})
    session.run("filter_median", {"size": 2}, {"image": "small"}); window.wait()  # the worker is up
    session.clear(); settle(app)
    before = most = memory()
    row = {}
    cold(path)
    start = time.perf_counter()
    session.run("load", {"path": str(path), "voxel_size": (1e-6,) * 3}, {}, {"image": "big"})
    window.wait(); settle(app, 0)
    row["open_s"] = time.perf_counter() - start; row["job_s"] = session.queue.jobs[-1].seconds
    if copy:
        start = time.perf_counter()
        session.run("fast_copy", {}, {"image": "big"}, {"image": "big"}); window.wait(3600); settle(app, 0)
        row["copy_s"] = time.perf_counter() - start
        path = next((Path(os.environ["PORELAB_CACHE"]).parent / "copies").glob("*.zarr"))
    dims = window.viewer.dims
    for axis, name in enumerate("zyx"):
        dims.order = (axis, *[a for a in range(3) if a != axis]); settle(app)
        window.viewer.fit_to_view()
        times = []
        for k in (0.31, 0.73):
            cold(path)
            start = time.perf_counter()
            dims.set_point(axis, k * (dims.range[axis].stop)); app.processEvents()
            times.append(time.perf_counter() - start)
            most = max(most, memory())
        step = [time.perf_counter()]
        for j in range(3):
            dims.set_current_step(axis, dims.current_step[axis] + 1); app.processEvents()
            step.append(time.perf_counter())
        row[f"cold_{name}_s"] = max(times)
        row[f"next_{name}_s"] = max(b - a for a, b in zip(step, step[1:]))
    row["extra_bytes"] = most - before
    window.close()
    print(json.dumps(row))

if __name__ == "__main__":
    from porelab_gui.cli.display import virtual_display
    with virtual_display(last=True):
        main()
"""


def _make(folder: Path) -> Path:
    """A TIFF of noise, one page per slice, one after the other in the file."""
    import numpy as np
    import tifffile

    path = Path(os.environ.get("PORELAB_SCROLL_FILE") or folder / "big.tif")
    if path.exists():
        return path
    data = tifffile.memmap(path, shape=SHAPE, dtype="u1", bigtiff=True, photometric="minisblack")
    rng = np.random.default_rng(0)
    for z in range(SHAPE[0]):
        data[z] = rng.integers(0, 256, SHAPE[1:], dtype=np.uint8)
    data.flush()
    return path


def run() -> dict[str, Any]:
    """Times and memory of the plain file and of its fast copy."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        path = _make(Path(name))
        script = Path(name) / "child.py"
        script.write_text(CHILD)
        extra = {
            "PORELAB_CACHE": f"{name}/cache/results",
            "NAPARI_CONFIG": f"{name}/napari.yaml",
            "PORELAB_CONFIG": name,
        }
        for kind in ("plain", "copy"):
            done = subprocess.run(
                [sys.executable, str(script), str(path), kind],
                capture_output=True, text=True, check=True, env={**os.environ, **extra},
            )  # fmt: skip
            rows.append({"file": kind, **json.loads(done.stdout.splitlines()[-1])})
    plain, copy = rows
    figures = {
        "open_s": plain["open_s"],
        "extra_bytes": max(plain["extra_bytes"], copy["extra_bytes"]),
        "copy_s": copy["copy_s"],
        **{f"plain_cold_{a}_s": plain[f"cold_{a}_s"] for a in "zyx"},
        **{f"copy_cold_{a}_s": copy[f"cold_{a}_s"] for a in "zyx"},
    }
    return {"figures": figures, "rows": rows}
