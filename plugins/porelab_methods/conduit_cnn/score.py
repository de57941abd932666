"""``porelab score conduit_cnn``: shipped weights on images that they never saw, beside laws and coarse solve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.learning.metrics import r2, share_beyond
from porelab_gui.core.nouns import Network, Regions
from porelab_gui.core.validation.case import data_file, reference_rock
from porelab_methods.conduit_cnn import store
from porelab_methods.conduit_cnn.dataset import network_of
from porelab_methods.conduit_cnn.formation import formation_rows
from porelab_methods.conduit_cnn.media import Medium

Bools = NDArray[np.bool_]
F64 = NDArray[np.float64]
HYDRAULIC_COUNT = 150  # conduits of an image whose Stokes flow is simulated
LAWS = ("cylinder", "cones_and_cylinders", "spheres_and_cylinders")
SPHERES, OTHERS = 14, 3


@dataclass(frozen=True)
class Case:
    """One image of the hold-out: its group in the table, and its void."""

    group: str
    void: Bools


def sphere_pack(k: int, size: int = 100) -> Bools:
    """The paper's own generator, PoreSpy's, over the paper's range of porosity; seeds from 9001 on."""
    import porespy as ps
    from scipy.stats import norm

    rng = np.random.default_rng(9001 + k)
    mean = float(rng.uniform(6, 12))
    void = ps.generators.polydisperse_spheres(
        [size] * 3, porosity=0.35 + 0.45 * (k + 0.5) / SPHERES, dist=norm(mean, 0.3 * mean), nbins=5, r_min=3,
        seed=9001 + k,
    )  # fmt: skip
    return np.asarray(void, bool)


def new_cases() -> list[Case]:
    """Fourteen sphere packs, three blob and three fibre images, none of which gave a conduit to the training."""
    from porelab_methods.conduit_cnn.quiet import quiet

    rng = np.random.default_rng(9000)
    with quiet():
        cases = [Case("new spheres", sphere_pack(k)) for k in range(SPHERES)]
    for k in range(OTHERS):
        blobs = Medium("blobs", 9100 + k, 100, float(rng.uniform(0.35, 0.65)), float(rng.uniform(6, 14)))
        fibres = Medium("fibres", 9200 + k, 100, float(rng.uniform(0.55, 0.8)), float(rng.uniform(2.5, 4.5)))
        cases += [Case("new blobs", blobs.image()), Case("new fibres", fibres.image())]
    return cases


def berea(size: int = 160) -> list[Case]:
    """A corner of Berea, which was held out altogether; nothing where the image is not at hand."""
    rock = reference_rock("berea/berea_z000-256_pore.npz")
    return [] if rock is None else [Case("Berea", rock[:size, :size, :size])]


def electrode(size: int = 160) -> list[Case]:
    """The pores of the three-phase electrode, held out altogether."""
    path = data_file("electrodes/electrode_256_3phase.tiff")
    if path is None:
        return []
    import tifffile

    return [Case("electrode", tifffile.imread(path)[:size, :size, :size] == 0)]


def compare(case: Case, physics: str = "both") -> tuple[dict[str, tuple[F64, F64]], Network, Regions]:
    """Truth and estimate of every model on one image; keys ``g_<physics>.<model>``."""
    from porelab_gui.core.registry import get

    regions, network = network_of(case.void, 0)
    nouns = {"regions": regions, "network": network}
    network = get("conductance_dns")(nouns, {})["network"]  # type: ignore[assignment]
    if physics == "both":
        some = {"physics": "hydraulic", "count": HYDRAULIC_COUNT}
        network = get("conductance_dns")({**nouns, "network": network}, some)["network"]  # type: ignore[assignment]
    made = get("conductance_cnn")({**nouns, "network": network, "weights": store.shipped()}, {"physics": physics})
    network, table = made["network"], made["table"]  # type: ignore[assignment]
    network = get("conductance_analytic")({"network": network}, {"laws": LAWS})["network"]  # type: ignore[assignment]
    found: dict[str, tuple[F64, F64]] = {}
    for kind in ("diffusive", "hydraulic") if physics == "both" else (physics,):
        truth = network.throat(f"g_{kind}.dns")
        known = np.isfinite(truth) & (truth > 0)
        for law in ("cnn", *LAWS):
            found[f"{kind}.{law}"] = truth[known], network.throat(f"g_{kind}.{law}")[known]
        coarse = table[f"g_{kind}_coarse"]  # type: ignore[index]
        known &= np.isfinite(coarse)
        found[f"{kind}.coarse"] = truth[known], coarse[known]
        if kind == "diffusive":
            inside = (truth >= table["g_diffusive_low"]) & (truth <= table["g_diffusive_high"])  # type: ignore[index]
            found["cover"] = inside[known].astype(float), np.zeros(int(known.sum()))
    return found, network, regions


def pooled(parts: list[dict[str, tuple[F64, F64]]], key: str) -> tuple[F64, F64]:
    """Truth and estimate over several images."""
    chosen = [p[key] for p in parts if key in p]
    return np.concatenate([a for a, _ in chosen]), np.concatenate([b for _, b in chosen])


def rows_of(group: str, parts: list[dict[str, tuple[F64, F64]]]) -> list[dict[str, Any]]:
    """One row per physics and model."""
    rows = []
    for key in parts[0]:
        if key == "cover":
            continue
        truth, found = pooled(parts, key)
        row: dict[str, Any] = {"group": group, "model": key, "images": len(parts), "conduits": len(truth)}
        row |= {"r2": r2(truth, found), "r2_ln": r2(np.log(truth), np.log(found))}
        row |= {
            "share_over_10pct": share_beyond(truth, found),
            "median_error": float(np.median(np.abs(found / truth - 1))),
        }
        if key == "diffusive.cnn":
            row["interval_cover"] = float(pooled(parts, "cover")[0].mean())
        rows.append(row)
    return rows


def score() -> dict[str, Any]:
    """Figures and rows. ``r2_new``, ``share_over_10pct`` and ``r2_ln_hydraulic`` are over all twenty new images."""
    cases = [*new_cases(), *berea(), *electrode()]
    parts: dict[str, list[dict[str, tuple[F64, F64]]]] = {}
    for case in cases:
        pairs, _, _ = compare(case)
        parts.setdefault(case.group, []).append(pairs)
    new = [p for group, some in parts.items() if group.startswith("new") for p in some]
    rows = rows_of("all new", new)
    for group, some in parts.items():
        rows += rows_of(group, some)
    formation, lines = formation_rows()
    truth, found = pooled(new, "diffusive.cnn")
    flow, flow_found = pooled(new, "hydraulic.cnn")
    figures = {
        "r2_new": r2(truth, found),
        "share_over_10pct": share_beyond(truth, found),
        "r2_ln_hydraulic": r2(np.log(flow), np.log(flow_found)),
        **formation,
        "conduits_new": float(len(truth)),
        "images_new": float(len(new)),
    }
    for key, group in (("r2_berea", "Berea"), ("r2_electrode", "electrode")):
        figures[key] = r2(*pooled(parts[group], "diffusive.cnn")) if group in parts else float("nan")
    return {"figures": figures, "rows": [*rows, *lines]}
