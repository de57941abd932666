"""Extraction past memory: an OME-Zarr of 600^3 voxels, read lazily, block by block, and what 1000^3 and 2000^3 need.

Images: noise smoothed over 2.5 voxels (PoreSpy's ``blobs`` of constant feature size), porosity 0.3, made slab by slab.
Every extraction is a process of its own. ``peak`` is all resident memory; ``private`` leaves out pages of mapped
files, which the system takes back when it needs them. In blocks private memory is a constant of the block size plus
tables per pore; the second part is found from 300^3 and 600^3 and goes with the volume, as does the disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

SEED = 1
EDGES = (300, 600)
BLOCK = 200
SIGMA, POROSITY = 2.5, 0.3
VOXEL = 2e-6
MOMENTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FOLDER = Path(tempfile.gettempdir()) / "porelab-bench-large"
Row = dict[str, Any]


def noise(edge: int, low: int, high: int) -> np.ndarray:
    """Layers low..high of the white noise; every layer has a seed of its own, so that slabs fit together."""
    made = [np.random.default_rng([SEED, z]).standard_normal((edge, edge), np.float32) for z in range(low, high)]
    return np.stack(made)


def write_image(path: Path, edge: int) -> None:
    """The image as OME-Zarr of labels, 64 layers at a time."""
    import dask.array
    from scipy.ndimage import gaussian_filter
    from scipy.stats import norm

    from porelab_gui.core.export.volumes import write_ome_zarr
    from porelab_gui.core.nouns import Labels
    from porelab_gui.core.progress import silent

    far = int(4 * SIGMA + 0.5)
    half = np.exp(-0.5 * (np.arange(-far, far + 1) / SIGMA) ** 2)
    spread = (np.sum((half / half.sum()) ** 2)) ** 1.5  # standard deviation of smoothed white noise
    level = float(spread * norm.ppf(POROSITY))

    def slab(block_info: Any = None) -> np.ndarray:
        low, high = block_info[None]["array-location"][0]
        first, last = max(low - far, 0), min(high + far, edge)
        smooth = gaussian_filter(noise(edge, first, last), SIGMA, mode="nearest")[low - first : high - first]
        return (smooth < level).astype(np.uint8)

    thick = tuple(min(64, edge - a) for a in range(0, edge, 64))
    lazy = dask.array.map_blocks(slab, chunks=(thick, (edge,), (edge,)), dtype=np.uint8, meta=np.zeros((0,) * 3, "u1"))
    write_ome_zarr(Labels(lazy, (VOXEL,) * 3, name=f"noise {edge}"), path, silent)


class Watch:
    """The most memory this process has had while the block ran, sampled fifty times a second."""

    def __enter__(self) -> Watch:
        from threading import Event, Thread

        self.private = self.peak = 0
        self._end = Event()
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.02):
            lines = Path("/proc/self/status").read_text().splitlines()
            known = {k: v.split()[0] for k, _, v in (line.partition(":") for line in lines) if k.startswith("Rss")}
            private = 1024 * int(known["RssAnon"])
            self.private = max(self.private, private)
            self.peak = max(self.peak, private + 1024 * (int(known["RssFile"]) + int(known["RssShmem"])))


def measure(path: str, block: int) -> Row:
    """One extraction; ``block`` 0 takes the image whole."""
    import porelab_gui
    from porelab_gui.core.network.extract import EXTRACT_NETWORK, ExtractParams
    from porelab_gui.core.nouns import Labels

    labels = porelab_gui.read(Path(path))
    assert isinstance(labels, Labels)
    if isinstance(labels.data, np.ndarray):  # a small file is read at once; here it shall not be
        import dask.array

        labels = replace(labels, data=dask.array.from_zarr(str(Path(path, "0"))))
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        params = ExtractParams(block_size=block, scratch=scratch if block else "")
        begin = time.perf_counter()
        with Watch() as watch:
            network = EXTRACT_NETWORK({"labels": labels}, params)["network"]
        seconds = time.perf_counter() - begin
    return {
        "edge": labels.shape[0],
        "block": block,
        "seconds": seconds,
        "peak_bytes": watch.peak,
        "private_bytes": watch.private,
        "pores": network.n_pores,
        "throats": network.n_throats,
        "porosity": network.porosity,
        "hash": network.content_hash,
    }


def in_process(path: Path, block: int) -> Row:
    """``measure`` in a process of its own; a result that is there is taken again (delete the folder to redo)."""
    kept = path.with_suffix(f".{block}.json")
    if not kept.exists():
        words = [sys.executable, __file__, str(path), str(block)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        kept.write_text(done.stdout.strip().splitlines()[-1])
    row: Row = json.loads(kept.read_text())
    ram = forecast(row["edge"], block)
    return row | {"forecast_over_peak": ram / row["peak_bytes"], "forecast_over_private": ram / row["private_bytes"]}


def forecast(edge: int, block: int) -> int:
    """Bytes that the Method announces before it starts."""
    import dask.array

    from porelab_gui.core.network.extract import EXTRACT_NETWORK, ExtractParams
    from porelab_gui.core.nouns import Labels

    assert EXTRACT_NETWORK.estimate is not None
    image = Labels(dask.array.zeros((edge,) * 3, dtype=np.uint8, chunks=(64, edge, edge)), (VOXEL,) * 3)
    return EXTRACT_NETWORK.estimate({"labels": image}, ExtractParams(block_size=block)).ram


def cancelling(path: Path) -> Row:
    """How long a running extraction of 300^3 voxels goes on after cancel, asked at several moments of its work."""
    import porelab_gui
    from porelab_gui.core.registry import get
    from porelab_gui.session.jobs import FINISHED, JobQueue

    method, queue, waits, heard = get("extract_network"), JobQueue(), [], 0
    labels = porelab_gui.read(path)
    labels = replace(labels, data=np.asarray(labels.data))
    lane = queue._lane("process")
    for after in MOMENTS:
        job = queue.submit(method, {"labels": labels}, method.validate({}))
        while job.fraction <= after and job.state not in FINISHED:
            time.sleep(0.002)
        child, asked = lane._child, time.monotonic()
        queue.cancel(job)
        while job.state not in FINISHED:
            time.sleep(0.002)
        waits.append(time.monotonic() - asked)
        heard += lane._child is child  # a worker that does not listen is killed and replaced
    queue.close()
    return {"edge": labels.shape[0], "cancel_s": waits, "cancel_max_s": max(waits), "heard_share": heard / len(waits)}


def predicted(edge: int, small: Row, large: Row) -> Row:
    """Private memory and disk of a larger image in the same blocks."""
    voxels = {r["edge"]: float(r["edge"]) ** 3 for r in (small, large)}
    slope = (large["private_bytes"] - small["private_bytes"]) / (voxels[large["edge"]] - voxels[small["edge"]])
    slope = max(slope, 0.0)
    grown = slope * (float(edge) ** 3 - voxels[large["edge"]])
    share = float(edge) ** 3 / voxels[large["edge"]]
    return {
        "edge": edge,
        "extrapolated": True,
        "private_bytes": large["private_bytes"] + grown,
        # phases one byte, regions four, squared distances two bytes a voxel
        "disk_bytes": 7.0 * float(edge) ** 3,
        "pores": large["pores"] * share,
    }


def run() -> dict[str, Any]:
    """Figures and rows."""
    FOLDER.mkdir(exist_ok=True)
    rows: dict[tuple[int, int], Row] = {}
    for edge in EDGES:
        path = FOLDER / f"noise{edge}.zarr"
        if not path.with_suffix(".made").exists():
            write_image(path, edge)
            path.with_suffix(".made").touch()
        for block in (0, BLOCK):
            rows[edge, block] = in_process(path, block)
    stopped = cancelling(FOLDER / "noise300.zarr")
    small, large, whole = rows[300, BLOCK], rows[600, BLOCK], rows[600, 0]
    more = [predicted(edge, small, large) for edge in (1000, 2000)]
    gib = 2.0**30
    figures = {
        "seconds_blocks_over_whole_600": large["seconds"] / whole["seconds"],
        "private_gib_600": large["private_bytes"] / gib,
        "peak_gib_600": large["peak_bytes"] / gib,
        "peak_gib_600_whole": whole["peak_bytes"] / gib,
        "bytes_per_voxel_600": large["private_bytes"] / 600**3,
        "bytes_per_voxel_600_whole": whole["peak_bytes"] / 600**3,
        "same_network_600": int(large["hash"] == whole["hash"]),
        "forecast_over_private_300": small["forecast_over_private"],
        "forecast_over_private_600": large["forecast_over_private"],
        "forecast_over_peak_600_whole": whole["forecast_over_peak"],
        "private_gib_1000": more[0]["private_bytes"] / gib,
        "private_gib_2000": more[1]["private_bytes"] / gib,
        "peak_gib_1000_whole": whole["peak_bytes"] / 600**3 * 1000**3 / gib,
        "peak_gib_2000_whole": whole["peak_bytes"] / 600**3 * 2000**3 / gib,
        "disk_gib_600": 7.0 * 600**3 / gib,
        "disk_gib_1000": more[0]["disk_bytes"] / gib,
        "disk_gib_2000": more[1]["disk_bytes"] / gib,
    }
    figures |= {"cancel_max_s": stopped["cancel_max_s"], "cancel_heard_share": stopped["heard_share"]}
    return {"figures": figures, "rows": [*rows.values(), *more, stopped], "seed": SEED}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        print(json.dumps(run(), indent=1))
