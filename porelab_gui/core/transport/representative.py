"""The Method ``representative_volume``: how porosity, K and F settle as the sample grows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from porelab_gui.core.errors import InputError, PorelabError
from porelab_gui.core.method import Inputs, Method, Outputs, Params, Port, param
from porelab_gui.core.network.extract import EXTRACT_NETWORK
from porelab_gui.core.nouns import Column, Labels, Table
from porelab_gui.core.progress import Progress
from porelab_gui.core.transport.methods import Axis, Boundary, conductance_analytic
from porelab_gui.core.transport.pnm.solve import solve_diffusion, solve_flow

QUANTITIES = {"porosity": "1", "K_m2": "m2", "F": "1"}


class RepresentativeParams(Params):
    """Sizes, how many samples of each, and what is computed on them."""

    smallest: float = param(0.2, "Edge of the smallest samples over the shortest edge of the image.", unit="1", gt=0.0,
                            lt=1.0)  # fmt: skip
    sizes: int = param(5, "How many sizes, up to the largest cube in the image.", unit="1", ge=2, le=30)
    samples: int = param(8, "Samples of each size; one of the largest.", unit="1", ge=1, le=500)
    axis: Axis = param("z", "Axis of permeability and formation factor.")
    law: str = param("", "Law of both conductances; empty for the first.")
    boundary: Boundary = param("reservoirs", "Where the faces are held.")
    seed: int = param(0, "Seed of the places.", unit="1", ge=0, le=2**31 - 1)


def edges(shape: tuple[int, int, int], params: RepresentativeParams) -> list[int]:
    """Edges [voxel] of the samples, growing by equal factors; InputError when the smallest is not an image."""
    largest = min(shape)
    found = np.unique(np.rint(np.geomspace(params.smallest * largest, largest, params.sizes)).astype(int))
    if found[0] < 10:
        raise InputError(
            f"the smallest samples would have {found[0]} voxels an edge, fewer than 10", where="smallest",
            remedy="Start with larger samples.",
        )  # fmt: skip
    return [int(n) for n in found]


def measure(labels: Labels, params: RepresentativeParams) -> dict[str, float]:
    """Porosity, K [m2] and F of one sample; K is 0 and F infinite where its pores do not join the faces."""
    found = {"porosity": labels.porosity(), "K_m2": 0.0, "F": float("inf")}
    try:
        network = EXTRACT_NETWORK({"labels": labels}, {})["network"]
        network = conductance_analytic({"network": network}, {})["network"]
        options = {"axes": (params.axis,), "boundary": params.boundary}
        found["K_m2"] = float(solve_flow(network, params.law, **options)[1]["K_m2"][0])  # type: ignore[arg-type]
        found["F"] = float(solve_diffusion(network, params.law, **options)[1]["F"][0])  # type: ignore[arg-type]
    except InputError:
        pass  # no pore space that joins the faces: a sample that does not conduct
    return {k: v if np.isfinite(v) else {"K_m2": 0.0, "F": float("inf")}[k] for k, v in found.items()}


def run(inputs: Inputs, params: RepresentativeParams, progress: Progress) -> Outputs:
    """Samples of every size at random places."""
    labels: Labels = inputs["labels"]
    random = np.random.default_rng(params.seed)
    plan = [
        (edge, tuple(int(random.integers(0, n - edge + 1)) for n in labels.shape))
        for edge in edges(labels.shape, params)
        for _ in range(1 if edge == min(labels.shape) and len(set(labels.shape)) == 1 else params.samples)
    ]
    rows: dict[int, list[dict[str, float]]] = defaultdict(list)
    for k, (edge, start) in enumerate(plan):
        progress(k, len(plan), f"edge {edge} voxels")
        box = tuple(slice(s, s + edge) for s in start)
        rows[edge].append(measure(replace(labels, data=np.asarray(labels.data[box]), pyramid=None), params))
    if not any(row["K_m2"] > 0 for found in rows.values() for row in found):
        raise PorelabError(
            f"no sample joins the faces along {params.axis}", where=labels.name or None, remedy="Choose another axis."
        )
    return {"representative_volume": _table(rows, labels, params)}


def _table(rows: dict[int, list[dict[str, float]]], labels: Labels, params: RepresentativeParams) -> Table:
    sizes = sorted(rows)
    columns = {
        "edge": Column(np.array([n * labels.voxel_size[0] for n in sizes]), "m", "edge of the samples"),
        "edge_voxels": Column(np.array(sizes), "voxel", "edge of the samples"),
        "samples": Column(np.array([len(rows[n]) for n in sizes])),
        "conducting": Column(
            np.array([sum(r["K_m2"] > 0 for r in rows[n]) for n in sizes]), "", "samples that conduct"
        ),
    }
    for key, unit in QUANTITIES.items():
        known = [np.array([r[key] for r in rows[n] if np.isfinite(r[key])]) for n in sizes]
        for name, of in (("mean", np.mean), ("std", np.std), ("min", np.min), ("max", np.max)):
            values = np.array([float(of(v)) if len(v) else np.nan for v in known])
            columns[f"{key}_{name}"] = Column(values, unit)
    spread = columns["K_m2_std"].values[-2] / columns["K_m2_mean"].values[-2]
    return Table(
        columns,
        (
            f"Network along {params.axis}, law {params.law or 'spheres_and_cylinders'}, seed {params.seed}.",
            f"Faces held at {params.boundary}.",
            f"At {sizes[-2]} voxels the standard deviation of K is {spread:.0%} of its mean.",
            "Samples that do not join the faces count with K = 0; F is that of those that do.",
        ),
    )


representative_volume = Method(
    name="representative_volume",
    title="Representative volume",
    summary="Porosity, permeability and formation factor of samples of growing size, with their spread, as one job.",
    step="Transport",
    citation="Bear, Dynamics of Fluids in Porous Media (1972)",
    params=RepresentativeParams,
    inputs={"labels": Port(Labels, "Segment an image first.")},
    outputs={"representative_volume": Table},
    function=run,
)
