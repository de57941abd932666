"""Stokes flow on voxels against channels, sphere arrays, cylinders and a reference solver."""

from __future__ import annotations

from functools import cache, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.validation.case import Case, convergence_order, data_file, read_reference
from porelab_gui.core.validation.shapes import channel, cylinder_cell, sphere_cell

Solver = Literal["lbm", "fv"]
NAMES = {"lbm": "lattice Boltzmann", "fv": "finite volumes"}
DUCT = 0.0351443  # k / a^2 of a square duct: (1 - 192 / pi^5 sum over odd n of tanh(n pi / 2) / n^5) / 12
STAIRS = "a curved wall made of voxels is off by a fraction of a voxel, first order in the voxel size"
SECOND = "both walls and bulk are second order: about (1.0 / width)^2"
ZICK = "Zick and Homsy, J. Fluid Mech. 115 (1982) 13, Table 2"
CYLINDERS = "Sangani and Acrivos, Int. J. Multiphase Flow 8 (1982) 193, Table 1"
HASIMOTO = "Hasimoto, J. Fluid Mech. 5 (1959) 317: 1 / K = 1 - a c^(1/3) + c - b c^2"
# lattice: coefficients a, b of Hasimoto's series, spheres per cell
SERIES = {"BCC": (1.7918, 0.329, 2), "FCC": (1.7917, 0.302, 4)}


@cache
def permeability(kind: str, size: float, solver: Solver, tolerance: float = 1e-4) -> float:
    """k over the squared size of a channel shape, from a body-force solve of its periodic cross-section."""
    void, area = channel(kind, int(size))
    return _solve(void, solver, 0, tolerance) * void[0].size / area / size**2


def _solve(void: NDArray[np.bool_], solver: Solver, axis: int, tolerance: float) -> float:
    """K in voxels squared of a periodic image."""
    from porelab_gui.core.transport.stokes import fv, lbm
    from porelab_gui.core.transport.stokes.faces import Faces
    from porelab_gui.core.transport.stokes.geometry import typical_width

    faces = Faces(axis, True)
    if solver == "lbm":
        flow = lbm.solve(void, faces, tolerance, 200_000, np.float64, typical_width(void))
    else:
        flow = fv.solve(void, faces, (1.0, 1.0, 1.0), tolerance, 2000)
    return float(flow.permeability[axis]) if flow.converged else float("nan")


def drag_of_spheres(lattice: str, fraction: float, voxels: int, solver: Solver) -> float:
    """Drag coefficient F / (6 pi mu a U) of a periodic array of spheres."""
    void, per_cell = sphere_cell(lattice, fraction, voxels)
    radius = (3 * fraction / (4 * np.pi * per_cell)) ** (1 / 3) * voxels
    k = _solve(void, solver, 0, 1e-3)
    return voxels**3 / per_cell / (6 * np.pi * radius * k)


def drag_of_cylinders(fraction: float, voxels: int) -> float:
    """Force per length over viscosity and mean velocity across a square array of cylinders."""
    return voxels**2 / _solve(cylinder_cell(fraction, voxels), "fv", 1, 1e-3)


def _order(kind: str, reference: float, solver: Solver) -> float:
    sizes = (8, 16, 32)
    errors = [permeability(kind, n, solver) / reference - 1 for n in sizes]
    return convergence_order([1 / n for n in sizes], errors)


def channels() -> list[Case]:
    """Slit, square duct, tube, triangle."""
    made = []
    forms = (
        ("slit", 8, 1 / 12, 0.01, "w^2 / 12", SECOND),
        ("duct", 16, DUCT, 0.006, "0.0351443 a^2", SECOND),
        ("tube", 33, 1 / 32, 0.02, "R^2 / 8", STAIRS),
        ("triangle", 48, 1 / 80, 0.03, "s^2 / 80 (equilateral)", STAIRS),
    )
    for solver in ("lbm", "fv"):
        for kind, size, reference, tolerance, formula, reason in forms:
            made.append(
                Case(
                    f"{kind} by {NAMES[solver]}", "stokes", partial(permeability, kind, size, solver), reference,
                    tolerance, reason, f"closed form k = {formula}", f"{size} voxels across",
                )
            )  # fmt: skip
        made.append(
            Case(
                f"order in a duct by {NAMES[solver]}", "stokes", partial(_order, "duct", DUCT, solver), 2.0, 0.25,
                "the fit over three sizes holds higher terms too", "second-order walls", "8, 16, 32 voxels across",
                absolute=True,
            )
        )  # fmt: skip
    return made


