"""A million pores: every solver in a process of its own, so that its peak memory is its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from _pnm_networks import KINDS, Row, conductances, lattice, ours, timed


def bench_million(kind: str, n: int = 1_000_000) -> Row:
    """Value and gradient at a million pores, set-up included, beside PARDISO SPD and Ruge-Stueben CG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{kind}.npz")
        subprocess.run([sys.executable, str(Path(__file__).resolve()), "make", kind, str(n), str(path)], check=True)
        # a lattice's Cholesky factor holds about 8 n^(4/3) numbers, 6 GiB, and takes minutes: no rival here
        peers = ("ruge_stuben",) if kind == "lattice" else ("pardiso", "ruge_stuben")
        return _million_row(kind, {who: _child(who, path) for who in ("ours", *peers)})


def _make(kind: str, n: str, path: str) -> None:
    """The network in a process of its own: Qhull takes gigabytes that would be missing here afterwards."""
    _, conns, fixed = KINDS[kind](int(n))
    np.savez(path, conns=conns, fixed=fixed)


def _million_row(kind: str, found: dict[str, Row]) -> Row:
    peers = [row["seconds"] for who, row in found.items() if who != "ours" and row]
    mine = found["ours"]
    return {
        "case": "million",
        "network": kind,
        "pores": mine["pores"],
        "solver": mine["solver"],
        "value_and_gradient_s": mine["seconds"],
        "peak_gib": mine["peak_gib"],
        "peers": {who: row or "did not end" for who, row in found.items() if who != "ours"},
        "ratio_to_best": mine["seconds"] / min(peers),
    }


def _child(who: str, path: Path, limit: float = 240.0) -> Row:
    """One solver in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, str(Path(__file__).resolve()), who, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return {}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _solve_alone(who: str, path: str) -> Row:
    data = np.load(path)
    conns, fixed = data["conns"], data["fixed"]
    g = conductances(len(conns), 0)
    small_conns, small_fixed = lattice(1000)[1:]
    solve = {"ours": _solve_ours, "pardiso": _solve_pardiso, "ruge_stuben": _solve_ruge_stuben}[who]
    solve(small_conns, small_fixed, conductances(len(small_conns), 0))  # libraries loaded, kernels compiled
    seconds, solver = timed(lambda: solve(conns, fixed, g))
    return {"seconds": seconds, "peak_gib": _peak_gib(), "pores": len(fixed), "solver": solver}


def _peak_gib() -> float:
    """Peak resident memory of this process; getrusage would hand down that of the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**30


def _solve_ours(conns: np.ndarray, fixed: np.ndarray, g: np.ndarray) -> str:
    system = ours(conns, fixed)
    solution = system.solve(g)
    assert len(system.gradient) == len(g)
    return str(solution.solver)


def _assembled(conns: np.ndarray, fixed: np.ndarray, g: np.ndarray) -> tuple[Any, np.ndarray]:
    """The plain way: scipy's coo to csr."""
    from scipy.sparse import coo_matrix

    free = np.isnan(fixed)
    row = np.cumsum(free) - 1
    a, b = conns.T
    n = len(fixed)
    whole = coo_matrix((np.r_[-g, -g, g, g], (np.r_[a, b, a, b], np.r_[b, a, a, b])), shape=(n, n)).tocsr()
    matrix = whole[free][:, free].tocsr()
    matrix.sort_indices()
    load = -(whole[free][:, ~free] @ fixed[~free])
    assert row[-1] + 1 == len(load) or not free[-1]
    return matrix, load


def _solve_pardiso(conns: np.ndarray, fixed: np.ndarray, g: np.ndarray) -> str:
    from pypardiso import PyPardisoSolver
    from scipy.sparse import triu

    matrix, load = _assembled(conns, fixed, g)
    PyPardisoSolver(mtype=2).solve(triu(matrix, format="csr"), load)
    return "PARDISO SPD"


def _solve_ruge_stuben(conns: np.ndarray, fixed: np.ndarray, g: np.ndarray) -> str:
    from pyamg import ruge_stuben_solver
    from scipy.sparse.linalg import cg

    matrix, load = _assembled(conns, fixed, g)
    _, left = cg(matrix, load, rtol=1e-8, atol=0, M=ruge_stuben_solver(matrix).aspreconditioner())
    assert left == 0
    return "Ruge-Stueben CG, rtol 1e-8"


if __name__ == "__main__":
    if sys.argv[1] == "make":
        _make(*sys.argv[2:])
    else:
        print(json.dumps(_solve_alone(*sys.argv[1:])))
