"""Formation factors of whole networks against diffusion on all voxels, under every conductance and every treatment of
the faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.learning.metrics import r2
from porelab_gui.core.nouns import Column, Labels, Network
from porelab_gui.core.registry import get
from porelab_methods.conduit_cnn import store
from porelab_methods.conduit_cnn.dataset import network_of
from porelab_methods.conduit_cnn.media import Medium

COUNT = 15
LAWS = ("cylinder", "cones_and_cylinders")
MODELS = ("dns", "cnn", *LAWS)
# how the faces are held: half conduits from the faces to pore centres, pore centres themselves, virtual pores
TREATMENTS = ("half conduits", "centres", "virtual pores")


def media() -> list[Medium]:
    """Fifteen sphere packs over the paper's range of porosity, none of which gave a conduit to the training."""
    rng = np.random.default_rng(9300)
    made = []
    for k in range(COUNT):
        scale = float(rng.uniform(5, 9))
        porosity = 0.35 + 0.45 * (k + 0.5) / COUNT
        made.append(Medium("spheres", 9300 + k, 100, porosity, scale, 0.3 * scale))
    return made


def solved(network: Network, law: str, boundary: str) -> float:
    """Formation factor along z."""
    params = {"law": law, "boundary": boundary, "axes": ("z",)}
    table = get("solve_diffusion")({"network": network}, params)["table"]
    return float(table["F"][0])  # type: ignore[index]


def with_conductances(void: NDArray[np.bool_], pads: int) -> Network:
    """The network of an image with every conductance compared here."""
    regions, network = network_of(void, pads)
    nouns: dict[str, Any] = {"regions": regions, "network": network}
    for name, params in (("conductance_dns", {}), ("conductance_cnn", {}), ("conductance_analytic", {"laws": LAWS})):
        if name == "conductance_cnn":
            nouns["weights"] = store.shipped()
        nouns["network"] = get(name)({k: v for k, v in nouns.items() if k in get(name).inputs}, params)["network"]
    made: Network = nouns["network"]
    columns = {}
    for law in MODELS:
        column = made.throats[f"g_diffusive.{law}"]
        # the half conduits at the faces are of the same width for all, so that only the conduits differ
        meta = {**column.meta, "pore_diameter": "inscribed"}
        columns[f"g_diffusive.{law}"] = Column(np.nan_to_num(column.values), column.unit, column.title, meta)
    return replace(made.with_throats(columns), porosity=float(void.mean()))


def formation_rows(chosen: Sequence[Medium] | None = None) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """``r2_F`` (half conduits, the net) with the DNS ceiling, and a row per treatment and model.

    ``chosen`` are other images than those of ``media``.
    """
    truth: list[float] = []
    found: dict[tuple[str, str], list[float]] = {}
    for medium in media() if chosen is None else chosen:
        void = medium.image()
        labels = Labels(void.astype(np.uint8), (1e-6,) * 3)
        voxels = get("voxel_diffusion")({"labels": labels}, {"axes": ("z",)})["table"]
        truth.append(float(voxels["formation_factor"][0]))  # type: ignore[index]
        bare, padded = with_conductances(void, 0), with_conductances(void, 3)
        for law in MODELS:
            for treatment, network, boundary in zip(
                TREATMENTS, (bare, bare, padded), ("reservoirs", "centres", "reservoirs"), strict=True
            ):
                found.setdefault((treatment, law), []).append(solved(network, law, boundary))
    rows = []
    values = np.array(truth)
    for (treatment, law), some in found.items():
        ratio = np.array(some) / values
        rows.append(
            {"group": f"F, {treatment}", "model": law, "images": len(values), "r2": r2(values, np.array(some)),
             "ratio": float(ratio.mean()), "ratio_spread": float(ratio.std())}
        )  # fmt: skip
    score = {k: r2(values, np.array(found["half conduits", k])) for k in ("cnn", "dns")}
    return {"r2_F": score["cnn"], "r2_F_dns": score["dns"]}, rows
