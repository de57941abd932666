"""Direct simulation of conduits and of whole images against PoreSpy and TauFactor, interleaved in one run.

Conduits: random throats of SNOW partitions of two sphere packs, PoreSpy's ``diffusive_size_factor_DNS`` and ours in
turns on the same throats. Our one pass over the whole image (boxes, centroids, inscribed radii) is charged in the
share of the throats simulated. Whole images: formation factor along one axis, each solver at its own default accuracy.
Parts (pack_8, pack_16, diffusion) can be measured alone: ``python benchmarks/conduits.py PART FOLDER``; with
PORELAB_BENCH_PARTS=FOLDER the whole run takes from there what has been measured.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import _parts

SEED = 1
ROUNDS = 3
Row = dict[str, Any]
PACKS = {
    "pack of radius 8, 100^3": (100, 8, 3, 4, 30),
    "pack of radius 16, 120^3": (120, 16, 5, 5, 6),
}


def pack(size: int, mean: float, spread: float, least: int) -> np.ndarray:
    """Void (True) of overlapping spheres at porosity 0.7."""
    import porespy as ps
    from scipy.stats import norm

    made = ps.generators.polydisperse_spheres([size] * 3, porosity=0.7, dist=norm(mean, spread), r_min=least, seed=SEED)
    return np.asarray(made, dtype=bool)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the peers' progress bars off the screen."""
    import porespy as ps

    ps.settings.tqdm["file"] = io.StringIO()  # bound to the screen when PoreSpy is imported
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, result)."""
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


def bench_dns(name: str, size: int, mean: float, spread: float, least: int, count: int) -> Row:
    """PoreSpy's DNS and ours on ``count`` random throats, in ``ROUNDS`` turns."""
    import porespy as ps

    from porelab_gui.core.nouns import Network, Regions
    from porelab_gui.core.progress import silent
    from porelab_gui.core.transport.conduit.dns import Conduits, Solver, solve_diffusive

    with quiet():
        snow = ps.networks.snow2(pack(size, mean, spread, least), boundary_width=0, parallel_kw=None)
    regions = np.asarray(snow.regions)
    conns = np.asarray(snow.network["throat.conns"])
    solver = Solver()
    nouns = Regions(regions, 1.0), Network(np.zeros((int(regions.max()), 3)), conns)
    conduits = Conduits.of(*nouns)
    solve_diffusive(conduits, conns[:4] + 1, solver, silent)  # compiled outside the measurement
    geometry_s = min(timed(lambda: Conduits.of(*nouns))[0] for _ in range(ROUNDS))
    chosen = np.random.default_rng(SEED).choice(len(conns), size=min(count, len(conns)), replace=False)
    peer_s, ours_s, single_s, theirs, found = 0.0, 0.0, 0.0, [], []
    for part in np.array_split(chosen, ROUNDS):
        pairs = conns[part] + 1
        seconds, rows = timed(lambda pairs=pairs: solve_diffusive(conduits, pairs, solver, silent))
        ours_s += seconds
        found.append(rows)
        with quiet():
            seconds, g = timed(lambda part=part: ps.networks.diffusive_size_factor_DNS(regions, conns[part]))
        peer_s += seconds
        theirs.append(g)
        single_s += timed(lambda pairs=pairs: solve_diffusive(conduits, pairs, Solver(threads=1), silent))[0]
    rows, g = np.concatenate(found), np.concatenate(theirs)
    whole_s = timed(lambda: solve_diffusive(conduits, conns + 1, solver, silent))[0]
    net_s, net_one_s = (net_seconds(nouns[0], nouns[1], threads) for threads in (0, 1))
    share = geometry_s * len(chosen) / len(conns)
    return {
        "case": "conduits",
        "image": name,
        "throats": len(conns),
        "simulated": len(chosen),
        "voxels_median": float(np.median(rows[:, 3])),
        "iterations_median": float(np.median(rows[:, 2])),
        "porespy_ms": 1e3 * peer_s / len(chosen),
        "ours_ms": 1e3 * (ours_s + share) / len(chosen),
        "ours_one_thread_ms": 1e3 * (single_s + share) / len(chosen),
        "geometry_s": geometry_s,
        "whole_network_s": whole_s + geometry_s,
        "net_whole_network_s": net_s,
        "net_one_thread_s": net_one_s,
        "crop_s": crop_seconds(*nouns, 0),
        "net_speedup": (whole_s + geometry_s) / net_s,
        "speedup": peer_s / (ours_s + share),
        "speedup_one_thread": peer_s / (single_s + share),
        "max_rel_diff": float(np.max(np.abs(rows[:, 0] / g - 1))),
    }


