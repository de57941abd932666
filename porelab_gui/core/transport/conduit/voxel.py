"""The Method ``voxel_diffusion``: a segmented image to formation factors, tortuosities and concentration fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from porelab_gui.core.cache import default_cache, key_of
from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.method import Outputs
from porelab_gui.core.nouns import AXES, Field, Labels
from porelab_gui.core.progress import Progress, within
from porelab_gui.core.transport.conduit.diffusion import Conduction, Transfer, transfer
from porelab_gui.core.transport.conduit.pool import compiled_threads
from porelab_gui.core.transport.result import SolveResult, results_table

if TYPE_CHECKING:
    from porelab_gui.core.transport.conduit.methods import VoxelDiffusionParams

VERSION = "1"
WORTH_THREADS = 50_000  # voxels
LARGEST_KEPT_FIELD = 256 << 20
BOUNDARY = {
    "outside": "Concentrations 1 and 0 half a voxel beyond the end faces, insulating sides.",
    "layer": "Concentrations 1 and 0 on the first and last layer of voxels, insulating sides.",
}


def run(labels: Labels, params: VoxelDiffusionParams, progress: Progress) -> Outputs:
    """A Table with one row per axis, and the concentration along the first of them (1 to 0, NaN outside)."""
    conduction = conduction_of(labels, params.conductivities)
    axes = [AXES.index(name) for name in dict.fromkeys(params.axes)]
    if not axes:
        raise ParameterError("no axis to solve along", where="voxel_diffusion.axes", remedy="Name z, y or x.")
    results = []
    for k, axis in enumerate(axes):
        step = within(progress, k / len(axes), (k + 1) / len(axes), f"along {AXES[axis]}")
        solved = _solve_or_recall(labels, conduction, axis, params, step, keep_field=k == 0)
        results.append(as_result(solved, labels, conduction, axis, params))
    progress(1, 1, "done")
    name = f"concentration along {results[0].axis}"
    field = Field(results[0].field, labels.voxel_size, quantity="concentration", name=name)
    return {"table": results_table(results, name=f"diffusion in {labels.name or 'image'}"), "concentration": field}


def conduction_of(labels: Labels, listed: str = "") -> Conduction:
    """What conducts in the image; InputError when nothing does."""
    data = labels.array()
    relative = parse_conductivities(listed) if listed.strip() else dict.fromkeys(labels.void, 1.0)
    values = sorted({v for v in relative.values() if v > 0})
    if len(values) > 250:
        raise ParameterError("more than 250 different conductivities", where="voxel_diffusion.conductivities")
    phase = np.zeros(data.shape, dtype=np.uint8)
    for label, value in relative.items():
        if value > 0:
            phase[data == label] = values.index(value) + 1
    if not phase.any():
        raise InputError(
            f"no voxel has a label that conducts ({', '.join(map(str, relative)) or 'none is marked as void'})",
            where=labels.name or labels.source or None,
            remedy="Check the segmentation, and which labels are marked as void.",
        )
    size = np.asarray(labels.voxel_size)
    edges = np.ones(3) if labels.isotropic else size / np.prod(size) ** (1 / 3)
    return Conduction(phase, np.array([0.0, *values]), edges)


def parse_conductivities(listed: str) -> dict[int, float]:
    """ "1=1, 2=0.3" as a mapping; ParameterError unless all are labels with conductivities of at least 0."""
    found: dict[int, float] = {}
    for part in filter(None, (p.strip() for p in listed.replace(";", ",").split(","))):
        label, _, value = part.partition("=")
        try:
            found[int(label)] = float(value)
        except ValueError:
            found[0] = float("nan")
        if not all(np.isfinite(v) and v >= 0 for v in found.values()):
            raise ParameterError(
                f"{part!r} is not a label with a conductivity of at least 0",
                where="voxel_diffusion.conductivities",
                remedy="Write label=conductivity pairs such as 1=1, 2=0.3.",
            )
    return found


def _solve_or_recall(
    labels: Labels, conduction: Conduction, axis: int, params: VoxelDiffusionParams, step: Progress, keep_field: bool
) -> Transfer:
    if not params.cache:
        return _solve(conduction, axis, params, step, keep_field)
    cache = default_cache()
    asked = (params.boundary, params.conductivities, params.tolerance, params.iterations)
    key = key_of("voxel_diffusion", VERSION, labels.content_hash, AXES[axis], *asked)
    kept = cache.get(key)
    if kept is not None and ("field" in kept or not keep_field):
        relative, residual, iterations, mismatch, connected, seconds = kept["numbers"].tolist()
        done = bool(kept["converged"])
        return Transfer(relative, residual, int(iterations), done, mismatch, connected, seconds, kept.get("field"))
    solved = _solve(conduction, axis, params, step, keep_field)
    numbers = (solved.relative, solved.residual, solved.iterations, solved.mismatch, solved.connected, solved.seconds)
    entry = {"numbers": np.array(numbers), "converged": np.array(solved.converged)}
    if solved.field is not None and solved.field.nbytes <= LARGEST_KEPT_FIELD:
        entry["field"] = solved.field
    cache.put(key, entry, compress=False)
    return solved


def _solve(
    conduction: Conduction, axis: int, params: VoxelDiffusionParams, progress: Progress, keep_field: bool
) -> Transfer:
    from porelab_gui.core.transport.conduit.device import pick_device

    small = np.count_nonzero(conduction.phase) < WORTH_THREADS
    device = "cpu" if small and params.device == "auto" else pick_device(params.device)
    layer = params.boundary == "layer"
    with compiled_threads(params.threads, worth=not small):
        return transfer(conduction, axis, layer, params.tolerance, params.iterations, progress, keep_field, device)


def as_result(
    solved: Transfer, labels: Labels, conduction: Conduction, axis: int, params: VoxelDiffusionParams
) -> SolveResult:
    """The common result: formation factor, and with it effective diffusivity, tortuosity, porosities."""
    mean = float(np.mean(conduction.conductivity[conduction.phase]))
    porosity = float(np.count_nonzero(conduction.phase)) / conduction.phase.size
    spans = solved.relative > 0
    size = " x ".join(str(n) for n in labels.shape)
    return SolveResult(
        quantity="formation_factor",
        value=1 / solved.relative if spans else float("inf"),
        unit="1",
        converged=solved.converged,
        residual=solved.residual,
        iterations=solved.iterations,
        resolution=f"{size} voxels of {_edges(labels.voxel_size)} along z, y, x",
        boundary=BOUNDARY[params.boundary],
        axis=AXES[axis],
        advice=_advice(solved, AXES[axis]),
        field=solved.field,
        seconds=solved.seconds,
        more={
            "effective_diffusivity": (solved.relative * params.diffusivity, "m2/s"),
            "tortuosity": (mean / solved.relative if spans else float("inf"), "1"),
            "porosity": (porosity, "1"),
            "connected_porosity": (solved.connected, "1"),
            "rate_mismatch": (solved.mismatch, "1"),
        },
    )


def _edges(voxel_size: tuple[float, float, float]) -> str:
    if len(set(voxel_size)) == 1:
        return f"{voxel_size[0]:.4g} m"
    return " x ".join(f"{v:.4g}" for v in voxel_size) + " m"


def _advice(solved: Transfer, axis: str) -> str:
    if solved.relative == 0 and solved.converged:
        return f"No conducting path joins the two faces along {axis}: nothing diffuses through, F is infinite."
    if not solved.converged:
        return f"The solve along {axis} did not converge: allow more iterations or a looser tolerance."
    return ""
