"""Diffusion on voxels and direct simulation of conduits against closed forms, series and reference solvers."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.validation.case import Case, convergence_order, data_file, read_reference, reference_rock
from porelab_gui.core.validation.shapes import sphere_cell, sphere_cell_by_radius

EXACT = "the discrete problem is the closed form; what is left is the solver's tolerance and single-precision bonds"
STAIRS = "spheres made of voxels: first order in the voxel size"
LIMIT = "spheres made of voxels, first order in the voxel size with scatter; extrapolated over three resolutions"
NARROW = LIMIT + "; at this fraction the necks between spheres are a few voxels wide even at 96"
PRINTED = "the same equations on the same voxels (centres within the radius are solid); printed digits of the reference"
SERIES = "Sangani and Acrivos, Proc. R. Soc. A 386 (1983) 263"
SAME = "the same 7-point equations; printed digits and the solver's tolerance"
BEREA = "berea/berea_z000-256_pore.npz"
BEREA_TABLE = "berea/reference_K_FF_128.csv"
SPHERES_TABLE = "refs/conductivity_insulating_spheres_SA1983.csv"
ELECTRODE = "electrodes/electrode_256_3phase.tiff"
PAIR = "conduits/pair.hdf5"
SIDES = 0.0351443  # k / a^2 of a square duct


@cache
def _spheres(lattice: str, fraction: float, voxels: int) -> float:
    return _through_centres(lattice, sphere_cell(lattice, fraction, voxels)[0])


@cache
def _spheres_by_radius(lattice: str, fraction: float, voxels: int) -> float:
    return _through_centres(lattice, sphere_cell_by_radius(lattice, fraction, voxels))


def _through_centres(lattice: str, void: NDArray[np.bool_]) -> float:
    if lattice != "SC":  # a sphere into the corner: only planes through centres are mirrors, as the end faces are
        void = np.roll(void, -(len(void) // 4), axis=(0, 1, 2))
    return relative(void, 0)


def relative(void: NDArray[Any], axis: int, conductivity: tuple[float, ...] = (1.0,)) -> float:
    """Effective over free conductivity of an image (labels 0, 1, 2 ... for the conductivities 0, *conductivity)."""
    from porelab_gui.core.transport.conduit.diffusion import Conduction, transfer

    conduction = Conduction(void.astype(np.uint8), np.array([0.0, *conductivity]), np.ones(3))
    solved = transfer(conduction, axis, False, 1e-7, 1000, keep_field=False)
    return solved.relative if solved.converged else float("nan")


def _layers(axis: int) -> float:
    image = np.ones((12, 6, 6), np.uint8)
    image[6:] = 2
    return relative(image, axis, (1.0, 0.2))


def _oblique_duct() -> float:
    image = np.zeros((20, 12, 12), bool)
    image[:, 2:9, 3:8] = True
    return relative(image, 0)


def _checkers(voxels: int) -> float:
    """A chequerboard of squares of conductivity 1 and 4, ``voxels`` a square."""
    y, x = np.indices((4 * voxels, 4 * voxels)) // voxels
    return relative(((y + x) % 2 + 1)[None].repeat(1, axis=0), 1, (1.0, 4.0))


def closed_forms() -> list[Case]:
    """Ducts, layers, a chequerboard."""
    keller = "Keller, J. Math. Phys. 5 (1964) 548: the geometric mean of the two conductivities"
    return [
        Case(
            "straight duct, F", "diffusion", lambda: 1 / _oblique_duct(), 144 / 35, 1e-6, EXACT,
            "total area over open area", "20 x 12^2",
        ),
        Case("layers in series", "diffusion", partial(_layers, 0), 1 / 3, 1e-6, EXACT, "harmonic mean", "12 layers"),
        Case("layers in parallel", "diffusion", partial(_layers, 1), 0.6, 1e-6, EXACT, "arithmetic mean", "12 layers"),
        Case(
            "chequerboard of 1 and 4", "diffusion", partial(_checkers, 48), 2.0, 0.05,
            "the field is singular at the corners and the faces cut the board: slower than first order",
            keller, "48 voxels a square, 4 x 4 squares",
        ),
    ]  # fmt: skip


def _extrapolated(lattice: str, fraction: float) -> float:
    """The limit of ever smaller voxels: a straight line through 48, 72 and 96 voxels a cell, over the voxel size."""
    sizes = np.array([1 / 48, 1 / 72, 1 / 96])
    values = [_spheres(lattice, fraction, n) for n in (48, 72, 96)]
    return float(np.polyfit(sizes, values, 1)[1])


def sphere_arrays() -> list[Case]:
    """Insulating spheres: the series, the finite volumes of the reference table, the bound, the order."""
    made = []
    for row in read_reference(SPHERES_TABLE):
        lattice, c = row["lattice"], float(row["c"])
        name = f"insulating spheres {lattice} c = {c:g}"
        made.append(
            Case(
                name, "diffusion", partial(_extrapolated, lattice, c), float(row["SA1983"]),
                0.02 if c < 0.65 else 0.05, LIMIT if c < 0.65 else NARROW, SERIES, "48, 72, 96 voxels a cell",
                needs=SPHERES_TABLE,
            )
        )  # fmt: skip
        made += [
            Case(
                f"{name}, finite volumes, {n} voxels", "diffusion", partial(_spheres_by_radius, lattice, c, n),
                float(row[f"FV_n{n}"]), 1e-4, PRINTED,
                f"reference table, column FV_n{n}", f"{n} voxels a cell", needs=SPHERES_TABLE,
            )
            for n in (48, 96)
        ]  # fmt: skip
    made.append(
        Case(
            "share of the Hashin-Shtrikman bound, SC c = 0.3", "diffusion",
            lambda: max(_spheres("SC", 0.3, 48) / (0.7 / 1.15), 1.0), 1.0, 1e-9,
            "no isotropic mixture conducts better than (1 - c) / (1 + c / 2); at most 1", "Hashin and Shtrikman 1962",
            "48 voxels a cell",
        )
    )  # fmt: skip
    made.append(
        Case(
            "order of insulating spheres SC c = 0.3", "diffusion", _sphere_order, 1.0, 0.35,
            "a staircase is first order, with scatter from cell to cell", "theory", "24, 48, 96 voxels a cell",
            absolute=True,
        )
    )  # fmt: skip
    return made


def _sphere_order() -> float:
    sizes = (24, 48, 96)
    errors = [_spheres("SC", 0.3, n) - 0.60567 for n in sizes]
    return convergence_order([1 / n for n in sizes], errors)


@cache
def _berea(block: tuple[int, int, int], axis: int) -> float:
    rock = reference_rock(BEREA)
    assert rock is not None  # the case is skipped without it
    z, y, x = block
    return 1 / relative(rock[z : z + 128, y : y + 128, x : x + 128], axis)


def real_images() -> list[Case]:
    """Formation factors of Berea, tortuosity of an electrode."""
    made = []
    for row in read_reference(BEREA_TABLE):
        block = (int(row["z0"]), int(row["y0"]), int(row["x0"]))
        for axis in range(3):
            made.append(
                Case(
                    f"Berea block {row['index']}, F along {'zyx'[axis]}", "diffusion", partial(_berea, block, axis),
                    float(row[f"FF_axis{axis}"]), 1e-3, SAME, "reference table of the Berea image", "128^3",
                    needs=BEREA,
                )
            )  # fmt: skip
    made.append(
        Case(
            "electrode, tortuosity of the pore", "diffusion", _electrode, 2.0772, 1e-3,
            "the reference stops at flux differences of a per cent; same equations", "TauFactor", "256^3",
            needs=ELECTRODE,
        )
    )  # fmt: skip
    return made


def _electrode() -> float:
    import tifffile

    path = data_file(ELECTRODE)
    assert path is not None  # the case is skipped without it
    image = tifffile.imread(path)
    pore = image == image.min()
    return float(pore.mean()) / relative(pore, 0)


def _simulate(image: NDArray[np.int32], physics: str) -> float:
    from porelab_gui.core.nouns import Network, Regions
    from porelab_gui.core.progress import silent
    from porelab_gui.core.transport.conduit.dns import Conduits, Solver, solve_diffusive, solve_hydraulic

    nouns = Regions(image, (1.0, 1.0, 1.0)), Network(np.zeros((2, 3)), np.array([[0, 1]]))
    solve = solve_diffusive if physics == "diffusive" else solve_hydraulic
    return float(solve(Conduits.of(*nouns), np.array([[1, 2]]), Solver(), silent)[0, 0])


def _pair(flip: bool) -> float:
    import h5py

    path = data_file(PAIR)
    assert path is not None  # the case is skipped without it
    with h5py.File(path) as file:
        image = np.asarray(file["pair"]).astype(np.int32)
    return _simulate(np.where(image > 0, 3 - image, 0).astype(np.int32) if flip else image, "diffusive")


@cache
def _duct_rate(width: int) -> float:
    """k / a^2 of a square duct, from the hydraulic conductance of its two halves."""
    image = np.zeros((width + 2, width + 2, 2 * width), np.int32)
    image[1:-1, 1:-1, :width], image[1:-1, 1:-1, width:] = 1, 2
    return _simulate(image, "hydraulic") * width / width**4


def _tube_rate(diameter: int) -> float:
    """8 k / R^2 of a tube, R from its area in voxels."""
    y, x = np.indices((diameter + 2, diameter + 2)) - (diameter + 1) / 2
    inside = y**2 + x**2 < (diameter / 2) ** 2
    image = (np.where(np.arange(2 * diameter)[:, None, None] < diameter, 1, 2) * inside).astype(np.int32)
    area = float(inside.sum())
    return _simulate(image, "hydraulic") * diameter / (area * area / (8 * np.pi))


def _duct_order() -> float:
    sizes = (8, 16, 32)
    return convergence_order([1 / n for n in sizes], [_duct_rate(n) / SIDES - 1 for n in sizes])


def conduits() -> list[Case]:
    """The fixture pair, ducts and tubes as conduits."""
    fixture = "porespy 3.2.0, diffusive_size_factor_DNS"
    across = "walls are second order, 3.8 / width^2"
    made = [
        Case(
            f"conduit fixture{', labels exchanged' if flip else ''}", "conduits", partial(_pair, flip), 8.38610123,
            1e-7, SAME, fixture, "64^3", "voxel", needs=PAIR,
        )
        for flip in (False, True)
    ]  # fmt: skip
    made += [
        Case(f"duct as a conduit, {n} voxels wide, k / a^2", "conduits", partial(_duct_rate, n), SIDES, 4 / n**2,
             across, "series solution of the square duct", f"{n} x {n}")
        for n in (8, 16, 32)
    ]  # fmt: skip
    made.append(
        Case("order of the duct as a conduit", "conduits", _duct_order, 2.0, 0.1, "second order", "theory",
             "8, 16, 32 voxels", absolute=True)
    )  # fmt: skip
    made.append(
        Case("tube as a conduit, 8 k / R^2", "conduits", partial(_tube_rate, 30), 1.0, 0.03,
             "the wall of the tube is a staircase", "Hagen and Poiseuille", "30 voxels across")
    )  # fmt: skip
    return made


def cases() -> list[Case]:
    """All cases of diffusion and of conduits."""
    return [*closed_forms(), *sphere_arrays(), *real_images(), *conduits()]
