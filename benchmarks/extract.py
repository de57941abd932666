"""Extraction against PoreSpy's serial ``snow2`` and peclet-pnm: seconds, peak memory, and how equal the networks are.

Every measurement is a process of its own, ours and the peer's in turn on one image; compiled code is warmed up on a
corner of the image first. PoreSpy runs as published (``parallel_kw=None``, watershed without a mask). The networks are
compared with PoreSpy's stages and a masked watershed, which is what PoreLab offers as the engine "porespy".
A part can be measured alone, ``python benchmarks/extract.py PART FOLDER`` (100_0.3, 200_0.7, agreement, ...); with
PORELAB_BENCH_PARTS=FOLDER the whole run takes from there what has been measured.
Images: ``blobs`` of constant feature size, and gaps between spheres of mixed size.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import _parts

SEED = 1
Row = dict[str, Any]


def image(kind: str, edge: int, porosity: float) -> np.ndarray:
    """A binary image, True where void."""
    import porespy
    from scipy.stats import norm

    porespy.settings.tqdm["disable"] = True
    np.random.seed(SEED)
    if kind == "blobs":
        made = porespy.generators.blobs([edge] * 3, porosity=porosity, blobiness=edge / 100, seed=SEED)
    else:
        made = porespy.generators.polydisperse_spheres(
            [edge] * 3, porosity=porosity, dist=norm(8, 3), r_min=4, seed=SEED
        )
    return np.ascontiguousarray(made.astype(bool))


def ours(void: np.ndarray) -> tuple[int, int]:
    """PoreLab: pores and throats."""
    from porelab_gui.core.network.snow.engine import extract
    from porelab_gui.core.progress import silent

    _, found = extract(void.view(np.uint8), sigma=0.4, r_max=4, boundary_width=3, progress=silent)
    return len(found.volume), len(found.conns)


def porespy(void: np.ndarray) -> tuple[int, int]:
    """PoreSpy as published, serial: pores and throats."""
    import porespy as peer

    peer.settings.tqdm["disable"] = True
    net = peer.networks.snow2(void, boundary_width=3, parallel_kw=None).network
    return len(net["pore.coords"]), len(net["throat.conns"])


def peclet(void: np.ndarray) -> tuple[int, int]:
    """peclet-pnm with the signed distance it needs: pores and connections."""
    import peclet.pnm
    from edt import edt

    sdf = np.ascontiguousarray(edt(void, parallel=2) - edt(~void, parallel=2), dtype=np.float32)
    pores, _, conns = peclet.pnm.extract_pore_network(sdf, [0.0, 0.0, 0.0], [1.0, 1.0, 1.0])
    return len(pores), len(conns)


ENGINES = {"porelab": ours, "porespy": porespy, "peclet": peclet}


def peak_bytes() -> int:
    """The most memory this process has had in RAM."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(engine: str, path: str, repeats: int) -> Row:
    """Best seconds of an engine on an image, with its counts and the peak memory of the process."""
    void = np.load(path)
    work = ENGINES[engine]
    work(np.ascontiguousarray(void[:40, :40, :40]))
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        pores, throats = work(void)
        seconds.append(time.perf_counter() - begin)
    return {"seconds": min(seconds), "pores": pores, "throats": throats, "peak_bytes": peak_bytes()}