def spheres() -> list[Case]:
    """Simple cubic at every tabulated fraction; body- and face-centred cubic by Hasimoto's series."""
    made = []
    # named here too, so that the cases are listed where the file is absent
    fractions = ("0.001", "0.027", "0.064", "0.125", "0.216", "0.343", "0.45", "0.5236")
    table = {row["solid_fraction"]: float(row["K_drag"]) for row in read_reference("refs/zick_homsy_1982_SC.csv")}
    for text in fractions:
        made.append(_simple_cubic(text, table.get(text, float("nan")), "fv", 40))
    for text in ("0.216", "0.5236"):
        made.append(_simple_cubic(text, table.get(text, float("nan")), "lbm", 48))
    for lattice, (a, b, _) in SERIES.items():
        c = 0.064
        made.append(
            Case(
                f"{lattice} spheres, solid {c}, by {NAMES['fv']}", "stokes",
                partial(drag_of_spheres, lattice, c, 40, "fv"), 1 / (1 - a * c ** (1 / 3) + c - b * c**2), 0.06,
                STAIRS + "; the series leaves out terms of c^(8/3)", HASIMOTO, "40^3 voxels a cell",
            )
        )  # fmt: skip
    return made


def _simple_cubic(text: str, drag: float, solver: Solver, voxels: int) -> Case:
    c = float(text)
    radius = (3 * c / (4 * np.pi)) ** (1 / 3) * voxels
    return Case(
        f"SC spheres, solid {text}, by {NAMES[solver]}", "stokes", partial(drag_of_spheres, "SC", c, voxels, solver),
        drag, 0.03 + 0.25 / radius, STAIRS, ZICK, f"{voxels}^3 voxels a cell, radius {radius:.1f}",
        needs="refs/zick_homsy_1982_SC.csv",
    )  # fmt: skip


def cylinders() -> list[Case]:
    """Flow across a square array, every tabulated fraction; the narrower the gap the finer the grid."""
    file = "refs/sangani_acrivos_1982_square_cylinders.csv"
    table = {float(row["solid_fraction"]): float(row["F_over_muU"]) for row in read_reference(file)}
    made = []
    for c in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75):
        gap = 1 - 2 * np.sqrt(c / np.pi)
        voxels = {0.7: 384, 0.75: 640}.get(c, 96)
        made.append(
            Case(
                f"square cylinders, solid {c:g}, by {NAMES['fv']}", "stokes", partial(drag_of_cylinders, c, voxels),
                table.get(c, float("nan")), 0.02 + 0.6 / (gap * voxels), STAIRS + ", felt in the gap", CYLINDERS,
                f"{voxels}^2 voxels a cell, gap {gap * voxels:.1f}", needs=file,
            )
        )  # fmt: skip
    return made


def _berea_ratio(axis: int) -> float:
    """K of the first 128^3 block over the reference solver's."""
    from porelab_gui.core.transport.stokes import fv
    from porelab_gui.core.transport.stokes.faces import Faces
    from porelab_gui.core.transport.stokes.geometry import spanning

    path = data_file("berea/berea_z000-256_pore.npz")
    assert path is not None  # the case is skipped without it
    with np.load(path) as archive:
        void = archive[archive.files[0]][:128, :128, :128].astype(bool)
    flow = fv.solve(spanning(void, axis), Faces(axis, False), (1.0, 1.0, 1.0), 3e-3, 400)
    row = next(r for r in read_reference("berea/reference_K_FF_128.csv") if r["index"] == "0")
    return float(flow.permeability[axis]) / float(row[f"K_axis{axis}_per_h2"])


def berea() -> list[Case]:
    """A real rock against a finite-volume solver on the same voxels."""
    reason = (
        "the reference is another solver on the same voxels, two to ten a throat, not truth: walls are treated "
        "differently there, and 0.7 to 1.5 of it is expected"
    )
    return [
        Case(
            "Berea block 0, K along z over the reference", "stokes", partial(_berea_ratio, 0), 1.0, 0.45, reason,
            "porefoam-type finite volumes, data/berea/reference_K_FF_128.csv", "128^3 voxels of 5.345 um",
            needs="berea/berea_z000-256_pore.npz",
        )
    ]  # fmt: skip


def cases() -> list[Case]:
    """All of them."""
    return [*channels(), *spheres(), *cylinders(), *berea()]
