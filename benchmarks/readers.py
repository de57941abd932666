"""Opening a 4 GiB stack without reading it, and damaged files: ``porelab bench readers``.

The 4 GiB files are sparse, so that the figures are those of the readers and not of a disk. ``PORELAB_FUZZ`` sets how
many damaged files each reader gets (2000).
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SHAPE = (1024, 2048, 2048)
MOST = 500e6

CHILD = """
import json, re, sys, time
from pathlib import Path
import numpy as np
from porelab_gui.core.image.formats.dispatch import read_any
for module in ("tifffile", "dask.array", "h5py", "zarr"):
    __import__(module)
def rss():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
before = rss()
start = time.perf_counter()
stack = read_any(sys.argv[1], 1e-6)
row = {"open_s": time.perf_counter() - start}
for name, key in (("z", (500,)), ("y", (slice(None), 900)), ("x", (slice(None), slice(None), 900))):
    start = time.perf_counter()
    page = np.asarray(stack.data[key])
    row[f"slice_{name}_s"] = time.perf_counter() - start
row["extra_bytes"] = peak() - before
print(json.dumps(row))
"""


def _make(folder: Path) -> dict[str, Path]:
    """A 4 GiB stack as TIFF, RAW, HDF5 and OME-Zarr; nearly all of it holes in the file."""
    import h5py
    import tifffile
    import zarr

    made = {k: folder / f"big_2048x2048x1024_uint8{e}" for k, e in
            (("tiff", ".tif"), ("raw", ".raw"), ("hdf5", ".h5"), ("ome_zarr", ".zarr"))}  # fmt: skip
    tifffile.memmap(made["tiff"], shape=SHAPE, dtype="u1", bigtiff=True, photometric="minisblack")[500] = 7
    with made["raw"].open("wb") as handle:
        handle.truncate(SHAPE[0] * SHAPE[1] * SHAPE[2])
    with h5py.File(made["hdf5"], "w") as file:
        file.create_dataset("image", SHAPE, "u1", chunks=(64, 64, 64))[500] = 7
    group = zarr.open_group(str(made["ome_zarr"]), mode="w", zarr_format=2)
    group.create_array("0", shape=SHAPE, dtype="u1", chunks=(64, 64, 64))
    axes = [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]
    scale = {"type": "scale", "scale": [1.0, 1.0, 1.0]}
    datasets = [{"path": "0", "coordinateTransformations": [scale]}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    return made


def _fuzz(folder: Path, per_reader: int) -> list[dict[str, Any]]:
    where = Path(__file__).parents[1] / "tests" / "core" / "image" / "reader_fuzz.py"
    spec = importlib.util.spec_from_file_location("reader_fuzz", where)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.corpus(folder, per_reader, seed=3)
    return [{"reader": k, **v} for k, v in sorted(module.read_all(folder).items())]


def run() -> dict[str, Any]:
    """Worst times and memory over the formats, and the outcome of the damaged files."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        for kind, path in _make(Path(name)).items():
            out = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
            rows.append({"format": kind, **json.loads(out.stdout)})
    figures = {key: max(r[key] for r in rows) for key in rows[0] if key != "format"}
    with tempfile.TemporaryDirectory() as name:
        damaged = _fuzz(Path(name), int(os.environ.get("PORELAB_FUZZ", "2000")))
    fine = sum(r.get("read", 0) + r.get("refused", 0) for r in damaged)
    total = sum(v for r in damaged for v in r.values() if isinstance(v, int))
    figures |= {"damaged_files": total, "damaged_readers": len(damaged), "damaged_wrong": total - fine}
    return {"figures": figures, "rows": rows + damaged}