def net_seconds(regions: Any, network: Any, threads: int) -> float:
    """The conduit net on all throats: measuring, cropping, coarse solves and the net; the best of the rounds."""
    import torch
    from porelab_methods.conduit_cnn.predict import predict
    from porelab_methods.conduit_cnn.store import shipped

    from porelab_gui.core.learning.fit import threads as torch_threads
    from porelab_gui.core.transport.conduit.dns import Conduits

    weights = shipped()

    def whole() -> None:
        conduits = Conduits.of(regions, network, threads)
        predict(conduits, network.conns + 1, ("diffusive",), weights, threads)

    with torch_threads(threads or torch.get_num_threads()):
        whole()
        return min(timed(whole)[0] for _ in range(ROUNDS))


def crop_seconds(regions: Any, network: Any, threads: int) -> float:
    """Cropping, turning and zooming of all throats to the grid of the net, without its coarse solves."""
    from numba import njit
    from porelab_methods.conduit_cnn import coarsen
    from porelab_methods.conduit_cnn.features import Geometry
    from porelab_methods.conduit_cnn.kernel import zoomed

    from porelab_gui.core.progress import silent
    from porelab_gui.core.transport.conduit.dns import Conduits
    from porelab_gui.core.transport.conduit.pool import run_batches

    @njit(nogil=True)
    def crops(image, low, high, labels, centres, cells, which):  # type: ignore[no-untyped-def]
        filled = 0.0
        for k in which:
            order, sign = coarsen.turn(centres[k, 1] - centres[k, 0])
            one, two, first, second = labels[k, 0], labels[k, 1], centres[k, 0], centres[k, 1]
            filled += zoomed(image, low[k], high[k], one, two, first, second, order, sign, cells)[3].sum()
        return filled

    conduits = Conduits.of(regions, network, threads)
    g = Geometry.of(conduits, conduits.labels[network.conns], False, threads=threads)
    cost = np.prod(g.high - g.low, axis=1).astype(float)

    def whole() -> None:
        def work(part: Any) -> None:
            crops(conduits.image, g.low, g.high, g.pairs, g.centres, g.cells, part)

        run_batches(work, cost, g.threads, silent, "crops")

    whole()
    return min(timed(whole)[0] for _ in range(ROUNDS))


def bench_diffusion() -> Row:
    """Formation factor of the first pack along z: ours, PoreSpy's ``tortuosity_fd`` and TauFactor in turns."""
    import porespy as ps
    import taufactor

    from porelab_gui.core.transport.conduit.diffusion import Conduction, transfer

    image = pack(*PACKS["pack of radius 8, 100^3"][:4])
    conduction = Conduction(image.astype(np.uint8), np.array([0.0, 1.0]), np.ones(3))
    binary = image.astype(np.uint8)

    def peer_tau() -> float:
        solver = taufactor.Solver(binary, device="cpu")
        solver.solve(verbose=False)
        return float(solver.VF[0] / solver.D_eff[0])

    functions: dict[str, Callable[[], float]] = {
        "ours": lambda: 1 / transfer(conduction, 0, False, 1e-6, 500).relative * image.mean(),
        "ours_layer": lambda: 1 / transfer(conduction, 0, True, 1e-6, 500).relative * image.mean(),
        "porespy": lambda: float(ps.simulations.tortuosity_fd(image, axis=0).formation_factor * image.mean()),
        "taufactor": peer_tau,
    }
    best = dict.fromkeys(functions, np.inf)
    values: dict[str, float] = {}
    functions["ours"]()
    with quiet():
        for _ in range(ROUNDS):
            for key, function in functions.items():
                seconds, values[key] = timed(function)
                best[key] = min(best[key], seconds)
    row: Row = {"case": "diffusion", "image": "pack of radius 8, 100^3", "porosity": float(image.mean())}
    row |= {f"{key}_s": seconds for key, seconds in best.items()}
    return row | {f"{key}_tortuosity": value for key, value in values.items()}


PARTS: dict[str, Callable[[], Row]] = {
    **{f"pack_{case[1]}": partial(bench_dns, name, *case) for name, case in PACKS.items()},
    "diffusion": bench_diffusion,
}


def run() -> dict[str, Any]:
    """All rows, and the worst speedup over the packs."""
    *dns, diffusion = (_parts.measured("conduits", name, measure) for name, measure in PARTS.items())
    figures = {
        "dns_speedup": min(row["speedup"] for row in dns),
        "cnn_speedup_over_dns": dns[-1]["net_speedup"],  # the pack with conduits of 30,000 voxels
        "cnn_crop_10k_s": 1e4 * dns[-1]["crop_s"] / dns[-1]["throats"],
        "dns_max_rel_diff": max(row["max_rel_diff"] for row in dns),
        "diffusion_speedup_porespy": diffusion["porespy_s"] / diffusion["ours_layer_s"],
        "diffusion_speedup_taufactor": diffusion["taufactor_s"] / diffusion["ours_s"],
    }
    return {"figures": figures, "rows": [*dns, diffusion]}


if __name__ == "__main__":
    _parts.main("conduits", PARTS)
