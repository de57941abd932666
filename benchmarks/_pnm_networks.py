"""What the network benchmark measures on: lattice and Delaunay networks, conductances, clocks, our own system."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

SEED = 0
REPEATS = 5
Row = dict[str, Any]


def lattice(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(coords, conns, fixed potentials) of a cube of about ``n`` pores."""
    k = round(n ** (1 / 3))
    index = np.arange(k**3).reshape(k, k, k)
    pairs = [(index[:-1], index[1:]), (index[:, :-1], index[:, 1:]), (index[:, :, :-1], index[:, :, 1:])]
    conns = np.concatenate([np.c_[a.ravel(), b.ravel()] for a, b in pairs])
    fixed = np.full(k**3, np.nan)
    fixed[index[0].ravel()], fixed[index[-1].ravel()] = 1, 0
    coords = np.stack(np.unravel_index(np.arange(k**3), (k, k, k)), 1) / k
    return coords, conns, fixed


def delaunay(n: int, seed: int = SEED) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(coords, conns, fixed potentials): random points, the 3 n shortest Delaunay edges, largest cluster."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import Delaunay

    coords = np.random.default_rng(seed).random((n, 3))
    cells = Delaunay(coords).simplices
    edges = np.sort(np.concatenate([cells[:, [i, j]] for i in range(4) for j in range(i)]), axis=1)
    keys = np.unique(edges[:, 0].astype(np.int64) * n + edges[:, 1])
    edges = np.c_[keys // n, keys % n]
    length = np.linalg.norm(coords[edges[:, 0]] - coords[edges[:, 1]], axis=1)
    edges = edges[np.argsort(length, kind="stable")[: 3 * n]]
    _, part = connected_components(coo_array((np.ones(len(edges)), edges.T), shape=(n, n)), directed=False)
    keep = part == np.bincount(part).argmax()
    number = np.cumsum(keep) - 1
    coords, edges = coords[keep], number[edges[keep[edges].all(axis=1)]]
    depth = n ** (-1 / 3)
    fixed = np.where(coords[:, 0] < depth, 1.0, np.where(coords[:, 0] > 1 - depth, 0.0, np.nan))
    return coords, edges, fixed


Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]
KINDS: dict[str, Callable[[int], Drawn]] = {"lattice": lattice, "delaunay": delaunay}


def conductances(m: int, repeat: int) -> np.ndarray:
    """Over about four decades, different for every repeat."""
    return 10 ** np.random.default_rng([SEED, repeat]).normal(size=m)


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, result)."""
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


def interleaved(functions: dict[str, Callable[[int], Any]], repeats: int = REPEATS) -> dict[str, float]:
    """Best seconds of each function over ``repeats`` rounds in which they take turns."""
    best = dict.fromkeys(functions, np.inf)
    for repeat in range(repeats):
        for name, function in functions.items():
            best[name] = min(best[name], timed(partial(function, repeat))[0])
    return best


def ours(conns: np.ndarray, fixed: np.ndarray, backend: str = "auto") -> Any:
    """Our system on the same circuit."""
    from porelab_gui.core.transport.pnm.circuit import Circuit
    from porelab_gui.core.transport.pnm.system import PnmSystem

    return PnmSystem(Circuit(conns, fixed), backend=backend)
