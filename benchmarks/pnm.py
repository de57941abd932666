"""The network solver against OpenPNM, torch-sla, PARDISO and Ruge-Stueben CG, each pair interleaved in one run.

Networks: lattice (six neighbours) and Delaunay (its 3 N shortest edges, largest cluster), conductances 10^N(0, 1).
Every repeat has conductances of its own: pypardiso keeps the last factorisation by the matrix' hash.

A part can be measured alone, ``python benchmarks/pnm.py PART FOLDER``; with PORELAB_BENCH_PARTS=FOLDER the whole run
takes from there what has been measured, and measures the rest.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import _parts
from _pnm_million import bench_million
from _pnm_networks import KINDS, REPEATS, SEED, Row, conductances, delaunay, interleaved, ours, timed
from _pnm_peers import OpenPnmPeer, TorchSlaPeer


def bench_forward(kind: str, n: int) -> Row:
    """Forward, value and gradient, and OpenPNM's re-solve."""
    import torch

    from porelab_gui.core.transport.pnm.autograd import permeability

    coords, conns, fixed = KINDS[kind](n)
    system, peer = ours(conns, fixed), OpenPnmPeer(coords, conns, fixed)
    g = [conductances(len(conns), r) for r in range(REPEATS)]

    def forward(r: int) -> Any:
        return permeability(system, torch.tensor(g[r]))

    def gradient(r: int) -> Any:
        x = torch.tensor(g[r], requires_grad=True)
        permeability(system, x).backward()
        return x.grad

    peer.flow(np.ones(len(conns)))  # imports and libraries are loaded outside the measurement
    gradient(0)
    best = interleaved(
        {
            "forward": forward,
            "gradient": gradient,
            "resolve": lambda r: system.solve(g[r]),
            "openpnm": lambda r: peer.flow(g[r]),
        }
    )
    return {
        "case": "forward",
        "network": kind,
        "pores": len(fixed),
        "throats": len(conns),
        "solver": system.solution.solver,
        "forward_s": best["forward"],
        "value_and_gradient_s": best["gradient"],
        "gradient_over_forward": best["gradient"] / best["forward"],
        "resolve_s": best["resolve"],
        "openpnm_resolve_s": best["openpnm"],
        "resolve_speedup_openpnm": best["openpnm"] / best["resolve"],
        "rel_diff_openpnm": abs(peer.flow(g[0]) / system.solve(g[0]).total - 1),
    }


def bench_what_if(kind: str, n: int) -> Row:
    """A tenth of the throats under a slider: a drag from 1 upwards, then jumps once the class is prepared."""
    from porelab_gui.core.transport.pnm.family import Family

    _, conns, fixed = KINDS[kind](n)
    system = ours(conns, fixed, "pardiso")  # as in the panel, which keeps a factor for lattices too
    system.solve(conductances(len(conns), 0))
    rng = np.random.default_rng(SEED)
    some = rng.random(len(conns)) < 0.1
    Family(system, some).point(2.0)
    live = Family(system, some)
    drag = [timed(partial(live.point, float(10 ** (k / 10))))[0] for k in range(1, 11)]
    live = Family(system, some)
    prepare = timed(live.prepare)[0]
    factors = [float(10**e) for e in rng.uniform(-3, 3, 20)]
    jumps = [timed(partial(live.point, factor)) for factor in factors]
    wrong = [abs(p.value / system.what_if(some, f).value - 1) for f, (_, p) in zip(factors[:5], jumps[:5], strict=True)]
    seconds = [t for t, _ in jumps]
    return {
        "case": "what_if",
        "network": kind,
        "pores": len(fixed),
        "solver": system.solution.solver,
        "prepare_s": prepare,
        "jump_max_s": max(seconds),
        "jump_median_s": float(np.median(seconds)),
        "drag_max_s": max(drag),
        "drag_median_s": float(np.median(drag)),
        "vectors": live.vectors,
        "rel_error": max(wrong),
    }


# torch-sla's back ends by network and size. Left out: scipy/cg at 1e5, whose gradient is wrong by more than a third,
# and a direct solve ("auto") of the large lattice, which takes many minutes
SLA = (
    ("lattice", 10_000, (("pytorch", "cg"), ("scipy", "lu"), ("scipy", "cg"))),
    ("delaunay", 10_000, (("pytorch", "cg"), ("scipy", "lu"), ("scipy", "cg"))),
    ("lattice", 100_000, (("pytorch", "cg"),)),
    ("delaunay", 100_000, (("pytorch", "cg"), ("auto", "auto"))),
)


