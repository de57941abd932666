"""A 4 GiB stack in the window: how long opening takes, how much memory, how long a slice along each axis.

``porelab bench scroll``, or one part: ``python benchmarks/scroll.py plain|copy FOLDER``. The files hold noise and are
read cold: they are put out of the system's cache before opening and before each far jump. ``open`` lasts from the
request until the first slice is drawn and sharp. ``cold`` is how long a far jump holds the window's thread (something
is drawn then), ``sharp`` until every voxel is there, ``next`` how long the following steps of one voxel hold it.
``copy`` is the same TIFF after the fast copy that the window offers. ``PORELAB_SCROLL_SHAPE`` (z,y,x) makes it smaller,
``PORELAB_SCROLL_FILE`` keeps the file for the next time. Memory is that of the window's process, with nothing of mapped
files, above one in which nothing is open.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import _parts

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

def sharp(app, window):
    layer = window.context.layers.layer(next(iter(window.context.session.items)))
    while not layer.loaded:
        app.processEvents()
        time.sleep(0.001)
    app.processEvents()
    return layer

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
    session.clear(); settle(app, 3)
    before = most = memory()
    row = {}
    cold(path)
    start = time.perf_counter()
    window.opener.load({"path": str(path), "voxel_size": (1e-6,) * 3})
    window.wait(); app.processEvents()
    layer = sharp(app, window)
    row["open_s"] = time.perf_counter() - start; row["job_s"] = session.queue.jobs[-1].seconds
    settle(app, 1)
    most = max(most, memory())
    if copy:
        start = time.perf_counter()
        session.run("fast_copy", {}, {"image": layer.name}, {"image": layer.name}); window.wait(3600); settle(app, 0)
        row["copy_s"] = time.perf_counter() - start
        path = next((Path(os.environ["PORELAB_CACHE"]).parent / "copies").glob("*.zarr"))
    dims = window.viewer.dims
    for axis, name in enumerate("zyx"):
        dims.order = (axis, *[a for a in range(3) if a != axis]); settle(app)
        window.viewer.fit_to_view()
        times, full = [], []
        for k in (0.31, 0.73):
            cold(path)
            start = time.perf_counter()
            dims.set_point(axis, k * (dims.range[axis].stop)); app.processEvents()
            times.append(time.perf_counter() - start)
            sharp(app, window)
            full.append(time.perf_counter() - start)
            most = max(most, memory())
        step = [time.perf_counter()]
        for j in range(3):
            dims.set_current_step(axis, dims.current_step[axis] + 1); app.processEvents()
            step.append(time.perf_counter())
        row[f"cold_{name}_s"], row[f"sharp_{name}_s"] = max(times), max(full)
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


def _opened(kind: str) -> dict[str, Any]:
    """What the window measured of the plain file, or of its fast copy."""
    with tempfile.TemporaryDirectory() as name:
        path = _make(Path(name))
        script = Path(name) / "child.py"
        script.write_text(CHILD)
        extra = {
            "PORELAB_CACHE": f"{name}/cache/results",
            "NAPARI_CONFIG": f"{name}/napari.yaml",
            "PORELAB_CONFIG": name,
        }
        done = subprocess.run(
            [sys.executable, str(script), str(path), kind],
            capture_output=True, text=True, check=True, env={**os.environ, **extra},
        )  # fmt: skip
        return {"file": kind, **json.loads(done.stdout.splitlines()[-1])}


PARTS = {kind: partial(_opened, kind) for kind in ("plain", "copy")}


def run() -> dict[str, Any]:
    """Times and memory of the plain file and of its fast copy."""
    plain, copy = (_parts.measured("scroll", kind, measure) for kind, measure in PARTS.items())
    kinds = ("cold", "sharp", "next")
    figures = {
        "open_s": plain["open_s"],
        "extra_bytes": max(plain["extra_bytes"], copy["extra_bytes"]),
        "plain_extra_bytes": plain["extra_bytes"],
        "copy_extra_bytes": copy["extra_bytes"],
        "copy_s": copy["copy_s"],
        **{f"plain_{k}_{a}_s": plain[f"{k}_{a}_s"] for k in kinds for a in "zyx"},
        **{f"copy_{k}_{a}_s": copy[f"{k}_{a}_s"] for k in kinds for a in "zyx"},
    }
    return {"figures": figures, "rows": [plain, copy]}


if __name__ == "__main__":
    _parts.main("scroll", PARTS)
