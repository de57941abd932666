"""Accuracy against milliseconds: coarse solves on several grids, the net, the laws and direct simulation.

``python -m porelab_methods.conduit_cnn.front [FILE.png]`` measures on one thread; docs/images/conduit_front.png.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.learning.fit import threads as torch_threads
from porelab_gui.core.progress import silent
from porelab_gui.core.transport.conduit.dns import Conduits, Solver, solve_diffusive
from porelab_methods.conduit_cnn.dataset import network_of
from porelab_methods.conduit_cnn.features import Geometry
from porelab_methods.conduit_cnn.media import Medium
from porelab_methods.conduit_cnn.predict import predict
from porelab_methods.conduit_cnn.store import shipped

F64 = NDArray[np.float64]
GRIDS = (8, 12, 16, 20, 24, 32)
MEDIA = {
    "conduits of some 3,000 voxels": Medium("spheres", 9401, 100, 0.55, 7.0, 2.0),
    "conduits of some 30,000 voxels": Medium("spheres", 9402, 120, 0.7, 16.0, 5.0),
}
MOST = 150
ROUNDS = 2


def best(function: Callable[[], F64]) -> tuple[float, F64]:
    """Fewest seconds of a few rounds, after one that compiles, and the result."""
    found = function()
    seconds = np.inf
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        found = function()
        seconds = min(seconds, time.perf_counter() - begin)
    return seconds, found


def measure(medium: Medium) -> list[dict[str, Any]]:
    """One row per way: milliseconds per conduit (without the pass over the image that all share), median |error|."""
    regions, network = network_of(medium.image(), 0)
    conduits = Conduits.of(regions, network, 1)
    pairs = conduits.labels[network.conns]
    pairs = pairs[np.random.default_rng(0).permutation(len(pairs))[:MOST]]
    weights = shipped()
    rows = np.arange(len(pairs))

    def coarse(cells: int) -> Callable[[], F64]:
        return lambda: np.exp(Geometry.of(conduits, pairs, False, cells, 1).represent(rows).priors[:, 0])

    ways: dict[str, Callable[[], F64]] = {
        "direct": lambda: solve_diffusive(conduits, pairs, Solver(threads=1), silent)[:, 0],
        "net": lambda: predict(conduits, pairs, ("diffusive",), weights, 1)["diffusive"].value,
        **{f"{n}³": coarse(n) for n in GRIDS},
    }
    made, truth = [], np.ones(len(pairs))
    with torch_threads(1):
        for name, way in ways.items():
            seconds, found = best(way)
            truth = found if name == "direct" else truth
            error = np.abs(found / truth - 1)
            error = error[np.isfinite(error)]
            made.append(
                {
                    "way": name,
                    "ms": 1e3 * seconds / len(pairs),
                    "median": float(np.median(error)),
                    "beyond": float(np.mean(error > 0.1)),
                }
            )
    return made


def draw(results: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Two panels, logarithmic time, share of errors beyond 10 %."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, (title, rows) in zip(figure.subplots(1, len(results)), results.items(), strict=True):
        grids = [r for r in rows if r["way"].endswith("³")]
        axes.plot([r["ms"] for r in grids], [100 * r["beyond"] for r in grids], "o-", label="coarse solve alone")
        for row in grids:
            axes.annotate(row["way"], (row["ms"], 100 * row["beyond"]), xytext=(5, 4), textcoords="offset points")
        for way, mark, words in (("net", "*", "net on 16³"), ("direct", "s", "direct simulation")):
            row = next(r for r in rows if r["way"] == way)
            axes.plot([row["ms"]], [100 * row["beyond"]], mark, ms=12, label=words)
        axes.set(xscale="log", xlabel="ms per conduit, one thread", ylabel="errors beyond 10 % [% of conduits]")
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Measure, print, draw."""
    results = {title: measure(medium) for title, medium in MEDIA.items()}
    for title, rows in results.items():
        for row in rows:
            sys.stdout.write(
                f"{title}: {row['way']:>7} {row['ms']:8.3f} ms, median error {row['median']:.4f}, "
                f"beyond 10 % {row['beyond']:.3f}\n"
            )
    draw(results, Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/conduit_front.png"))


if __name__ == "__main__":
    main()