def bench_torch_sla(kind: str, n: int, peers: tuple[tuple[str, str], ...]) -> list[Row]:
    """Value and gradient against every back end of torch-sla that ends in reasonable time."""
    import torch

    from porelab_gui.core.transport.pnm.autograd import permeability

    _, conns, fixed = KINDS[kind](n)
    system, peer = ours(conns, fixed), TorchSlaPeer(conns, fixed)
    exact = ours(conns, fixed, "pardiso")

    def gradient(r: int) -> Any:
        x = torch.tensor(conductances(len(conns), r), requires_grad=True)
        permeability(system, x).backward()
        return x.grad.numpy()

    gradient(0)
    rows = []
    for backend, method in peers:
        mine, theirs = [], []
        for r in range(3):
            g = conductances(len(conns), r)
            mine.append(timed(partial(gradient, r)))
            if r == 0 or n < 20_000:  # at 1e5 the peer takes so long that once is enough
                theirs.append(timed(partial(peer.value_and_gradient, g, backend, method)))
                last = r
        mine_last = mine[last][1]
        exact.solve(conductances(len(conns), last))
        truth = exact.gradient
        rows.append(
            {
                "case": "torch_sla",
                "network": kind,
                "pores": len(fixed),
                "peer": f"torch-sla {backend}/{method}",
                "solver": system.solution.solver,
                "value_and_gradient_s": min(t for t, _ in mine),
                "torch_sla_s": min(t for t, _ in theirs),
                "speedup": min(t for t, _ in theirs) / min(t for t, _ in mine),
                "gradient_error": float(np.abs(mine_last - truth).max() / truth.max()),
                "gradient_error_torch_sla": float(np.abs(theirs[-1][1][1] - truth).max() / truth.max()),
            }
        )
    return rows


def bench_batch(n: int, members: int = 64) -> Row:
    """Value and gradient of 64 networks in one batch against one by one, both through torch."""
    import torch

    from porelab_gui.core.transport.pnm.autograd import batch_permeability, permeability
    from porelab_gui.core.transport.pnm.batch import BatchSystem

    parts = [delaunay(n, seed)[1:] for seed in range(members)]
    systems = [ours(conns, fixed) for conns, fixed in parts]
    batch = BatchSystem(systems)

    repeats = 9
    inputs = [[torch.tensor(conductances(len(c), r), requires_grad=True) for c, _ in parts] for r in range(2 * repeats)]

    def one_by_one(r: int) -> Any:
        for system, x in zip(systems, inputs[r], strict=True):
            permeability(system, x).backward()

    def together(r: int) -> Any:
        batch_permeability(batch, torch.cat(inputs[repeats + r])).sum().backward()

    one_by_one(0)
    together(0)
    best = interleaved({"one_by_one": one_by_one, "batch": together}, repeats)
    return {
        "case": "batch",
        "network": "delaunay",
        "pores": n,
        "members": members,
        "one_by_one_s": best["one_by_one"],
        "batch_s": best["batch"],
        "speedup": best["one_by_one"] / best["batch"],
    }


PARTS: dict[str, Callable[[], list[Row]]] = {
    "forward": lambda: [bench_forward(kind, n) for n in (10_000, 100_000) for kind in KINDS],
    "what_if": lambda: [bench_what_if("delaunay", n) for n in (10_000, 100_000)],
    "what_if_lattice": lambda: [bench_what_if("lattice", 100_000)],
    "torch_sla": lambda: [row for case in SLA for row in bench_torch_sla(*case)],
    "batch": lambda: [bench_batch(n) for n in (100, 250, 500, 1000)],
    "million_lattice": lambda: [bench_million("lattice")],
    "million_delaunay": lambda: [bench_million("delaunay")],
}


def run() -> dict[str, Any]:
    """Every claim; ``figures`` take the worse of lattice and Delaunay except where the key's target names one."""
    rows = [row for part in PARTS for row in _parts.measured("pnm", part, PARTS[part])]
    case = {
        name: [r for r in rows if r["case"] == name] for name in ("forward", "what_if", "torch_sla", "batch", "million")
    }
    large = [row for row in case["forward"] if row["pores"] > 50_000]
    small = [row for row in case["forward"] if row["pores"] < 50_000]
    live = next(row for row in case["what_if"] if row["network"] == "delaunay" and row["pores"] > 50_000)
    irregular = next(row for row in large if row["network"] == "delaunay")
    accurate = [
        row["speedup"]
        for row in case["torch_sla"]
        if row["pores"] > 50_000 and row["network"] == "delaunay" and row["gradient_error_torch_sla"] < 1e-6
    ]
    batch = {row["pores"]: row["speedup"] for row in case["batch"]}
    figures = {
        "grad_over_forward_1e5": max(row["gradient_over_forward"] for row in large),
        "resolve_speedup_openpnm_1e5": min(row["resolve_speedup_openpnm"] for row in large),
        "resolve_speedup_openpnm_1e5_delaunay": irregular["resolve_speedup_openpnm"],
        "resolve_s_1e5": irregular["resolve_s"],
        "resolve_speedup_openpnm_1e4": min(row["resolve_speedup_openpnm"] for row in small),
        "what_if_s_1e5": live["jump_max_s"],
        "what_if_drag_s_1e5": live["drag_max_s"],
        "what_if_prepare_s_1e5": live["prepare_s"],
        "batch_speedup_64": batch[250],
        "batch_speedup_64_500": batch[500],
        "batch_speedup_64_1000": batch[1000],
        "speedup_torch_sla_1e5": min(accurate) if accurate else float("nan"),
        "seconds_1e6": max(row["value_and_gradient_s"] for row in case["million"]),
        "peak_gib_1e6": max(row["peak_gib"] for row in case["million"]),
        "ratio_to_best_1e6": max(row["ratio_to_best"] for row in case["million"]),
    }
    return {"figures": figures, "rows": rows, "seed": SEED}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _parts.main("pnm", PARTS)
    else:
        print(json.dumps(run(), indent=1))
