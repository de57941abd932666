"""The Stokes solvers: the lattice against the machine's memory bandwidth, and time to the same K against peclet-flow.

Bandwidth is STREAM's triad on float32 with as many threads, measured between the rounds of the lattice (STREAM's own
count: two reads and a write, no write-allocate). The lattice must move 19 numbers in and 19 out a voxel and step.
Parts (lattice, open, tight, cubic) can be measured alone: ``python benchmarks/stokes.py PART FOLDER``; with
PORELAB_BENCH_PARTS=FOLDER the whole run takes from there what has been measured.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

sys.path.insert(0, str(Path(__file__).parent))
import _parts

SEED = 0
TOLERANCE = 1e-3
ROUNDS = 5
BYTES_PER_STEP = 2 * 19 * 4
Row = dict[str, Any]


def spheres(n: int, porosity: float, radius: float) -> np.ndarray:
    """Void of a periodic cube of overlapping spheres of about that radius in voxels."""
    rng = np.random.default_rng(SEED)
    grid = np.arange(n) + 0.5
    void = np.ones((n, n, n), bool)
    while void.mean() > porosity:
        centre, r = rng.random(3) * n, radius * rng.uniform(0.7, 1.3)
        gaps = [(grid - c + n / 2) % n - n / 2 for c in centre]
        d2 = gaps[0][:, None, None] ** 2 + gaps[1][None, :, None] ** 2 + gaps[2][None, None, :] ** 2
        void &= d2 > r * r
    return void


def simple_cubic(n: int, fraction: float) -> np.ndarray:
    """Void around one sphere in a periodic cube."""
    from porelab_gui.core.validation.shapes import sphere_cell

    return sphere_cell("SC", fraction, n)[0]


@njit(cache=True, nogil=True, fastmath=True)
def _triad(a: np.ndarray, b: np.ndarray, c: np.ndarray, start: int, stop: int) -> None:
    for i in range(start, stop):
        a[i] = b[i] + np.float32(3) * c[i]


def triad_bandwidth(threads: int, n: int = 8_000_000, tries: int = 25) -> float:
    """Bytes per second of the triad, best of many short tries (three arrays, together as large as the lattice)."""
    a, b, c = (np.full(n, v, np.float32) for v in (0, 1, 2))
    share = [(n * t // threads, n * (t + 1) // threads) for t in range(threads)]
    _triad(a, b, c, 0, 1)  # compiled before the clock runs, and by one thread
    with ThreadPoolExecutor(threads) as pool:
        best = min(_seconds(lambda: list(pool.map(lambda s: _triad(a, b, c, *s), share))) for _ in range(tries))
    if not (a == 7).all():
        raise RuntimeError("the triad did not run to its end")
    return 12 * n / best


def _seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def lattice_speed(threads: int = 2) -> tuple[dict[str, float], Row]:
    """Updates per second of the lattice beside the bandwidth, in turns; the best of each counts.

    Tries are two steps long, so that a busy machine lets some of them through whole.
    """
    from porelab_gui.core.transport.stokes.faces import Faces
    from porelab_gui.core.transport.stokes.lbm import Lbm

    void = spheres(128, 0.6, 14.0)
    lbm = Lbm(void, Faces(0, True), np.float32, 1.0, threads)
    lbm.advance(4)
    steps, cells = 2, lbm.lattice.cells
    speeds, bandwidths = [], [triad_bandwidth(threads)]
    for _ in range(ROUNDS):
        speeds.append(cells * steps / min(_seconds(lambda: lbm.advance(steps)) for _ in range(20)))
        bandwidths.append(triad_bandwidth(threads))
    speed, bandwidth = max(speeds), max(bandwidths)
    figures = {
        "mlups": speed / 1e6,
        "bandwidth_fraction": speed * BYTES_PER_STEP / bandwidth,
        "bytes_per_fluid_voxel": lbm.held / lbm.lattice.cells,
    }
    row = {"case": "lattice 128^3", "void_voxels": cells, "threads": threads, "triad_GB_s": bandwidth / 1e9}
    rounds = {"mlups_rounds": [s / 1e6 for s in speeds], "triad_rounds_GB_s": [b / 1e9 for b in bandwidths]}
    return figures, row | rounds


def ours(void: np.ndarray) -> dict[str, Any]:
    """voxel_stokes as a user runs it: the solver chosen by geometry."""
    from porelab_gui.core.nouns import Labels
    from porelab_gui.core.transport.stokes.methods import voxel_stokes

    labels = Labels(void.astype(np.uint8), 1.0)
    params = {"axes": ("x",), "boundary": "periodic", "tolerance": TOLERANCE, "cache": False}
    begun = time.perf_counter()
    table = voxel_stokes({"labels": labels}, params)["permeability"]
    seconds = time.perf_counter() - begun
    advice = next((n for n in table.notes if "chosen because" in n), "")
    return {"seconds": seconds, "k": float(table["permeability"][0]), "solver": advice}


def peer(void: np.ndarray) -> dict[str, Any]:
    """peclet-flow: cut-cell finite volumes marched to the steady state, its own stop on the same quantity."""
    import peclet.flow
    from edt import edt

    begun = time.perf_counter()
    n = void.shape[0]
    tiled = np.pad(void, 16, mode="wrap")
    inside, outside = edt(tiled), edt(~tiled)
    distance = np.where(tiled, inside - 0.5, 0.5 - outside)[16:-16, 16:-16, 16:-16]
    solver = peclet.flow.Solver(n, n, n)
    solver.set_rho(1.0)
    solver.set_mu(1.0)
    solver.set_dt(100.0)
    solver.set_advection(False)
    solver.set_velocity_multigrid(True, 4, 8)
    solver.set_body_force([1.0, 0.0, 0.0])
    solver.set_solid(np.asfortranarray(distance.transpose(2, 1, 0).astype(np.float64)), cutcell_pressure=True)
    result = peclet.flow.march_to_steady(solver, lambda: float(np.mean(solver.get_u())), rtol=TOLERANCE)
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "k": float(result.monitor), "converged": bool(result.converged), "steps": result.steps}


CASES: dict[str, tuple[str, Callable[[], np.ndarray]]] = {
    "open": ("overlapping spheres 32^3, porosity 0.7", lambda: spheres(32, 0.7, 5.0)),
    "tight": ("overlapping spheres 32^3, porosity 0.4", lambda: spheres(32, 0.4, 5.0)),
    "cubic": ("simple cubic sphere 32^3, solid 0.216", lambda: simple_cubic(32, 0.216)),
}


def against_peer(case: str) -> Row:
    """Seconds to K within the same tolerance, ours the better of two, the peer's once since it takes long."""
    name, image = CASES[case]
    void = image()
    ours(spheres(24, 0.6, 5.0))  # compiled kernels are loaded before the clock runs
    first, theirs, second = ours(void), peer(void), ours(void)
    mine = min(first, second, key=lambda r: r["seconds"])
    return {
        "case": name,
        "seconds": mine["seconds"],
        "seconds_peclet_flow": theirs["seconds"],
        "speedup": theirs["seconds"] / mine["seconds"],
        "k_voxel2": mine["k"],
        "k_peclet_flow": theirs["k"],
        "peclet_steps": theirs["steps"],
        "peclet_converged": theirs["converged"],
        "solver": mine["solver"],
    }


PARTS: dict[str, Callable[[], Any]] = {"lattice": lattice_speed} | {k: partial(against_peer, k) for k in CASES}


def run() -> dict[str, Any]:
    """All figures: mlups, bandwidth_fraction, bytes_per_fluid_voxel, and the smallest speedup_peer of the cases."""
    found = {name: _parts.measured("stokes", name, measure) for name, measure in PARTS.items()}
    speed, row = found.pop("lattice")
    rows = list(found.values())
    return {"figures": {**speed, "speedup_peer": min(r["speedup"] for r in rows)}, "rows": [row, *rows]}


if __name__ == "__main__":
    _parts.main("stokes", PARTS)