def in_process(engine: str, path: Path, repeats: int) -> Row:
    """``measure`` in a process of its own."""
    words = [sys.executable, __file__, engine, str(path), str(repeats)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    row: Row = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def compare(kind: str, edge: int, porosity: float, peers: tuple[str, ...], folder: Path) -> list[Row]:
    """One image: ours, the peers, ours again; the better of ours counts."""
    path = folder / "image.npy"
    np.save(path, image(kind, edge, porosity))
    few, more = (1, 2) if edge >= 300 else (2, 3)
    first = in_process("porelab", path, more)
    turns = {peer: 1 if peer == "porespy" and edge > 100 else few for peer in peers}
    rows = [{"engine": peer, **in_process(peer, path, turns[peer])} for peer in peers]
    second = in_process("porelab", path, more)
    best = min(first, second, key=lambda r: r["seconds"])
    rows.insert(0, {"engine": "porelab", **best, "peak_bytes": max(first["peak_bytes"], second["peak_bytes"])})
    for row in rows:
        row |= {"image": kind, "edge": edge, "porosity": porosity, "speedup": row["seconds"] / best["seconds"]}
        row |= {"memory_ratio": rows[0]["peak_bytes"] / row["peak_bytes"]}
    return rows


def agreement(kind: str, edge: int, porosity: float) -> Row:
    """How far counts, K and F are from those of PoreSpy with a masked watershed; cones and cylinders, worst axis."""
    import porelab_gui
    from porelab_gui.core.nouns import Labels

    labels = Labels(image(kind, edge, porosity).astype(np.uint8), (1e-6,) * 3)
    found = []
    for engine in ("porelab", "porespy"):
        network = porelab_gui.run("extract_network", labels, engine=engine)["network"]
        with_g = porelab_gui.run("conductance_analytic", network, laws=("cones_and_cylinders",))["network"]
        flow = porelab_gui.run("solve_flow", with_g)["table"]["K_m2"]
        diffusion = porelab_gui.run("solve_diffusion", with_g)["table"]["F"]
        found.append((network.n_pores, network.n_throats, np.asarray(flow, float), np.asarray(diffusion, float)))
    mine, theirs = found
    keys = ("pores_rel_diff", "throats_rel_diff", "K_rel_diff", "F_rel_diff")
    row: Row = {"image": kind, "edge": edge, "porosity": porosity}
    return row | {k: float(np.max(np.abs(np.divide(a, b) - 1))) for k, a, b in zip(keys, mine, theirs, strict=True)}


def part(edge: int, porosity: float) -> list[Row]:
    """All engines on one image."""
    peers = ("porespy", "peclet") if edge == 200 else ("porespy",)
    with tempfile.TemporaryDirectory() as name:
        return compare("blobs", edge, porosity, peers, Path(name))


def same_networks() -> list[Row]:
    """How equal the networks are, on four images."""
    return [agreement(kind, 100, porosity) for kind in ("blobs", "spheres") for porosity in (0.3, 0.7)]


PARTS: dict[str, Callable[[], list[Row]]] = {
    f"{edge}_{porosity}": partial(part, edge, porosity) for edge in (100, 200, 300) for porosity in (0.3, 0.7)
}
PARTS["agreement"] = same_networks


def run() -> dict[str, Any]:
    """Figures and rows; about eight minutes on two cores, nearly all of it PoreSpy's."""
    found = {name: _parts.measured("extract", name, measure) for name, measure in PARTS.items()}
    same = found.pop("agreement")
    rows = [row for some in found.values() for row in some]
    speed = {(r["edge"], r["porosity"], r["engine"]): r["speedup"] for r in rows}
    memory = [r["memory_ratio"] for r in rows if r["engine"] == "porespy" and r["edge"] == 300]
    figures = {
        "speedup_100": speed[100, 0.3, "porespy"],
        "speedup_100_porosity_07": speed[100, 0.7, "porespy"],
        "speedup_200": speed[200, 0.3, "porespy"],
        "speedup_200_porosity_07": speed[200, 0.7, "porespy"],
        "speedup_300": (speed[300, 0.3, "porespy"] + speed[300, 0.7, "porespy"]) / 2,
        "speedup_peclet_200": min(speed[200, 0.3, "peclet"], speed[200, 0.7, "peclet"]),
        "memory_ratio_300": max(memory),
    }
    figures |= {k: max(r[k] for r in same) for k in ("pores_rel_diff", "throats_rel_diff", "K_rel_diff", "F_rel_diff")}
    return {"figures": figures, "rows": rows + same, "seed": SEED}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _parts.main("extract", PARTS)
    elif len(sys.argv) == 4:
        print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        print(json.dumps(run(), indent=1))
