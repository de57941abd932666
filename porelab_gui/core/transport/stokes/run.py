"""Permeability of an image: what flows along each axis, by which solver, and the fields for the viewer."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.cache import key_of
from porelab_gui.core.errors import InputError, ParameterError
from porelab_gui.core.nouns import AXES, Field, Labels, Stack, Table
from porelab_gui.core.progress import Progress, within
from porelab_gui.core.transport.conduit.pool import compiled_threads, thread_count
from porelab_gui.core.transport.result import SolveResult, results_table
from porelab_gui.core.transport.stokes import store
from porelab_gui.core.transport.stokes.choose import Choice, choose
from porelab_gui.core.transport.stokes.faces import Faces
from porelab_gui.core.transport.stokes.flow import Flow
from porelab_gui.core.transport.stokes.geometry import conducting
from porelab_gui.core.units import MILLIDARCY

if TYPE_CHECKING:
    from porelab_gui.core.transport.stokes.methods import StokesParams

WORTH_THREADS = 50_000  # void voxels
SOLVERS = {"lbm": "lattice Boltzmann (D3Q19, two relaxation times)", "fv": "staggered finite volumes (MINRES)"}


def solve_image(labels: Labels, params: StokesParams, progress: Progress) -> dict[str, Table | Stack]:
    """Solve along every axis asked for.

    Gives ``permeability`` (one row per axis) and, for the first axis, ``velocity`` (magnitude, m/s) and ``pressure``
    (Pa). InputError without void or walls; an axis that the void does not span has K = 0 exactly.
    """
    void = _checked(labels.void_mask(), faces_of(0, params).rings == (True,) * 3)
    axes = tuple(dict.fromkeys(params.axes))
    if not axes:
        raise ParameterError("no axis to drive the flow along", where="voxel_stokes.axes", remedy="Name z, y or x.")
    results, fields = [], None
    for number, name in enumerate(axes):
        share = within(progress, number / len(axes), (number + 1) / len(axes), f"axis {name}")
        result, flow = _solve_or_recall(labels, void, AXES.index(name), params, share, with_fields=number == 0)
        results.append(result)
        fields = fields if number else flow
    table = results_table(results, name=f"permeability of {labels.name or 'the image'}")
    return {"permeability": table, **_stacks(labels, fields, AXES.index(axes[0]), params)}


def _solve_or_recall(
    labels: Labels, void: NDArray[np.bool_], axis: int, params: StokesParams, progress: Progress, with_fields: bool
) -> tuple[SolveResult, Flow | None]:
    """A flow from the cache where it is there, else solved and kept when it converged."""
    if not params.cache:
        return solve_axis(void, labels.voxel_size, axis, params, progress)
    asked = (params.solver, params.boundary, params.sides, params.tolerance, params.precision, params.device)
    key = key_of("voxel_stokes", store.VERSION, labels.content_hash, AXES[axis], *asked)
    kept = store.recall(key, with_fields)
    faces = faces_of(axis, params)
    if kept is not None:
        result = _result(kept.flow, faces, labels.voxel_size, kept.choice, conducting(void, faces), params)
        return dataclasses.replace(result, seconds=kept.seconds), kept.flow
    result, flow = solve_axis(void, labels.voxel_size, axis, params, progress)
    if flow is not None and flow.converged:
        choice = choose(conducting(void, faces), faces, labels.voxel_size, params.solver, params.device)
        flow = store.keep(key, store.Kept(flow, choice, result.seconds), with_fields)
    return result, flow


def faces_of(axis: int, params: StokesParams) -> Faces:
    """How the image is closed while it is driven along an axis."""
    return Faces(axis, params.boundary == "periodic", {"auto": None, "sealed": False, "periodic": True}[params.sides])


def solve_axis(
    void: NDArray[np.bool_], voxel: tuple[float, float, float], axis: int, params: StokesParams, progress: Progress
) -> tuple[SolveResult, Flow | None]:
    """K along one axis, and the flow when there is one."""
    faces = faces_of(axis, params)
    kept = conducting(void, faces)
    if not kept.any():
        return _nothing(void, axis, voxel, faces), None
    choice = choose(kept, faces, voxel, params.solver, params.device)
    begun = time.perf_counter()
    if choice.solver == "lbm":
        flow = _by_lattice(kept, faces, choice, params, progress)
    else:
        flow = _by_volumes(kept, faces, voxel, params, progress)
    result = _result(flow, faces, voxel, choice, kept, params)
    return dataclasses.replace(result, seconds=time.perf_counter() - begun), flow


def _checked(void: NDArray[np.bool_], periodic: bool) -> NDArray[np.bool_]:
    if not void.any():
        raise InputError("the image has no void voxel", remedy="Choose which labels are void.")
    if void.all() and periodic:
        raise InputError(
            "the periodic image has no solid, so nothing resists the flow", remedy="Choose the boundary 'pressure'."
        )
    return void


def _by_lattice(
    kept: NDArray[np.bool_], faces: Faces, choice: Choice, params: StokesParams, progress: Progress
) -> Flow:
    from porelab_gui.core.transport.stokes import lbm

    # seven digits cannot tell when the sixth has settled
    single = params.precision == "float32" and params.tolerance >= 1e-5
    dtype = np.float32 if single else np.float64
    threads, device = thread_count(params.threads), choice.device
    return lbm.solve(
        kept, faces, params.tolerance, params.max_iterations, dtype, choice.width, threads, progress, device=device
    )


def _by_volumes(
    kept: NDArray[np.bool_], faces: Faces, voxel: tuple[float, float, float], params: StokesParams, progress: Progress
) -> Flow:
    from porelab_gui.core.transport.stokes import fv

    z, y, x = (h / voxel[faces.axis] for h in voxel)
    with compiled_threads(params.threads, worth=int(np.count_nonzero(kept)) > WORTH_THREADS):
        return fv.solve(kept, faces, (z, y, x), params.tolerance, params.max_iterations, progress)


def _result(
    flow: Flow,
    faces: Faces,
    voxel: tuple[float, float, float],
    choice: Choice,
    kept: NDArray[np.bool_],
    params: StokesParams,
) -> SolveResult:
    tensor = flow.permeability * voxel[faces.axis] ** 2
    more = {"permeability_mD": (tensor[faces.axis] / MILLIDARCY, "mD")}
    if faces.periodic:
        more |= {f"permeability_{name}": (float(k), "m2") for name, k in zip(AXES, tensor, strict=True)}
    more |= {"remainder": (flow.remainder, "1"), "connected_porosity": (float(kept.mean()), "1")}
    said = f"{SOLVERS[choice.solver]}, chosen because {choice.reason}."
    if not flow.converged:
        said = (
            f"No permeability along {AXES[faces.axis]}: after {flow.iterations} iterations its estimated remainder is "
            f"{flow.remainder:.1e}, above the tolerance {params.tolerance:.1e}. Allow more iterations, or try the "
            f"{'fv' if choice.solver == 'lbm' else 'lbm'} solver. " + said
        )
    return SolveResult(
        quantity="permeability",
        value=float(tensor[faces.axis]),
        unit="m2",
        converged=flow.converged,
        residual=flow.remainder,
        iterations=flow.iterations,
        resolution=resolution(kept, voxel, choice.width),
        boundary=boundary(faces),
        axis=AXES[faces.axis],
        advice=said,
        more=more,
    )


def resolution(void: NDArray[np.bool_], voxel: tuple[float, float, float], width: float) -> str:
    """A K from voxels depends on their size: the sentence that says so."""
    edges = " x ".join(f"{h * 1e6:.4g}" for h in (voxel if len(set(voxel)) > 1 else voxel[:1]))
    return f"Computed at {edges} um voxels; the channels that carry the flow are about {width:.1f} voxels wide."


def boundary(faces: Faces) -> str:
    """How the image was closed, in words."""
    sides = "periodic" if faces.rings[(faces.axis + 1) % 3] else "sealed"
    if faces.periodic:
        return f"Periodic along the flow and driven by a body force, the four sides {sides}; no slip on the solid."
    return f"Pressures held on the two end faces, the four sides {sides}; no slip on the solid."


def _nothing(void: NDArray[np.bool_], axis: int, voxel: tuple[float, float, float], faces: Faces) -> SolveResult:
    """Void that does not span conducts nothing: K is zero exactly."""
    zero = (0.0, "1")
    return SolveResult(
        quantity="permeability",
        value=0.0,
        unit="m2",
        converged=True,
        residual=0.0,
        iterations=0,
        resolution="",
        boundary=boundary(faces),
        axis=AXES[axis],
        advice=f"The void does not reach from face to face along {AXES[axis]}: no flow.",
        more={"permeability_mD": (0.0, "mD"), "remainder": zero, "connected_porosity": zero},
    )


def _stacks(labels: Labels, flow: Flow | None, axis: int, params: StokesParams) -> dict[str, Stack]:
    """Velocity magnitude [m/s] and pressure [Pa] of the fluid under the pressure drop; zero speed and a
    pressure of NaN where there is none."""
    shape, h = labels.shape, labels.voxel_size[axis]
    speed: Any = np.zeros(shape, dtype=np.float32)
    pressure: Any = np.zeros(shape, dtype=np.float32)
    if flow is not None and flow.converged:
        gradient = params.pressure_drop / (shape[axis] * h)
        square = (flow.velocity**2).sum(axis=0)
        speed = square ** np.float32(0.5) * np.float32(h * h * gradient / params.viscosity)
        inside = square > 0  # the solid has no pressure, and would cover the fluid's as one
        pressure = np.where(inside, flow.pressure * np.float32(gradient * h), np.float32("nan"))
    name = f"{labels.name or 'image'}, flow along {AXES[axis]}"
    shared: dict[str, Any] = {"voxel_size": labels.voxel_size, "source": labels.source}
    return {
        "velocity": Field(speed, unit="m/s", quantity="speed", name=f"speed in {name}", **shared),
        "pressure": Field(pressure, unit="Pa", quantity="pressure", name=f"pressure in {name}", **shared),
    }
